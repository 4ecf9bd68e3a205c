"""Elastic Load Balancing of the region: application, network, gateway and classic load balancers, and target groups.

The network interfaces of a load balancer are deleted minutes after it; what they use (security groups, subnets) waits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from checks.aws.errors import aws_error_code
from checks.cleanup.aws_query import AwsQuery, allow_missing, epoch_seconds, parse_tags
from checks.cleanup.leftover_kind import DeletionTask, LeftoverKind, ReadResource, ResourceInUse
from checks.cleanup.model import AwsResource

TAG_BATCH_SIZE = 20
"""The most names or ARNs that one DescribeTags takes (Elastic Load Balancing API reference, of both versions)."""
Tags = dict[str, dict[str, str]]
"""The tags of load balancers and target groups, by ARN; of classic load balancers by name."""


def _read_tags(query: AwsQuery, region: str, arns: Sequence[str]) -> Tags:
    def request(batch: list[str]) -> Tags:
        answer = query.client("elbv2", region).describe_tags(ResourceArns=batch)["TagDescriptions"]
        return {one["ResourceArn"]: parse_tags(one.get("Tags")) for one in answer}

    return query.read_tags_in_batches("elasticloadbalancing:DescribeTags", request, arns, TAG_BATCH_SIZE)


def _read_classic_tags(query: AwsQuery, region: str, names: Sequence[str]) -> Tags:
    def request(batch: list[str]) -> Tags:
        answer = query.client("elb", region).describe_tags(LoadBalancerNames=batch)["TagDescriptions"]
        return {one["LoadBalancerName"]: parse_tags(one.get("Tags")) for one in answer}

    return query.read_tags_in_batches("elasticloadbalancing:DescribeTags", request, names, TAG_BATCH_SIZE)


def _read_one(describe: Callable[..., list[AwsResource]], parameter: str) -> ReadResource:
    """How one is read: `describe` takes its ARN or name in a list as `parameter`."""

    def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
        found = allow_missing(describe, query=query, region=region, **{parameter: [id]})
        return found[0] if found else None

    return read_resource


def _load_balancers(query: AwsQuery, region: str, **arns: list[str]) -> list[AwsResource]:
    listed = list(query.list_items("elbv2", "describe_load_balancers", "LoadBalancers", region=region, **arns))
    tags = _read_tags(query, region, [item["LoadBalancerArn"] for item in listed])
    return query.map_parallel(lambda item: _build_load_balancer(query, item, tags, region), listed)


def _build_load_balancer(query: AwsQuery, item: dict[str, Any], tags: Tags, region: str) -> AwsResource:
    arn, vpc = item["LoadBalancerArn"], item.get("VpcId", "")
    resource = AwsResource(
        kind="load-balancer",
        id=arn,
        name=item["LoadBalancerName"],
        arn=arn,
        region=region,
        aliases=(item.get("DNSName", ""),),
        tags=tags.get(arn, {}),
        created_at=epoch_seconds(item.get("CreatedTime")),
        size=f"{item.get('Type', '')}, {item.get('Scheme', '')}",
        state=item.get("State", {}).get("Code", ""),
        price_items=((f"load-balancer.{item.get('Type', '')}", 1),),
        identity=(arn,),
        blocks=(
            *(f"security-group:{group}" for group in item.get("SecurityGroups", ())),
            *(f"subnet:{zone['SubnetId']}" for zone in item.get("AvailabilityZones", ()) if "SubnetId" in zone),
            f"internet-of:{vpc}",
            f"vpc:{vpc}",
        ),
    )
    if not query.is_listed(resource):
        return resource
    protected = query.call_or_default(
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        lambda: _has_deletion_protection(query, arn, region),
        False,
    )
    return replace(resource, protection_reason="deletion protection is on" if protected else "")


def _has_deletion_protection(query: AwsQuery, arn: str, region: str) -> bool:
    answer = query.client("elbv2", region).describe_load_balancer_attributes(LoadBalancerArn=arn)
    return any(one["Key"] == "deletion_protection.enabled" and one["Value"] == "true" for one in answer["Attributes"])


def _classic_load_balancers(query: AwsQuery, region: str, **names: list[str]) -> list[AwsResource]:
    listed = list(
        query.list_items("elb", "describe_load_balancers", "LoadBalancerDescriptions", region=region, **names)
    )
    tags = _read_classic_tags(query, region, [item["LoadBalancerName"] for item in listed])
    return [_build_classic_load_balancer(item, tags, region) for item in listed]


def _build_classic_load_balancer(item: dict[str, Any], tags: Tags, region: str) -> AwsResource:
    name, vpc = item["LoadBalancerName"], item.get("VPCId", "")
    created = epoch_seconds(item.get("CreatedTime"))
    return AwsResource(
        kind="classic-load-balancer",
        id=name,
        name=name,
        region=region,
        aliases=(item.get("DNSName", ""),),
        tags=tags.get(name, {}),
        created_at=created,
        size=f"classic, {item.get('Scheme', '')}",
        price_items=(("load-balancer.classic", 1),),
        identity=(name, str(created)),
        blocks=(
            *(f"security-group:{group}" for group in item.get("SecurityGroups", ())),
            *(f"subnet:{subnet}" for subnet in item.get("Subnets", ())),
            f"internet-of:{vpc}",
            f"vpc:{vpc}",
        ),
    )


def _target_groups(query: AwsQuery, region: str, **arns: list[str]) -> list[AwsResource]:
    listed = list(query.list_items("elbv2", "describe_target_groups", "TargetGroups", region=region, **arns))
    tags = _read_tags(query, region, [item["TargetGroupArn"] for item in listed])
    return [_build_target_group(item, tags, region) for item in listed]


def _delete_target_group(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    try:
        query.client("elbv2", resource.region).delete_target_group(TargetGroupArn=resource.id)
    except Exception as error:
        if aws_error_code(error) == "ResourceInUse":
            raise ResourceInUse(f"still used by {', '.join(resource.uses) or 'a listener'}") from error
        raise


def _build_target_group(item: dict[str, Any], tags: Tags, region: str) -> AwsResource:
    arn, balancers = item["TargetGroupArn"], tuple(item.get("LoadBalancerArns", ()))
    return AwsResource(
        kind="target-group",
        id=arn,
        name=item["TargetGroupName"],
        arn=arn,
        region=region,
        tags=tags.get(arn, {}),
        size=f"{item.get('Protocol', '')} {item.get('Port', '')}".strip(),
        uses=tuple(f"load balancer {balancer.split('/')[-2]}" for balancer in balancers),
        identity=(arn,),
        blocked_by=tuple(f"load-balancer:{balancer}" for balancer in balancers),
        blocks=(f"vpc:{item['VpcId']}",) if item.get("VpcId") else (),
    )


KINDS = (
    LeftoverKind(
        id="load-balancer",
        singular="load balancer",
        terraform_types=("aws_lb", "aws_alb"),
        list_permission="elasticloadbalancing:DescribeLoadBalancers",
        list_resources=lambda query: _load_balancers(query, query.region),
        read_resource=_read_one(_load_balancers, "LoadBalancerArns"),
        delete=lambda query, resource, task: query.client("elbv2", resource.region).delete_load_balancer(
            LoadBalancerArn=resource.id
        ),
    ),
    # Kubernetes creates classic ones for a service that has no controller of its own.
    LeftoverKind(
        id="classic-load-balancer",
        singular="classic load balancer",
        terraform_types=("aws_elb",),
        list_permission="elasticloadbalancing:DescribeLoadBalancers",
        list_resources=lambda query: _classic_load_balancers(query, query.region),
        read_resource=_read_one(_classic_load_balancers, "LoadBalancerNames"),
        delete=lambda query, resource, task: query.client("elb", resource.region).delete_load_balancer(
            LoadBalancerName=resource.id
        ),
    ),
    LeftoverKind(
        id="target-group",
        singular="target group",
        terraform_types=("aws_lb_target_group", "aws_alb_target_group"),
        list_permission="elasticloadbalancing:DescribeTargetGroups",
        list_resources=lambda query: _target_groups(query, query.region),
        read_resource=_read_one(_target_groups, "TargetGroupArns"),
        delete=_delete_target_group,
    ),
)
