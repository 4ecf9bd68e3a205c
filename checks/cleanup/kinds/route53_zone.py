"""Route53 zones. Only a tag makes one ours: a domain's zone is usually older than the deployment, and a new one would
get other name servers than those the registrar delegates to. Records in it go on their own; NS and SOA go with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, Refused, code, is_missing, tags_of
from checks.cleanup.kinds import Task
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    listed = list(asking.pages("route53", "list_hosted_zones", "HostedZones"))
    return asking.each(lambda zone: _seen(asking, zone), listed)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    try:
        zone = asking.client("route53").get_hosted_zone(Id=id)["HostedZone"]
    except Exception as error:
        if is_missing(error):
            return None
        raise
    return _seen(asking, zone)


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    try:
        asking.client("route53").delete_hosted_zone(Id=seen.id)
    except Exception as error:
        if code(error) == "HostedZoneNotEmpty":
            raise Refused(
                "it still has records other than NS and SOA; they are listed as Route53 records"
            ) from error
        raise


def _seen(asking: Asking, zone: dict[str, Any]) -> Seen:
    id, name = zone["Id"].rpartition("/")[2], zone["Name"].rstrip(".")
    count = zone.get("ResourceRecordSetCount", 0)
    return Seen(
        kind="route53-zone",
        id=id,
        name=name,
        arn=f"arn:aws:route53:::hostedzone/{id}",
        tags=asking.tags(
            "route53:ListTagsForResource",
            lambda: tags_of(
                asking.client("route53")
                .list_tags_for_resource(ResourceType="hostedzone", ResourceId=id)["ResourceTagSet"]
                .get("Tags")
            ),
        ),
        size=f"{count} records",
        billed=(("route53-zone", 1),),
        identity=(id, name, zone.get("CallerReference", "")),
    )
