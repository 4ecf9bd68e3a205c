"""What the kinds of a VPC share: one item by its id, which VPCs are default ones, and who holds on to something.

A refusal of EC2 says that something depends on it and not what; `holders_named` says what.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from checks.aws.errors import aws_error_code, is_denied, is_not_found
from checks.aws.network_interfaces import has_public_address, is_load_balancer_deleted
from checks.cleanup.aws_query import AwsQuery, ResourceInUse, RetryLater, parse_tags
from checks.sanitize import one_line

MAX_NAMED_INTERFACES = 4
"""Holders that a message names."""
_IN_USE_CODES = frozenset({"DependencyViolation", "InvalidGroup.InUse", "InvalidNetworkInterface.InUse"})


def describe_first(query: AwsQuery, operation: str, key: str, region: str, **parameters: Any) -> Any:
    """The first item under `key` that EC2 answers with; None when it does not know any (more)."""
    try:
        found = getattr(query.client("ec2", region), operation)(**parameters)[key]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return found[0] if found else None


def name_and_tags(item: dict[str, Any], id: str) -> tuple[str, dict[str, str]]:
    """What people call it (the tag Name, else its id), and its tags."""
    tags = parse_tags(item.get("Tags"))
    return tags.get("Name") or id, tags


def default_vpcs(query: AwsQuery, region: str) -> frozenset[str] | None:
    """The ids of the region's default VPCs (one, or none); None when we may not look."""
    mine = [{"Name": "is-default", "Values": ["true"]}]

    def ask() -> frozenset[str] | None:
        return frozenset(
            vpc["VpcId"]
            for vpc in query.list_items("ec2", "describe_vpcs", "Vpcs", region=region, Filters=mine)
            if vpc.get("IsDefault")
        )

    nothing: frozenset[str] | None = None
    return query.call_or_default("ec2:DescribeVpcs", ask, nothing)


def default_vpc_protection(vpc: str, default_vpc_ids: frozenset[str] | None) -> str:
    """Why a part of this VPC is never deleted; empty when it may be."""
    if default_vpc_ids is None:
        return "whether its VPC is the default one could not be looked at (ec2:DescribeVpcs)"
    return "part of the default VPC" if vpc in default_vpc_ids else ""


def list_network_interfaces(query: AwsQuery, region: str, filter_name: str, filter_value: str) -> list[dict[str, Any]]:
    """The network interfaces that EC2's filter `by` (subnet-id, group-id, vpc-id) finds. Raises what botocore raises."""
    wanted = [{"Name": filter_name, "Values": [filter_value]}]
    return list(
        query.list_items("ec2", "describe_network_interfaces", "NetworkInterfaces", region=region, Filters=wanted)
    )


@contextmanager
def explain_in_use_error(
    query: AwsQuery, region: str, filter_name: str, filter_value: str, *, only_public: bool = False
) -> Iterator[None]:
    """Turn EC2's refusal into one that names the network interfaces which hold on; `public`: those with an address.

    Raises NotYet when all that is left is what AWS itself is taking away (a deleted load balancer's interfaces), and
    InUse, which is given up after some tries, for anything else.
    """
    try:
        yield
    except Exception as error:
        if aws_error_code(error) not in _IN_USE_CODES:
            raise
        try:
            left = list_network_interfaces(query, region, filter_name, filter_value)
        except Exception as refusal:
            if is_denied(refusal):
                raise error from refusal
            raise
        if only_public:
            left = list(filter(has_public_address, left))
        words = [_describe_interface(one) for one in left]
        if not left:
            raise
        if all(_is_being_removed(query, one, region) for one in left):
            raise RetryLater(f"AWS is still removing {_join_names(words)}") from error
        raise ResourceInUse(f"still used by {_join_names(words)}") from error


def _join_names(words: list[str]) -> str:
    more = f" and {len(words) - MAX_NAMED_INTERFACES} more" if len(words) > MAX_NAMED_INTERFACES else ""
    return ", ".join(words[:MAX_NAMED_INTERFACES]) + more


def _describe_interface(interface: dict[str, Any]) -> str:
    user = interface.get("Attachment", {}).get("InstanceId", "") or interface.get("Description", "")
    return one_line(f"network interface {interface['NetworkInterfaceId']}{f' ({user})' if user else ''}")


def _is_being_removed(query: AwsQuery, interface: dict[str, Any], region: str) -> bool:
    try:
        return is_load_balancer_deleted(query.client, interface, region)
    except Exception as error:
        if is_denied(error):
            return False
        raise
