"""A VPC with all that is in it: what goes, in which order, and what holds it."""

from __future__ import annotations

from typing import Any

from support.deletion import OURS
from support.network import KIND_OF, create_network, keys

from checks.cleanup.model import DeletionState


def test_a_network_is_deleted_in_an_order_without_retries_and_a_foreign_one_remains(
    account: Any,
) -> None:
    ec2 = account.client("ec2")
    ours = create_network(account, "prod-sesacthon")
    theirs = create_network(account, "analytics", {"Project": "Other"}, "10.1")
    rows = account.rows()
    assert keys(ours) <= rows.keys()
    assert not keys(theirs) & rows.keys()
    place = {key: number for number, key in enumerate(rows)}
    for kind in ours.keys() - {"vpc"}:
        assert place[f"{kind}:{ours[kind]}"] < place[f"vpc:{ours['vpc']}"], kind
        if kind != "elastic-ip":
            assert f"{kind}:{ours[kind]}" in rows[f"vpc:{ours['vpc']}"].blocked_by
    for first, then in (
        ("nat-gateway", "elastic-ip"), ("nat-gateway", "internet-gateway"), ("nat-gateway", "subnet"),
        ("network-interface", "security-group"), ("network-interface", "subnet"), ("subnet", "route-table"),
        ("vpc-endpoint", "route-table"),
    ):  # fmt: skip
        assert place[f"{first}:{ours[first]}"] < place[f"{then}:{ours[then]}"], (first, then)
    outcome = account.delete()
    assert outcome.keys() == keys(ours)
    assert {state for state, _ in outcome.values()} == {DeletionState.GONE}, outcome
    assert not [one for one in account.heard if "waiting until" in one.message or "still" in one.message]
    left = {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]}
    assert left == {theirs["vpc"]}
    for operation, key, id in (
        ("describe_subnets", "Subnets", "SubnetId"),
        ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
        ("describe_route_tables", "RouteTables", "RouteTableId"),
        ("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
        ("describe_addresses", "Addresses", "AllocationId"),
    ):
        assert theirs[next(kind for kind, value in KIND_OF.items() if value == id)] in {
            one[id] for one in getattr(ec2, operation)()[key]
        }, operation


def test_a_foreign_resource_that_blocks_a_network_is_named(account: Any) -> None:
    ec2 = account.client("ec2")
    ours = create_network(account, "prod-sesacthon")
    foreign = ec2.create_network_interface(SubnetId=ours["subnet"], Description="of somebody")["NetworkInterface"]
    peer = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    peering = ec2.create_vpc_peering_connection(VpcId=peer, PeerVpcId=ours["vpc"])["VpcPeeringConnection"]

    def held(**_: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        answer = {"Error": {"Code": "DependencyViolation", "Message": "has dependencies and cannot be deleted."}}
        return AWSResponse("", 400, {}, None), answer

    events = ec2.meta.events
    events.register("before-call.ec2.DeleteSubnet", held)  # moto lets it go
    try:
        outcome = account.delete()
    finally:
        events.unregister("before-call.ec2.DeleteSubnet", held)
    state, message = outcome[f"subnet:{ours['subnet']}"]
    assert state is DeletionState.FAILED
    assert foreign["NetworkInterfaceId"] in message
    assert outcome[f"vpc:{ours['vpc']}"] == (
        DeletionState.FAILED, f"blocked by route-table:{ours['route-table']}, subnet:{ours['subnet']}",
    )  # fmt: skip
    # And a peering that somebody else made is not ended by deleting our VPC.
    ec2.delete_network_interface(NetworkInterfaceId=foreign["NetworkInterfaceId"])
    outcome = account.delete()
    state, message = outcome[f"vpc:{ours['vpc']}"]
    assert state is DeletionState.FAILED
    assert peering["VpcPeeringConnectionId"] in message
    assert ec2.describe_vpc_peering_connections()["VpcPeeringConnections"][0]["Status"]["Code"] != "deleted"


def test_our_peering_is_deleted_before_its_vpc(account: Any) -> None:
    ec2 = account.client("ec2")
    vpcs = [
        ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16", TagSpecifications=account.tags("vpc"))["Vpc"]["VpcId"]
        for number in (1, 2)
    ]
    made = ec2.create_vpc_peering_connection(
        VpcId=vpcs[0], PeerVpcId=vpcs[1], TagSpecifications=account.tags("vpc-peering-connection")
    )["VpcPeeringConnection"]
    outcome = account.delete()
    assert set(outcome) == {f"vpc-peering:{made['VpcPeeringConnectionId']}", *(f"vpc:{vpc}" for vpc in vpcs)}
    assert {state for state, _ in outcome.values()} == {DeletionState.GONE}


def test_a_vpn_is_deleted_connection_first_and_before_its_vpc(account: Any) -> None:
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=account.tags("vpc"))["Vpc"]["VpcId"]
    gateway = ec2.create_vpn_gateway(Type="ipsec.1", TagSpecifications=account.tags("vpn-gateway"))
    vgw = gateway["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpnGatewayId=vgw, VpcId=vpc)
    far = ec2.create_customer_gateway(
        Type="ipsec.1",
        PublicIp="203.0.113.9",
        BgpAsn=65000,
        TagSpecifications=account.tags("customer-gateway"),
    )["CustomerGateway"]["CustomerGatewayId"]
    connection = ec2.create_vpn_connection(
        Type="ipsec.1",
        CustomerGatewayId=far,
        VpnGatewayId=vgw,
        TagSpecifications=account.tags("vpn-connection"),
    )["VpnConnection"]["VpnConnectionId"]
    theirs = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    rows = account.rows()
    assert list(rows) == [
        f"vpn-connection:{connection}",
        f"vpn-gateway:{vgw}",
        f"customer-gateway:{far}",
        f"vpc:{vpc}",
    ]
    assert rows[f"vpc:{vpc}"].blocked_by == (f"vpn-gateway:{vgw}",)
    outcome = account.delete()
    assert {state for state, _ in outcome.values()} == {DeletionState.GONE}, outcome
    assert [one["VpnGatewayId"] for one in ec2.describe_vpn_gateways()["VpnGateways"] if one["State"] != "deleted"] == [
        theirs
    ]


def test_a_foreign_vpn_gateway_that_blocks_our_vpc_is_named(account: Any) -> None:
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=account.tags("vpc"))["Vpc"]["VpcId"]
    theirs = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpnGatewayId=theirs, VpcId=vpc)
    assert account.delete() == {f"vpc:{vpc}": (DeletionState.FAILED, f"still contains {theirs}")}


def test_the_default_vpc_and_its_parts_are_protected_although_they_have_our_tags(account: Any) -> None:
    ec2 = account.client("ec2")
    vpc = next(one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"] if one["IsDefault"])
    within = [{"Name": "vpc-id", "Values": [vpc]}]
    subnets = [one["SubnetId"] for one in ec2.describe_subnets(Filters=within)["Subnets"]]
    tables = [one["RouteTableId"] for one in ec2.describe_route_tables(Filters=within)["RouteTables"]]
    acls = [one["NetworkAclId"] for one in ec2.describe_network_acls(Filters=within)["NetworkAcls"]]
    groups = [one["GroupId"] for one in ec2.describe_security_groups(Filters=within)["SecurityGroups"]]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    parts = [vpc, *subnets, *tables, *acls, *groups, gateway]
    ec2.create_tags(Resources=parts, Tags=OURS)
    rows = account.rows()
    assert {one.id for one in rows.values()} == set(parts)
    assert all(one.protected and not one.preselected and one.action == "keep" for one in rows.values())
    assert rows[f"vpc:{vpc}"].protected == "the default VPC"
