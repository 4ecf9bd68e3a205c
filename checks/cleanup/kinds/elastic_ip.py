"""Elastic IPs of the region that are associated with nothing, or with an instance that is itself a leftover."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, InUse, is_missing, tags_of
from checks.cleanup.kinds import Task
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    # describe_addresses has no pages: it answers with all of them.
    for address in asking.client("ec2").describe_addresses()["Addresses"]:
        if address.get("AllocationId"):
            yield _seen(address, asking.region)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    try:
        addresses = asking.client("ec2", region).describe_addresses(AllocationIds=[id])["Addresses"]
    except Exception as error:
        if is_missing(error):
            return None
        raise
    return _seen(addresses[0], region) if addresses else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    if seen.uses:
        raise InUse(f"still associated with {seen.uses[0]}")
    asking.client("ec2", seen.region).release_address(AllocationId=seen.id)


def _seen(address: dict[str, Any], region: str) -> Seen:
    tags = tags_of(address.get("Tags"))
    instance, interface = address.get("InstanceId", ""), address.get("NetworkInterfaceId", "")
    user = instance or interface
    return Seen(
        kind="elastic-ip",
        id=address["AllocationId"],
        name=tags.get("Name", address.get("PublicIp", "")),
        region=region,
        aliases=(address.get("PublicIp", ""),),
        tags=tags,
        state=f"associated with {user}" if user else "not associated",
        uses=(user,) if user else (),
        billed=(("elastic-ip", 1),),
        identity=(address["AllocationId"], address.get("PublicIp", "")),
        part_of=f"ec2-instance:{instance}" if instance else "",
        blocked_by=(
            *([f"ec2-instance:{instance}"] if instance else []),
            *([f"network-interface:{interface}"] if interface else []),
        ),
    )
