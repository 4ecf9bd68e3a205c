"""Route tables of the region. A VPC's main one goes with its VPC; one that a subnet uses waits for the subnet and is
never taken away from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.aws.errors import is_not_found
from checks.cleanup.aws_query import AwsQuery, ResourceInUse
from checks.cleanup.kinds import DeletionTask, ec2_kind
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    defaults = ec2_kind.default_vpcs(query, query.region)
    for found in query.list_items("ec2", "describe_route_tables", "RouteTables"):
        yield _build_resource(found, query.region, defaults)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    found = ec2_kind.describe_first(query, "describe_route_tables", "RouteTables", region, RouteTableIds=[id])
    return _build_resource(found, region, ec2_kind.default_vpcs(query, region)) if found else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    ec2 = query.client("ec2", resource.region)
    found = ec2_kind.describe_first(
        query, "describe_route_tables", "RouteTables", resource.region, RouteTableIds=[resource.id]
    )
    if found is None:
        return
    using = []
    for association in found.get("Associations", ()):
        subnet = association.get("SubnetId")
        if subnet and ec2_kind.describe_first(
            query, "describe_subnets", "Subnets", resource.region, SubnetIds=[subnet]
        ):
            using.append(subnet)
            continue
        # Of a gateway, or of a subnet that has just gone: nothing that still sends through it.
        try:
            ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
        except Exception as error:
            if not is_not_found(error):
                raise
    if using:
        raise ResourceInUse(f"still used by {', '.join(using)}")
    ec2.delete_route_table(RouteTableId=resource.id)


def _build_resource(item: dict[str, Any], region: str, default_vpc_ids: frozenset[str] | None) -> AwsResource:
    id, vpc = item["RouteTableId"], item["VpcId"]
    name, tags = ec2_kind.name_and_tags(item, id)
    associations = item.get("Associations", ())
    main = any(one.get("Main") for one in associations)
    subnets = tuple(one["SubnetId"] for one in associations if one.get("SubnetId"))
    count = len(item.get("Routes", ()))
    return AwsResource(
        kind="route-table",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        size=f"{count} route{'' if count == 1 else 's'}",
        state=vpc,
        uses=subnets,
        identity=(id, vpc),
        blocked_by=tuple(f"subnet:{subnet}" for subnet in subnets),
        blocks=(f"vpc:{vpc}",),
        protection_reason=ec2_kind.default_vpc_protection(vpc, default_vpc_ids)
        or ("the main route table of its VPC: it goes with that" if main else ""),
    )
