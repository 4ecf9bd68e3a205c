"""VPCs of the region. The default one is kept; any other goes when nothing is in it but what AWS made with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, InUse
from checks.cleanup.kinds import Task, vpc_shared
from checks.cleanup.kinds.vpc_peering import GONE
from checks.cleanup.model import Seen

SHOWN = 6
"""Holders that a message names."""


def find(asking: Asking) -> Iterable[Seen]:
    for found in asking.pages("ec2", "describe_vpcs", "Vpcs"):
        yield _seen(found, asking.region)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    found = vpc_shared.item(asking, "describe_vpcs", "Vpcs", region, VpcIds=[id])
    return _seen(found, region) if found else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    # EC2 says only that there are dependencies; and a peering it would end without a word, on the other side too.
    left = _inside(asking, seen.id, seen.region)
    if left:
        more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        raise InUse(f"still holds {', '.join(left[:SHOWN])}{more}")
    with vpc_shared.holders_named(asking, seen.region, "vpc-id", seen.id):
        asking.client("ec2", seen.region).delete_vpc(VpcId=seen.id)


def _inside(asking: Asking, vpc: str, region: str) -> list[str]:
    """The ids of what has to be deleted before the VPC. What may not be looked at is left to EC2 to refuse."""

    def ask(action: str, operation: str, key: str, by: str = "vpc-id") -> list[Any]:
        # Egress-only gateways have no filter for their VPC.
        wanted = (
            {}
            if not by
            else {"Filter" if key == "NatGateways" else "Filters": [{"Name": by, "Values": [vpc]}]}
        )
        nothing: list[Any] = []
        return asking.attempt(
            f"ec2:{action}",
            lambda: list(asking.pages("ec2", operation, key, region=region, **wanted)),
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
    private: list[Any] = asking.attempt(
        "ec2:DescribeVpnGateways",
        lambda: list(asking.client("ec2", region).describe_vpn_gateways()["VpnGateways"]),
        [],
    )
    nats = ask("DescribeNatGateways", "describe_nat_gateways", "NatGateways")
    endpoints = ask("DescribeVpcEndpoints", "describe_vpc_endpoints", "VpcEndpoints")
    tables = ask("DescribeRouteTables", "describe_route_tables", "RouteTables")
    acls = ask("DescribeNetworkAcls", "describe_network_acls", "NetworkAcls")
    groups = ask("DescribeSecurityGroups", "describe_security_groups", "SecurityGroups")
    nothing: list[Any] = []
    peerings = asking.attempt(
        "ec2:DescribeVpcPeeringConnections",
        lambda: list(
            asking.pages("ec2", "describe_vpc_peering_connections", "VpcPeeringConnections", region=region)
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
                held.get("VpcId") == vpc and held.get("State") != "detached"
                for held in one.get("VpcAttachments") or ()
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
            if one.get("Status", {}).get("Code") not in GONE
            and vpc
            in (
                one.get("RequesterVpcInfo", {}).get("VpcId"),
                one.get("AccepterVpcInfo", {}).get("VpcId"),
            )
        ),
    ]


def _seen(found: dict[str, Any], region: str) -> Seen:
    id = found["VpcId"]
    name, tags = vpc_shared.named(found, id)
    return Seen(
        kind="vpc",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        size=found.get("CidrBlock", ""),
        state=found.get("State", ""),
        identity=(id,),
        guarded="the default VPC" if found.get("IsDefault") else "",
    )
