"""Files of the state folder: private, never opened through a symlink, replaced whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ecotui.session import SessionError

FOLDER_MODE = 0o700
FILE_MODE = 0o600

_ERRNO_TEXTS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "permission denied",
    errno.EPERM: "not permitted",
    errno.EROFS: "the file system is read-only",
    errno.ELOOP: "there is a symbolic link in its place, and links are not followed here",
    errno.ENOENT: "it does not exist",
    errno.ENOTDIR: "a part of the path is not a folder",
    errno.EISDIR: "there is a folder in its place",
    errno.EIO: "the disk reports an error",
    errno.ENOLCK: "the file system has no locks",
    errno.EOPNOTSUPP: "the file system has no locks",
}


def describe_os_error(error: OSError) -> str:
    """Why an operation on a file failed."""
    text = _ERRNO_TEXTS.get(error.errno) if error.errno is not None else None
    return text or (error.strerror or type(error).__name__).lower()


@contextmanager
def raise_session_error(failure: str, path: Path) -> Iterator[None]:
    """Turn an OSError into a SessionError that says what could not be done, where and why."""
    try:
        yield
    except OSError as error:
        raise SessionError(f"{failure} {path}: {describe_os_error(error)}") from error


def make_private_folder(path: Path, *, exist_ok: bool = True) -> Path:
    """Make a private folder, or accept one. Raises SessionError for a link, a file, or another user's folder."""
    with raise_session_error("cannot make the folder", path):
        try:
            path.mkdir(mode=FOLDER_MODE)
        except FileExistsError:
            if not exist_ok:
                raise
    require_private_folder(path)
    return path


def require_private_folder(path: Path) -> None:
    """Raises SessionError unless this is a real folder of this user that others cannot write to."""
    with raise_session_error("cannot use the folder", path):
        status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise SessionError(f"cannot use the folder {path}: {_ERRNO_TEXTS[errno.ELOOP]}")
    if not stat.S_ISDIR(status.st_mode):
        raise SessionError(f"cannot use the folder {path}: there is something else in its place")
    if status.st_uid != os.geteuid():
        raise SessionError(f"cannot use the folder {path}: it belongs to another user")
    if status.st_mode & 0o022:
        raise SessionError(f"cannot use the folder {path}: others may write to it (chmod 700 it first)")


def open_private_file(path: Path | str, flags: int) -> int:
    """Open a private file without following a link, and without passing it on to children. Raises OSError."""
    fd = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, FILE_MODE)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "it is not a plain file", str(path))
    return fd


def read_bytes(path: Path, *, limit: int = 64_000_000) -> bytes:
    """The content of a small file, at most `limit` bytes. Raises OSError."""
    with os.fdopen(open_private_file(path, os.O_RDONLY), "rb") as stream:
        return stream.read(limit)


def is_locked(path: Path) -> bool:
    """Whether this file is locked. The check takes the lock for an instant: for files with one locker only."""
    try:
        fd = open_private_file(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def replace_and_lock(path: Path, data: bytes) -> int:
    """Write a file as `replace_atomically` does, and lock it. It is valid while the returned descriptor is open.

    Raises OSError.
    """
    beside = _temporary_path(path)
    fd = open_private_file(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        write_fully(fd, data)
        beside.replace(path)
    except OSError:
        os.close(fd)
        beside.unlink(missing_ok=True)
        raise
    return fd


def read_if_locked(path: Path, *, limit: int) -> bytes | None:
    """The content of such a file; None where it is not locked: its writer is gone. Raises OSError."""
    while True:
        fd = open_private_file(path, os.O_RDONLY)
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return os.pread(fd, limit, 0)
        else:
            if os.path.samestat(os.fstat(fd), path.lstat()):
                return None
            # It was replaced in between.
        finally:
            os.close(fd)


def _temporary_path(path: Path) -> Path:
    """Where a file is written before it replaces another."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    return beside


def write_fully(fd: int, data: bytes) -> None:
    """Write everything, or raise OSError; after a short write the rest is written."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def replace_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part. Raises OSError."""
    beside = _temporary_path(path)
    fd = open_private_file(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        try:
            write_fully(fd, data)
        finally:
            os.close(fd)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def folder_size(folder: Path) -> int:
    """Bytes of all files in a folder and below; files that vanish meanwhile do not count."""
    size = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            size += path.lstat().st_size
    return size
