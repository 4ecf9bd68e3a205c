"""`errored.tfstate`: the state that an interrupted run could not save, held against the one that terraform reads now.

Nothing here writes to the backend; what may be pushed, and what must not, is decided from serial and lineage as
terraform itself decides it (`terraform state push`: another lineage or a higher serial there is refused).
"""

from __future__ import annotations

import hashlib
import os
import time
from enum import StrEnum
from pathlib import Path

from checks.finding import Value
from checks.sanitize import one_line
from checks.tools.terraform import Held, TerraformError, held

NAME = "errored.tfstate"
_LARGEST = 256_000_000
"""Bytes that are read of it, as of a state."""
_SHORT = 12
"""Digits of the checksum that are typed to approve; 48 bits tell two files of one folder apart."""


class Fit(StrEnum):
    AHEAD = "ahead"
    """The same state, further on: push it."""
    SAME = "same"
    """It is saved already: nothing to push."""
    BEHIND = "behind"
    """Somebody wrote the state since: a push would undo that, and terraform refuses it."""
    FOREIGN = "foreign"
    """Of another state altogether."""
    BROKEN = "broken"
    """It cannot be read as a state."""
    UNCOMPARED = "uncompared"
    """The state that terraform reads now could not be read."""


class Errored(Value, frozen=True):
    """The file, and what a push of it would change."""

    path: str
    digest: str
    """The first digits of its SHA-256: names exactly this content."""
    fit: Fit
    resources: int = 0
    serial: int = 0
    lineage: str = ""
    there: int | None = None
    """Resources of the state that terraform reads now; None when it could not be read."""
    there_serial: int = 0
    gained: tuple[str, ...] = ()
    """Addresses that only the file knows: they exist, and the state does not know them."""
    lost: tuple[str, ...] = ()
    """Addresses that only the state knows."""
    trouble: str = ""

    @property
    def pushable(self) -> bool:
        return self.fit is Fit.AHEAD

    @property
    def sentence(self) -> str:
        """What it is and what it means, in one line."""
        what = f"{NAME} is there: an interrupted run could not save its state"
        match self.fit:
            case Fit.BROKEN:
                return (
                    f"{NAME} is there, but is no state that can be read ({self.trouble}): look at it by hand"
                )
            case Fit.UNCOMPARED:
                return f"{what}; what it would change cannot be told before the state can be read: {self.trouble}"
            case Fit.SAME:
                return (
                    f"{NAME} is there, but the state holds all of it already: it only has to be moved aside"
                )
            case Fit.FOREIGN:
                return f"{NAME} is there, but is of another state (lineage {self.lineage[:8]}…): it must not be pushed"
            case Fit.BEHIND:
                return (
                    f"{what}, and the state was written since (serial {self.there_serial}, the file has {self.serial}):"
                    " a push would undo that"
                )
            case _:
                return f"{what} ({counted(self.gained)} that the state does not know); save it before anything else"


def read(folder: Path, now: Held | None, trouble: str = "") -> Errored | None:
    """The file in the folder of the root module; None when there is none. `now` is the state that terraform reads.

    A link is not followed. Never raises: a file that cannot be read is broken, with the reason.
    """
    path = folder / NAME
    try:
        data = _bytes(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Errored(path=str(path), digest="", fit=Fit.BROKEN, trouble=error.strerror or "unreadable")
    return judge(path, data, now, trouble)


def judge(path: Path, data: bytes, now: Held | None, trouble: str = "") -> Errored:
    """What a push of these bytes would change."""
    digest = hashlib.sha256(data).hexdigest()[:_SHORT]
    try:
        kept = held(data.decode("utf-8"))
    except (TerraformError, UnicodeDecodeError) as error:
        return Errored(path=str(path), digest=digest, fit=Fit.BROKEN, trouble=one_line(str(error), limit=200))
    if not kept.lineage:
        return Errored(path=str(path), digest=digest, fit=Fit.BROKEN, trouble="it names no lineage")
    here = {one.address for one in kept.resources}
    known = {one.address for one in now.resources} if now else set()
    return Errored(
        path=str(path),
        digest=digest,
        fit=_fit(kept, now),
        resources=len(here),
        serial=kept.serial,
        lineage=one_line(kept.lineage),
        there=None if now is None else len(known),
        there_serial=now.serial if now else 0,
        gained=tuple(sorted(here - known)) if now else (),
        lost=tuple(sorted(known - here)) if now else (),
        trouble=trouble if now is None else "",
    )


def _fit(kept: Held, now: Held | None) -> Fit:
    if now is None:
        return Fit.UNCOMPARED
    if not now.lineage:  # nothing was ever saved there
        return Fit.AHEAD
    if now.lineage != kept.lineage:
        return Fit.FOREIGN
    if kept.serial < now.serial:
        return Fit.BEHIND
    if kept.serial > now.serial:
        return Fit.AHEAD
    return Fit.SAME if set(kept.resources) == set(now.resources) else Fit.BEHIND


def set_aside(folder: Path, digest: str) -> Path:
    """Move the file out of the way, where it stays as a copy for its owner only. Raises OSError.

    Raises FileNotFoundError too when it is not the file of this digest any more.
    """
    path = folder / NAME
    if hashlib.sha256(_bytes(path)).hexdigest()[:_SHORT] != digest:
        raise FileNotFoundError(None, "it was changed in the meantime", str(path))
    # `*.tfstate.*` is what the usual .gitignore of a terraform project leaves out: it holds secrets.
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    target = folder / f"{NAME}.{stamp}.{digest}"
    path.chmod(0o600)
    path.rename(target)
    return target


def counted(addresses: tuple[str, ...]) -> str:
    """`1 resource`, `5 resources`."""
    return f"{len(addresses)} resource{'s' if len(addresses) != 1 else ''}"


def _bytes(path: Path) -> bytes:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as stream:
        return stream.read(_LARGEST)
