"""The network interfaces that hold a group, a subnet or a gateway, and whose they are: an instance's, a load balancer's, ...

An interface tells its owner by its attachment or its description only. Where that names the owner, it goes if the owner goes.
Where it does not (a database's, a function's), it is taken to go with anything that the plan destroys and that uses the same
group or subnet: rather not told than told falsely.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from checks.apply.forecast.destroy.destroy_set import DestroySet
from checks.apply.plan.model import PlannedChange
from checks.aws.network_interfaces import has_public_address, is_created_by_service, is_load_balancer_deleted

if TYPE_CHECKING:
    from checks.aws.session import AwsSession

_OWNER_PATTERNS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    (r"^ELB ((?:app|net|gwy)/([^/]+)/\S+)$", ("aws_lb", "aws_alb"), "arn_suffix", "the load balancer {1}"),
    (r"^ELB (([^/\s]+))$", ("aws_elb",), "name", "the load balancer {1}"),
    (r"NAT Gateway (nat-\w+)", ("aws_nat_gateway",), "id", "the NAT gateway {0}"),
    (r"^VPC Endpoint Interface (vpce-\w+)", ("aws_vpc_endpoint",), "id", "the endpoint {0}"),
    (r"^EFS mount target for (fs-\w+) \((fsmt-\w+)\)", ("aws_efs_mount_target",), "file_system_id",
     "the mount target of {0}"),
    (r"^Amazon EKS (\S+)$", ("aws_eks_cluster",), "name", "the EKS cluster {0}"),
    (r"(tgw-attach-\w+)", ("aws_ec2_transit_gateway_vpc_attachment",), "id", "the attachment {0}"),
    (r"(rslvr-(?:in|out)-\w+)", ("aws_route53_resolver_endpoint",), "id", "the resolver endpoint {0}"),
)  # fmt: skip
"""How the description begins or what it names, the owner's types, the attribute that has the first group, and the owner in
words. As AWS writes them (EC2 user guide, "Requester-managed network interfaces")."""
_LOAD_BALANCER_PREFIX = "the load balancer "
_TYPES_WITHOUT_INTERFACE = re.compile(
    r"^aws_(?:(?:default_)?(?:security_group|subnet|network_acl|route_table|internet_gateway|vpc)|vpc_security_group_\w+"
    r"|security_group_rule|route_table_association|network_acl_association|network_interface_sg_attachment)$"
)
"""Types that use a group or a subnet and have no interface in it."""
OWNER_TAGS = {
    "aws:autoscaling:groupName": ("aws_autoscaling_group", "name"),
    "aws:ec2:fleet-id": ("aws_ec2_fleet", "id"),
    "aws:ec2spot:fleet-request-id": ("aws_spot_fleet_request", "id"),
    "aws:elasticmapreduce:job-flow-id": ("aws_emr_cluster", "id"),
    "eks:nodegroup-name": ("aws_eks_node_group", "node_group_name"),
}
"""The tag of an instance that something else started, and who that was."""


def remaining_interface_owners(
    aws: AwsSession, change: PlannedChange, filters: Mapping[str, str], destroy_set: DestroySet
) -> Iterator[str]:
    """The owners of the interfaces that are still there when `one` is to go, in words. Raises botocore's errors.

    `filters`: EC2's own, by name: `group-id`, `subnet-id`.
    """
    region = change.region or None
    asked = [{"Name": name, "Values": [value]} for name, value in filters.items()]
    free = destroy_set.released_with(change)
    held: dict[str, list[dict[str, Any]]] = {}
    for each in aws.paginate("ec2", "describe_network_interfaces", "NetworkInterfaces", region=region, Filters=asked):
        if ("vpc-id" in filters and not has_public_address(each)) or _is_address_released(each, filters, destroy_set):
            continue
        if _is_interface_released(each, change, free):
            continue
        instance = (each.get("Attachment") or {}).get("InstanceId", "")
        if instance:
            held.setdefault(instance, []).append(each)
            continue
        words = _remaining_owner(each, change, free, destroy_set)
        balancer = words.removeprefix(_LOAD_BALANCER_PREFIX) if words.startswith(_LOAD_BALANCER_PREFIX) else ""
        if words and not (
            balancer
            and (destroy_set.is_deleted_with_service(balancer) or is_load_balancer_deleted(aws.client, each, region))
        ):
            yield words
    left = set(held) - {
        str(each.before.get(key))
        for each in free
        for type_, key in (("aws_instance", "id"), ("aws_spot_instance_request", "spot_instance_id"))
        if each.type == type_
    }
    for id_ in sorted(left - _instances_deleted_with_group(aws, left, region, destroy_set)):
        yield f"the instance {id_}"


def is_deleted_with_group(tags: Iterable[Mapping[str, str]], destroy_set: DestroySet) -> bool:
    """Whether what started this instance is destroyed, so that it ends as well."""
    return any(
        tag.get("Value") in destroy_set.attribute_values(*OWNER_TAGS[tag["Key"]])
        for tag in tags
        if tag.get("Key") in OWNER_TAGS
    )


def _instances_deleted_with_group(
    aws: AwsSession, instances: set[str], region: str | None, destroy_set: DestroySet
) -> set[str]:
    """Those of the instances that end with the group, the fleet or the cluster which started them."""
    if not instances or not any(destroy_set.attribute_values(*owner) for owner in OWNER_TAGS.values()):
        return set()
    found = aws.paginate("ec2", "describe_instances", "Reservations", region=region, InstanceIds=sorted(instances))
    return {
        each["InstanceId"]
        for reservation in found
        for each in reservation["Instances"]
        if is_deleted_with_group(each.get("Tags") or (), destroy_set)
    }


def _is_address_released(interface: dict[str, Any], filters: Mapping[str, str], destroy_set: DestroySet) -> bool:
    allocation = (interface.get("Association") or {}).get("AllocationId")
    return "vpc-id" in filters and allocation in destroy_set.attribute_values("aws_eip", "allocation_id")


def _is_interface_released(interface: dict[str, Any], change: PlannedChange, released: Iterable[PlannedChange]) -> bool:
    """Whether the plan knows this very interface, whatever it is attached to: it goes, or the group is taken off it."""
    id_ = interface["NetworkInterfaceId"]
    return any(
        (each.type == "aws_network_interface" and each.before.get("id") == id_)
        or (
            each.type == "aws_network_interface_sg_attachment"
            and each.before.get("network_interface_id") == id_
            and each.before.get("security_group_id") == change.before.get("id")
        )
        for each in released
    )


def _remaining_owner(
    interface: dict[str, Any], change: PlannedChange, released: Sequence[PlannedChange], destroy_set: DestroySet
) -> str:
    """Whose interface it is, where that stays; empty where it goes."""
    description = str(interface.get("Description") or "")
    for pattern, types, attribute, words in _OWNER_PATTERNS:
        if match := re.search(pattern, description):
            owner = match[1]
            for each in released:
                value = str(each.before.get(attribute) or each.before.get("arn") or "")
                if each.type in types and (value == owner or value.endswith(f"/{owner}")):
                    return ""
            return words.format(*match.groups())
    id_ = interface["NetworkInterfaceId"]
    by_service = is_created_by_service(interface)
    place = [change.before.get("id"), interface.get("SubnetId"), *_security_group_ids(interface)]
    let_go = {id(each) for each in released}
    if by_service and any(
        id(each) in let_go and not _TYPES_WITHOUT_INTERFACE.match(each.type)
        for word in place
        for each in destroy_set.users_of(word)
    ):
        return ""
    whose = description or ("made by AWS" if by_service else str(interface.get("Status") or ""))
    return f"the network interface {id_}{f' ({whose})' if whose else ''}"


def _security_group_ids(interface: dict[str, Any]) -> list[str]:
    return [group["GroupId"] for group in interface.get("Groups") or ()]
