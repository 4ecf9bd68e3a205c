"""VPCs of the region, their subnets, route tables, network ACLs and peering connections. The default VPC is protected."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from checks.aws.iam import iam_action
from checks.cleanup.aws_query import AwsQuery, allow_missing
from checks.cleanup.kinds.ec2_kind import (
    Item,
    ResourceFields,
    delete_by_id,
    describe_by_id,
    ec2_kind,
    explain_in_use_error,
    has_state_other_than_deleted,
    join_names,
    key_of_answer,
)
from checks.cleanup.leftover_kind import DeletionTask, ResourceInUse
from checks.cleanup.model import AwsResource

_ENDED_PEERING_STATES = frozenset({"deleted", "rejected", "expired", "failed"})


def _peering_exists(item: Item) -> bool:
    # An ended peering connection shows for hours and blocks nothing.
    return item.get("Status", {}).get("Code") not in _ENDED_PEERING_STATES


def _peering_sides(item: Item) -> list[Item]:
    return [item.get(side, {}) for side in ("RequesterVpcInfo", "AccepterVpcInfo")]


def _peering_fields(item: Item) -> ResourceFields:
    sides = _peering_sides(item)
    vpcs = tuple(side["VpcId"] for side in sides if side.get("VpcId"))
    return {
        "size": " to ".join(f"{side.get('VpcId', '')} of {side.get('OwnerId', '')}" for side in sides),
        "state": item.get("Status", {}).get("Code", ""),
        "identity": (item["VpcPeeringConnectionId"], *vpcs),
        "blocks": tuple(f"vpc:{vpc}" for vpc in vpcs),
    }


def _subnet_fields(item: Item) -> ResourceFields:
    id, vpc = item["SubnetId"], item["VpcId"]
    return {
        "arn": item.get("SubnetArn", ""),
        "size": item.get("CidrBlock", ""),
        "state": f"{item.get('AvailabilityZone', '')}, {vpc}",
        "identity": (id, vpc),
        "blocks": (f"vpc:{vpc}",),
        "protection_reason": "part of the default VPC" if item.get("DefaultForAz") else "",
    }


def _is_main_table(item: Item) -> bool:
    return any(one.get("Main") for one in item.get("Associations", ()))


def _subnet_ids(item: Item) -> tuple[str, ...]:
    return tuple(one["SubnetId"] for one in item.get("Associations", ()) if one.get("SubnetId"))


def _route_table_fields(item: Item) -> ResourceFields:
    id, vpc, subnets = item["RouteTableId"], item["VpcId"], _subnet_ids(item)
    count = len(item.get("Routes", ()))
    return {
        "size": f"{count} route{'' if count == 1 else 's'}",
        "state": vpc,
        "uses": subnets,
        "identity": (id, vpc),
        "blocked_by": tuple(f"subnet:{subnet}" for subnet in subnets),
        "blocks": (f"vpc:{vpc}",),
        "protection_reason": "the main route table of its VPC, deleted with it" if _is_main_table(item) else "",
    }


def _delete_route_table(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    """A table that a subnet uses waits for the subnet, and is never taken away from it."""
    ec2, region = query.client("ec2", resource.region), resource.region
    for item in describe_by_id(query, "describe_route_tables", "RouteTableId", resource.id, region):
        used_by = []
        for association in item.get("Associations", ()):
            subnet = association.get("SubnetId")
            if subnet and describe_by_id(query, "describe_subnets", "SubnetId", subnet, region):
                used_by.append(subnet)
                continue
            # Of a gateway, or of a subnet that is just gone: nothing sends through it any more.
            allow_missing(ec2.disassociate_route_table, AssociationId=association["RouteTableAssociationId"])
        if used_by:
            raise ResourceInUse(f"still used by {', '.join(used_by)}")
        ec2.delete_route_table(RouteTableId=resource.id)


def _network_acl_fields(item: Item) -> ResourceFields:
    id, vpc, subnets = item["NetworkAclId"], item["VpcId"], _subnet_ids(item)
    return {
        "size": f"{len(item.get('Entries', ()))} rules",
        "state": vpc,
        "uses": subnets,
        "identity": (id, vpc),
        "blocked_by": tuple(f"subnet:{subnet}" for subnet in subnets),
        "blocks": (f"vpc:{vpc}",),
        "protection_reason": "the default network ACL of its VPC, deleted with it" if item.get("IsDefault") else "",
    }


def _vpc_fields(item: Item) -> ResourceFields:
    return {
        "size": item.get("CidrBlock", ""),
        "state": item.get("State", ""),
        "protection_reason": "the default VPC" if item.get("IsDefault") else "",
    }


class _VpcPart(NamedTuple):
    """Something in a VPC that blocks its deletion."""

    describe: str
    id_field: str
    filter_name: str = ""
    """EC2's filter for the VPC; empty where it has none, then `blocks` decides."""
    blocks: Callable[[Item, str], bool] = lambda item, vpc: True


