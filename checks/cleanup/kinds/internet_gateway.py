"""Internet gateways of the region. One is detached from its VPC when nothing in it has a public address any more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.aws.errors import is_not_found
from checks.cleanup.aws_query import AwsQuery
from checks.cleanup.kinds import DeletionTask, ec2_kind
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    defaults = ec2_kind.default_vpcs(query, query.region)
    for found in query.list_items("ec2", "describe_internet_gateways", "InternetGateways"):
        yield _build_resource(found, query.region, defaults)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    found = ec2_kind.describe_first(
        query, "describe_internet_gateways", "InternetGateways", region, InternetGatewayIds=[id]
    )
    return _build_resource(found, region, ec2_kind.default_vpcs(query, region)) if found else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    ec2 = query.client("ec2", resource.region)
    for vpc in resource.uses:
        task.report_progress(f"detaching from {vpc}")
        try:
            with ec2_kind.explain_in_use_error(query, resource.region, "vpc-id", vpc, only_public=True):
                ec2.detach_internet_gateway(InternetGatewayId=resource.id, VpcId=vpc)
        except Exception as error:
            if not is_not_found(error):
                raise
    ec2.delete_internet_gateway(InternetGatewayId=resource.id)


def _build_resource(item: dict[str, Any], region: str, default_vpc_ids: frozenset[str] | None) -> AwsResource:
    id = item["InternetGatewayId"]
    name, tags = ec2_kind.name_and_tags(item, id)
    vpcs = tuple(one["VpcId"] for one in item.get("Attachments", ()) if one.get("VpcId"))
    return AwsResource(
        kind="internet-gateway",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        state="attached" if vpcs else "detached",
        uses=vpcs,
        identity=(id,),
        other_keys=tuple(f"internet-of:{vpc}" for vpc in vpcs),
        blocks=tuple(f"vpc:{vpc}" for vpc in vpcs),
        protection_reason=next(
            filter(None, (ec2_kind.default_vpc_protection(vpc, default_vpc_ids) for vpc in vpcs)), ""
        ),
    )
