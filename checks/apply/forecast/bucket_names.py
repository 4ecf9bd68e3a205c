"""Buckets that the plan creates, and that were deleted a short while ago: their name is free, and yet S3 may not give it.

Who deleted them is told by two: earlier sessions of ecotui at once, CloudTrail minutes later but for everybody.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from checks.apply.forecast.model import Unknown, Warned
from checks.apply.plan.model import Planned
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.aws.session import Aws
    from checks.context import World

WITHIN = 2 * 3600.0
"""Seconds. S3 speaks of an hour at the most; CloudTrail's clock and the operator's own may differ, and an hour is short."""
PAGES = 3
"""Of 50 events each, the most of one answer; CloudTrail allows two requests a second for an account and region."""
ACTION = "cloudtrail:LookupEvents"


def just_deleted(world: World, planned: Sequence[Planned]) -> tuple[list[Warned], list[Unknown]]:
    """A warning for each of these buckets, and what could not be looked at. Raises nothing."""
    wanted = [(one, name) for one in planned if (name := _made(one))]
    if not wanted:
        return [], []
    now = time.time()
    since = now - WITHIN
    gone: dict[str, tuple[float, str]] = {}
    for bucket in world.deleted(since):
        if bucket.at >= max(since, gone.get(bucket.name, (0.0, ""))[0]):
            gone[bucket.name] = bucket.at, "by an earlier session"
    unknown: list[Unknown] = []
    for region in dict.fromkeys(one.region for one, _ in wanted):
        unasked = {name for one, name in wanted if one.region == region} - set(gone)
        if not unasked:
            continue
        try:
            events, all_of_them = _events(world.aws, region, since)
        except Exception as error:  # noqa: BLE001 - whatever AWS answers, it is said
            trouble = world.aws.explain(error, ACTION)
            why, denied = trouble.summary, trouble.denied
        else:
            gone |= {name: (at, "says CloudTrail") for name, at in _told(events) if name in unasked}
            if all_of_them or not unasked - set(gone):
                continue
            why, denied = f"more than {50 * PAGES} buckets were deleted; CloudTrail was asked no further", ()
        unknown.append(Unknown(what="buckets just deleted", why=why, denied=denied, failed=True))
    return [_warned(one, name, now - gone[name][0], gone[name][1]) for one, name in wanted if name in gone], [
        *dict.fromkeys(unknown)
    ]


def _made(one: Planned) -> str:
    """The name of a bucket that comes new; one that the plan itself deletes before is told elsewhere."""
    if one.type != "aws_s3_bucket" or not one.creates:
        return ""
    name = one.value("bucket") or ""
    return "" if one.destroys and one.before.get("bucket") == name else name


def _events(aws: Aws, region: str, since: float) -> tuple[list[dict[str, Any]], bool]:
    """The deletions, newest first, and whether these are all. Raises botocore's errors."""
    client = aws.client("cloudtrail", region or None)
    more: dict[str, str] = {}
    found: list[dict[str, Any]] = []
    for _ in range(PAGES):
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


def _told(events: Iterable[dict[str, Any]]) -> Iterable[tuple[str, float]]:
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


def _warned(one: Planned, name: str, seconds: float, who: str) -> Warned:
    ago = "less than a minute" if seconds < 60 else f"{seconds / 60:.0f} min"
    return Warned(
        address=one.address,
        type=one.type,
        what=f"bucket {one_line(name)}",
        why=f"it was deleted {ago} ago ({who}); S3 may refuse its name for up to an hour (OperationAborted), terraform"
        " tries again for a while, and anybody may have taken it meanwhile",
        guide=("4.2",),
    )
