"""Egress-only internet gateways of the region: the way out for IPv6."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking
from checks.cleanup.kinds import Task, vpc_shared
from checks.cleanup.model import Seen

_LIST = ("describe_egress_only_internet_gateways", "EgressOnlyInternetGateways")


def find(asking: Asking) -> Iterable[Seen]:
    for found in asking.pages("ec2", *_LIST):
        yield _seen(found, asking.region)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    found = vpc_shared.item(asking, *_LIST, region, EgressOnlyInternetGatewayIds=[id])
    return _seen(found, region) if found else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    asking.client("ec2", seen.region).delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=seen.id)


def _seen(found: dict[str, Any], region: str) -> Seen:
    id = found["EgressOnlyInternetGatewayId"]
    name, tags = vpc_shared.named(found, id)
    vpcs = tuple(one["VpcId"] for one in found.get("Attachments", ()) if one.get("VpcId"))
    return Seen(
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
