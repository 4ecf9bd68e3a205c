"""Site-to-site VPN connections of the region: each holds its gateway, and costs money by the hour. A deleted one shows for
a while."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, NotYet
from checks.cleanup.kinds import Task, vpc_shared
from checks.cleanup.model import Seen

_LIST = ("describe_vpn_connections", "VpnConnections")


def find(asking: Asking) -> Iterable[Seen]:
    # describe_vpn_connections has no pages: it answers with all of them.
    for found in asking.client("ec2").describe_vpn_connections()["VpnConnections"]:
        if found.get("State") != "deleted":
            yield _seen(found, asking.region)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    found = vpc_shared.item(asking, *_LIST, region, VpnConnectionIds=[id])
    return _seen(found, region) if found and found.get("State") != "deleted" else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    if seen.state == "deleting":
        raise NotYet("AWS is deleting it, usually some minutes")
    asking.client("ec2", seen.region).delete_vpn_connection(VpnConnectionId=seen.id)


def _seen(found: dict[str, Any], region: str) -> Seen:
    id = found["VpnConnectionId"]
    name, tags = vpc_shared.named(found, id)
    gateway, customer = found.get("VpnGatewayId", ""), found.get("CustomerGatewayId", "")
    return Seen(
        kind="vpn-connection",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        # The configuration that AWS tells beside it holds pre-shared keys: it is never kept.
        state=found.get("State", ""),
        size=f"{gateway or found.get('TransitGatewayId', '')} to {customer}",
        billed=(("vpn-connection", 1),),
        identity=(id, gateway, customer),
        blocks=(
            *([f"vpn-gateway:{gateway}"] if gateway else []),
            *([f"customer-gateway:{customer}"] if customer else []),
        ),
    )
