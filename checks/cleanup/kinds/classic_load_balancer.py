"""Classic load balancers of the region, which Kubernetes makes for a service without a controller of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, epoch, is_missing, tags_of
from checks.cleanup.kinds import Task
from checks.cleanup.model import Seen

TAGGED = 20
"""The most names that one DescribeTags takes (Elastic Load Balancing API reference, 2012-06-01)."""


def find(asking: Asking) -> Iterable[Seen]:
    listed = list(asking.pages("elb", "describe_load_balancers", "LoadBalancerDescriptions"))
    tags = _tags(asking, asking.region, [found["LoadBalancerName"] for found in listed])
    return [_seen(found, tags.get(found["LoadBalancerName"], {}), asking.region) for found in listed]


def again(asking: Asking, id: str, region: str) -> Seen | None:
    try:
        answer = asking.client("elb", region).describe_load_balancers(LoadBalancerNames=[id])
    except Exception as error:
        if is_missing(error):
            return None
        raise
    found = answer["LoadBalancerDescriptions"]
    return _seen(found[0], _tags(asking, region, [id]).get(id, {}), region) if found else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    asking.client("elb", seen.region).delete_load_balancer(LoadBalancerName=seen.id)


def _tags(asking: Asking, region: str, names: list[str]) -> dict[str, dict[str, str]]:
    def ask(batch: list[str]) -> dict[str, dict[str, str]]:
        told = asking.client("elb", region).describe_tags(LoadBalancerNames=batch)["TagDescriptions"]
        return {one["LoadBalancerName"]: tags_of(one.get("Tags")) for one in told}

    return asking.tags_by("elasticloadbalancing:DescribeTags", ask, names, TAGGED)


def _seen(found: dict[str, Any], tags: dict[str, str], region: str) -> Seen:
    name, vpc = found["LoadBalancerName"], found.get("VPCId", "")
    created = epoch(found.get("CreatedTime"))
    return Seen(
        kind="classic-load-balancer",
        id=name,
        name=name,
        region=region,
        aliases=(found.get("DNSName", ""),),
        tags=tags,
        created=created,
        size=f"classic, {found.get('Scheme', '')}",
        billed=(("load-balancer.classic", 1),),
        identity=(name, str(created)),
        blocks=(
            *(f"security-group:{group}" for group in found.get("SecurityGroups", ())),
            *(f"subnet:{subnet}" for subnet in found.get("Subnets", ())),
            f"internet-of:{vpc}",
            f"vpc:{vpc}",
        ),
    )
