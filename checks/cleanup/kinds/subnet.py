"""Subnets of the region. Those of the default VPC are kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import AwsQuery
from checks.cleanup.kinds import DeletionTask, ec2_kind
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    defaults = ec2_kind.default_vpcs(query, query.region)
    for found in query.list_items("ec2", "describe_subnets", "Subnets"):
        yield _build_resource(found, query.region, defaults)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    found = ec2_kind.describe_first(query, "describe_subnets", "Subnets", region, SubnetIds=[id])
    return _build_resource(found, region, ec2_kind.default_vpcs(query, region)) if found else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    with ec2_kind.explain_in_use_error(query, resource.region, "subnet-id", resource.id):
        query.client("ec2", resource.region).delete_subnet(SubnetId=resource.id)


def _build_resource(item: dict[str, Any], region: str, default_vpc_ids: frozenset[str] | None) -> AwsResource:
    id, vpc = item["SubnetId"], item["VpcId"]
    name, tags = ec2_kind.name_and_tags(item, id)
    return AwsResource(
        kind="subnet",
        id=id,
        name=name,
        arn=item.get("SubnetArn", ""),
        region=region,
        aliases=(id,),
        tags=tags,
        size=item.get("CidrBlock", ""),
        state=f"{item.get('AvailabilityZone', '')}, {vpc}",
        identity=(id, vpc),
        blocks=(f"vpc:{vpc}",),
        protection_reason="part of the default VPC"
        if item.get("DefaultForAz")
        else ec2_kind.default_vpc_protection(vpc, default_vpc_ids),
    )
