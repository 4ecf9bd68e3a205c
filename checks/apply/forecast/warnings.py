"""What AWS does not refuse, and yet goes wrong: a second zone of one domain, credentials that end before the apply does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

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
"""Seconds. S3 speaks of an hour at the most; CloudTrail's clock and the operator's own may differ, and an hour is short."""
MAX_PAGES = 3
"""Of 50 events each, the most of one answer; CloudTrail allows two requests a second for an account and region."""
LOOKUP_ACTION = "cloudtrail:LookupEvents"

WarningCheck = Callable[["CheckContext", Sequence[PlannedChange]], list[ForecastWarning]]


def find_warnings(
    context: CheckContext, planned: Sequence[PlannedChange], apply_seconds: float
) -> tuple[list[ForecastWarning], list[NotChecked]]:
    """All warnings of this kind, and what could not be checked. `apply_seconds`: the estimate. Raises nothing."""
    warned = [*_check_credentials(context, apply_seconds), *_check_reused_bucket_names(planned)]
    unknown: list[NotChecked] = []
    looks: tuple[tuple[WarningCheck, str, str], ...] = (
        (_check_duplicate_zones, "hosted zones of the same name", "route53:ListHostedZones"),
        (
            _check_duplicate_origin_identities,
            "origin access identities of the same comment",
            "cloudfront:ListCloudFrontOriginAccessIdentities",
        ),
        (_check_validation_records, "validation records of earlier certificates", "route53:ListResourceRecordSets"),
    )
    for look, what, action in looks:
        try:
            warned += look(context, planned)
        except Exception as error:  # noqa: BLE001 - whatever AWS answers, it is said
            trouble = context.aws.explain(error, action)
            unknown.append(NotChecked(what=what, why=trouble.summary, denied=trouble.denied, failed=True))
    try:
        warned += alias_dns_warnings(context, planned)
    except DnsError as error:
        unknown.append(NotChecked(what="where the DNS points the aliases", why=one_line(str(error)), failed=True))
    return warned, unknown


def _check_credentials(context: CheckContext, apply_seconds: float) -> list[ForecastWarning]:
    try:
        source = context.aws.credential_source()
    except Exception:  # noqa: BLE001 - without credentials every other look says so
        return []
    about = f"the apply takes {format_approximate(apply_seconds)}"
    if source.expires is None:
        if source.method == "env" and context.env.get("AWS_SESSION_TOKEN"):
            why = f"they are a session's, and nothing tells how long it lasts; {about}"
            return [ForecastWarning(what="the credentials' end is not known", why=why)]
        return []
    left = source.expires - time.time()
    # What botocore can renew by itself, terraform can renew as well: only the end of a fixed session stops it.
    if left > apply_seconds + CREDENTIALS_MARGIN or source.method in ("iam-role", "container-role"):
        return []
    why = f"they hold for {max(0, round(left / 60))} min more, and {about}: renew them first"
    return [ForecastWarning(what="the credentials end too early", why=why)]


def _check_reused_bucket_names(planned: Sequence[PlannedChange]) -> list[ForecastWarning]:
    """A bucket that is deleted and made again: between the two, its name is anybody's, and S3 may need an hour."""
    return [
        ForecastWarning(
            address=one.address,
            type=one.type,
            what=f"bucket {one_line(str(one.after.get('bucket')))}",
            why="it is deleted and made again under the same name; S3 may refuse that for up to an hour"
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
    wanted = [one for one in planned if one.type == "aws_route53_zone" and one.creates and one.known_text("name")]
    if not wanted:
        return []
    zones = list(context.aws.paginate("route53", "list_hosted_zones", "HostedZones"))
    found = []
    for one in wanted:
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
    """CloudFront makes a second identity of one comment: bucket policies that name the first do not let it in."""
    wanted = {
        one.address: one.known_text("comment")
        for one in planned
        if one.type == "aws_cloudfront_origin_access_identity" and one.creates and one.known_text("comment")
    }
    if not wanted:
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
            why=f"{', '.join(same)} has that comment already; AWS makes a second one, and bucket policies of the"
            " earlier deployment let only the first one in",
            guide=("6.2",),
        )
        for address, comment in wanted.items()
        if (same := [one["Id"] for one in listed if one.get("Comment") == comment])
    ]


def _check_validation_records(context: CheckContext, planned: Sequence[PlannedChange]) -> list[ForecastWarning]:
    """ACM asks for the same record each time for one domain and account: one that is left is in the way."""
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
                    " the same record again, and Route53 refuses it: allow_overwrite = true takes it over",
                    guide=("6.2",),
                )
            )
    return found


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
