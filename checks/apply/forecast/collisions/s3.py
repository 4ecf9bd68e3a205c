"""Collisions of S3: the name of a bucket is unique in the world."""

from __future__ import annotations

from checks.apply.forecast.collisions.kind import CollisionKind, CollisionQuery, ExistingResource
from checks.aws.errors import aws_error_code, is_denied, is_not_found


def _find_bucket(query: CollisionQuery) -> ExistingResource | None:
    # HeadBucket answers whether the name is taken, the listing of our own buckets whether this account has it.
    arn = f"arn:aws:s3:::{query.name}"
    try:
        query.client.head_bucket(Bucket=query.name)
    except Exception as error:
        if is_not_found(error):
            return None
        # Any other answer comes from a bucket that exists.
        if not is_denied(error) and aws_error_code(error) not in ("301", "PermanentRedirect", "400"):
            raise
    if any(bucket["Name"] == query.name for bucket in query.list_items("list_buckets", "Buckets")):
        return ExistingResource(id=arn, import_id=query.name)
    return ExistingResource(id=arn, import_id="", is_own=False)


KINDS = (
    CollisionKind(
        "aws_s3_bucket",
        _find_bucket,
        "s3:ListAllMyBuckets",
        "s3",
        attribute="bucket",
        guide=("4.2",),
        is_global=True,
    ),
)
