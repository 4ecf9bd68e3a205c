"""What AWS does not refuse, and yet goes wrong: a second zone of one domain, credentials that end before the apply does."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from checks.apply.forecast.model import Unknown, Warned
from checks.apply.plan.model import Action, Planned
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.context import World

PARALLEL = 10
"""Resources that terraform works on at once, unless it is told otherwise."""
USUAL = {
    "aws_acm_certificate_validation": 120.0,
    "aws_autoscaling_group": 60.0,
    "aws_cloudfront_distribution": 300.0,
    "aws_db_instance": 600.0,
    "aws_eks_addon": 60.0,
    "aws_eks_cluster": 600.0,
    "aws_eks_node_group": 180.0,
    "aws_elasticache_cluster": 600.0,
    "aws_elasticache_replication_group": 700.0,
    "aws_instance": 30.0,
    "aws_lb": 180.0,
    "aws_msk_cluster": 1800.0,
    "aws_nat_gateway": 120.0,
    "aws_opensearch_domain": 1200.0,
    "aws_rds_cluster": 120.0,
    "aws_rds_cluster_instance": 600.0,
    "aws_route53_record": 45.0,
    "aws_route53_zone": 45.0,
    "aws_vpc_endpoint": 60.0,
}
"""Seconds that a creation usually takes; rounded up from terraform's own logs of ordinary projects."""
OTHERS = 5.0
"""The same for any other type."""
SPARE = 300.0
"""Seconds that the credentials should outlast the estimate: it is no more than that."""

Look = Callable[["World", Sequence[Planned]], list[Warned]]


def notices(world: World, planned: Sequence[Planned]) -> tuple[list[Warned], list[Unknown]]:
    """Everything of this kind, and what could not be looked at. Raises nothing."""
    from checks.apply.forecast.collisions.cloudfront import pointing_elsewhere
    from checks.tools.dns import DnsFailed

    warned = [*_credentials(world, planned), *_names_given_up(planned)]
    unknown: list[Unknown] = []
    looks: tuple[tuple[Look, str, str], ...] = (
        (_second_zones, "hosted zones of the same name", "route53:ListHostedZones"),
        (
            _second_identities,
            "origin access identities of the same comment",
            "cloudfront:ListCloudFrontOriginAccessIdentities",
        ),
        (_validation_records, "validation records of earlier certificates", "route53:ListResourceRecordSets"),
    )
    for look, what, action in looks:
        try:
            warned += look(world, planned)
        except Exception as error:  # noqa: BLE001 - whatever AWS answers, it is said
            trouble = world.aws.explain(error, action)
            unknown.append(Unknown(what=what, why=trouble.summary, denied=trouble.denied, failed=True))
    try:
        warned += pointing_elsewhere(world, planned)
    except DnsFailed as error:
        unknown.append(
            Unknown(what="where the DNS points the aliases", why=one_line(str(error)), failed=True)
        )
    return warned, unknown


def seconds(planned: Sequence[Planned]) -> float:
    """About how long the apply takes: the longest of its resources, or all of them, ten at a time."""
    each = [
        USUAL.get(one.type, OTHERS)
        * (
            0.5
            if one.type == "aws_cloudfront_distribution" and one.after.get("wait_for_deployment") is False
            else 1
        )
        for one in planned
        if one.action not in (Action.READ, Action.MOVE, Action.FORGET, Action.NOTHING)
    ]
    return max(max(each, default=0.0), sum(each) / PARALLEL)


def _credentials(world: World, planned: Sequence[Planned]) -> list[Warned]:
    try:
        source = world.aws.credential_source()
    except Exception:  # noqa: BLE001 - without credentials every other look says so
        return []
    takes = seconds(planned)
    about = f"the apply takes about {max(1, round(takes / 60))} min"
    if source.expires is None:
        if source.method == "env" and world.env.get("AWS_SESSION_TOKEN"):
            why = f"they are a session's, and nothing tells how long it lasts; {about}"
            return [Warned(what="the credentials' end is not known", why=why)]
        return []
    left = source.expires - time.time()
    # What botocore can renew by itself, terraform can renew as well: only the end of a fixed session stops it.
    if left > takes + SPARE or source.method in ("iam-role", "container-role"):
        return []
    why = f"they hold for {max(0, round(left / 60))} min more, and {about}: renew them first"
    return [Warned(what="the credentials end too early", why=why)]


def _names_given_up(planned: Sequence[Planned]) -> list[Warned]:
    """A bucket that is deleted and made again: between the two, its name is anybody's, and S3 may need an hour."""
    return [
        Warned(
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


def _second_zones(world: World, planned: Sequence[Planned]) -> list[Warned]:
    wanted = [one for one in planned if one.type == "aws_route53_zone" and one.creates and one.value("name")]
    if not wanted:
        return []
    zones = list(world.aws.paginate("route53", "list_hosted_zones", "HostedZones"))
    found = []
    for one in wanted:
        name = (one.value("name") or "").rstrip(".").lower()
        private = bool(one.after.get("vpc"))
        same = [
            zone["Id"].rpartition("/")[2]
            for zone in zones
            if zone["Name"].rstrip(".").lower() == name
            and bool(zone.get("Config", {}).get("PrivateZone")) == private
        ]
        if same:
            why = (
                f"{', '.join(same)} has that name already; AWS allows a second one, but the domain is delegated"
                " to one of them only: records in the other are never seen"
                if not private
                else f"{', '.join(same)} has that name already; a VPC can see only one of them"
            )
            found.append(
                Warned(address=one.address, type=one.type, what=f"hosted zone {one_line(name)}", why=why)
            )
    return found


def _second_identities(world: World, planned: Sequence[Planned]) -> list[Warned]:
    """CloudFront makes a second identity of one comment: bucket policies that name the first do not let it in."""
    wanted = {
        one.address: one.value("comment")
        for one in planned
        if one.type == "aws_cloudfront_origin_access_identity" and one.creates and one.value("comment")
    }
    if not wanted:
        return []
    listed = list(
        world.aws.paginate(
            "cloudfront",
            "list_cloud_front_origin_access_identities",
            "CloudFrontOriginAccessIdentityList.Items",
        )
    )
    return [
        Warned(
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


def _validation_records(world: World, planned: Sequence[Planned]) -> list[Warned]:
    """ACM asks for the same record each time for one domain and account: one that is left is in the way."""
    found = []
    for one in planned:
        zone = one.value("zone_id")
        sources = one.sources("name") if one.sources and one.type == "aws_route53_record" else frozenset()
        if not (one.creates and zone and one.unknown.get("name") is True):
            continue
        if one.after.get("allow_overwrite") is True or not any(
            "aws_acm_certificate." in each for each in sources
        ):
            continue
        records = world.aws.paginate(
            "route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone
        )
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
                Warned(
                    address=one.address,
                    type=one.type,
                    what="validation record",
                    why=f"{', '.join(map(one_line, left[:5]))} is left of an earlier certificate; ACM gives one domain"
                    " the same record again, and Route53 refuses it: allow_overwrite = true takes it over",
                    guide=("6.2",),
                )
            )
    return found
