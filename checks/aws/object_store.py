"""Objects in S3 that several machines share: read with S3's own clock beside them, written only on a condition.

S3 decides a condition and the write in one step (`If-None-Match: *`, `If-Match`), so that of two writers exactly one
wins, without any server of ours. See "Conditional writes" in the S3 user guide: 412 PreconditionFailed for a condition
that does not hold, 409 ConditionalRequestConflict when another request came in between, 404 for If-Match on nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from checks.aws.errors import code_of, errors
from config.validation import S3_URL

if TYPE_CHECKING:
    from checks.aws.session import Aws

SMALL = 1 << 20
"""Bytes of an object that is read into memory: a lock or a summary; what is bigger is none of ours."""
WHOLE = 100_000_000
"""Bytes that are sent in one piece. S3 takes 5 GB so, and recommends parts from 100 MB on (S3 user guide, "Uploading and
copying objects using multipart upload"): what breaks off then is one part, and comes again."""
PART = 32 << 20
"""Bytes of a part; one is held in memory."""
LARGEST = 10_000 * PART
"""Bytes of the largest object: S3 takes 10,000 parts ("Amazon S3 multipart upload limits")."""
TRIES = 4
"""Writes that are tried when S3 answers 409: two requests met, and one has to come again."""
BLOCK = 1 << 20
"""Bytes a read of what is fetched."""

_ABSENT = ("NoSuchKey", "404")
_REFUSED = ("PreconditionFailed", "412", "NoSuchKey", "404")
_MET = ("ConditionalRequestConflict", "409")


class StoreError(Exception):
    """The objects cannot be reached or used. The message is plain words for the operator."""

    def __init__(self, message: str, denied: tuple[str, ...] = (), raw: str = "") -> None:
        super().__init__(message)
        self.denied = denied
        """IAM actions that were refused."""
        self.raw = raw


class ConditionFailed(Exception):
    """Somebody else wrote first: nothing of ours was written."""


@dataclass(frozen=True)
class Stored:
    """A small object as it was read."""

    body: bytes
    etag: str
    modified: datetime
    """When S3 took it, by S3's clock."""
    now: datetime
    """When S3 answered, by the same clock: this machine's may be wrong."""

    @property
    def age(self) -> float:
        """Seconds since it was written, by S3's clock alone."""
        return (self.now - self.modified).total_seconds()


@dataclass(frozen=True)
class Listed:
    """An object in a listing."""

    key: str
    """Without the store's prefix."""
    size: int
    etag: str


class ObjectStore:
    """A prefix of a bucket. Keys are relative to it."""

    def __init__(self, aws: Aws, url: str) -> None:
        """Raises StoreError for a URL that is none."""
        self.bucket, self.prefix = split(url)
        self._aws = aws

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def read(self, key: str) -> Stored | None:
        """A small object; None when there is none. Raises StoreError."""
        try:
            answer = self._client().get_object(Bucket=self.bucket, Key=self._key(key))
            body = answer["Body"].read(SMALL + 1)
        except errors() as error:
            if code_of(error) in _ABSENT:
                return None
            raise self._trouble(error, "s3:GetObject") from error
        if len(body) > SMALL:
            raise StoreError(f"{self}/{key} is larger than anything that ecotui writes there")
        return Stored(body, answer["ETag"], answer["LastModified"], _now(answer))

    def create(self, key: str, body: bytes) -> str:
        """Write an object that must not be there yet; its ETag. Raises ConditionFailed, StoreError."""
        return self._put(key, body, IfNoneMatch="*")

    def replace(self, key: str, body: bytes, etag: str) -> str:
        """Write over exactly the object that was read; the new ETag. Raises ConditionFailed, StoreError."""
        return self._put(key, body, IfMatch=etag)

    def write(self, key: str, body: bytes) -> str:
        """Write, whatever is there: for objects that have one writer. Raises StoreError."""
        return self._put(key, body)

    def listing(self, prefix: str = "") -> Iterator[Listed]:
        """What is there, in the order of the keys. Raises StoreError."""
        try:
            for one in self._aws.paginate(
                "s3", "list_objects_v2", "Contents", Bucket=self.bucket, Prefix=self._key(prefix)
            ):
                yield Listed(
                    str(one["Key"])[len(self._key("")) :], int(one["Size"]), str(one["ETag"]).strip('"')
                )
        except errors() as error:
            raise self._trouble(error, "s3:ListBucket") from error

    def upload(self, key: str, source: BinaryIO, size: int, sha256: str) -> None:
        """Write a large object that must not be there yet; S3 itself checks the hashes (64 hex digits: of the whole).

        Raises ConditionFailed, StoreError.
        """
        if size > LARGEST:
            raise StoreError(f"{size / 1e9:.1f} GB: S3 takes at most {LARGEST / 1e9:.0f} GB from here")
        if size > WHOLE:
            self._upload_parts(key, source, size, sha256)
            return
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        self._put(key, source, IfNoneMatch="*", ContentLength=size, ChecksumSHA256=checksum)

    def _upload_parts(self, key: str, source: BinaryIO, size: int, sha256: str) -> None:
        """S3 looks at the condition when all parts are there: what is there already is found before they are sent."""
        if any(one.key == key for one in self.listing(key)):
            raise ConditionFailed
        client, there = self._client(), {"Bucket": self.bucket, "Key": self._key(key)}
        begin = source.tell()
        for left in reversed(range(TRIES)):
            source.seek(begin)
            try:
                upload = client.create_multipart_upload(**there, ChecksumAlgorithm="SHA256")["UploadId"]
            except errors() as error:
                raise self._trouble(error, "s3:PutObject") from error
            try:
                parts = self._parts(client, {**there, "UploadId": upload}, source, size, sha256)
                client.complete_multipart_upload(
                    **there, UploadId=upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
                )
                return
            except errors() as error:
                self._give_up(client, there, upload)
                code = code_of(error)
                if code in _MET and left:
                    continue  # after a conflict all parts are to be sent anew, says S3
                if code in (*_MET, "PreconditionFailed", "412"):
                    raise ConditionFailed from error
                raise self._trouble(error, "s3:PutObject") from error
            except BaseException:
                self._give_up(client, there, upload)
                raise

    @staticmethod
    def _parts(
        client: Any, upload: dict[str, str], source: BinaryIO, size: int, sha256: str
    ) -> list[dict[str, Any]]:
        """Send what there is, part by part; the list of them. Raises StoreError when it is not what it was."""
        whole, sent = hashlib.sha256(), 0
        parts: list[dict[str, Any]] = []
        while data := source.read(min(PART, size - sent)):
            whole.update(data)
            sent += len(data)
            checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
            number = len(parts) + 1
            told = client.upload_part(**upload, PartNumber=number, Body=data, ChecksumSHA256=checksum)
            parts.append({"PartNumber": number, "ETag": told["ETag"], "ChecksumSHA256": checksum})
        if whole.hexdigest() != sha256:
            raise StoreError("it changed while it was sent; nothing was written")
        return parts

    @staticmethod
    def _give_up(client: Any, there: dict[str, str], upload: str) -> None:
        """Parts that belong to nothing are paid for until somebody takes them away."""
        with suppress(*errors()):
            client.abort_multipart_upload(**there, UploadId=upload)

    def download(self, key: str, limit: int) -> Iterator[bytes]:
        """A large object, block by block. Raises StoreError, also when it is not there or larger than the limit."""
        try:
            answer = self._client().get_object(Bucket=self.bucket, Key=self._key(key))
            if (size := int(answer["ContentLength"])) > limit:
                raise StoreError(f"{self}/{key} has {size} bytes, and at most {limit} are taken")
            yield from answer["Body"].iter_chunks(BLOCK)
        except errors() as error:
            if code_of(error) in _ABSENT:
                raise StoreError(f"{self}/{key} is not there") from error
            raise self._trouble(error, "s3:GetObject") from error

    def _put(self, key: str, body: bytes | BinaryIO, **condition: Any) -> str:
        for left in reversed(range(TRIES)):
            try:
                answer = self._client().put_object(
                    Bucket=self.bucket, Key=self._key(key), Body=body, **condition
                )
                return str(answer["ETag"])
            except errors() as error:
                code = code_of(error)
                if code in _MET and left:
                    if not isinstance(body, bytes):
                        body.seek(0)
                    continue
                if ("IfMatch" in condition or "IfNoneMatch" in condition) and code in (*_REFUSED, *_MET):
                    raise ConditionFailed from error
                raise self._trouble(error, "s3:PutObject") from error
        raise AssertionError

    def _client(self) -> Any:
        return self._aws.client("s3", self._aws.region or "us-east-1")

    def _key(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def _trouble(self, error: BaseException, action: str) -> StoreError:
        told = self._aws.explain(error, action)
        if code_of(error) == "NoSuchBucket":
            return StoreError(f"There is no bucket {self.bucket}.", raw=told.raw)
        return StoreError(told.summary, told.denied, told.raw)


def split(url: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://bucket/prefix`. Raises StoreError."""
    found = S3_URL.fullmatch(url.strip())
    if found is None:
        raise StoreError(f"{url!r} is no s3://bucket/prefix")
    return found[1], (found[2] or "").strip("/")


def _now(answer: Any) -> datetime:
    """S3's Date header; this machine's clock only where an S3 of somebody else's making sends none."""
    sent = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
    try:
        return parsedate_to_datetime(sent).astimezone(UTC)
    except (TypeError, ValueError):
        return datetime.now(UTC)
