"""How the network of the demo project is made: one function a type, as in create.py."""

from __future__ import annotations

from typing import Any

from ecotui.demo.fakes.terraform.context import Attributes, Context, tagged


def vpc(c: Context, after: Attributes, key: Any) -> Attributes:
    made = c.client("ec2").create_vpc(CidrBlock=after["cidr_block"], TagSpecifications=tagged("vpc", after))[
        "Vpc"
    ]
    return {"id": made["VpcId"], "arn": f"arn:aws:ec2:ap-northeast-2:{made['OwnerId']}:vpc/{made['VpcId']}"}


def internet_gateway(c: Context, after: Attributes, key: Any) -> Attributes:
    ec2 = c.client("ec2")
    tags = tagged("internet-gateway", after)
    made = ec2.create_internet_gateway(TagSpecifications=tags)["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=c.id("aws_vpc.main"))
    return {"id": made, "vpc_id": c.id("aws_vpc.main")}


def subnet(c: Context, after: Attributes, key: Any) -> Attributes:
    made = c.client("ec2").create_subnet(
        VpcId=c.id("aws_vpc.main"),
        CidrBlock=after.get("cidr_block") or f"10.0.{key + 1}.0/24",
        AvailabilityZone=after["availability_zone"],
        TagSpecifications=tagged("subnet", after),
    )["Subnet"]
    return {"id": made["SubnetId"], "arn": made["SubnetArn"], "vpc_id": made["VpcId"]}


def route_table(c: Context, after: Attributes, key: Any) -> Attributes:
    ec2 = c.client("ec2")
    made = ec2.create_route_table(VpcId=c.id("aws_vpc.main"), TagSpecifications=tagged("route-table", after))[
        "RouteTable"
    ]["RouteTableId"]
    gateway = c.id("aws_internet_gateway.main")
    ec2.create_route(RouteTableId=made, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    return {"id": made, "vpc_id": c.id("aws_vpc.main")}


def route_table_association(c: Context, after: Attributes, key: Any) -> Attributes:
    made = c.client("ec2").associate_route_table(
        RouteTableId=c.id("aws_route_table.public"), SubnetId=c.id(f"aws_subnet.public[{key}]")
    )
    return {"id": made["AssociationId"]}


def security_group(c: Context, after: Attributes, key: Any) -> Attributes:
    made = c.client("ec2").create_security_group(
        GroupName=after["name"],
        Description=after["description"],
        VpcId=c.id("aws_vpc.main"),
        TagSpecifications=tagged("security-group", after),
    )
    return {"id": made["GroupId"], "vpc_id": c.id("aws_vpc.main")}


def ingress_rule(c: Context, after: Attributes, key: Any) -> Attributes:
    group = c.id("aws_security_group.nodes")
    permission: dict[str, Any] = {"IpProtocol": after["ip_protocol"]}
    if after.get("from_port") is not None:
        permission |= {"FromPort": after["from_port"], "ToPort": after["to_port"]}
    if after.get("cidr_ipv4"):
        permission["IpRanges"] = [
            {"CidrIp": after["cidr_ipv4"], "Description": after.get("description") or ""}
        ]
    else:
        permission["UserIdGroupPairs"] = [{"GroupId": group}]
    made = c.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    rules = made.get("SecurityGroupRules") or [{}]
    return {"id": rules[0].get("SecurityGroupRuleId", group), "security_group_id": group}


def eip(c: Context, after: Attributes, key: Any) -> Attributes:
    made = c.client("ec2").allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip", after))
    return {
        "id": made["AllocationId"],
        "allocation_id": made["AllocationId"],
        "public_ip": made["PublicIp"],
    }


def eip_association(c: Context, after: Attributes, key: Any) -> Attributes:
    made = c.client("ec2").associate_address(
        AllocationId=c.id("aws_eip.master"), InstanceId=c.id('aws_instance.node["k8s-master"]')
    )
    return {"id": made["AssociationId"]}
