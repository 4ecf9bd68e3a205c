"""Internet gateways of the region. One is detached from its VPC when nothing in it has a public address any more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, is_missing
from checks.cleanup.kinds import Task, vpc_shared
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    defaults = vpc_shared.default_vpcs(asking, asking.region)
    for found in asking.pages("ec2", "describe_internet_gateways", "InternetGateways"):
        yield _seen(found, asking.region, defaults)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    found = vpc_shared.item(
        asking, "describe_internet_gateways", "InternetGateways", region, InternetGatewayIds=[id]
    )
    return _seen(found, region, vpc_shared.default_vpcs(asking, region)) if found else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    ec2 = asking.client("ec2", seen.region)
    for vpc in seen.uses:
        task.say(f"detaching from {vpc}")
        try:
            with vpc_shared.holders_named(asking, seen.region, "vpc-id", vpc, public=True):
                ec2.detach_internet_gateway(InternetGatewayId=seen.id, VpcId=vpc)
        except Exception as error:
            if not is_missing(error):
                raise
    ec2.delete_internet_gateway(InternetGatewayId=seen.id)


def _seen(found: dict[str, Any], region: str, defaults: frozenset[str] | None) -> Seen:
    id = found["InternetGatewayId"]
    name, tags = vpc_shared.named(found, id)
    vpcs = tuple(one["VpcId"] for one in found.get("Attachments", ()) if one.get("VpcId"))
    return Seen(
        kind="internet-gateway",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        state="attached" if vpcs else "detached",
        uses=vpcs,
        identity=(id,),
        also=tuple(f"internet-of:{vpc}" for vpc in vpcs),
        blocks=tuple(f"vpc:{vpc}" for vpc in vpcs),
        guarded=next(filter(None, (vpc_shared.default_guard(vpc, defaults) for vpc in vpcs)), ""),
    )
