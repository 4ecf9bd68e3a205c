"""Application, network and gateway load balancers of the region. One with deletion protection is kept.

Its network interfaces go minutes after it; what they hold (security groups, subnets) waits for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from checks.cleanup.aws_query import Asking, epoch, is_missing, tags_of
from checks.cleanup.kinds import Task
from checks.cleanup.model import Seen

TAGGED = 20
"""The most ARNs that one DescribeTags takes (Elastic Load Balancing API reference)."""


def find(asking: Asking) -> Iterable[Seen]:
    listed = list(asking.pages("elbv2", "describe_load_balancers", "LoadBalancers"))
    tags = tags_by_arn(asking, asking.region, [found["LoadBalancerArn"] for found in listed])
    return asking.each(
        lambda found: _seen(asking, found, tags.get(found["LoadBalancerArn"], {}), asking.region), listed
    )


def again(asking: Asking, id: str, region: str) -> Seen | None:
    try:
        found = asking.client("elbv2", region).describe_load_balancers(LoadBalancerArns=[id])["LoadBalancers"]
    except Exception as error:
        if is_missing(error):
            return None
        raise
    return _seen(asking, found[0], tags_by_arn(asking, region, [id]).get(id, {}), region) if found else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    asking.client("elbv2", seen.region).delete_load_balancer(LoadBalancerArn=seen.id)


def tags_by_arn(asking: Asking, region: str, arns: Sequence[str]) -> dict[str, dict[str, str]]:
    """The tags of load balancers and target groups; what may not be asked for is left out, and written down."""

    def ask(batch: list[str]) -> dict[str, dict[str, str]]:
        told = asking.client("elbv2", region).describe_tags(ResourceArns=batch)["TagDescriptions"]
        return {one["ResourceArn"]: tags_of(one.get("Tags")) for one in told}

    return asking.tags_by("elasticloadbalancing:DescribeTags", ask, arns, TAGGED)


def _seen(asking: Asking, found: dict[str, Any], tags: dict[str, str], region: str) -> Seen:
    arn, vpc = found["LoadBalancerArn"], found.get("VpcId", "")
    plain = Seen(
        kind="load-balancer",
        id=arn,
        name=found["LoadBalancerName"],
        arn=arn,
        region=region,
        aliases=(found.get("DNSName", ""),),
        tags=tags,
        created=epoch(found.get("CreatedTime")),
        size=f"{found.get('Type', '')}, {found.get('Scheme', '')}",
        state=found.get("State", {}).get("Code", ""),
        billed=((f"load-balancer.{found.get('Type', '')}", 1),),
        identity=(arn,),
        blocks=(
            *(f"security-group:{group}" for group in found.get("SecurityGroups", ())),
            *(
                f"subnet:{zone['SubnetId']}"
                for zone in found.get("AvailabilityZones", ())
                if "SubnetId" in zone
            ),
            f"internet-of:{vpc}",
            f"vpc:{vpc}",
        ),
    )
    if not asking.wanted(plain):
        return plain
    held = asking.attempt(
        "elasticloadbalancing:DescribeLoadBalancerAttributes", lambda: _protected(asking, arn, region), False
    )
    return replace(plain, guarded="deletion protection is on" if held else "")


def _protected(asking: Asking, arn: str, region: str) -> bool:
    answer = asking.client("elbv2", region).describe_load_balancer_attributes(LoadBalancerArn=arn)
    return any(
        one["Key"] == "deletion_protection.enabled" and one["Value"] == "true" for one in answer["Attributes"]
    )
