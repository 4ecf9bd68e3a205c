"""Network ACLs of the region. A VPC's default one goes with its VPC; one that a subnet uses waits for the subnet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import AwsQuery
from checks.cleanup.kinds import DeletionTask, ec2_kind
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    defaults = ec2_kind.default_vpcs(query, query.region)
    for found in query.list_items("ec2", "describe_network_acls", "NetworkAcls"):
        yield _build_resource(found, query.region, defaults)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    found = ec2_kind.describe_first(query, "describe_network_acls", "NetworkAcls", region, NetworkAclIds=[id])
    return _build_resource(found, region, ec2_kind.default_vpcs(query, region)) if found else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    query.client("ec2", resource.region).delete_network_acl(NetworkAclId=resource.id)


def _build_resource(item: dict[str, Any], region: str, default_vpc_ids: frozenset[str] | None) -> AwsResource:
    id, vpc = item["NetworkAclId"], item["VpcId"]
    name, tags = ec2_kind.name_and_tags(item, id)
    subnets = tuple(one["SubnetId"] for one in item.get("Associations", ()) if one.get("SubnetId"))
    return AwsResource(
        kind="network-acl",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        size=f"{len(item.get('Entries', ()))} rules",
        state=vpc,
        uses=subnets,
        identity=(id, vpc),
        blocked_by=tuple(f"subnet:{subnet}" for subnet in subnets),
        blocks=(f"vpc:{vpc}",),
        protection_reason=ec2_kind.default_vpc_protection(vpc, default_vpc_ids)
        or ("the default network ACL of its VPC: it goes with that" if item.get("IsDefault") else ""),
    )
