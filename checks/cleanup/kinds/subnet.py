"""Subnets of the region. Those of the default VPC are kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking
from checks.cleanup.kinds import Task, vpc_shared
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    defaults = vpc_shared.default_vpcs(asking, asking.region)
    for found in asking.pages("ec2", "describe_subnets", "Subnets"):
        yield _seen(found, asking.region, defaults)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    found = vpc_shared.item(asking, "describe_subnets", "Subnets", region, SubnetIds=[id])
    return _seen(found, region, vpc_shared.default_vpcs(asking, region)) if found else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    with vpc_shared.holders_named(asking, seen.region, "subnet-id", seen.id):
        asking.client("ec2", seen.region).delete_subnet(SubnetId=seen.id)


def _seen(found: dict[str, Any], region: str, defaults: frozenset[str] | None) -> Seen:
    id, vpc = found["SubnetId"], found["VpcId"]
    name, tags = vpc_shared.named(found, id)
    return Seen(
        kind="subnet",
        id=id,
        name=name,
        arn=found.get("SubnetArn", ""),
        region=region,
        aliases=(id,),
        tags=tags,
        size=found.get("CidrBlock", ""),
        state=f"{found.get('AvailabilityZone', '')}, {vpc}",
        identity=(id, vpc),
        blocks=(f"vpc:{vpc}",),
        guarded="part of the default VPC"
        if found.get("DefaultForAz")
        else vpc_shared.default_guard(vpc, defaults),
    )
