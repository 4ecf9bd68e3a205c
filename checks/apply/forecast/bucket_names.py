"""Buckets that the plan creates, and that were deleted a short while ago: their name is free, and yet S3 may not give it.

Who deleted them is told by two: earlier sessions of ecotui at once, CloudTrail minutes later but for everybody.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from checks.apply.forecast.model import ForecastWarning, NotChecked
from checks.apply.plan.model import PlannedChange
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.aws.session import AwsSession
    from checks.context import CheckContext

LOOKBACK_SECONDS = 2 * 3600.0
"""Seconds. S3 speaks of an hour at the most; CloudTrail's clock and the operator's own may differ, and an hour is short."""
MAX_PAGES = 3
"""Of 50 events each, the most of one answer; CloudTrail allows two requests a second for an account and region."""
LOOKUP_ACTION = "cloudtrail:LookupEvents"


def recently_deleted_warnings(
    context: CheckContext, planned: Sequence[PlannedChange]
) -> tuple[list[ForecastWarning], list[NotChecked]]:
    """A warning for each of these buckets, and what could not be looked at. Raises nothing."""
    wanted = [(one, name) for one in planned if (name := _created_bucket_name(one))]
    if not wanted:
        return [], []
    now = time.time()
    since = now - LOOKBACK_SECONDS
    gone: dict[str, tuple[float, str]] = {}
    for bucket in context.deleted_buckets(since):
        if bucket.deleted_at >= max(since, gone.get(bucket.name, (0.0, ""))[0]):
            gone[bucket.name] = bucket.deleted_at, "by an earlier session"
    unknown: list[NotChecked] = []
    for region in dict.fromkeys(one.region for one, _ in wanted):
        unasked = {name for one, name in wanted if one.region == region} - set(gone)
        if not unasked:
            continue
        try:
            events, all_of_them = _fetch_deletions(context.aws, region, since)
        except Exception as error:  # noqa: BLE001 - whatever AWS answers, it is said
            trouble = context.aws.explain(error, LOOKUP_ACTION)
            why, denied = trouble.summary, trouble.denied
        else:
            gone |= {name: (at, "says CloudTrail") for name, at in _deleted_buckets(events) if name in unasked}
            if all_of_them or not unasked - set(gone):
                continue
            why, denied = f"more than {50 * MAX_PAGES} buckets were deleted; CloudTrail was asked no further", ()
        unknown.append(NotChecked(what="buckets just deleted", why=why, denied=denied, failed=True))
    return [
        _recently_deleted_warning(one, name, now - gone[name][0], gone[name][1]) for one, name in wanted if name in gone
    ], [*dict.fromkeys(unknown)]


def _created_bucket_name(change: PlannedChange) -> str:
    """The name of a bucket that comes new; one that the plan itself deletes before is told elsewhere."""
    if change.type != "aws_s3_bucket" or not change.creates:
        return ""
    name = change.known_text("bucket") or ""
    return "" if change.destroys and change.before.get("bucket") == name else name


def _fetch_deletions(aws: AwsSession, region: str, since: float) -> tuple[list[dict[str, Any]], bool]:
    """The deletions, newest first, and whether these are all. Raises botocore's errors."""
    client = aws.client("cloudtrail", region or None)
    more: dict[str, str] = {}
    found: list[dict[str, Any]] = []
    for _ in range(MAX_PAGES):
        page = client.lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "DeleteBucket"}],
            StartTime=datetime.fromtimestamp(since, UTC),
            MaxResults=50,
            **more,
        )
        found += page.get("Events", ())
        if not page.get("NextToken"):
            return found, True
        more = {"NextToken": page["NextToken"]}
    return found, False


def _deleted_buckets(events: Iterable[dict[str, Any]]) -> Iterable[tuple[str, float]]:
    """Name and time of what really went: a deletion that was refused is an event as well."""
    for event in reversed(list(events)):
        try:
            plain = json.loads(event.get("CloudTrailEvent") or "{}")
        except ValueError:
            continue
        if not isinstance(plain, dict) or plain.get("errorCode"):
            continue
        name = (plain.get("requestParameters") or {}).get("bucketName")
        at = event.get("EventTime")
        if isinstance(name, str) and isinstance(at, datetime):
            yield name, at.timestamp()


def _recently_deleted_warning(change: PlannedChange, name: str, seconds: float, source: str) -> ForecastWarning:
    ago = "less than a minute" if seconds < 60 else f"{seconds / 60:.0f} min"
    return ForecastWarning(
        address=change.address,
        type=change.type,
        what=f"bucket {one_line(name)}",
        why=f"it was deleted {ago} ago ({source}); S3 may refuse its name for up to an hour (OperationAborted), terraform"
        " tries again for a while, and anybody may have taken it meanwhile",
        guide=("4.2",),
    )
