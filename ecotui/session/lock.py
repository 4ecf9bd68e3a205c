"""The lock file of a project: names its holder, and is free when the holder's process ends."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from checks.sanitize import one_line
from ecotui.session import SessionError
from ecotui.session.private_files import (
    describe_os_error,
    make_private_folder,
    open_private_file,
    raise_session_error,
    read_bytes,
)


@dataclass(frozen=True)
class LockHolder:
    """Who works on the project now."""

    user: str = ""
    host: str = ""
    terminal: str = ""
    pid: int = 0
    since: str = ""
    """Local time, for a person: 2026-11-23 14:03."""
    project: str = ""
    origin: str = ""
    """The address that the holder's terminal comes from, over SSH."""

    @property
    def description(self) -> str:
        """In words: hana@bastion on pts/7 from 203.0.113.7, since 2026-11-23 14:03."""
        text = f"{self.user or 'somebody'}@{self.host}" if self.host else self.user or "somebody"
        text += f" on {self.terminal}" if self.terminal else ""
        text += f" from {self.origin}" if self.origin else ""
        return f"{text}, since {self.since}" if self.since else text


class ProjectLock:
    """Held until `release`, or until this process dies, however it dies."""

    def __init__(self, fd: int, holder: LockHolder) -> None:
        self._fd = fd
        self.holder = holder

    def release(self) -> None:
        """Release the lock. More than once is no error."""
        if self._fd >= 0:
            with suppress(OSError):
                os.ftruncate(self._fd, 0)  # a watcher reads that nobody works here any more
            os.close(self._fd)
            self._fd = -1


class LocksUnsupported(SessionError):
    """The state folder is on a file system without locks: nobody can say who else writes."""


def acquire_project_lock(root: Path, project: Path, env: Mapping[str, str] | None = None) -> ProjectLock | LockHolder:
    """Take the lock, or read who has it. `root` is the state folder. Raises SessionError, LocksUnsupported."""
    env = os.environ if env is None else env
    with raise_session_error("cannot make the state folder", root):
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_private_folder(root / "locks")
    path = project_lock_path(root, project)
    with raise_session_error("cannot lock the project with", path):
        # The file is never removed: a lock on a file that is gone from the folder would be no lock.
        fd = open_private_file(path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            found = os.pread(fd, 4096, 0)
            os.close(fd)
            return _parse_holder(found)
        except OSError as error:
            os.close(fd)
            if error.errno in _LOCKS_UNSUPPORTED_ERRNOS:
                raise LocksUnsupported(
                    f"files in {root} cannot be locked ({describe_os_error(error)}): it lies on a file system without locks,"
                    " and nobody can say who else works on this project"
                ) from error
            raise
        holder = current_process_as_holder(env, project)
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps(asdict(holder), ensure_ascii=False).encode("utf-8", "replace"), 0)
        return ProjectLock(fd, holder)


_LOCKS_UNSUPPORTED_ERRNOS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
"""Errors of flock where there are no locks: NFS without its lock daemon, some FUSE file systems."""


def current_process_as_holder(env: Mapping[str, str], project: Path) -> LockHolder:
    """This process, as a holder."""
    return LockHolder(
        user=_user_name(env),
        host=socket.gethostname(),
        terminal=terminal_name(env),
        pid=os.getpid(),
        since=time.strftime("%Y-%m-%d %H:%M"),
        project=str(project),
        origin=env.get("SSH_CONNECTION", "").split(" ")[0],
    )


def read_lock_holder(root: Path, project: Path) -> LockHolder | None:
    """Who has the project, by its lock file; None when it was released. Only reads."""
    try:
        found = read_bytes(project_lock_path(root, project), limit=4096)
    except OSError:
        return None
    holder = _parse_holder(found) if found.strip() else None
    return None if holder is None or (holder.pid and has_holder_exited(holder)) else holder


def has_holder_exited(holder: LockHolder) -> bool:
    """Whether the holder's process ended, which frees the lock. Only for holders on this machine."""
    if holder.host != socket.gethostname():
        return False
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def project_lock_path(root: Path, project: Path) -> Path:
    """The lock file of a project; the files of its handoff and lease are beside it."""
    return root / "locks" / f"{hashlib.sha256(os.fsencode(project)).hexdigest()[:16]}.lock"


def _parse_holder(found: bytes) -> LockHolder:
    """The holder that the file names. The file may be empty while the holder writes it."""
    try:
        plain = json.loads(found)
        words = {
            name: one_line(str(plain.get(name, "")), limit=200)
            for name in LockHolder.__dataclass_fields__
            if name != "pid"
        }
        return LockHolder(**words, pid=int(plain.get("pid", 0)))
    except (ValueError, TypeError, AttributeError):
        return LockHolder(user="somebody")


def _user_name(env: Mapping[str, str]) -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return env.get("USER") or str(os.getuid())


def terminal_name(env: Mapping[str, str]) -> str:
    """The terminal of this process: pts/7; empty when it has none."""
    for fd in (0, 2, 1):
        try:
            return os.ttyname(fd).removeprefix("/dev/")
        except OSError:
            continue
    return env.get("SSH_TTY", "").removeprefix("/dev/")


def describe_operator(env: Mapping[str, str] | None = None) -> str:
    """This operator, for the log: user@host, with the terminal and the address that they come from."""
    env = os.environ if env is None else env
    # SSH_CONNECTION: client address, client port, server address, server port (sshd's manual).
    origin = env.get("SSH_CONNECTION", "").split(" ")[0]
    text = f"{_user_name(env)}@{socket.gethostname()}"
    if terminal := terminal_name(env):
        text += f" on {terminal}"
    return f"{text} from {origin}" if origin else text
