"""Application, network and gateway load balancers of the region. One with deletion protection is kept.

Its network interfaces go minutes after it; what they hold (security groups, subnets) waits for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from checks.aws.errors import is_not_found
from checks.cleanup.aws_query import AwsQuery, epoch_seconds, parse_tags
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource

TAG_BATCH_SIZE = 20
"""The most ARNs that one DescribeTags takes (Elastic Load Balancing API reference)."""


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    listed = list(query.list_items("elbv2", "describe_load_balancers", "LoadBalancers"))
    tags = read_tags_by_arn(query, query.region, [found["LoadBalancerArn"] for found in listed])
    return query.map_parallel(
        lambda found: _build_resource(query, found, tags.get(found["LoadBalancerArn"], {}), query.region), listed
    )


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    try:
        found = query.client("elbv2", region).describe_load_balancers(LoadBalancerArns=[id])["LoadBalancers"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return (
        _build_resource(query, found[0], read_tags_by_arn(query, region, [id]).get(id, {}), region) if found else None
    )


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    query.client("elbv2", resource.region).delete_load_balancer(LoadBalancerArn=resource.id)


def read_tags_by_arn(query: AwsQuery, region: str, arns: Sequence[str]) -> dict[str, dict[str, str]]:
    """The tags of load balancers and target groups; what may not be asked for is left out, and written down."""

    def ask(batch: list[str]) -> dict[str, dict[str, str]]:
        told = query.client("elbv2", region).describe_tags(ResourceArns=batch)["TagDescriptions"]
        return {one["ResourceArn"]: parse_tags(one.get("Tags")) for one in told}

    return query.read_tags_in_batches("elasticloadbalancing:DescribeTags", ask, arns, TAG_BATCH_SIZE)


def _build_resource(query: AwsQuery, item: dict[str, Any], tags: dict[str, str], region: str) -> AwsResource:
    arn, vpc = item["LoadBalancerArn"], item.get("VpcId", "")
    plain = AwsResource(
        kind="load-balancer",
        id=arn,
        name=item["LoadBalancerName"],
        arn=arn,
        region=region,
        aliases=(item.get("DNSName", ""),),
        tags=tags,
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
    if not query.is_listed(plain):
        return plain
    held = query.call_or_default(
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        lambda: _has_deletion_protection(query, arn, region),
        False,
    )
    return replace(plain, protection_reason="deletion protection is on" if held else "")


def _has_deletion_protection(query: AwsQuery, arn: str, region: str) -> bool:
    answer = query.client("elbv2", region).describe_load_balancer_attributes(LoadBalancerArn=arn)
    return any(one["Key"] == "deletion_protection.enabled" and one["Value"] == "true" for one in answer["Attributes"])
