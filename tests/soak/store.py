"""An S3 of files, for two machines that are processes here: conditional writes, and one clock of its own."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from checks.aws.object_store import ConditionFailed, StoredObject


class FileStore:
    """As much of `ObjectStore` as a keeper needs. A writer that is killed leaves the old object, or the new one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def read(self, key: str) -> StoredObject | None:
        try:
            plain = json.loads(self._path(key).read_text())
        except FileNotFoundError:
            return None
        moment = datetime.fromtimestamp(plain["at"], UTC)
        return StoredObject(plain["body"].encode(), plain["etag"], moment, datetime.now(UTC))

    def create(self, key: str, body: bytes) -> str:
        with self._alone():
            if self._path(key).exists():
                raise ConditionFailed
            return self._put(key, body)

    def replace(self, key: str, body: bytes, etag: str) -> str:
        with self._alone():
            known = self.read(key)
            if known is None or known.etag != etag:
                raise ConditionFailed
            return self._put(key, body)

    def write(self, key: str, body: bytes) -> str:
        with self._alone():
            return self._put(key, body)

    def _put(self, key: str, body: bytes) -> str:
        path, etag = self._path(key), os.urandom(8).hex()
        beside = path.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps({"body": body.decode(), "etag": etag, "at": time.time()}))
        beside.replace(path)
        return etag

    @contextmanager
    def _alone(self) -> Iterator[None]:
        fd = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _path(self, key: str) -> Path:
        return self._folder / key.replace("/", "_")
