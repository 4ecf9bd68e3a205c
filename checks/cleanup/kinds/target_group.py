"""Target groups of the region. One that a listener sends to goes after its load balancer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, InUse, code, is_missing
from checks.cleanup.kinds import Task
from checks.cleanup.kinds.load_balancer import tags_by_arn
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    listed = list(asking.pages("elbv2", "describe_target_groups", "TargetGroups"))
    tags = tags_by_arn(asking, asking.region, [found["TargetGroupArn"] for found in listed])
    return [_seen(found, tags.get(found["TargetGroupArn"], {}), asking.region) for found in listed]


def again(asking: Asking, id: str, region: str) -> Seen | None:
    try:
        found = asking.client("elbv2", region).describe_target_groups(TargetGroupArns=[id])["TargetGroups"]
    except Exception as error:
        if is_missing(error):
            return None
        raise
    return _seen(found[0], tags_by_arn(asking, region, [id]).get(id, {}), region) if found else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    try:
        asking.client("elbv2", seen.region).delete_target_group(TargetGroupArn=seen.id)
    except Exception as error:
        if code(error) == "ResourceInUse":
            raise InUse(f"still used by {', '.join(seen.uses) or 'a listener'}") from error
        raise


def _seen(found: dict[str, Any], tags: dict[str, str], region: str) -> Seen:
    arn = found["TargetGroupArn"]
    balancers = tuple(found.get("LoadBalancerArns", ()))
    return Seen(
        kind="target-group",
        id=arn,
        name=found["TargetGroupName"],
        arn=arn,
        region=region,
        tags=tags,
        size=f"{found.get('Protocol', '')} {found.get('Port', '')}".strip(),
        uses=tuple(f"load balancer {balancer.split('/')[-2]}" for balancer in balancers),
        identity=(arn,),
        blocked_by=tuple(f"load-balancer:{balancer}" for balancer in balancers),
        blocks=(f"vpc:{found['VpcId']}",) if found.get("VpcId") else (),
    )
