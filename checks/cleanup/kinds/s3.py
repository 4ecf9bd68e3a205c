"""S3: buckets. Versions, delete markers and multipart uploads block a bucket's deletion, also when versioning is off now.

What object lock protects stays: governance is never bypassed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from checks.aws.errors import aws_error_code
from checks.cleanup.aws_query import AwsQuery, allow_missing, epoch_seconds, parse_tags
from checks.cleanup.leftover_kind import DeletionRefused, DeletionTask, LeftoverKind, ResourceInUse, RetryLater
from checks.cleanup.model import AwsResource
from checks.sanitize import one_line

DELETE_BATCH_SIZE = 1000
"""The most that one DeleteObjects takes (S3 API reference)."""
MAX_PARALLEL_BATCHES = 8
"""Batches at once; S3 allows 3,500 deletes a second and prefix before it answers SlowDown."""


def _list_buckets(query: AwsQuery) -> Iterable[AwsResource]:
    listed = list(query.list_items("s3", "list_buckets", "Buckets"))
    return query.map_parallel(
        lambda bucket: _build_bucket(query, bucket["Name"], epoch_seconds(bucket.get("CreationDate"))), listed
    )


def _read_bucket(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    # HeadBucket has no creation date, which tells a bucket from a later one of its name: the list has it.
    for bucket in query.list_items("s3", "list_buckets", "Buckets"):
        if bucket["Name"] == id:
            return _build_bucket(query, id, epoch_seconds(bucket.get("CreationDate")), region)
    return None


def _delete_bucket(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    s3 = query.client("s3", resource.region)
    _abort_uploads(query, resource, task)
    _delete_all_versions(query, resource, task)
    try:
        s3.delete_bucket(Bucket=resource.id)
    except Exception as error:
        if aws_error_code(error) == "BucketNotEmpty":
            raise ResourceInUse("something was written while it was emptied; emptying it again") from error
        raise


def _build_bucket(query: AwsQuery, name: str, created: float | None, region: str = "") -> AwsResource:
    region = region or query.call_or_default(
        "s3:GetBucketLocation", lambda: _read_bucket_region(query, name), query.region
    )
    s3 = query.client("s3", region)
    resource = AwsResource(
        kind="s3-bucket",
        id=name,
        name=name,
        arn=f"arn:aws:s3:::{name}",
        region=region,
        tags=query.read_tags("s3:GetBucketTagging", lambda: _read_bucket_tags(s3, name)),
        created_at=created,
        identity=(str(created),),
    )
    if not query.is_listed(resource):
        return resource
    not_counted: tuple[str, int | None, bool] = ("", None, False)
    size, content, holds_state = query.call_or_default(
        "s3:ListBucketVersions", lambda: _read_first_page(s3, name), not_counted
    )
    versioning = query.call_or_default(
        "s3:GetBucketVersioning", lambda: s3.get_bucket_versioning(Bucket=name).get("Status", ""), ""
    )
    lock = query.call_or_default("s3:GetBucketObjectLockConfiguration", lambda: _has_object_lock(s3, name), False)
    states = [f"versioning {versioning.lower()}" if versioning else "", "object lock" if lock else ""]
    return replace(
        resource,
        size=size,
        content=content,
        state=", ".join(filter(None, states)),
        protection_reason="holds a terraform state (*.tfstate)" if holds_state else "",
    )


def _read_bucket_tags(s3: Any, name: str) -> dict[str, str]:
    try:
        return parse_tags(s3.get_bucket_tagging(Bucket=name).get("TagSet"))
    except Exception as error:
        if aws_error_code(error) == "NoSuchTagSet":
            return {}
        raise


def _read_bucket_region(query: AwsQuery, name: str) -> str:
    # us-east-1 has an empty constraint, eu-west-1 of old buckets is EU.
    constraint = query.client("s3").get_bucket_location(Bucket=name).get("LocationConstraint")
    return {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(constraint) or str(constraint)


def _has_object_lock(s3: Any, name: str) -> bool:
    try:
        configuration = s3.get_object_lock_configuration(Bucket=name).get("ObjectLockConfiguration", {})
    except Exception as error:
        if aws_error_code(error) in {"ObjectLockConfigurationNotFoundError", "ObjectLockConfigurationNotFound"}:
            return False
        raise
    return bool(configuration.get("ObjectLockEnabled") == "Enabled")


def _read_first_page(s3: Any, name: str) -> tuple[str, int | None, bool]:
    """How much is in the bucket, in words and as `AwsResource.content`, and whether its first page shows a state."""
    page = s3.list_object_versions(Bucket=name, MaxKeys=DELETE_BATCH_SIZE)
    versions, markers = page.get("Versions", ()), page.get("DeleteMarkers", ())
    more = "+" if page.get("IsTruncated") else ""
    words = [
        f"{len(versions):,}{more} version{'' if len(versions) == 1 and not more else 's'}",
        f"{len(markers):,}{more} delete marker{'' if len(markers) == 1 and not more else 's'}" if markers else "",
    ]
    holds_state = any(item["Key"].endswith(".tfstate") for item in versions)
    content = DELETE_BATCH_SIZE + 1 if more else len(versions)
    return ", ".join(filter(None, words)) if versions or markers else "empty", content, holds_state


def _abort_uploads(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    s3 = query.client("s3", resource.region)
    uploads = query.list_items("s3", "list_multipart_uploads", "Uploads", region=resource.region, Bucket=resource.id)
    aborted = 0
    for upload in uploads:
        if task.stop_event.is_set():
            raise RetryLater("stopped")
        allow_missing(s3.abort_multipart_upload, Bucket=resource.id, Key=upload["Key"], UploadId=upload["UploadId"])
        aborted += 1
    if aborted:
        task.report_progress(f"{aborted} multipart upload{'' if aborted == 1 else 's'} aborted")


def _version_batches(query: AwsQuery, resource: AwsResource) -> Iterator[list[dict[str, str]]]:
    """Every version and delete marker, in batches that one DeleteObjects takes."""
    s3 = query.client("s3", resource.region)
    batch: list[dict[str, str]] = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=resource.id):
        for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            batch.append({"Key": item["Key"], "VersionId": item["VersionId"]})
            if len(batch) == DELETE_BATCH_SIZE:
                yield batch
                batch = []
    if batch:
        yield batch


@dataclass
class _DeletedVersions:
    """What the batches of one deletion came to."""

    count: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """How many versions S3 refused to delete, by error code."""
    example: str = ""
    """The first refusal."""

    def add(self, batches: Iterable[Future[tuple[int, list[dict[str, str]]]]]) -> None:
        for batch in batches:
            size, errors = batch.result()
            self.count += size - len(errors)
            for error in errors:
                self.refused[error.get("Code", "")] += 1
                self.example = self.example or f"{error.get('Key', '')}: {error.get('Message', '')}"


def _delete_batch(s3: Any, bucket: str, batch: list[dict[str, str]]) -> tuple[int, list[dict[str, str]]]:
    """The size of the batch, and the errors in S3's answer."""
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
    return len(batch), answer.get("Errors", [])


