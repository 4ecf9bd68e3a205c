"""Gateways of a VPC, and the Elastic IPs that they use: NAT, internet and egress-only internet gateways of the region."""

from __future__ import annotations

from checks.cleanup.aws_query import AwsQuery, allow_missing, epoch_seconds, parse_tags
from checks.cleanup.kinds.ec2_kind import (
    Item,
    ResourceFields,
    delete_by_id,
    ec2_kind,
    explain_in_use_error,
    has_state_other_than_deleted,
)
from checks.cleanup.leftover_kind import DeletionTask
from checks.cleanup.model import AwsResource


def _nat_gateway_fields(item: Item) -> ResourceFields:
    vpc = item.get("VpcId", "")
    allocations = [one["AllocationId"] for one in item.get("NatGatewayAddresses", ()) if one.get("AllocationId")]
    return {
        "created_at": epoch_seconds(item.get("CreateTime")),
        "size": item.get("ConnectivityType", ""),
        "state": item.get("State", ""),
        "price_items": (("nat-gateway", 1),),
        "blocks": (
            *(f"elastic-ip:{allocation}" for allocation in allocations),
            f"subnet:{item.get('SubnetId', '')}",
            f"internet-of:{vpc}",
            f"vpc:{vpc}",
        ),
    }


def _elastic_ip_fields(item: Item) -> ResourceFields:
    address = item.get("PublicIp", "")
    instance, interface = item.get("InstanceId", ""), item.get("NetworkInterfaceId", "")
    user = instance or interface
    return {
        "name": parse_tags(item.get("Tags")).get("Name") or address,
        "aliases": (address,),
        "state": f"associated with {user}" if user else "not associated",
        "uses": (user,) if user else (),
        "price_items": (("elastic-ip", 1),),
        "identity": (item["AllocationId"], address),
        "parent_key": f"ec2-instance:{instance}" if instance else "",
        "blocked_by": (
            *([f"ec2-instance:{instance}"] if instance else []),
            *([f"network-interface:{interface}"] if interface else []),
        ),
    }


def _attached_vpcs(item: Item) -> tuple[str, ...]:
    return tuple(one["VpcId"] for one in item.get("Attachments", ()) if one.get("VpcId"))


def _egress_gateway_fields(item: Item) -> ResourceFields:
    vpcs = _attached_vpcs(item)
    return {
        "state": "attached" if vpcs else "detached",
        "uses": vpcs,
        "blocks": tuple(f"vpc:{vpc}" for vpc in vpcs),
    }


def _internet_gateway_fields(item: Item) -> ResourceFields:
    return {
        **_egress_gateway_fields(item),
        "other_keys": tuple(f"internet-of:{vpc}" for vpc in _attached_vpcs(item)),
    }


def _delete_internet_gateway(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    ec2 = query.client("ec2", resource.region)
    for vpc in resource.uses:
        task.report_progress(f"detaching from {vpc}")
        with explain_in_use_error(query, resource.region, "vpc-id", vpc, only_public=True):
            allow_missing(ec2.detach_internet_gateway, InternetGatewayId=resource.id, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=resource.id)


KINDS = (
    # A deleted NAT gateway uses its Elastic IP and its subnet for minutes, and EC2 shows it for an hour.
    ec2_kind(
        "nat-gateway",
        "NAT gateway",
        terraform_types=("aws_nat_gateway",),
        describe="describe_nat_gateways",
        id_field="NatGatewayId",
        fields=_nat_gateway_fields,
        exists=has_state_other_than_deleted,
        delete=delete_by_id(
            "delete_nat_gateway", "NatGatewayId", wait_message="AWS is deleting it, usually 1 to 3 minutes"
        ),
    ),
    ec2_kind(
        "elastic-ip",
        "Elastic IP",
        terraform_types=("aws_eip",),
        describe="describe_addresses",
        id_field="AllocationId",
        fields=_elastic_ip_fields,
        exists=lambda item: bool(item.get("AllocationId")),
        delete=delete_by_id("release_address", "AllocationId", while_used="still associated with"),
        action="release",
    ),
    ec2_kind(
        "internet-gateway",
        "internet gateway",
        terraform_types=("aws_internet_gateway",),
        describe="describe_internet_gateways",
        id_field="InternetGatewayId",
        fields=_internet_gateway_fields,
        in_vpc=True,
        delete=_delete_internet_gateway,
        action="detach+delete",
    ),
    ec2_kind(
        "egress-gateway",
        "egress-only internet gateway",
        terraform_types=("aws_egress_only_internet_gateway",),
        describe="describe_egress_only_internet_gateways",
        id_field="EgressOnlyInternetGatewayId",
        fields=_egress_gateway_fields,
        delete=delete_by_id("delete_egress_only_internet_gateway", "EgressOnlyInternetGatewayId"),
    ),
)