_PARTS = (
    _VpcPart("describe_subnets", "SubnetId", "vpc-id"),
    _VpcPart("describe_internet_gateways", "InternetGatewayId", "attachment.vpc-id"),
    _VpcPart(
        "describe_egress_only_internet_gateways",
        "EgressOnlyInternetGatewayId",
        blocks=lambda item, vpc: any(one.get("VpcId") == vpc for one in item.get("Attachments", ())),
    ),
    _VpcPart(
        "describe_vpn_gateways",
        "VpnGatewayId",
        blocks=lambda item, vpc: any(
            one.get("VpcId") == vpc and one.get("State") != "detached" for one in item.get("VpcAttachments") or ()
        ),
    ),
    _VpcPart(
        "describe_nat_gateways",
        "NatGatewayId",
        "vpc-id",
        lambda item, vpc: has_state_other_than_deleted(item),
    ),
    _VpcPart(
        "describe_vpc_endpoints",
        "VpcEndpointId",
        "vpc-id",
        lambda item, vpc: str(item.get("State", "")).lower() != "deleted",
    ),
    _VpcPart("describe_route_tables", "RouteTableId", "vpc-id", lambda item, vpc: not _is_main_table(item)),
    _VpcPart("describe_network_acls", "NetworkAclId", "vpc-id", lambda item, vpc: not item.get("IsDefault")),
    _VpcPart(
        "describe_security_groups",
        "GroupId",
        "vpc-id",
        lambda item, vpc: item.get("GroupName") != "default",
    ),
    _VpcPart(
        "describe_vpc_peering_connections",
        "VpcPeeringConnectionId",
        blocks=lambda item, vpc: _peering_exists(item) and vpc in [side.get("VpcId") for side in _peering_sides(item)],
    ),
)


def _list_parts(query: AwsQuery, part: _VpcPart, vpc: str, region: str) -> list[str]:
    """The ids of these parts of the VPC; empty where AWS refuses to list them: then EC2 refuses the deletion."""
    # The one operation whose parameter is called so.
    parameter = "Filter" if part.describe == "describe_nat_gateways" else "Filters"
    filters = {parameter: [{"Name": part.filter_name, "Values": [vpc]}]} if part.filter_name else {}
    items: list[Item] = query.call_or_default(
        iam_action("ec2", part.describe),
        lambda: list(query.list_items("ec2", part.describe, key_of_answer(part.describe), region=region, **filters)),
        [],
    )
    return [item[part.id_field] for item in items if part.blocks(item, vpc)]


def _delete_vpc(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    # EC2 says only that there are dependencies; and it would silently end a peering connection, on the other side too.
    left = [id for part in _PARTS for id in _list_parts(query, part, resource.id, resource.region)]
    if left:
        raise ResourceInUse(f"still contains {join_names(left)}")
    with explain_in_use_error(query, resource.region, "vpc-id", resource.id):
        query.client("ec2", resource.region).delete_vpc(VpcId=resource.id)


KINDS = (
    ec2_kind(
        "vpc-peering",
        "VPC peering connection",
        terraform_types=("aws_vpc_peering_connection", "aws_vpc_peering_connection_accepter"),
        describe="describe_vpc_peering_connections",
        id_field="VpcPeeringConnectionId",
        fields=_peering_fields,
        exists=_peering_exists,
        delete=delete_by_id("delete_vpc_peering_connection", "VpcPeeringConnectionId"),
    ),
    ec2_kind(
        "subnet",
        "subnet",
        terraform_types=("aws_subnet", "aws_default_subnet"),
        describe="describe_subnets",
        id_field="SubnetId",
        fields=_subnet_fields,
        in_vpc=True,
        delete=delete_by_id("delete_subnet", "SubnetId", interface_filter="subnet-id"),
    ),
    ec2_kind(
        "route-table",
        "route table",
        terraform_types=("aws_route_table", "aws_default_route_table"),
        describe="describe_route_tables",
        id_field="RouteTableId",
        fields=_route_table_fields,
        in_vpc=True,
        delete=_delete_route_table,
    ),
    # A network ACL that a subnet uses waits for the subnet.
    ec2_kind(
        "network-acl",
        "network ACL",
        terraform_types=("aws_network_acl", "aws_default_network_acl"),
        describe="describe_network_acls",
        id_field="NetworkAclId",
        fields=_network_acl_fields,
        in_vpc=True,
        delete=delete_by_id("delete_network_acl", "NetworkAclId"),
    ),
    ec2_kind(
        "vpc",
        "VPC",
        terraform_types=("aws_vpc", "aws_default_vpc"),
        describe="describe_vpcs",
        id_field="VpcId",
        fields=_vpc_fields,
        delete=_delete_vpc,
    ),
)
