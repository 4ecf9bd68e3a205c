"""How the network of the demo project is made: one function a type, as in create.py."""

from __future__ import annotations

from typing import Any

from ecotui.demo.fakes.terraform.context import Attributes, CreationContext, tag_specifications


def create_vpc(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    made = context.client("ec2").create_vpc(
        CidrBlock=after["cidr_block"], TagSpecifications=tag_specifications("vpc", after)
    )["Vpc"]
    return {"id": made["VpcId"], "arn": f"arn:aws:ec2:ap-northeast-2:{made['OwnerId']}:vpc/{made['VpcId']}"}


def create_internet_gateway(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    ec2 = context.client("ec2")
    tags = tag_specifications("internet-gateway", after)
    made = ec2.create_internet_gateway(TagSpecifications=tags)["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=context.resource_id("aws_vpc.main"))
    return {"id": made, "vpc_id": context.resource_id("aws_vpc.main")}


def create_subnet(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    made = context.client("ec2").create_subnet(
        VpcId=context.resource_id("aws_vpc.main"),
        CidrBlock=after.get("cidr_block") or f"10.0.{key + 1}.0/24",
        AvailabilityZone=after["availability_zone"],
        TagSpecifications=tag_specifications("subnet", after),
    )["Subnet"]
    return {"id": made["SubnetId"], "arn": made["SubnetArn"], "vpc_id": made["VpcId"]}


def create_route_table(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    ec2 = context.client("ec2")
    made = ec2.create_route_table(
        VpcId=context.resource_id("aws_vpc.main"), TagSpecifications=tag_specifications("route-table", after)
    )["RouteTable"]["RouteTableId"]
    gateway = context.resource_id("aws_internet_gateway.main")
    ec2.create_route(RouteTableId=made, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    return {"id": made, "vpc_id": context.resource_id("aws_vpc.main")}


def associate_route_table(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    made = context.client("ec2").associate_route_table(
        RouteTableId=context.resource_id("aws_route_table.public"),
        SubnetId=context.resource_id(f"aws_subnet.public[{key}]"),
    )
    return {"id": made["AssociationId"]}


def create_security_group(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    made = context.client("ec2").create_security_group(
        GroupName=after["name"],
        Description=after["description"],
        VpcId=context.resource_id("aws_vpc.main"),
        TagSpecifications=tag_specifications("security-group", after),
    )
    return {"id": made["GroupId"], "vpc_id": context.resource_id("aws_vpc.main")}


def create_ingress_rule(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    group = context.resource_id("aws_security_group.nodes")
    permission: dict[str, Any] = {"IpProtocol": after["ip_protocol"]}
    if after.get("from_port") is not None:
        permission |= {"FromPort": after["from_port"], "ToPort": after["to_port"]}
    if after.get("cidr_ipv4"):
        permission["IpRanges"] = [{"CidrIp": after["cidr_ipv4"], "Description": after.get("description") or ""}]
    else:
        permission["UserIdGroupPairs"] = [{"GroupId": group}]
    made = context.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    rules = made.get("SecurityGroupRules") or [{}]
    return {"id": rules[0].get("SecurityGroupRuleId", group), "security_group_id": group}


def allocate_eip(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    made = context.client("ec2").allocate_address(
        Domain="vpc", TagSpecifications=tag_specifications("elastic-ip", after)
    )
    return {
        "id": made["AllocationId"],
        "allocation_id": made["AllocationId"],
        "public_ip": made["PublicIp"],
    }


def associate_eip(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    made = context.client("ec2").associate_address(
        AllocationId=context.resource_id("aws_eip.master"),
        InstanceId=context.resource_id('aws_instance.node["k8s-master"]'),
    )
    return {"id": made["AssociationId"]}
