"""VPC peering connections of the region. One that has ended shows for hours; it holds nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import AwsQuery, RetryLater
from checks.cleanup.kinds import DeletionTask, ec2_kind
from checks.cleanup.model import AwsResource

ENDED_PEERING_STATES = frozenset({"deleted", "rejected", "expired", "failed"})


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    for found in query.list_items("ec2", "describe_vpc_peering_connections", "VpcPeeringConnections"):
        if found.get("Status", {}).get("Code") not in ENDED_PEERING_STATES:
            yield _build_resource(found, query.region)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    found = ec2_kind.describe_first(
        query,
        "describe_vpc_peering_connections",
        "VpcPeeringConnections",
        region,
        VpcPeeringConnectionIds=[id],
    )
    return (
        _build_resource(found, region)
        if found and found.get("Status", {}).get("Code") not in ENDED_PEERING_STATES
        else None
    )


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    if resource.state == "deleting":
        raise RetryLater("AWS is deleting it")
    query.client("ec2", resource.region).delete_vpc_peering_connection(VpcPeeringConnectionId=resource.id)


def _build_resource(item: dict[str, Any], region: str) -> AwsResource:
    id = item["VpcPeeringConnectionId"]
    name, tags = ec2_kind.name_and_tags(item, id)
    sides = [item.get(side, {}) for side in ("RequesterVpcInfo", "AccepterVpcInfo")]
    vpcs = tuple(side["VpcId"] for side in sides if side.get("VpcId"))
    return AwsResource(
        kind="vpc-peering",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        size=" to ".join(f"{side.get('VpcId', '')} of {side.get('OwnerId', '')}" for side in sides),
        state=item.get("Status", {}).get("Code", ""),
        identity=(id, *vpcs),
        blocks=tuple(f"vpc:{vpc}" for vpc in vpcs),
    )
