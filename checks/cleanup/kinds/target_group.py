"""Target groups of the region. One that a listener sends to goes after its load balancer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.aws.errors import aws_error_code, is_not_found
from checks.cleanup.aws_query import AwsQuery, ResourceInUse
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.kinds.elb import read_tags_by_arn
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    listed = list(query.list_items("elbv2", "describe_target_groups", "TargetGroups"))
    tags = read_tags_by_arn(query, query.region, [found["TargetGroupArn"] for found in listed])
    return [_build_resource(found, tags.get(found["TargetGroupArn"], {}), query.region) for found in listed]


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    try:
        found = query.client("elbv2", region).describe_target_groups(TargetGroupArns=[id])["TargetGroups"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return _build_resource(found[0], read_tags_by_arn(query, region, [id]).get(id, {}), region) if found else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    try:
        query.client("elbv2", resource.region).delete_target_group(TargetGroupArn=resource.id)
    except Exception as error:
        if aws_error_code(error) == "ResourceInUse":
            raise ResourceInUse(f"still used by {', '.join(resource.uses) or 'a listener'}") from error
        raise


def _build_resource(item: dict[str, Any], tags: dict[str, str], region: str) -> AwsResource:
    arn = item["TargetGroupArn"]
    balancers = tuple(item.get("LoadBalancerArns", ()))
    return AwsResource(
        kind="target-group",
        id=arn,
        name=item["TargetGroupName"],
        arn=arn,
        region=region,
        tags=tags,
        size=f"{item.get('Protocol', '')} {item.get('Port', '')}".strip(),
        uses=tuple(f"load balancer {balancer.split('/')[-2]}" for balancer in balancers),
        identity=(arn,),
        blocked_by=tuple(f"load-balancer:{balancer}" for balancer in balancers),
        blocks=(f"vpc:{item['VpcId']}",) if item.get("VpcId") else (),
    )
