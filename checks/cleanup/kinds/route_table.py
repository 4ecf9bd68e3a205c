"""Route tables of the region. A VPC's main one goes with its VPC; one that a subnet uses waits for the subnet and is
never taken away from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, InUse, is_missing
from checks.cleanup.kinds import Task, vpc_shared
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    defaults = vpc_shared.default_vpcs(asking, asking.region)
    for found in asking.pages("ec2", "describe_route_tables", "RouteTables"):
        yield _seen(found, asking.region, defaults)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    found = vpc_shared.item(asking, "describe_route_tables", "RouteTables", region, RouteTableIds=[id])
    return _seen(found, region, vpc_shared.default_vpcs(asking, region)) if found else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    ec2 = asking.client("ec2", seen.region)
    found = vpc_shared.item(
        asking, "describe_route_tables", "RouteTables", seen.region, RouteTableIds=[seen.id]
    )
    if found is None:
        return
    using = []
    for association in found.get("Associations", ()):
        subnet = association.get("SubnetId")
        if subnet and vpc_shared.item(asking, "describe_subnets", "Subnets", seen.region, SubnetIds=[subnet]):
            using.append(subnet)
            continue
        # Of a gateway, or of a subnet that has just gone: nothing that still sends through it.
        try:
            ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
        except Exception as error:
            if not is_missing(error):
                raise
    if using:
        raise InUse(f"still used by {', '.join(using)}")
    ec2.delete_route_table(RouteTableId=seen.id)


def _seen(found: dict[str, Any], region: str, defaults: frozenset[str] | None) -> Seen:
    id, vpc = found["RouteTableId"], found["VpcId"]
    name, tags = vpc_shared.named(found, id)
    associations = found.get("Associations", ())
    main = any(one.get("Main") for one in associations)
    subnets = tuple(one["SubnetId"] for one in associations if one.get("SubnetId"))
    count = len(found.get("Routes", ()))
    return Seen(
        kind="route-table",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        size=f"{count} route{'' if count == 1 else 's'}",
        state=vpc,
        uses=subnets,
        identity=(id, vpc),
        blocked_by=tuple(f"subnet:{subnet}" for subnet in subnets),
        blocks=(f"vpc:{vpc}",),
        guarded=vpc_shared.default_guard(vpc, defaults)
        or ("the main route table of its VPC: it goes with that" if main else ""),
    )
