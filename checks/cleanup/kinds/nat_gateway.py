"""NAT gateways of the region. A deleted one holds its Elastic IP and its subnet for minutes, and shows for an hour."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, NotYet, epoch
from checks.cleanup.kinds import Task, vpc_shared
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    for found in asking.pages("ec2", "describe_nat_gateways", "NatGateways"):
        if found.get("State") != "deleted":
            yield _seen(found, asking.region)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    found = vpc_shared.item(asking, "describe_nat_gateways", "NatGateways", region, NatGatewayIds=[id])
    return _seen(found, region) if found and found.get("State") != "deleted" else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    if not seen.state.startswith("deleting"):
        asking.client("ec2", seen.region).delete_nat_gateway(NatGatewayId=seen.id)
        return
    raise NotYet("AWS is deleting it, usually 1 to 3 minutes")


def _seen(found: dict[str, Any], region: str) -> Seen:
    id, vpc, subnet = found["NatGatewayId"], found.get("VpcId", ""), found.get("SubnetId", "")
    name, tags = vpc_shared.named(found, id)
    addresses = found.get("NatGatewayAddresses", ())
    public = [one["AllocationId"] for one in addresses if one.get("AllocationId")]
    return Seen(
        kind="nat-gateway",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        created=epoch(found.get("CreateTime")),
        size=found.get("ConnectivityType", ""),
        state=found.get("State", ""),
        billed=(("nat-gateway", 1),),
        identity=(id,),
        blocks=(
            *(f"elastic-ip:{allocation}" for allocation in public),
            f"subnet:{subnet}",
            f"internet-of:{vpc}",
            f"vpc:{vpc}",
        ),
    )
