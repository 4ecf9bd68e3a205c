"""Site-to-site VPN connections of the region: each holds its gateway, and costs money by the hour. A deleted one shows for
a while."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import AwsQuery, RetryLater
from checks.cleanup.kinds import DeletionTask, ec2_kind
from checks.cleanup.model import AwsResource

_DESCRIBE_VPN_CONNECTIONS = ("describe_vpn_connections", "VpnConnections")


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    # describe_vpn_connections has no pages: it answers with all of them.
    for found in query.client("ec2").describe_vpn_connections()["VpnConnections"]:
        if found.get("State") != "deleted":
            yield _build_resource(found, query.region)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    found = ec2_kind.describe_first(query, *_DESCRIBE_VPN_CONNECTIONS, region, VpnConnectionIds=[id])
    return _build_resource(found, region) if found and found.get("State") != "deleted" else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    if resource.state == "deleting":
        raise RetryLater("AWS is deleting it, usually some minutes")
    query.client("ec2", resource.region).delete_vpn_connection(VpnConnectionId=resource.id)


def _build_resource(item: dict[str, Any], region: str) -> AwsResource:
    id = item["VpnConnectionId"]
    name, tags = ec2_kind.name_and_tags(item, id)
    gateway, customer = item.get("VpnGatewayId", ""), item.get("CustomerGatewayId", "")
    return AwsResource(
        kind="vpn-connection",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        # The configuration that AWS tells beside it holds pre-shared keys: it is never kept.
        state=item.get("State", ""),
        size=f"{gateway or item.get('TransitGatewayId', '')} to {customer}",
        price_items=(("vpn-connection", 1),),
        identity=(id, gateway, customer),
        blocks=(
            *([f"vpn-gateway:{gateway}"] if gateway else []),
            *([f"customer-gateway:{customer}"] if customer else []),
        ),
    )
