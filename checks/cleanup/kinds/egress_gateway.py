"""Egress-only internet gateways of the region: the way out for IPv6."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import AwsQuery
from checks.cleanup.kinds import DeletionTask, ec2_kind
from checks.cleanup.model import AwsResource

_DESCRIBE_EGRESS_GATEWAYS = ("describe_egress_only_internet_gateways", "EgressOnlyInternetGateways")


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    for found in query.list_items("ec2", *_DESCRIBE_EGRESS_GATEWAYS):
        yield _build_resource(found, query.region)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    found = ec2_kind.describe_first(query, *_DESCRIBE_EGRESS_GATEWAYS, region, EgressOnlyInternetGatewayIds=[id])
    return _build_resource(found, region) if found else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    query.client("ec2", resource.region).delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=resource.id)


def _build_resource(item: dict[str, Any], region: str) -> AwsResource:
    id = item["EgressOnlyInternetGatewayId"]
    name, tags = ec2_kind.name_and_tags(item, id)
    vpcs = tuple(one["VpcId"] for one in item.get("Attachments", ()) if one.get("VpcId"))
    return AwsResource(
        kind="egress-gateway",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        state="attached" if vpcs else "detached",
        uses=vpcs,
        identity=(id,),
        blocks=tuple(f"vpc:{vpc}" for vpc in vpcs),
    )
