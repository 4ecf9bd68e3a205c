"""CloudTrail's event history (moto has none): the deletions of buckets, as far as they were made here."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from moto.cloudtrail.models import cloudtrail_backends
from moto.cloudtrail.responses import CloudTrailResponse
from moto.s3.models import S3Backend

_HISTORY_ATTRIBUTE = "deleted_buckets"
"""The attribute of moto's backend of an account and region: a reset takes it away with all else."""


def install_cloudtrail() -> None:
    """Remember each bucket that is deleted, and answer LookupEvents. Once a process; again is harmless."""
    backend: Any = S3Backend
    if not hasattr(backend.delete_bucket, "__wrapped__"):
        backend.delete_bucket = _record_deletion(backend.delete_bucket)
    setattr(CloudTrailResponse, "lookup_events", _lookup_events)  # noqa: B010 - the class lacks it


def _record_deletion(delete: Callable[..., Any]) -> Callable[..., Any]:
    import functools

    @functools.wraps(delete)
    def delete_bucket(self: Any, bucket_name: str) -> Any:
        gone = delete(self, bucket_name)
        if gone is not None:  # it was empty, and went
            trail = cloudtrail_backends[self.account_id][gone.region_name]
            trail.__dict__.setdefault(_HISTORY_ATTRIBUTE, []).append((time.time(), bucket_name))
        return gone

    return delete_bucket


def _lookup_events(self: Any) -> str:
    """By EventName and StartTime, newest first, in pages: what a look for deleted buckets asks."""
    wanted = {one["AttributeKey"]: one["AttributeValue"] for one in self._get_param("LookupAttributes") or ()}
    since = float(self._get_param("StartTime") or 0)
    size, start = int(self._get_param("MaxResults") or 50), int(self._get_param("NextToken") or 0)
    found = [
        (at, name)
        for at, name in reversed(self.cloudtrail_backend.__dict__.get(_HISTORY_ATTRIBUTE, ()))
        if at >= since and wanted.get("EventName", "DeleteBucket") == "DeleteBucket"
    ]
    answer: dict[str, Any] = {
        "Events": [_deletion_event(at, name, self.region, self.current_account) for at, name in found[start:][:size]]
    }
    if len(found) > start + size:
        answer["NextToken"] = str(start + size)
    return json.dumps(answer)


def _deletion_event(at: float, name: str, region: str, account: str) -> dict[str, Any]:
    id_ = str(uuid.uuid4())
    plain = {
        "eventVersion": "1.10",
        "eventID": id_,
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)),
        "eventSource": "s3.amazonaws.com",
        "eventName": "DeleteBucket",
        "awsRegion": region,
        "requestParameters": {"bucketName": name},
        "recipientAccountId": account,
    }
    return {
        "EventId": id_,
        "EventName": "DeleteBucket",
        "EventTime": at,
        "EventSource": "s3.amazonaws.com",
        "ReadOnly": "false",
        "Resources": [{"ResourceType": "AWS::S3::Bucket", "ResourceName": name}],
        "CloudTrailEvent": json.dumps(plain),
    }
