"""Route53 zones. Only a tag makes one ours: a domain's zone is usually older than the deployment, and a new one would
get other name servers than those the registrar delegates to. Records in it go on their own; NS and SOA go with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.aws.errors import aws_error_code, is_not_found
from checks.cleanup.aws_query import AwsQuery, DeletionRefused, parse_tags
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    listed = list(query.list_items("route53", "list_hosted_zones", "HostedZones"))
    return query.map_parallel(lambda zone: _build_resource(query, zone), listed)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    try:
        zone = query.client("route53").get_hosted_zone(Id=id)["HostedZone"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return _build_resource(query, zone)


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    try:
        query.client("route53").delete_hosted_zone(Id=resource.id)
    except Exception as error:
        if aws_error_code(error) == "HostedZoneNotEmpty":
            raise DeletionRefused(
                "it still has records other than NS and SOA; they are listed as Route53 records"
            ) from error
        raise


def _build_resource(query: AwsQuery, zone: dict[str, Any]) -> AwsResource:
    id, name = zone["Id"].rpartition("/")[2], zone["Name"].rstrip(".")
    count = zone.get("ResourceRecordSetCount", 0)
    return AwsResource(
        kind="route53-zone",
        id=id,
        name=name,
        arn=f"arn:aws:route53:::hostedzone/{id}",
        tags=query.read_tags(
            "route53:ListTagsForResource",
            lambda: parse_tags(
                query.client("route53")
                .list_tags_for_resource(ResourceType="hostedzone", ResourceId=id)["ResourceTagSet"]
                .get("Tags")
            ),
        ),
        size=f"{count} records",
        price_items=(("route53-zone", 1),),
        identity=(id, name, zone.get("CallerReference", "")),
    )
