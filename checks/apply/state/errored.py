"""`errored.tfstate`: the state that an interrupted apply could not save, compared with the one that terraform reads now.

Nothing here writes to the backend; what may be pushed, and what must not, is decided from serial and lineage as
terraform itself decides it (`terraform state push`: another lineage or a higher serial there is refused).
"""

from __future__ import annotations

import hashlib
import os
import time
from enum import StrEnum
from pathlib import Path

import msgspec

from checks.finding import FrozenStruct
from checks.sanitize import one_line
from checks.text import plural
from checks.tools.terraform import StateSummary, TerraformError, parse_state

ERRORED_STATE_FILE = "errored.tfstate"
_MAX_STATE_BYTES = 256_000_000
"""Bytes that are read of it, as of a state."""
_DIGEST_LENGTH = 12
"""Digits of the checksum that are typed to approve; 48 bits tell two files of one folder apart."""


class PushSafety(StrEnum):
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


class ErroredState(FrozenStruct, frozen=True):
    """The file, and what pushing it would change."""

    path: str
    digest: str
    """The first digits of its SHA-256: names exactly this content."""
    push_safety: PushSafety = msgspec.field(name="fit")
    resources: int = 0
    serial: int = 0
    lineage: str = ""
    current_resources: int | None = msgspec.field(default=None, name="there")
    """Resources of the state that terraform reads now; None when it could not be read."""
    current_serial: int = msgspec.field(default=0, name="there_serial")
    gained: tuple[str, ...] = ()
    """Addresses that only the file knows: they exist, and the state does not know them."""
    lost: tuple[str, ...] = ()
    """Addresses that only the state knows."""
    problem: str = msgspec.field(default="", name="trouble")

    @property
    def is_pushable(self) -> bool:
        return self.push_safety is PushSafety.AHEAD

    @property
    def sentence(self) -> str:
        """What it is and what it means, in one line."""
        what = f"{ERRORED_STATE_FILE} is there: an interrupted apply could not save its state"
        match self.push_safety:
            case PushSafety.BROKEN:
                return f"{ERRORED_STATE_FILE} is there, but is no state that can be read ({self.problem}): check it by hand"
            case PushSafety.UNCOMPARED:
                return f"{what}; what it would change is not known before the state can be read: {self.problem}"
            case PushSafety.SAME:
                return f"{ERRORED_STATE_FILE} is there, but the state holds all of it already: it only has to be moved aside"
            case PushSafety.FOREIGN:
                return f"{ERRORED_STATE_FILE} is there, but is of another state (lineage {self.lineage[:8]}…): it must not be pushed"
            case PushSafety.BEHIND:
                return (
                    f"{what}, and the state was written since (serial {self.current_serial}, the file has {self.serial}):"
                    " a push would undo that"
                )
            case _:
                return f"{what} ({plural(len(self.gained), 'resource')} that the state does not know); save it before anything else"


def read_errored_state(folder: Path, current_state: StateSummary | None, state_error: str = "") -> ErroredState | None:
    """The file in the folder of the root module; None when there is none. `current_state` is the state that terraform reads now.

    A link is not followed. Never raises: a file that cannot be read is broken, with the reason.
    """
    path = folder / ERRORED_STATE_FILE
    try:
        data = _read_bytes(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return ErroredState(
            path=str(path), digest="", push_safety=PushSafety.BROKEN, problem=error.strerror or "unreadable"
        )
    return compare_with_state(path, data, current_state, state_error)


def compare_with_state(
    path: Path, data: bytes, current_state: StateSummary | None, state_error: str = ""
) -> ErroredState:
    """What a push of these bytes would change."""
    digest = hashlib.sha256(data).hexdigest()[:_DIGEST_LENGTH]
    try:
        errored_state = parse_state(data.decode("utf-8"))
    except (TerraformError, UnicodeDecodeError) as error:
        return ErroredState(
            path=str(path), digest=digest, push_safety=PushSafety.BROKEN, problem=one_line(str(error), limit=200)
        )
    if not errored_state.lineage:
        return ErroredState(path=str(path), digest=digest, push_safety=PushSafety.BROKEN, problem="it names no lineage")
    here = {one.address for one in errored_state.resources}
    known = {one.address for one in current_state.resources} if current_state else set()
    return ErroredState(
        path=str(path),
        digest=digest,
        push_safety=_push_safety(errored_state, current_state),
        resources=len(here),
        serial=errored_state.serial,
        lineage=one_line(errored_state.lineage),
        current_resources=None if current_state is None else len(known),
        current_serial=current_state.serial if current_state else 0,
        gained=tuple(sorted(here - known)) if current_state else (),
        lost=tuple(sorted(known - here)) if current_state else (),
        problem=state_error if current_state is None else "",
    )


def _push_safety(errored_state: StateSummary, current_state: StateSummary | None) -> PushSafety:
    if current_state is None:
        return PushSafety.UNCOMPARED
    if not current_state.lineage:  # nothing was ever saved there
        return PushSafety.AHEAD
    if current_state.lineage != errored_state.lineage:
        return PushSafety.FOREIGN
    if errored_state.serial < current_state.serial:
        return PushSafety.BEHIND
    if errored_state.serial > current_state.serial:
        return PushSafety.AHEAD
    return PushSafety.SAME if set(errored_state.resources) == set(current_state.resources) else PushSafety.BEHIND


def archive_errored_state(folder: Path, digest: str) -> Path:
    """Move the file out of the way, where it stays as a copy for its owner only. Raises OSError.

    Raises FileNotFoundError too when it is not the file of this digest any more.
    """
    path = folder / ERRORED_STATE_FILE
    if hashlib.sha256(_read_bytes(path)).hexdigest()[:_DIGEST_LENGTH] != digest:
        raise FileNotFoundError(None, "it was changed in the meantime", str(path))
    # `*.tfstate.*` is what the usual .gitignore of a terraform project leaves out: it holds secrets.
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    target = folder / f"{ERRORED_STATE_FILE}.{stamp}.{digest}"
    path.chmod(0o600)
    path.rename(target)
    return target


def _read_bytes(path: Path) -> bytes:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as stream:
        return stream.read(_MAX_STATE_BYTES)
