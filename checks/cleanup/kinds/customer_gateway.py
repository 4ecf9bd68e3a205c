"""Customer gateways of the region: the far end of a VPN connection, as AWS knows it. One goes after its connections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, NotYet
from checks.cleanup.kinds import Task, vpc_shared
from checks.cleanup.model import Seen

_LIST = ("describe_customer_gateways", "CustomerGateways")


def find(asking: Asking) -> Iterable[Seen]:
    # describe_customer_gateways has no pages: it answers with all of them.
    for found in asking.client("ec2").describe_customer_gateways()["CustomerGateways"]:
        if found.get("State") != "deleted":
            yield _seen(found, asking.region)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    found = vpc_shared.item(asking, *_LIST, region, CustomerGatewayIds=[id])
    return _seen(found, region) if found and found.get("State") != "deleted" else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    if seen.state == "deleting":
        raise NotYet("AWS is deleting it")
    asking.client("ec2", seen.region).delete_customer_gateway(CustomerGatewayId=seen.id)


def _seen(found: dict[str, Any], region: str) -> Seen:
    id = found["CustomerGatewayId"]
    name, tags = vpc_shared.named(found, id)
    return Seen(
        kind="customer-gateway",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        state=found.get("State", ""),
        size=found.get("IpAddress", ""),
        identity=(id, found.get("IpAddress", "")),
    )
