"""Elastic IPs of the region that are associated with nothing, or with an instance that is itself a leftover."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.aws.errors import is_not_found
from checks.cleanup.aws_query import AwsQuery, ResourceInUse, parse_tags
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    # describe_addresses has no pages: it answers with all of them.
    for address in query.client("ec2").describe_addresses()["Addresses"]:
        if address.get("AllocationId"):
            yield _build_resource(address, query.region)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    try:
        addresses = query.client("ec2", region).describe_addresses(AllocationIds=[id])["Addresses"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return _build_resource(addresses[0], region) if addresses else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    if resource.uses:
        raise ResourceInUse(f"still associated with {resource.uses[0]}")
    query.client("ec2", resource.region).release_address(AllocationId=resource.id)


def _build_resource(address: dict[str, Any], region: str) -> AwsResource:
    tags = parse_tags(address.get("Tags"))
    instance, interface = address.get("InstanceId", ""), address.get("NetworkInterfaceId", "")
    user = instance or interface
    return AwsResource(
        kind="elastic-ip",
        id=address["AllocationId"],
        name=tags.get("Name", address.get("PublicIp", "")),
        region=region,
        aliases=(address.get("PublicIp", ""),),
        tags=tags,
        state=f"associated with {user}" if user else "not associated",
        uses=(user,) if user else (),
        price_items=(("elastic-ip", 1),),
        identity=(address["AllocationId"], address.get("PublicIp", "")),
        parent_key=f"ec2-instance:{instance}" if instance else "",
        blocked_by=(
            *([f"ec2-instance:{instance}"] if instance else []),
            *([f"network-interface:{interface}"] if interface else []),
        ),
    )
