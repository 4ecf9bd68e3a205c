"""The lock of the state: its holder, since when, and whether that process runs. Read without taking the lock.

A local state has terraform's info file and the kernel's lock; S3 has the item of the lock table and the `.tflock` object. Any
other backend shows its lock to terraform only: it is reported as unknown, never as free.
"""

from __future__ import annotations

import socket
import struct
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from checks.aws.errors import aws_error_code
from checks.context import CheckContext
from checks.finding import FrozenStruct
from checks.sanitize import one_line
from checks.tools import processes
from checks.tools.terraform_backend import Backend, read_backend
from checks.tools.terraform_errors import StateLock

_CLOCK_SKEW = 5.0
"""Seconds: the system counts starts in ticks since a boot time in whole seconds; lock times come from another clock."""


class StateLockStatus(FrozenStruct, frozen=True):
    """The lock, nothing (free), or why it is not known."""

    lock: StateLock | None = None
    unknown_reason: str = ""
    """Why it is not known whether the state is locked; empty when it is."""
    denied: tuple[str, ...] = ()
    """The IAM actions that were missing."""
    raw: str = ""


def read_state_lock(context: CheckContext) -> StateLockStatus:
    """The lock of the project's state. Never raises."""
    backend = read_backend(context)
    if not backend.readable:
        return StateLockStatus(
            unknown_reason="the record of the backend (.terraform/terraform.tfstate) cannot be understood"
        )
    if backend.is_local:
        return StateLockStatus(lock=read_local_lock(backend.state_file.parent, backend.state_file.name))
    if backend.type == "s3":
        return _read_s3_lock(context, backend)
    return StateLockStatus(
        unknown_reason=f"a lock in the backend {backend.type} shows only when {context.settings.terraform.command[0]} runs into it"
    )


def read_local_lock(folder: Path, state: str = "terraform.tfstate") -> StateLock | None:
    """The lock on the local state in this folder; None when it is free.

    terraform writes `.terraform.tfstate.lock.info` and locks the state with fcntl. After a kill the file remains and the lock
    is gone: terraform then ignores the file, and so does this.
    """
    info = folder / f".{state}.lock.info"
    try:
        raw = info.read_bytes()
    except OSError:
        return None
    fields = _parse_fields(raw)
    if fields is None:
        return None
    holder = _find_holder_pid(folder / state)
    if holder == 0:
        return None
    return _make_lock(fields, path=state, where="local", alive=True if holder else None, pid=holder or 0)


def add_holder_status(lock: StateLock, folder: Path, command: str = "") -> StateLock:
    """The lock, with whether its holder runs: known only when it was taken on this machine."""
    if lock.alive is not None:
        return lock
    _, _, host = lock.who.rpartition("@")
    if not host or host != socket.gethostname():
        return lock
    taken = _parse_created(lock.created)
    if taken is None:
        return lock
    running = processes.find_terraform_processes(command)
    if running is None:
        return lock
    # Whoever took the lock was running by then. One that started later cannot be it.
    candidates = [one for one in running if one.started <= taken + _CLOCK_SKEW]
    same_folder = [one for one in candidates if one.folder == str(folder)]
    if same_folder:
        return msgspec.structs.replace(lock, alive=True, pid=same_folder[0].pid)
    if any(not one.folder for one in candidates):
        return lock  # another user's terraform: its folder may not be read
    return msgspec.structs.replace(lock, alive=False)


def _read_s3_lock(context: CheckContext, backend: Backend) -> StateLockStatus:
    """The lock table's item and the lock file, whichever the backend is configured for; read, never written."""
    bucket, key = backend.get_text("bucket"), backend.state_key
    if not bucket or not backend.get_text("key"):
        return StateLockStatus(unknown_reason="the record of the S3 backend names no bucket and key")
    table, native = backend.get_text("dynamodb_table"), bool(backend.config.get("use_lockfile"))
    if not table and not native:
        return StateLockStatus(
            unknown_reason="the S3 backend is configured without a lock (no use_lockfile, no lock table)"
        )
    region = backend.get_text("region") or None
    action = "dynamodb:GetItem"
    try:
        fields = None
        if table:
            item = context.aws.client("dynamodb", region).get_item(
                TableName=table, Key={"LockID": {"S": f"{bucket}/{key}"}}, ConsistentRead=True
            )
            fields = _parse_fields(item.get("Item", {}).get("Info", {}).get("S", "").encode())
        if fields is None and native:
            action = "s3:GetObject"
            fields = _read_lock_file(context.aws.client("s3", region), bucket, f"{key}.tflock")
    except Exception as error:  # noqa: BLE001 - whatever AWS answers: then the lock is unknown, and that is reported
        explained = context.aws.explain(error, action)
        own = " (the backend has credentials of its own)" if _has_own_credentials(backend) else ""
        return StateLockStatus(
            unknown_reason=f"the lock in {backend.location} could not be read{own}: {explained.summary}",
            denied=explained.denied,
            raw=explained.raw,
        )
    if fields is None:
        return StateLockStatus()
    lock = _make_lock(fields, path=backend.location, where="s3", alive=None)
    return StateLockStatus(lock=add_holder_status(lock, Path(backend.folder), context.settings.terraform.command[0]))


def _read_lock_file(client: Any, bucket: str, key: str) -> dict[str, Any] | None:
    try:
        return _parse_fields(client.get_object(Bucket=bucket, Key=key)["Body"].read(100_000))
    except Exception as error:
        if aws_error_code(error) in ("NoSuchKey", "404"):  # not NoSuchBucket: that says nothing of a lock
            return None
        raise


def _has_own_credentials(backend: Backend) -> bool:
    return any(
        value
        for key, value in backend.config.items()
        if key in ("profile", "access_key", "role_arn") or key.startswith("assume")
    )


def _parse_fields(raw: bytes) -> dict[str, Any] | None:
    try:
        decoded = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return decoded if isinstance(decoded, dict) else None


def _make_lock(fields: dict[str, Any], *, path: str, where: str, alive: bool | None, pid: int = 0) -> StateLock:
    def text(key: str) -> str:
        return one_line(str(fields.get(key) or ""))

    return StateLock(
        id=text("ID") or "unknown",
        who=text("Who"),
        operation=text("Operation"),
        created=text("Created").replace("T", " ").removesuffix("Z"),
        path=text("Path") or path,
        version=text("Version"),
        alive=alive,
        pid=pid,
        where=where,
    )


def _parse_created(created: str) -> float | None:
    """`2026-11-23 20:00:00.1` (UTC, as `Lock.created`) as seconds since the epoch."""
    text = created.removesuffix(" UTC").removesuffix(" +0000").partition(".")[0]
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _find_holder_pid(path: Path) -> int | None:
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
