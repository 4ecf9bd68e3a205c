"""Network interfaces of the region. One that goes with its instance belongs to the instance; one that AWS made for a
service goes with that service and is never touched; none is ever detached."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, InUse, code
from checks.cleanup.kinds import Task, vpc_shared
from checks.cleanup.model import Seen

_OWN = frozenset({"interface", "efa", "efa-only", "branch", "trunk"})
"""Types that a customer makes (EC2 API reference, NetworkInterface.interfaceType); others belong to a service."""


def find(asking: Asking) -> Iterable[Seen]:
    for found in asking.pages("ec2", "describe_network_interfaces", "NetworkInterfaces"):
        attachment = found.get("Attachment", {})
        if not (attachment.get("InstanceId") and attachment.get("DeleteOnTermination")):
            yield _seen(found, asking.region)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    found = vpc_shared.item(
        asking, "describe_network_interfaces", "NetworkInterfaces", region, NetworkInterfaceIds=[id]
    )
    return _seen(found, region) if found else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    if seen.uses:
        raise InUse(f"still attached to {seen.uses[0]}")
    try:
        asking.client("ec2", seen.region).delete_network_interface(NetworkInterfaceId=seen.id)
    except Exception as error:
        # EC2 has no code of its own for it: InvalidParameterValue, "is currently in use".
        if code(error) == "InvalidParameterValue" and "in use" in str(error):
            raise InUse("still in use") from error
        raise


def _seen(found: dict[str, Any], region: str) -> Seen:
    id = found["NetworkInterfaceId"]
    # EC2 says TagSet here, and Tags everywhere else.
    name, tags = vpc_shared.named({"Tags": found.get("TagSet")}, id)
    description = found.get("Description", "")
    attachment = found.get("Attachment", {})
    instance = attachment.get("InstanceId", "")
    user = instance or attachment.get("InstanceOwnerId", "") if attachment else ""
    made_by_aws = found.get("RequesterManaged") or found.get("InterfaceType", "interface") not in _OWN
    subnet, vpc = found.get("SubnetId", ""), found.get("VpcId", "")
    return Seen(
        kind="network-interface",
        id=id,
        name=name,
        region=region,
        aliases=(id, *([description] if description else [])),
        tags=tags,
        size=found.get("PrivateIpAddress", ""),
        state=found.get("Status", ""),
        uses=(user,) if user else (),
        identity=(id,),
        part_of=f"ec2-instance:{instance}" if instance else "",
        blocked_by=(f"ec2-instance:{instance}",) if instance else (),
        blocks=(
            *(f"security-group:{group['GroupId']}" for group in found.get("Groups", ())),
            f"subnet:{subnet}",
            f"vpc:{vpc}",
        ),
        guarded=f"made by AWS for {description or 'a service'}; it goes with that" if made_by_aws else "",
    )
