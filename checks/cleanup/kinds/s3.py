"""S3 buckets. Versions, delete markers and multipart uploads keep a bucket from going, also when versioning is now off.

What object lock keeps stays: governance is never bypassed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from checks.aws.errors import aws_error_code, is_not_found
from checks.cleanup.aws_query import AwsQuery, DeletionRefused, ResourceInUse, RetryLater, epoch_seconds, parse_tags
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource
from checks.sanitize import one_line

DELETE_BATCH_SIZE = 1000
"""The most that one DeleteObjects takes (S3 API reference)."""
MAX_PARALLEL_BATCHES = 8
"""Batches under way at once; S3 allows 3,500 deletes a second and prefix before it answers SlowDown."""


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    listed = list(query.list_items("s3", "list_buckets", "Buckets"))
    return query.map_parallel(
        lambda bucket: _build_resource(query, bucket["Name"], epoch_seconds(bucket.get("CreationDate"))), listed
    )


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    # HeadBucket tells no creation date, and that is what makes a bucket this very one: so the list is asked.
    for bucket in query.list_items("s3", "list_buckets", "Buckets"):
        if bucket["Name"] == id:
            return _build_resource(query, id, epoch_seconds(bucket.get("CreationDate")), region)
    return None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    s3 = query.client("s3", resource.region)
    _abort_uploads(query, resource, task)
    _delete_all_versions(query, resource, task)
    try:
        s3.delete_bucket(Bucket=resource.id)
    except Exception as error:
        if aws_error_code(error) == "BucketNotEmpty":
            raise ResourceInUse("something was written while it was emptied; emptying it again") from error
        raise


def _build_resource(query: AwsQuery, name: str, created: float | None, region: str = "") -> AwsResource:
    region = region or query.call_or_default(
        "s3:GetBucketLocation", lambda: _read_bucket_region(query, name), query.region
    )
    s3 = query.client("s3", region)
    plain = AwsResource(
        kind="s3-bucket",
        id=name,
        name=name,
        arn=f"arn:aws:s3:::{name}",
        region=region,
        tags=query.read_tags("s3:GetBucketTagging", lambda: _read_bucket_tags(s3.get_bucket_tagging, Bucket=name)),
        created_at=created,
        identity=(str(created),),
    )
    if not query.is_listed(plain):
        return plain
    size, holds_state = query.call_or_default("s3:ListBucketVersions", lambda: _read_first_page(s3, name), ("", False))
    versioning = query.call_or_default(
        "s3:GetBucketVersioning", lambda: s3.get_bucket_versioning(Bucket=name).get("Status", ""), ""
    )
    lock = query.call_or_default("s3:GetBucketObjectLockConfiguration", lambda: _has_object_lock(s3, name), False)
    states = [f"versioning {versioning.lower()}" if versioning else "", "object lock" if lock else ""]
    return AwsResource(
        **{field: getattr(plain, field) for field in ("kind", "id", "name", "arn", "region", "tags")},
        created_at=created,
        identity=plain.identity,
        size=size,
        state=", ".join(filter(None, states)),
        protection_reason="holds a terraform state (*.tfstate)" if holds_state else "",
    )


def _read_bucket_tags(request: Any, **parameters: str) -> dict[str, str]:
    try:
        return parse_tags(request(**parameters).get("TagSet"))
    except Exception as error:
        if aws_error_code(error) == "NoSuchTagSet":
            return {}
        raise


def _read_bucket_region(query: AwsQuery, name: str) -> str:
    # us-east-1 is told as nothing, eu-west-1 as EU in buckets of old.
    told = query.client("s3").get_bucket_location(Bucket=name).get("LocationConstraint")
    return {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(told) or str(told)


def _has_object_lock(s3: Any, name: str) -> bool:
    try:
        configuration = s3.get_object_lock_configuration(Bucket=name).get("ObjectLockConfiguration", {})
    except Exception as error:
        if aws_error_code(error) in {"ObjectLockConfigurationNotFoundError", "ObjectLockConfigurationNotFound"}:
            return False
        raise
    return bool(configuration.get("ObjectLockEnabled") == "Enabled")


def _read_first_page(s3: Any, name: str) -> tuple[str, bool]:
    """How much is in it, from one page, and whether that shows a terraform state."""
    page = s3.list_object_versions(Bucket=name, MaxKeys=DELETE_BATCH_SIZE)
    versions, markers = page.get("Versions", ()), page.get("DeleteMarkers", ())
    more = "+" if page.get("IsTruncated") else ""
    words = [
        f"{len(versions):,}{more} version{'' if len(versions) == 1 and not more else 's'}",
        f"{len(markers):,}{more} delete marker{'' if len(markers) == 1 and not more else 's'}" if markers else "",
    ]
    holds_state = any(item["Key"].endswith(".tfstate") for item in versions)
    return ", ".join(filter(None, words)) if versions or markers else "empty", holds_state


def _abort_uploads(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    s3 = query.client("s3", resource.region)
    uploads = query.list_items("s3", "list_multipart_uploads", "Uploads", region=resource.region, Bucket=resource.id)
    aborted = 0
    for upload in uploads:
        if task.stop_event.is_set():
            raise RetryLater("stopped")
        try:
            s3.abort_multipart_upload(Bucket=resource.id, Key=upload["Key"], UploadId=upload["UploadId"])
            aborted += 1
        except Exception as error:
            if not is_not_found(error):
                raise
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


def _delete_all_versions(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    """Delete all versions and markers; the next page is listed while the last ones are deleted."""
    s3 = query.client("s3", resource.region)
    deleted, refused, example = 0, Counter[str](), ""

    def send(batch: list[dict[str, str]]) -> tuple[int, list[dict[str, str]]]:
        answer = s3.delete_objects(Bucket=resource.id, Delete={"Objects": batch, "Quiet": True})
        errors = answer.get("Errors", [])
        return len(batch) - len(errors), errors

    def settle(done: Iterable[Future[tuple[int, list[dict[str, str]]]]]) -> None:
        nonlocal deleted, example
        for future in done:
            gone, errors = future.result()
            deleted += gone
            for error in errors:
                refused[error.get("Code", "")] += 1
                example = example or f"{error.get('Key', '')}: {error.get('Message', '')}"
        task.report_progress(f"{deleted:,} versions deleted")

    with ThreadPoolExecutor(max_workers=MAX_PARALLEL_BATCHES, thread_name_prefix="empty") as pool:
        under_way: set[Future[tuple[int, list[dict[str, str]]]]] = set()
        for batch in _version_batches(query, resource):
            if task.stop_event.is_set():
                break
            under_way.add(pool.submit(send, batch))
            if len(under_way) >= MAX_PARALLEL_BATCHES * 2:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                settle(done)
        if under_way:
            settle(wait(under_way).done)
    if task.stop_event.is_set():
        raise RetryLater("stopped")
    if not refused:
        return
    count = sum(refused.values())
    if refused.keys() & {"AccessDenied", "ObjectLocked", "InvalidRequest"}:
        lock = query.call_or_default(
            "s3:GetBucketObjectLockConfiguration", lambda: _has_object_lock(s3, resource.id), False
        )
        if lock:
            raise DeletionRefused(
                f"object lock keeps {count:,} version{'' if count == 1 else 's'} until their retention ends"
                f" or their legal hold is lifted ({one_line(example, limit=160)})"
            )
        raise DeletionRefused(f"{count:,} versions could not be deleted ({one_line(example, limit=160)})")
    raise RetryLater(f"{count:,} versions were not deleted yet ({', '.join(sorted(refused))})")
