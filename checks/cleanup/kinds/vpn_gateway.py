"""Virtual private gateways of the region. One is detached from its VPC when its connections have gone; both take minutes,
and a deleted one shows for a while."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, NotYet, is_missing
from checks.cleanup.kinds import Task, vpc_shared
from checks.cleanup.model import Seen

_LIST = ("describe_vpn_gateways", "VpnGateways")


def find(asking: Asking) -> Iterable[Seen]:
    # describe_vpn_gateways has no pages: it answers with all of them.
    for found in asking.client("ec2").describe_vpn_gateways()["VpnGateways"]:
        if found.get("State") != "deleted":
            yield _seen(found, asking.region)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    found = vpc_shared.item(asking, *_LIST, region, VpnGatewayIds=[id])
    return _seen(found, region) if found and found.get("State") != "deleted" else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    ec2 = asking.client("ec2", seen.region)
    if seen.state.startswith("deleting"):
        raise NotYet("AWS is deleting it")
    if seen.state.endswith("detaching"):
        raise NotYet(f"AWS is detaching it from {', '.join(seen.uses)}")
    for vpc in seen.uses:
        task.say(f"detaching from {vpc}")
        try:
            ec2.detach_vpn_gateway(VpnGatewayId=seen.id, VpcId=vpc)
        except Exception as error:
            if not is_missing(error):
                raise
    now = again(asking, seen.id, seen.region)
    if now is None:
        return
    if now.uses:
        raise NotYet(f"AWS is detaching it from {', '.join(now.uses)}")
    ec2.delete_vpn_gateway(VpnGatewayId=seen.id)


def _seen(found: dict[str, Any], region: str) -> Seen:
    id = found["VpnGatewayId"]
    name, tags = vpc_shared.named(found, id)
    attached = [one for one in found.get("VpcAttachments") or () if one.get("State") != "detached"]
    vpcs = tuple(one["VpcId"] for one in attached if one.get("VpcId"))
    detaching = any(one.get("State") == "detaching" for one in attached)
    return Seen(
        kind="vpn-gateway",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        state=", ".join(filter(None, (found.get("State", ""), "detaching" if detaching else ""))),
        uses=vpcs,
        identity=(id,),
        blocks=tuple(f"vpc:{vpc}" for vpc in vpcs),
    )
