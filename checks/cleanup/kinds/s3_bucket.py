"""S3 buckets. Versions, delete markers and multipart uploads keep a bucket from going, also when versioning is now off.

What object lock keeps stays: governance is never bypassed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from checks.cleanup.aws_query import Asking, InUse, NotYet, Refused, code, epoch, is_missing, tags_of
from checks.cleanup.kinds import Task
from checks.cleanup.model import Seen
from checks.sanitize import one_line

BATCH = 1000
"""The most that one DeleteObjects takes (S3 API reference)."""
PARALLEL = 8
"""Batches under way at once; S3 allows 3,500 deletes a second and prefix before it answers SlowDown."""


def find(asking: Asking) -> Iterable[Seen]:
    listed = list(asking.pages("s3", "list_buckets", "Buckets"))
    return asking.each(
        lambda bucket: _seen(asking, bucket["Name"], epoch(bucket.get("CreationDate"))), listed
    )


def again(asking: Asking, id: str, region: str) -> Seen | None:
    # HeadBucket tells no creation date, and that is what makes a bucket this very one: so the list is asked.
    for bucket in asking.pages("s3", "list_buckets", "Buckets"):
        if bucket["Name"] == id:
            return _seen(asking, id, epoch(bucket.get("CreationDate")), region)
    return None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    s3 = asking.client("s3", seen.region)
    _abort_uploads(asking, seen, task)
    _empty(asking, seen, task)
    try:
        s3.delete_bucket(Bucket=seen.id)
    except Exception as error:
        if code(error) == "BucketNotEmpty":
            raise InUse("something was written while it was emptied; emptying it again") from error
        raise


def _seen(asking: Asking, name: str, created: float | None, region: str = "") -> Seen:
    region = region or asking.attempt("s3:GetBucketLocation", lambda: _region(asking, name), asking.region)
    s3 = asking.client("s3", region)
    plain = Seen(
        kind="s3-bucket",
        id=name,
        name=name,
        arn=f"arn:aws:s3:::{name}",
        region=region,
        tags=asking.tags("s3:GetBucketTagging", lambda: _tags(s3.get_bucket_tagging, Bucket=name)),
        created=created,
        identity=(str(created),),
    )
    if not asking.wanted(plain):
        return plain
    size, holds_state = asking.attempt("s3:ListBucketVersions", lambda: _first_page(s3, name), ("", False))
    versioning = asking.attempt(
        "s3:GetBucketVersioning", lambda: s3.get_bucket_versioning(Bucket=name).get("Status", ""), ""
    )
    lock = asking.attempt("s3:GetBucketObjectLockConfiguration", lambda: _locked(s3, name), False)
    states = [f"versioning {versioning.lower()}" if versioning else "", "object lock" if lock else ""]
    return Seen(
        **{field: getattr(plain, field) for field in ("kind", "id", "name", "arn", "region", "tags")},
        created=created,
        identity=plain.identity,
        size=size,
        state=", ".join(filter(None, states)),
        guarded="holds a terraform state (*.tfstate)" if holds_state else "",
    )


def _tags(ask: Any, **parameters: str) -> dict[str, str]:
    try:
        return tags_of(ask(**parameters).get("TagSet"))
    except Exception as error:
        if code(error) == "NoSuchTagSet":
            return {}
        raise


def _region(asking: Asking, name: str) -> str:
    # us-east-1 is told as nothing, eu-west-1 as EU in buckets of old.
    told = asking.client("s3").get_bucket_location(Bucket=name).get("LocationConstraint")
    return {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(told) or str(told)


def _locked(s3: Any, name: str) -> bool:
    try:
        configuration = s3.get_object_lock_configuration(Bucket=name).get("ObjectLockConfiguration", {})
    except Exception as error:
        if code(error) in {"ObjectLockConfigurationNotFoundError", "ObjectLockConfigurationNotFound"}:
            return False
        raise
    return bool(configuration.get("ObjectLockEnabled") == "Enabled")


def _first_page(s3: Any, name: str) -> tuple[str, bool]:
    """How much is in it, from one page, and whether that shows a terraform state."""
    page = s3.list_object_versions(Bucket=name, MaxKeys=BATCH)
    versions, markers = page.get("Versions", ()), page.get("DeleteMarkers", ())
    more = "+" if page.get("IsTruncated") else ""
    words = [
        f"{len(versions):,}{more} version{'' if len(versions) == 1 and not more else 's'}",
        f"{len(markers):,}{more} delete marker{'' if len(markers) == 1 and not more else 's'}"
        if markers
        else "",
    ]
    holds_state = any(item["Key"].endswith(".tfstate") for item in versions)
    return ", ".join(filter(None, words)) if versions or markers else "empty", holds_state


def _abort_uploads(asking: Asking, seen: Seen, task: Task) -> None:
    s3 = asking.client("s3", seen.region)
    uploads = asking.pages("s3", "list_multipart_uploads", "Uploads", region=seen.region, Bucket=seen.id)
    aborted = 0
    for upload in uploads:
        if task.stopping.is_set():
            raise NotYet("stopped")
        try:
            s3.abort_multipart_upload(Bucket=seen.id, Key=upload["Key"], UploadId=upload["UploadId"])
            aborted += 1
        except Exception as error:
            if not is_missing(error):
                raise
    if aborted:
        task.say(f"{aborted} multipart upload{'' if aborted == 1 else 's'} aborted")


def _batches(asking: Asking, seen: Seen) -> Iterator[list[dict[str, str]]]:
    """Every version and delete marker, in batches that one DeleteObjects takes."""
    s3 = asking.client("s3", seen.region)
    batch: list[dict[str, str]] = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=seen.id):
        for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            batch.append({"Key": item["Key"], "VersionId": item["VersionId"]})
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _empty(asking: Asking, seen: Seen, task: Task) -> None:
    """Delete all versions and markers; the next page is listed while the last ones are deleted."""
    s3 = asking.client("s3", seen.region)
    deleted, refused, example = 0, Counter[str](), ""

    def send(batch: list[dict[str, str]]) -> tuple[int, list[dict[str, str]]]:
        answer = s3.delete_objects(Bucket=seen.id, Delete={"Objects": batch, "Quiet": True})
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
        task.say(f"{deleted:,} versions deleted")

    with ThreadPoolExecutor(max_workers=PARALLEL, thread_name_prefix="empty") as pool:
        under_way: set[Future[tuple[int, list[dict[str, str]]]]] = set()
        for batch in _batches(asking, seen):
            if task.stopping.is_set():
                break
            under_way.add(pool.submit(send, batch))
            if len(under_way) >= PARALLEL * 2:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                settle(done)
        if under_way:
            settle(wait(under_way).done)
    if task.stopping.is_set():
        raise NotYet("stopped")
    if not refused:
        return
    count = sum(refused.values())
    if refused.keys() & {"AccessDenied", "ObjectLocked", "InvalidRequest"}:
        lock = asking.attempt("s3:GetBucketObjectLockConfiguration", lambda: _locked(s3, seen.id), False)
        if lock:
            raise Refused(
                f"object lock keeps {count:,} version{'' if count == 1 else 's'} until their retention ends"
                f" or their legal hold is lifted ({one_line(example, limit=160)})"
            )
        raise Refused(f"{count:,} versions could not be deleted ({one_line(example, limit=160)})")
    raise NotYet(f"{count:,} versions were not deleted yet ({', '.join(sorted(refused))})")
