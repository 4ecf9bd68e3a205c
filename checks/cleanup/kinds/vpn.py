"""Virtual private gateways of the region. One is detached from its VPC when its connections have gone; both take minutes,
and a deleted one shows for a while."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.aws.errors import is_not_found
from checks.cleanup.aws_query import AwsQuery, RetryLater
from checks.cleanup.kinds import DeletionTask, ec2_kind
from checks.cleanup.model import AwsResource

_DESCRIBE_VPN_GATEWAYS = ("describe_vpn_gateways", "VpnGateways")


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    # describe_vpn_gateways has no pages: it answers with all of them.
    for found in query.client("ec2").describe_vpn_gateways()["VpnGateways"]:
        if found.get("State") != "deleted":
            yield _build_resource(found, query.region)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    found = ec2_kind.describe_first(query, *_DESCRIBE_VPN_GATEWAYS, region, VpnGatewayIds=[id])
    return _build_resource(found, region) if found and found.get("State") != "deleted" else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    ec2 = query.client("ec2", resource.region)
    if resource.state.startswith("deleting"):
        raise RetryLater("AWS is deleting it")
    if resource.state.endswith("detaching"):
        raise RetryLater(f"AWS is detaching it from {', '.join(resource.uses)}")
    for vpc in resource.uses:
        task.report_progress(f"detaching from {vpc}")
        try:
            ec2.detach_vpn_gateway(VpnGatewayId=resource.id, VpcId=vpc)
        except Exception as error:
            if not is_not_found(error):
                raise
    now = read_resource(query, resource.id, resource.region)
    if now is None:
        return
    if now.uses:
        raise RetryLater(f"AWS is detaching it from {', '.join(now.uses)}")
    ec2.delete_vpn_gateway(VpnGatewayId=resource.id)


def _build_resource(item: dict[str, Any], region: str) -> AwsResource:
    id = item["VpnGatewayId"]
    name, tags = ec2_kind.name_and_tags(item, id)
    attached = [one for one in item.get("VpcAttachments") or () if one.get("State") != "detached"]
    vpcs = tuple(one["VpcId"] for one in attached if one.get("VpcId"))
    detaching = any(one.get("State") == "detaching" for one in attached)
    return AwsResource(
        kind="vpn-gateway",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        state=", ".join(filter(None, (item.get("State", ""), "detaching" if detaching else ""))),
        uses=vpcs,
        identity=(id,),
        blocks=tuple(f"vpc:{vpc}" for vpc in vpcs),
    )
