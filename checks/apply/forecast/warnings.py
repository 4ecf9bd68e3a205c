"""Warnings: things AWS accepts but that fail or surprise later, such as credentials that expire during the apply."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from checks.apply.forecast.aws_calls import failed_check
from checks.apply.forecast.collisions.cloudfront import alias_dns_warnings
from checks.apply.forecast.model import ForecastWarning, NotChecked
from checks.apply.plan.model import PlannedChange
from checks.apply.run.progress import format_approximate
from checks.sanitize import one_line
from checks.tools.dns import DnsError

if TYPE_CHECKING:
    from checks.aws.session import AwsSession
    from checks.context import CheckContext

CREDENTIALS_MARGIN = 300.0
"""Seconds that the credentials should outlast the estimate: it is no more than that."""

LOOKBACK_SECONDS = 2 * 3600.0
"""Seconds. S3 documents an hour at the most; the clocks of CloudTrail and of this machine may differ."""
MAX_PAGES = 3
"""Of 50 events each, the most of one answer; CloudTrail allows two requests a second for an account and region."""
LOOKUP_ACTION = "cloudtrail:LookupEvents"


def find_warnings(
    context: CheckContext, planned: Sequence[PlannedChange], apply_seconds: float
) -> tuple[list[ForecastWarning], list[NotChecked]]:
    """All warnings but those of deleted buckets, and what could not be checked. Raises nothing.

    `apply_seconds`: the estimate of how long the apply takes.
    """
    warnings = [*_check_credentials(context, apply_seconds), *_check_reused_bucket_names(planned)]
    not_checked: list[NotChecked] = []
    for check, what, action in _ACCOUNT_CHECKS:
        try:
            warnings += check(context, planned)
        except Exception as error:  # noqa: BLE001 - whatever AWS answers, it is reported
            not_checked.append(failed_check(context.aws, error, what, action))
    try:
        warnings += alias_dns_warnings(context, planned)
    except DnsError as error:
        what = "where the DNS points the aliases"
        not_checked.append(NotChecked(what=what, why=one_line(str(error)), failed=True))
    return warnings, not_checked


def _check_credentials(context: CheckContext, apply_seconds: float) -> list[ForecastWarning]:
    try:
        source = context.aws.credential_source()
    except Exception:  # noqa: BLE001 - without credentials every other check reports that
        return []
    estimate = f"the apply takes {format_approximate(apply_seconds)}"
    if source.expires is None:
        if source.method == "env" and context.env.get("AWS_SESSION_TOKEN"):
            why = f"they are those of a session without a known end; {estimate}"
            return [ForecastWarning(what="when the credentials expire is not known", why=why)]
        return []
    left = source.expires - time.time()
    # What botocore can renew by itself, terraform can renew as well: only the end of a fixed session stops it.
    if left > apply_seconds + CREDENTIALS_MARGIN or source.method in ("iam-role", "container-role"):
        return []
    why = f"they are valid for {max(0, round(left / 60))} min more, and {estimate}: renew them first"
    return [ForecastWarning(what="the credentials expire too early", why=why)]


def _check_reused_bucket_names(planned: Sequence[PlannedChange]) -> list[ForecastWarning]:
    """A bucket that is deleted and created again: in between anybody can take its name, and S3 may need an hour."""
    return [
        ForecastWarning(
            address=one.address,
            type=one.type,
            what=f"bucket {one_line(str(one.after.get('bucket')))}",
            why="it is deleted and created again under the same name; S3 may refuse that for up to an hour"
            " (OperationAborted), and anybody may take the name in between",
            guide=("4.2",),
        )
        for one in planned
        if one.type == "aws_s3_bucket"
        and one.actions == ("delete", "create")
        and one.after.get("bucket")
        and one.before.get("bucket") == one.after.get("bucket")
    ]


def _check_duplicate_zones(context: CheckContext, planned: Sequence[PlannedChange]) -> list[ForecastWarning]:
    """A second hosted zone of one name."""
    new_zones = [one for one in planned if one.type == "aws_route53_zone" and one.creates and one.known_text("name")]
    if not new_zones:
        return []
    zones = list(context.aws.paginate("route53", "list_hosted_zones", "HostedZones"))
    found = []
    for one in new_zones:
        name = (one.known_text("name") or "").rstrip(".").lower()
        private = bool(one.after.get("vpc"))
        same = [
            zone["Id"].rpartition("/")[2]
            for zone in zones
            if zone["Name"].rstrip(".").lower() == name and bool(zone.get("Config", {}).get("PrivateZone")) == private
        ]
        if same:
            why = (
                f"{', '.join(same)} has that name already; AWS allows a second one, but the domain is delegated"
                " to one of them only: records in the other are never seen"
                if not private
                else f"{', '.join(same)} has that name already; a VPC can see only one of them"
            )
            found.append(
                ForecastWarning(address=one.address, type=one.type, what=f"hosted zone {one_line(name)}", why=why)
            )
    return found


def _check_duplicate_origin_identities(
    context: CheckContext, planned: Sequence[PlannedChange]
) -> list[ForecastWarning]:
    """CloudFront creates a second identity of one comment: bucket policies that name the first one do not admit it."""
    comments = {
        one.address: one.known_text("comment")
        for one in planned
        if one.type == "aws_cloudfront_origin_access_identity" and one.creates and one.known_text("comment")
    }
    if not comments:
        return []
    listed = list(
        context.aws.paginate(
            "cloudfront",
            "list_cloud_front_origin_access_identities",
            "CloudFrontOriginAccessIdentityList.Items",
        )
    )
    return [
        ForecastWarning(
            address=address,
            type="aws_cloudfront_origin_access_identity",
            what=f"origin access identity {one_line(comment or '')}",
            why=f"{', '.join(same)} has that comment already; AWS creates a second one, and bucket policies of the"
            " earlier deployment admit only the first one",
            guide=("6.2",),
        )
        for address, comment in comments.items()
        if (same := [one["Id"] for one in listed if one.get("Comment") == comment])
    ]


def _check_validation_records(context: CheckContext, planned: Sequence[PlannedChange]) -> list[ForecastWarning]:
    """ACM asks for the same record each time for one domain and account: one that is left blocks the new one."""
    found = []
    for one in planned:
        zone = one.known_text("zone_id")
        sources = one.sources("name") if one.sources and one.type == "aws_route53_record" else frozenset()
        if not (one.creates and zone and one.unknown.get("name") is True):
            continue
        if one.after.get("allow_overwrite") is True or not any("aws_acm_certificate." in each for each in sources):
            continue
        records = context.aws.paginate("route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone)
        left = sorted(
            record["Name"].rstrip(".")
            for record in records
            if record["Type"] == "CNAME"
            and any(
                value["Value"].rstrip(".").endswith("acm-validations.aws")
                for value in record.get("ResourceRecords", ())
            )
        )
        if left:
            found.append(
                ForecastWarning(
                    address=one.address,
                    type=one.type,
                    what="validation record",
                    why=f"{', '.join(map(one_line, left[:5]))} is left of an earlier certificate; ACM gives one domain"
                    " the same record again, and Route53 refuses it: allow_overwrite = true replaces it",
                    guide=("6.2",),
                )
            )
    return found


def recently_deleted_warnings(
    context: CheckContext, planned: Sequence[PlannedChange]
) -> tuple[list[ForecastWarning], list[NotChecked]]:
    """Buckets that the plan creates and that were deleted a short while ago: S3 may not give their name yet.

    Earlier sessions of ecotui know of a deletion at once, CloudTrail minutes later but from everybody. Returns what could not
    be checked as well. Raises nothing.
    """
    buckets = [(one, name) for one in planned if (name := _created_bucket_name(one))]
    if not buckets:
        return [], []
    now = time.time()
    since = now - LOOKBACK_SECONDS
    deleted: dict[str, tuple[float, str]] = {}
    for bucket in context.deleted_buckets(since):
        if bucket.deleted_at >= max(since, deleted.get(bucket.name, (0.0, ""))[0]):
            deleted[bucket.name] = bucket.deleted_at, "by an earlier session"
    not_checked: list[NotChecked] = []
    for region in dict.fromkeys(one.region for one, _ in buckets):
        names = {name for one, name in buckets if one.region == region} - set(deleted)
        if not names:
            continue
        try:
            events, is_complete = _fetch_deletions(context.aws, region, since)
        except Exception as error:  # noqa: BLE001 - whatever AWS answers, it is reported
            not_checked.append(failed_check(context.aws, error, "buckets just deleted", LOOKUP_ACTION))
            continue
        deleted |= {name: (at, "says CloudTrail") for name, at in _deleted_buckets(events) if name in names}
        if not is_complete and names - set(deleted):
            why = f"more than {50 * MAX_PAGES} buckets were deleted; CloudTrail was asked no further"
            not_checked.append(NotChecked(what="buckets just deleted", why=why, failed=True))
    warnings = [
        _recently_deleted_warning(one, name, now - deleted[name][0], deleted[name][1])
        for one, name in buckets
        if name in deleted
    ]
    return warnings, [*dict.fromkeys(not_checked)]


def _created_bucket_name(change: PlannedChange) -> str:
    """The name of a bucket that is created; one that the plan itself deletes has a warning of its own."""
    if change.type != "aws_s3_bucket" or not change.creates:
        return ""
    name = change.known_text("bucket") or ""
    return "" if change.destroys and change.before.get("bucket") == name else name


def _fetch_deletions(aws: AwsSession, region: str, since: float) -> tuple[list[dict[str, Any]], bool]:
    """The deletions since then, newest first, and whether these are all. Raises botocore's errors."""
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
    """Name and time of each bucket that was deleted: a refused deletion is an event as well."""
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


_ACCOUNT_CHECKS = (
    (_check_duplicate_zones, "hosted zones of the same name", "route53:ListHostedZones"),
    (
        _check_duplicate_origin_identities,
        "origin access identities of the same comment",
        "cloudfront:ListCloudFrontOriginAccessIdentities",
    ),
    (_check_validation_records, "validation records of earlier certificates", "route53:ListResourceRecordSets"),
)
"""Checks, what each searches for, and the IAM action that it needs."""
