"""Customer gateways of the region: the far end of a VPN connection, as AWS knows it. One goes after its connections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import AwsQuery, RetryLater
from checks.cleanup.kinds import DeletionTask, ec2_kind
from checks.cleanup.model import AwsResource

_DESCRIBE_CUSTOMER_GATEWAYS = ("describe_customer_gateways", "CustomerGateways")


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    # describe_customer_gateways has no pages: it answers with all of them.
    for found in query.client("ec2").describe_customer_gateways()["CustomerGateways"]:
        if found.get("State") != "deleted":
            yield _build_resource(found, query.region)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    found = ec2_kind.describe_first(query, *_DESCRIBE_CUSTOMER_GATEWAYS, region, CustomerGatewayIds=[id])
    return _build_resource(found, region) if found and found.get("State") != "deleted" else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    if resource.state == "deleting":
        raise RetryLater("AWS is deleting it")
    query.client("ec2", resource.region).delete_customer_gateway(CustomerGatewayId=resource.id)


def _build_resource(item: dict[str, Any], region: str) -> AwsResource:
    id = item["CustomerGatewayId"]
    name, tags = ec2_kind.name_and_tags(item, id)
    return AwsResource(
        kind="customer-gateway",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        state=item.get("State", ""),
        size=item.get("IpAddress", ""),
        identity=(id, item.get("IpAddress", "")),
    )
