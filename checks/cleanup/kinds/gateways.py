"""NAT gateways of the region. A deleted one holds its Elastic IP and its subnet for minutes, and shows for an hour."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import AwsQuery, RetryLater, epoch_seconds
from checks.cleanup.kinds import DeletionTask, ec2_kind
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    for found in query.list_items("ec2", "describe_nat_gateways", "NatGateways"):
        if found.get("State") != "deleted":
            yield _build_resource(found, query.region)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    found = ec2_kind.describe_first(query, "describe_nat_gateways", "NatGateways", region, NatGatewayIds=[id])
    return _build_resource(found, region) if found and found.get("State") != "deleted" else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    if not resource.state.startswith("deleting"):
        query.client("ec2", resource.region).delete_nat_gateway(NatGatewayId=resource.id)
        return
    raise RetryLater("AWS is deleting it, usually 1 to 3 minutes")


def _build_resource(item: dict[str, Any], region: str) -> AwsResource:
    id, vpc, subnet = item["NatGatewayId"], item.get("VpcId", ""), item.get("SubnetId", "")
    name, tags = ec2_kind.name_and_tags(item, id)
    addresses = item.get("NatGatewayAddresses", ())
    public = [one["AllocationId"] for one in addresses if one.get("AllocationId")]
    return AwsResource(
        kind="nat-gateway",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        created_at=epoch_seconds(item.get("CreateTime")),
        size=item.get("ConnectivityType", ""),
        state=item.get("State", ""),
        price_items=(("nat-gateway", 1),),
        identity=(id,),
        blocks=(
            *(f"elastic-ip:{allocation}" for allocation in public),
            f"subnet:{subnet}",
            f"internet-of:{vpc}",
            f"vpc:{vpc}",
        ),
    )
