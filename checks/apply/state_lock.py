"""Who holds the lock of a local state, found without taking it. Locks of other backends show when terraform runs into them."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import msgspec

from checks.commands.diagnostics import Lock
from checks.sanitize import one_line


def local_lock(folder: Path, state: str = "terraform.tfstate") -> Lock | None:
    """The lock on the local state in this folder; None when it is free.

    terraform writes who it is into `.terraform.tfstate.lock.info` and locks the state with fcntl. After a kill the file
    stays and the lock is gone: then terraform takes it without a word, and so it is no lock.
    """
    info = folder / f".{state}.lock.info"
    try:
        said = msgspec.json.decode(info.read_bytes())
        fields = said if isinstance(said, dict) else {}
    except (OSError, msgspec.DecodeError):
        return None

    def text(key: str) -> str:
        return one_line(str(fields.get(key) or ""))

    holder = _holder(folder / state)
    if holder == 0:
        return None
    return Lock(
        id=text("ID") or "unknown",
        who=text("Who"),
        operation=text("Operation"),
        created=text("Created").replace("T", " ").removesuffix("Z"),
        path=text("Path") or state,
        version=text("Version"),
        alive=True if holder else None,
    )


def _holder(path: Path) -> int | None:
    """The process that holds a POSIX lock on the file, asked with F_GETLK; 0 when nobody does, None when unknown."""
    if not sys.platform.startswith("linux"):
        return None  # the structure differs from system to system; the file's word has to do there
    import fcntl

    # struct flock (fcntl(2), 64 bit): type, whence, start, length, pid.
    question = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
    try:
        with path.open("rb") as stream:
            answer = fcntl.fcntl(stream, fcntl.F_GETLK, question)
    except FileNotFoundError:
        return 0  # terraform makes the file when it takes the lock
    except OSError:
        return None
    kind, _, _, _, pid = struct.unpack("hhqqi4x", answer)
    return 0 if kind == fcntl.F_UNLCK else int(pid)
