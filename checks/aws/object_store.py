"""Objects in S3 that several machines share: read with S3's own clock beside them, written only on a condition.

S3 decides a condition and the write in one step (`If-None-Match: *`, `If-Match`), so that of two writers exactly one
wins, without any server of ours. See "Conditional writes" in the S3 user guide: 412 PreconditionFailed for a condition
that does not hold, 409 ConditionalRequestConflict when another request came in between, 404 for If-Match on nothing.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from checks.aws.errors import aws_error_code, aws_error_types
from config.model import S3_URL_PATTERN

if TYPE_CHECKING:
    from checks.aws.session import AwsSession

MAX_SMALL_OBJECT_BYTES = 1 << 20
"""Bytes of an object that is read into memory: a lock or a summary; what is bigger is none of ours."""
MAX_SINGLE_PUT_BYTES = 100_000_000
"""Bytes that are sent in one piece. S3 takes 5 GB so, and recommends parts from 100 MB on (S3 user guide, "Uploading and
copying objects using multipart upload"): what breaks off then is one part, and comes again."""
PART_BYTES = 32 << 20
"""Bytes of a part; one is held in memory."""
MAX_OBJECT_BYTES = 10_000 * PART_BYTES
"""Bytes of the largest object: S3 takes 10,000 parts ("Amazon S3 multipart upload limits")."""
MAX_WRITE_ATTEMPTS = 4
"""Writes that are tried when S3 answers 409: two requests met, and one has to come again."""
DOWNLOAD_CHUNK_BYTES = 1 << 20
"""Bytes a read of what is fetched."""

_NOT_FOUND_CODES = ("NoSuchKey", "404")
_PRECONDITION_CODES = ("PreconditionFailed", "412", "NoSuchKey", "404")
_CONFLICT_CODES = ("ConditionalRequestConflict", "409")


class ObjectStoreError(Exception):
    """The objects cannot be reached or used. The message is plain words for the operator."""

    def __init__(self, message: str, denied: tuple[str, ...] = (), raw: str = "") -> None:
        super().__init__(message)
        self.denied = denied
        """IAM actions that were refused."""
        self.raw = raw


class ConditionFailed(Exception):
    """Somebody else wrote first: nothing of ours was written."""


@dataclass(frozen=True)
class StoredObject:
    """A small object as it was read."""

    body: bytes
    etag: str
    last_modified: datetime
    """When S3 took it, by S3's clock."""
    read_at: datetime
    """When S3 answered, by the same clock: this machine's may be wrong."""

    @property
    def age(self) -> float:
        """Seconds since it was written, by S3's clock alone."""
        return (self.read_at - self.last_modified).total_seconds()


@dataclass(frozen=True)
class ObjectEntry:
    """An object in a listing."""

    key: str
    """Without the store's prefix."""
    size: int
    etag: str


class ObjectStore:
    """A prefix of a bucket. Keys are relative to it."""

    def __init__(self, aws: AwsSession, url: str) -> None:
        """Raises StoreError for a URL that is none."""
        self.bucket, self.prefix = split_s3_url(url)
        self._aws = aws

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def read(self, key: str) -> StoredObject | None:
        """A small object; None when there is none. Raises StoreError."""
        try:
            answer = self._client().get_object(Bucket=self.bucket, Key=self._full_key(key))
            body = answer["Body"].read(MAX_SMALL_OBJECT_BYTES + 1)
        except aws_error_types() as error:
            if aws_error_code(error) in _NOT_FOUND_CODES:
                return None
            raise self._store_error(error, "s3:GetObject") from error
        if len(body) > MAX_SMALL_OBJECT_BYTES:
            raise ObjectStoreError(f"{self}/{key} is larger than anything that ecotui writes there")
        return StoredObject(body, answer["ETag"], answer["LastModified"], _server_time(answer))

    def create(self, key: str, body: bytes) -> str:
        """Write an object that must not be there yet; its ETag. Raises ConditionFailed, StoreError."""
        return self._put_object(key, body, IfNoneMatch="*")

    def replace(self, key: str, body: bytes, etag: str) -> str:
        """Write over exactly the object that was read; the new ETag. Raises ConditionFailed, StoreError."""
        return self._put_object(key, body, IfMatch=etag)

    def write(self, key: str, body: bytes) -> str:
        """Write, whatever is there: for objects that have one writer. Raises StoreError."""
        return self._put_object(key, body)

    def list_entries(self, prefix: str = "") -> Iterator[ObjectEntry]:
        """What is there, in the order of the keys. Raises StoreError."""
        try:
            for one in self._aws.paginate(
                "s3", "list_objects_v2", "Contents", Bucket=self.bucket, Prefix=self._full_key(prefix)
            ):
                yield ObjectEntry(
                    str(one["Key"])[len(self._full_key("")) :], int(one["Size"]), str(one["ETag"]).strip('"')
                )
        except aws_error_types() as error:
            raise self._store_error(error, "s3:ListBucket") from error

    def upload(self, key: str, source: BinaryIO, size: int, sha256: str) -> None:
        """Write a large object that must not be there yet; S3 itself checks the hashes (64 hex digits: of the whole).

        Raises ConditionFailed, StoreError.
        """
        if size > MAX_OBJECT_BYTES:
            raise ObjectStoreError(f"{size / 1e9:.1f} GB: S3 takes at most {MAX_OBJECT_BYTES / 1e9:.0f} GB from here")
        if size > MAX_SINGLE_PUT_BYTES:
            self._upload_parts(key, source, size, sha256)
            return
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        self._put_object(key, source, IfNoneMatch="*", ContentLength=size, ChecksumSHA256=checksum)

    def _upload_parts(self, key: str, source: BinaryIO, size: int, sha256: str) -> None:
        """S3 looks at the condition when all parts are there: what is there already is found before they are sent."""
        if any(one.key == key for one in self.list_entries(key)):
            raise ConditionFailed
        client, there = self._client(), {"Bucket": self.bucket, "Key": self._full_key(key)}
        begin = source.tell()
        for left in reversed(range(MAX_WRITE_ATTEMPTS)):
            source.seek(begin)
            try:
                upload = client.create_multipart_upload(**there, ChecksumAlgorithm="SHA256")["UploadId"]
            except aws_error_types() as error:
                raise self._store_error(error, "s3:PutObject") from error
            try:
                parts = self._send_parts(client, {**there, "UploadId": upload}, source, size, sha256)
                client.complete_multipart_upload(
                    **there, UploadId=upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
                )
                return
            except aws_error_types() as error:
                self._abort_upload(client, there, upload)
                code = aws_error_code(error)
                if code in _CONFLICT_CODES and left:
                    continue  # after a conflict all parts are to be sent anew, says S3
                if code in (*_CONFLICT_CODES, "PreconditionFailed", "412"):
                    raise ConditionFailed from error
                raise self._store_error(error, "s3:PutObject") from error
            except BaseException:
                self._abort_upload(client, there, upload)
                raise

    @staticmethod
    def _send_parts(
        client: Any, upload: dict[str, str], source: BinaryIO, size: int, sha256: str
    ) -> list[dict[str, Any]]:
        """Send what there is, part by part; the list of them. Raises StoreError when it is not what it was."""
        whole, sent = hashlib.sha256(), 0
        parts: list[dict[str, Any]] = []
        while data := source.read(min(PART_BYTES, size - sent)):
            whole.update(data)
            sent += len(data)
            checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
            number = len(parts) + 1
            told = client.upload_part(**upload, PartNumber=number, Body=data, ChecksumSHA256=checksum)
            parts.append({"PartNumber": number, "ETag": told["ETag"], "ChecksumSHA256": checksum})
        if whole.hexdigest() != sha256:
            raise ObjectStoreError("it changed while it was sent; nothing was written")
        return parts

    @staticmethod
    def _abort_upload(client: Any, target: dict[str, str], upload_id: str) -> None:
        """Parts that belong to nothing are paid for until somebody takes them away."""
        with suppress(*aws_error_types()):
            client.abort_multipart_upload(**target, UploadId=upload_id)

    def download(self, key: str, limit: int) -> Iterator[bytes]:
        """A large object, block by block. Raises StoreError, also when it is not there or larger than the limit."""
        try:
            answer = self._client().get_object(Bucket=self.bucket, Key=self._full_key(key))
            if (size := int(answer["ContentLength"])) > limit:
                raise ObjectStoreError(f"{self}/{key} has {size} bytes, and at most {limit} are taken")
            yield from answer["Body"].iter_chunks(DOWNLOAD_CHUNK_BYTES)
        except aws_error_types() as error:
            if aws_error_code(error) in _NOT_FOUND_CODES:
                raise ObjectStoreError(f"{self}/{key} is not there") from error
            raise self._store_error(error, "s3:GetObject") from error

    def _put_object(self, key: str, body: bytes | BinaryIO, **condition: Any) -> str:
        for left in reversed(range(MAX_WRITE_ATTEMPTS)):
            try:
                answer = self._client().put_object(Bucket=self.bucket, Key=self._full_key(key), Body=body, **condition)
                return str(answer["ETag"])
            except aws_error_types() as error:
                code = aws_error_code(error)
                if code in _CONFLICT_CODES and left:
                    if not isinstance(body, bytes):
                        body.seek(0)
                    continue
                if ("IfMatch" in condition or "IfNoneMatch" in condition) and code in (
                    *_PRECONDITION_CODES,
                    *_CONFLICT_CODES,
                ):
                    raise ConditionFailed from error
                raise self._store_error(error, "s3:PutObject") from error
        raise AssertionError

    def _client(self) -> Any:
        return self._aws.client("s3", self._aws.region or "us-east-1")

    def _full_key(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def _store_error(self, error: BaseException, action: str) -> ObjectStoreError:
        told = self._aws.explain(error, action)
        if aws_error_code(error) == "NoSuchBucket":
            return ObjectStoreError(f"There is no bucket {self.bucket}.", raw=told.raw)
        return ObjectStoreError(told.summary, told.denied, told.raw)


def split_s3_url(url: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://bucket/prefix`. Raises StoreError."""
    found = re.fullmatch(S3_URL_PATTERN, url.strip())
    if found is None:
        raise ObjectStoreError(f"{url!r} is no s3://bucket/prefix")
    return found[1], (found[2] or "").strip("/")


def _server_time(answer: Any) -> datetime:
    """S3's Date header; this machine's clock only where an S3 of somebody else's making sends none."""
    sent = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
    try:
        return parsedate_to_datetime(sent).astimezone(UTC)
    except (TypeError, ValueError):
        return datetime.now(UTC)
