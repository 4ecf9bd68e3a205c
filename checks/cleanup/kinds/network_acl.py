"""Network ACLs of the region. A VPC's default one goes with its VPC; one that a subnet uses waits for the subnet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking
from checks.cleanup.kinds import Task, vpc_shared
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    defaults = vpc_shared.default_vpcs(asking, asking.region)
    for found in asking.pages("ec2", "describe_network_acls", "NetworkAcls"):
        yield _seen(found, asking.region, defaults)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    found = vpc_shared.item(asking, "describe_network_acls", "NetworkAcls", region, NetworkAclIds=[id])
    return _seen(found, region, vpc_shared.default_vpcs(asking, region)) if found else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    asking.client("ec2", seen.region).delete_network_acl(NetworkAclId=seen.id)


def _seen(found: dict[str, Any], region: str, defaults: frozenset[str] | None) -> Seen:
    id, vpc = found["NetworkAclId"], found["VpcId"]
    name, tags = vpc_shared.named(found, id)
    subnets = tuple(one["SubnetId"] for one in found.get("Associations", ()) if one.get("SubnetId"))
    return Seen(
        kind="network-acl",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        size=f"{len(found.get('Entries', ()))} rules",
        state=vpc,
        uses=subnets,
        identity=(id, vpc),
        blocked_by=tuple(f"subnet:{subnet}" for subnet in subnets),
        blocks=(f"vpc:{vpc}",),
        guarded=vpc_shared.default_guard(vpc, defaults)
        or ("the default network ACL of its VPC: it goes with that" if found.get("IsDefault") else ""),
    )
