"""One writer a project: a lock that names its holder, and that dies with it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ecotui.session.files import explained, make_folder, open_file


@dataclass(frozen=True)
class Holder:
    """Who works on the project now."""

    user: str = ""
    host: str = ""
    terminal: str = ""
    pid: int = 0
    since: str = ""
    """Local time, for a person: 2026-11-23 14:03."""
    project: str = ""


class Lock:
    """Held until `release`, or until this process dies, however it dies."""

    def __init__(self, fd: int, holder: Holder) -> None:
        self._fd = fd
        self.holder = holder

    def release(self) -> None:
        """Free the project. More than once is no error."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def take(root: Path, project: Path, env: Mapping[str, str] | None = None) -> Lock | Holder:
    """Take the project, or learn who has it. `root` is the state folder. Raises SessionError."""
    env = os.environ if env is None else env
    with explained("cannot make the state folder", root):
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = make_folder(root / "locks")
    path = folder / f"{hashlib.sha256(os.fsencode(project)).hexdigest()[:16]}.lock"
    with explained("cannot lock the project with", path):
        # The file is never removed: a lock on a file that is gone from the folder would be no lock.
        fd = open_file(path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            found = os.pread(fd, 4096, 0)
            os.close(fd)
            return _holder(found)
        except OSError:
            os.close(fd)
            raise
        holder = Holder(
            user=_user(env),
            host=socket.gethostname(),
            terminal=_terminal(env),
            pid=os.getpid(),
            since=time.strftime("%Y-%m-%d %H:%M"),
            project=str(project),
        )
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps(asdict(holder), ensure_ascii=False).encode("utf-8", "replace"), 0)
        return Lock(fd, holder)


def _holder(found: bytes) -> Holder:
    """What the file says; it may be empty for the moment in which the holder writes it."""
    try:
        plain = json.loads(found)
        return Holder(**{key: plain[key] for key in Holder.__dataclass_fields__ if key in plain})
    except (ValueError, TypeError):
        return Holder(user="somebody")


def _user(env: Mapping[str, str]) -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return env.get("USER") or str(os.getuid())


def _terminal(env: Mapping[str, str]) -> str:
    for fd in (0, 2, 1):
        try:
            return os.ttyname(fd).removeprefix("/dev/")
        except OSError:
            continue
    return env.get("SSH_TTY", "").removeprefix("/dev/")


def whoami(env: Mapping[str, str] | None = None) -> str:
    """This operator in a word, for the log: user@host, with the terminal and the address that they come from."""
    env = os.environ if env is None else env
    # SSH_CONNECTION: client address, client port, server address, server port (sshd's manual).
    origin = env.get("SSH_CONNECTION", "").split(" ")[0]
    who = f"{_user(env)}@{socket.gethostname()}"
    if terminal := _terminal(env):
        who += f" on {terminal}"
    return f"{who} from {origin}" if origin else who
