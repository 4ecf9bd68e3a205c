"""Network interfaces of the region. One that goes with its instance belongs to the instance; one that AWS made for a
service goes with that service and is never touched; none is ever detached."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.aws.errors import aws_error_code
from checks.aws.network_interfaces import is_created_by_service
from checks.cleanup.aws_query import AwsQuery, ResourceInUse
from checks.cleanup.kinds import DeletionTask, ec2_kind
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    for found in query.list_items("ec2", "describe_network_interfaces", "NetworkInterfaces"):
        attachment = found.get("Attachment", {})
        if not (attachment.get("InstanceId") and attachment.get("DeleteOnTermination")):
            yield _build_resource(found, query.region)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    found = ec2_kind.describe_first(
        query, "describe_network_interfaces", "NetworkInterfaces", region, NetworkInterfaceIds=[id]
    )
    return _build_resource(found, region) if found else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    if resource.uses:
        raise ResourceInUse(f"still attached to {resource.uses[0]}")
    try:
        query.client("ec2", resource.region).delete_network_interface(NetworkInterfaceId=resource.id)
    except Exception as error:
        # EC2 has no code of its own for it: InvalidParameterValue, "is currently in use".
        if aws_error_code(error) == "InvalidParameterValue" and "in use" in str(error):
            raise ResourceInUse("still in use") from error
        raise


def _build_resource(item: dict[str, Any], region: str) -> AwsResource:
    id = item["NetworkInterfaceId"]
    # EC2 says TagSet here, and Tags everywhere else.
    name, tags = ec2_kind.name_and_tags({"Tags": item.get("TagSet")}, id)
    description = item.get("Description", "")
    attachment = item.get("Attachment", {})
    instance = attachment.get("InstanceId", "")
    user = instance or attachment.get("InstanceOwnerId", "") if attachment else ""
    subnet, vpc = item.get("SubnetId", ""), item.get("VpcId", "")
    return AwsResource(
        kind="network-interface",
        id=id,
        name=name,
        region=region,
        aliases=(id, *([description] if description else [])),
        tags=tags,
        size=item.get("PrivateIpAddress", ""),
        state=item.get("Status", ""),
        uses=(user,) if user else (),
        identity=(id,),
        parent_key=f"ec2-instance:{instance}" if instance else "",
        blocked_by=(f"ec2-instance:{instance}",) if instance else (),
        blocks=(
            *(f"security-group:{group['GroupId']}" for group in item.get("Groups", ())),
            f"subnet:{subnet}",
            f"vpc:{vpc}",
        ),
        protection_reason=f"made by AWS for {description or 'a service'}; it goes with that"
        if is_created_by_service(item)
        else "",
    )