def _delete_all_versions(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    """Delete all versions and markers; the next page is listed while the last ones are deleted."""
    s3, deleted = query.client("s3", resource.region), _DeletedVersions()
    in_progress: set[Future[tuple[int, list[dict[str, str]]]]] = set()
    with ThreadPoolExecutor(max_workers=MAX_PARALLEL_BATCHES, thread_name_prefix="empty") as pool:
        for batch in _version_batches(query, resource):
            if task.stop_event.is_set():
                break
            in_progress.add(pool.submit(_delete_batch, s3, resource.id, batch))
            if len(in_progress) >= MAX_PARALLEL_BATCHES * 2:
                done, in_progress = wait(in_progress, return_when=FIRST_COMPLETED)
                deleted.add(done)
                task.report_progress(f"{deleted.count:,} versions deleted")
        if in_progress:
            deleted.add(wait(in_progress).done)
            task.report_progress(f"{deleted.count:,} versions deleted")
    if task.stop_event.is_set():
        raise RetryLater("stopped")
    if deleted.refused:
        _raise_refused(query, resource, deleted)


def _raise_refused(query: AwsQuery, resource: AwsResource, deleted: _DeletedVersions) -> None:
    """Raises DeletionRefused where another try would not help, else RetryLater."""
    count, codes = sum(deleted.refused.values()), deleted.refused.keys()
    if not codes & {"AccessDenied", "ObjectLocked", "InvalidRequest"}:
        raise RetryLater(f"{count:,} versions were not deleted yet ({', '.join(sorted(codes))})")
    example = one_line(deleted.example, limit=160)
    s3 = query.client("s3", resource.region)
    if query.call_or_default("s3:GetBucketObjectLockConfiguration", lambda: _has_object_lock(s3, resource.id), False):
        raise DeletionRefused(
            f"object lock keeps {count:,} version{'' if count == 1 else 's'} until their retention ends"
            f" or their legal hold is lifted ({example})"
        )
    raise DeletionRefused(f"{count:,} versions could not be deleted ({example})")


KINDS = (
    LeftoverKind(
        id="s3-bucket",
        singular="S3 bucket",
        terraform_types=("aws_s3_bucket",),
        list_permission="s3:ListAllMyBuckets",
        list_resources=_list_buckets,
        read_resource=_read_bucket,
        delete=_delete_bucket,
        action="empty+delete",
        guide=("4.2",),
    ),
)
