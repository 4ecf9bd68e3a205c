"""A network with all that may be in one, in an account that is to be cleaned up."""

from __future__ import annotations

from typing import Any


def create_network(account: Any, name: str, tags: dict[str, str] | None = None, cidr: str = "10.0") -> dict[str, str]:
    """A VPC with everything that one has; the ids by kind."""
    ec2, t = account.client("ec2"), lambda what: account.tags(what, name, tags)
    vpc = ec2.create_vpc(CidrBlock=f"{cidr}.0.0/16", TagSpecifications=t("vpc"))["Vpc"]["VpcId"]
    ids = {"vpc": vpc}
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"{cidr}.1.0/24", TagSpecifications=t("subnet"))["Subnet"]
    ids["subnet"] = subnet["SubnetId"]
    gateway = ec2.create_internet_gateway(TagSpecifications=t("internet-gateway"))["InternetGateway"]
    ids["internet-gateway"] = gateway["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=ids["internet-gateway"], VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=t("route-table"))["RouteTable"]["RouteTableId"]
    ids["route-table"] = table
    ec2.associate_route_table(RouteTableId=table, SubnetId=ids["subnet"])
    ids["network-acl"] = ec2.create_network_acl(VpcId=vpc, TagSpecifications=t("network-acl"))["NetworkAcl"][
        "NetworkAclId"
    ]
    egress = ec2.create_egress_only_internet_gateway(VpcId=vpc, TagSpecifications=t("egress-only-internet-gateway"))
    ids["egress-gateway"] = egress["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]
    ids["elastic-ip"] = ec2.allocate_address(Domain="vpc", TagSpecifications=t("elastic-ip"))["AllocationId"]
    nat = ec2.create_nat_gateway(
        SubnetId=ids["subnet"], AllocationId=ids["elastic-ip"], TagSpecifications=t("natgateway")
    )
    ids["nat-gateway"] = nat["NatGateway"]["NatGatewayId"]
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc, VpcEndpointType="Gateway", ServiceName="com.amazonaws.ap-northeast-2.s3", RouteTableIds=[table],
        TagSpecifications=t("vpc-endpoint"),
    )  # fmt: skip
    ids["vpc-endpoint"] = endpoint["VpcEndpoint"]["VpcEndpointId"]
    group = ec2.create_security_group(GroupName=name, Description="x", VpcId=vpc, TagSpecifications=t("security-group"))
    ids["security-group"] = group["GroupId"]
    interface = ec2.create_network_interface(
        SubnetId=ids["subnet"], Groups=[ids["security-group"]], TagSpecifications=t("network-interface")
    )
    ids["network-interface"] = interface["NetworkInterface"]["NetworkInterfaceId"]
    return ids


def keys(ids: dict[str, str]) -> set[str]:
    return {f"{kind}:{id}" for kind, id in ids.items()}


KIND_OF = {
    "subnet": "SubnetId",
    "internet-gateway": "InternetGatewayId",
    "route-table": "RouteTableId",
    "network-interface": "NetworkInterfaceId",
    "elastic-ip": "AllocationId",
}
