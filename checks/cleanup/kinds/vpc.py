"""VPCs of the region. The default one is kept; any other goes when nothing is in it but what AWS made with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import AwsQuery, ResourceInUse
from checks.cleanup.kinds import DeletionTask, ec2_kind
from checks.cleanup.kinds.vpc_peering import ENDED_PEERING_STATES
from checks.cleanup.model import AwsResource

MAX_NAMED_CONTENTS = 6
"""Holders that a message names."""


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    for found in query.list_items("ec2", "describe_vpcs", "Vpcs"):
        yield _build_resource(found, query.region)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    found = ec2_kind.describe_first(query, "describe_vpcs", "Vpcs", region, VpcIds=[id])
    return _build_resource(found, region) if found else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    # EC2 says only that there are dependencies; and a peering it would end without a word, on the other side too.
    left = _list_contents(query, resource.id, resource.region)
    if left:
        more = f" and {len(left) - MAX_NAMED_CONTENTS} more" if len(left) > MAX_NAMED_CONTENTS else ""
        raise ResourceInUse(f"still holds {', '.join(left[:MAX_NAMED_CONTENTS])}{more}")
    with ec2_kind.explain_in_use_error(query, resource.region, "vpc-id", resource.id):
        query.client("ec2", resource.region).delete_vpc(VpcId=resource.id)


def _list_contents(query: AwsQuery, vpc: str, region: str) -> list[str]:
    """The ids of what has to be deleted before the VPC. What may not be looked at is left to EC2 to refuse."""

    def ask(action: str, operation: str, key: str, by: str = "vpc-id") -> list[Any]:
        # Egress-only gateways have no filter for their VPC.
        wanted = {} if not by else {"Filter" if key == "NatGateways" else "Filters": [{"Name": by, "Values": [vpc]}]}
        nothing: list[Any] = []
        return query.call_or_default(
            f"ec2:{action}",
            lambda: list(query.list_items("ec2", operation, key, region=region, **wanted)),
            nothing,
        )

    gateways = ask(
        "DescribeInternetGateways", "describe_internet_gateways", "InternetGateways",
        by="attachment.vpc-id",
    )  # fmt: skip
    egress = ask(
        "DescribeEgressOnlyInternetGateways",
        "describe_egress_only_internet_gateways",
        "EgressOnlyInternetGateways",
        by="",
    )
    private: list[Any] = query.call_or_default(
        "ec2:DescribeVpnGateways",
        lambda: list(query.client("ec2", region).describe_vpn_gateways()["VpnGateways"]),
        [],
    )
    nats = ask("DescribeNatGateways", "describe_nat_gateways", "NatGateways")
    endpoints = ask("DescribeVpcEndpoints", "describe_vpc_endpoints", "VpcEndpoints")
    tables = ask("DescribeRouteTables", "describe_route_tables", "RouteTables")
    acls = ask("DescribeNetworkAcls", "describe_network_acls", "NetworkAcls")
    groups = ask("DescribeSecurityGroups", "describe_security_groups", "SecurityGroups")
    nothing: list[Any] = []
    peerings = query.call_or_default(
        "ec2:DescribeVpcPeeringConnections",
        lambda: list(
            query.list_items("ec2", "describe_vpc_peering_connections", "VpcPeeringConnections", region=region)
        ),
        nothing,
    )
    return [
        *(one["SubnetId"] for one in ask("DescribeSubnets", "describe_subnets", "Subnets")),
        *(one["InternetGatewayId"] for one in gateways),
        *(
            one["EgressOnlyInternetGatewayId"]
            for one in egress
            if any(held.get("VpcId") == vpc for held in one.get("Attachments", ()))
        ),
        *(
            one["VpnGatewayId"]
            for one in private
            if any(
                held.get("VpcId") == vpc and held.get("State") != "detached" for held in one.get("VpcAttachments") or ()
            )
        ),
        *(one["NatGatewayId"] for one in nats if one.get("State") != "deleted"),
        *(one["VpcEndpointId"] for one in endpoints if str(one.get("State", "")).lower() != "deleted"),
        *(
            one["RouteTableId"]
            for one in tables
            if not any(association.get("Main") for association in one.get("Associations", ()))
        ),
        *(one["NetworkAclId"] for one in acls if not one.get("IsDefault")),
        *(one["GroupId"] for one in groups if one.get("GroupName") != "default"),
        *(
            one["VpcPeeringConnectionId"]
            for one in peerings
            if one.get("Status", {}).get("Code") not in ENDED_PEERING_STATES
            and vpc
            in (
                one.get("RequesterVpcInfo", {}).get("VpcId"),
                one.get("AccepterVpcInfo", {}).get("VpcId"),
            )
        ),
    ]


def _build_resource(item: dict[str, Any], region: str) -> AwsResource:
    id = item["VpcId"]
    name, tags = ec2_kind.name_and_tags(item, id)
    return AwsResource(
        kind="vpc",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        size=item.get("CidrBlock", ""),
        state=item.get("State", ""),
        identity=(id,),
        protection_reason="the default VPC" if item.get("IsDefault") else "",
    )
