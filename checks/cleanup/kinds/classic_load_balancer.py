"""Classic load balancers of the region, which Kubernetes makes for a service without a controller of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.aws.errors import is_not_found
from checks.cleanup.aws_query import AwsQuery, epoch_seconds, parse_tags
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource

TAG_BATCH_SIZE = 20
"""The most names that one DescribeTags takes (Elastic Load Balancing API reference, 2012-06-01)."""


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    listed = list(query.list_items("elb", "describe_load_balancers", "LoadBalancerDescriptions"))
    tags = _read_tags_by_name(query, query.region, [found["LoadBalancerName"] for found in listed])
    return [_build_resource(found, tags.get(found["LoadBalancerName"], {}), query.region) for found in listed]


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    try:
        answer = query.client("elb", region).describe_load_balancers(LoadBalancerNames=[id])
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    found = answer["LoadBalancerDescriptions"]
    return _build_resource(found[0], _read_tags_by_name(query, region, [id]).get(id, {}), region) if found else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    query.client("elb", resource.region).delete_load_balancer(LoadBalancerName=resource.id)


def _read_tags_by_name(query: AwsQuery, region: str, names: list[str]) -> dict[str, dict[str, str]]:
    def ask(batch: list[str]) -> dict[str, dict[str, str]]:
        told = query.client("elb", region).describe_tags(LoadBalancerNames=batch)["TagDescriptions"]
        return {one["LoadBalancerName"]: parse_tags(one.get("Tags")) for one in told}

    return query.read_tags_in_batches("elasticloadbalancing:DescribeTags", ask, names, TAG_BATCH_SIZE)


def _build_resource(item: dict[str, Any], tags: dict[str, str], region: str) -> AwsResource:
    name, vpc = item["LoadBalancerName"], item.get("VPCId", "")
    created = epoch_seconds(item.get("CreatedTime"))
    return AwsResource(
        kind="classic-load-balancer",
        id=name,
        name=name,
        region=region,
        aliases=(item.get("DNSName", ""),),
        tags=tags,
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
