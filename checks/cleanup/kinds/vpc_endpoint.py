"""VPC endpoints of the region: interfaces in subnets, or gateways in route tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import AwsQuery, ResourceInUse, RetryLater, epoch_seconds
from checks.cleanup.kinds import DeletionTask, ec2_kind
from checks.cleanup.model import AwsResource

_ENDED_ENDPOINT_STATES = frozenset({"deleted", "expired", "rejected"})


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    for found in query.list_items("ec2", "describe_vpc_endpoints", "VpcEndpoints"):
        if _endpoint_state(found) not in _ENDED_ENDPOINT_STATES:
            yield _build_resource(found, query.region)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    found = ec2_kind.describe_first(query, "describe_vpc_endpoints", "VpcEndpoints", region, VpcEndpointIds=[id])
    return _build_resource(found, region) if found and _endpoint_state(found) not in _ENDED_ENDPOINT_STATES else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    if resource.state == "deleting":
        raise RetryLater("AWS is deleting it")
    answer = query.client("ec2", resource.region).delete_vpc_endpoints(VpcEndpointIds=[resource.id])
    # It never raises for one endpoint: what did not go stands in the answer.
    for refused in answer.get("Unsuccessful", ()):
        error = refused.get("Error", {})
        if not str(error.get("Code", "")).endswith(".NotFound"):
            raise ResourceInUse(f"{error.get('Code', '')}: {error.get('Message', '')}")


def _endpoint_state(item: dict[str, Any]) -> str:
    # AWS writes `available` and `Available`, depending on the type.
    return str(item.get("State", "")).lower()


def _build_resource(item: dict[str, Any], region: str) -> AwsResource:
    id, vpc = item["VpcEndpointId"], item.get("VpcId", "")
    name, tags = ec2_kind.name_and_tags(item, id)
    service = item.get("ServiceName", "")
    return AwsResource(
        kind="vpc-endpoint",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        created_at=epoch_seconds(item.get("CreationTimestamp")),
        size=f"{item.get('VpcEndpointType', '')} {service}".strip(),
        state=_endpoint_state(item),
        price_items=()
        if item.get("VpcEndpointType", "Gateway") == "Gateway"  # a gateway costs nothing
        else ((f"vpc-endpoint.{item['VpcEndpointType'].lower()}", len(item.get("SubnetIds", ())) or 1),),
        identity=(id, service),
        blocks=(
            *(f"security-group:{group['GroupId']}" for group in item.get("Groups", ())),
            *(f"subnet:{subnet}" for subnet in item.get("SubnetIds", ())),
            *(f"route-table:{table}" for table in item.get("RouteTableIds", ())),
            f"vpc:{vpc}",
        ),
        protection_reason="made by an AWS service; it goes with that" if item.get("RequesterManaged") else "",
    )
