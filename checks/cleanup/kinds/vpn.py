"""Site-to-site VPNs of the region: connections, virtual private gateways and customer gateways.

EC2 shows a deleted one for a while.
"""

from __future__ import annotations

from checks.cleanup.aws_query import AwsQuery, allow_missing
from checks.cleanup.kinds.ec2_kind import (
    Item,
    ResourceFields,
    delete_by_id,
    describe_by_id,
    ec2_kind,
    has_state_other_than_deleted,
)
from checks.cleanup.leftover_kind import DeletionTask, RetryLater
from checks.cleanup.model import AwsResource


def _connection_fields(item: Item) -> ResourceFields:
    # The configuration beside it in the answer holds pre-shared keys: it is never read.
    gateway, customer = item.get("VpnGatewayId", ""), item.get("CustomerGatewayId", "")
    return {
        "state": item.get("State", ""),
        "size": f"{gateway or item.get('TransitGatewayId', '')} to {customer}",
        "price_items": (("vpn-connection", 1),),
        "identity": (item["VpnConnectionId"], gateway, customer),
        "blocks": (
            *([f"vpn-gateway:{gateway}"] if gateway else []),
            *([f"customer-gateway:{customer}"] if customer else []),
        ),
    }


def _attachments(item: Item) -> list[Item]:
    return [one for one in item.get("VpcAttachments") or () if one.get("State") != "detached"]


def _attached_vpcs(item: Item) -> tuple[str, ...]:
    return tuple(one["VpcId"] for one in _attachments(item) if one.get("VpcId"))


def _gateway_fields(item: Item) -> ResourceFields:
    vpcs = _attached_vpcs(item)
    detaching = any(one.get("State") == "detaching" for one in _attachments(item))
    return {
        "state": ", ".join(filter(None, (item.get("State", ""), "detaching" if detaching else ""))),
        "uses": vpcs,
        "blocks": tuple(f"vpc:{vpc}" for vpc in vpcs),
    }


def _delete_gateway(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    """Detaching and deleting take minutes each; the gateway is detached when its connections are gone."""
    ec2 = query.client("ec2", resource.region)
    if resource.state.startswith("deleting"):
        raise RetryLater("AWS is deleting it")
    if resource.state.endswith("detaching"):
        raise RetryLater(f"AWS is detaching it from {', '.join(resource.uses)}")
    for vpc in resource.uses:
        task.report_progress(f"detaching from {vpc}")
        allow_missing(ec2.detach_vpn_gateway, VpnGatewayId=resource.id, VpcId=vpc)
    for item in describe_by_id(query, "describe_vpn_gateways", "VpnGatewayId", resource.id, resource.region):
        if has_state_other_than_deleted(item):
            if vpcs := _attached_vpcs(item):
                raise RetryLater(f"AWS is detaching it from {', '.join(vpcs)}")
            ec2.delete_vpn_gateway(VpnGatewayId=resource.id)


def _customer_gateway_fields(item: Item) -> ResourceFields:
    address = item.get("IpAddress", "")
    return {
        "state": item.get("State", ""),
        "size": address,
        "identity": (item["CustomerGatewayId"], address),
    }


KINDS = (
    ec2_kind(
        "vpn-connection",
        "VPN connection",
        terraform_types=("aws_vpn_connection",),
        describe="describe_vpn_connections",
        id_field="VpnConnectionId",
        fields=_connection_fields,
        exists=has_state_other_than_deleted,
        delete=delete_by_id(
            "delete_vpn_connection", "VpnConnectionId", wait_message="AWS is deleting it, usually some minutes"
        ),
    ),
    ec2_kind(
        "vpn-gateway",
        "VPN gateway",
        terraform_types=("aws_vpn_gateway",),
        describe="describe_vpn_gateways",
        id_field="VpnGatewayId",
        fields=_gateway_fields,
        exists=has_state_other_than_deleted,
        delete=_delete_gateway,
        action="detach+delete",
    ),
    ec2_kind(
        "customer-gateway",
        "customer gateway",
        terraform_types=("aws_customer_gateway",),
        describe="describe_customer_gateways",
        id_field="CustomerGatewayId",
        fields=_customer_gateway_fields,
        exists=has_state_other_than_deleted,
        delete=delete_by_id("delete_customer_gateway", "CustomerGatewayId"),
    ),
)
