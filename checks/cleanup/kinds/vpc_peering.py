"""VPC peering connections of the region. One that has ended shows for hours; it holds nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, NotYet
from checks.cleanup.kinds import Task, vpc_shared
from checks.cleanup.model import Seen

GONE = frozenset({"deleted", "rejected", "expired", "failed"})


def find(asking: Asking) -> Iterable[Seen]:
    for found in asking.pages("ec2", "describe_vpc_peering_connections", "VpcPeeringConnections"):
        if found.get("Status", {}).get("Code") not in GONE:
            yield _seen(found, asking.region)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    found = vpc_shared.item(
        asking,
        "describe_vpc_peering_connections",
        "VpcPeeringConnections",
        region,
        VpcPeeringConnectionIds=[id],
    )
    return _seen(found, region) if found and found.get("Status", {}).get("Code") not in GONE else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    if seen.state == "deleting":
        raise NotYet("AWS is deleting it")
    asking.client("ec2", seen.region).delete_vpc_peering_connection(VpcPeeringConnectionId=seen.id)


def _seen(found: dict[str, Any], region: str) -> Seen:
    id = found["VpcPeeringConnectionId"]
    name, tags = vpc_shared.named(found, id)
    sides = [found.get(side, {}) for side in ("RequesterVpcInfo", "AccepterVpcInfo")]
    vpcs = tuple(side["VpcId"] for side in sides if side.get("VpcId"))
    return Seen(
        kind="vpc-peering",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        size=" to ".join(f"{side.get('VpcId', '')} of {side.get('OwnerId', '')}" for side in sides),
        state=found.get("Status", {}).get("Code", ""),
        identity=(id, *vpcs),
        blocks=tuple(f"vpc:{vpc}" for vpc in vpcs),
    )
