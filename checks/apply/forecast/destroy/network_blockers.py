"""What blocks the destruction of a security group, a subnet, an internet gateway or a VPC.

AWS refuses them with DependencyViolation, and terraform tries for a quarter of an hour before it reports that. Most blockers
are network interfaces. An interface names its owner by its attachment or its description only. Where it names one, it goes
with the owner. Where it does not (a database's, a function's), it is taken to go with anything that the plan destroys and that
uses the same group or subnet: a blocker that is missed is better than one that is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from checks.apply.forecast.destroy.destroy_set import DestroySet, mentions
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
_OWNER_TAGS = {
    "aws:autoscaling:groupName": ("aws_autoscaling_group", "name"),
    "aws:ec2:fleet-id": ("aws_ec2_fleet", "id"),
    "aws:ec2spot:fleet-request-id": ("aws_spot_fleet_request", "id"),
    "aws:elasticmapreduce:job-flow-id": ("aws_emr_cluster", "id"),
    "eks:nodegroup-name": ("aws_eks_node_group", "node_group_name"),
}
"""The tag of an instance that something else started, and who that was."""
_RULE_TYPES = (
    "aws_security_group_rule",
    "aws_vpc_security_group_egress_rule",
    "aws_vpc_security_group_ingress_rule",
)


def security_group_blockers(aws: AwsSession, change: PlannedChange, destroy_set: DestroySet) -> Iterable[str]:
    """The users of a security group, and the groups whose rules name it. Raises botocore's errors."""
    id_, region = change.before_text("id"), change.region or None
    if not id_:
        return
    yield from _remaining_interface_owners(aws, change, {"group-id": id_}, destroy_set)
    released = destroy_set.released_with(change)
    whole = {each.before.get("id") for each in released if each.type == "aws_security_group"}
    rules = [each.before.get("security_group_id") for each in released if each.type in _RULE_TYPES and mentions(each.before, id_)]  # fmt: skip
    for by in ("ip-permission.group-id", "egress.ip-permission.group-id"):
        where = [{"Name": by, "Values": [id_]}]
        for each in aws.paginate("ec2", "describe_security_groups", "SecurityGroups", region=region, Filters=where):
            other = each["GroupId"]
            # More rules than go: the plan does not know of the rest.
            if other != id_ and other not in whole and _count_rules_for(each, id_) > rules.count(other):
                yield f"a rule of the security group {each['GroupName']} ({other})"


def _count_rules_for(security_group: dict[str, Any], id_: str) -> int:
    """How many rules of this group name the other one."""
    return sum(
        pair.get("GroupId") == id_
        for key in ("IpPermissions", "IpPermissionsEgress")
        for rule in security_group.get(key) or ()
        for pair in rule.get("UserIdGroupPairs") or ()
    )


def subnet_blockers(aws: AwsSession, change: PlannedChange, destroy_set: DestroySet) -> Iterable[str]:
    """The owners of the interfaces in a subnet. Raises botocore's errors."""
    if id_ := change.before_text("id"):
        yield from _remaining_interface_owners(aws, change, {"subnet-id": id_}, destroy_set)


def internet_gateway_blockers(aws: AwsSession, change: PlannedChange, destroy_set: DestroySet) -> Iterable[str]:
    """The owners of public addresses, which keep an internet gateway at its VPC. Raises botocore's errors."""
    if vpc := change.before_text("vpc_id"):
        yield from _remaining_interface_owners(aws, change, {"vpc-id": vpc}, destroy_set)


def vpc_blockers(aws: AwsSession, change: PlannedChange, destroy_set: DestroySet) -> Iterable[str]:
    """Load balancers and security groups that a cluster created outside of terraform, and instances. Raises botocore's errors."""
    vpc, region = change.before_text("id"), change.region or None
    gone = destroy_set.attribute_values("aws_lb", "arn") | destroy_set.attribute_values("aws_alb", "arn")
    for each in aws.paginate("elbv2", "describe_load_balancers", "LoadBalancers", region=region):
        name = each["LoadBalancerName"]
        if (
            each.get("VpcId") == vpc
            and each["LoadBalancerArn"] not in gone
            and not destroy_set.is_deleted_with_service(name)
        ):
            yield f"the load balancer {name}"
    where = [{"Name": "vpc-id", "Values": [vpc]}]
    gone = destroy_set.attribute_values("aws_instance", "id") | destroy_set.attribute_values(
        "aws_spot_instance_request", "spot_instance_id"
    )
    for found in aws.paginate("ec2", "describe_instances", "Reservations", region=region, Filters=where):
        for each in found["Instances"]:
            if (
                each["InstanceId"] not in gone
                and each.get("State", {}).get("Name") != "terminated"
                and not _is_deleted_with_group(each.get("Tags") or (), destroy_set)
            ):
                yield f"the instance {each['InstanceId']}"
    gone = destroy_set.attribute_values("aws_security_group", "id")
    clusters = destroy_set.attribute_values("aws_eks_cluster", "name")
    for each in aws.paginate("ec2", "describe_security_groups", "SecurityGroups", region=region, Filters=where):
        tags = {tag.get("Key"): tag.get("Value") for tag in each.get("Tags") or ()}
        if (
            each["GroupId"] not in gone
            and each["GroupName"] != "default"
            and not destroy_set.is_deleted_with_service(each["GroupName"])
            and tags.get("aws:eks:cluster-name") not in clusters  # EKS made it, and takes it along
        ):
            yield f"the security group {each['GroupName']} ({each['GroupId']})"


def _remaining_interface_owners(
    aws: AwsSession, change: PlannedChange, filters: Mapping[str, str], destroy_set: DestroySet
) -> Iterator[str]:
    """The owners of the interfaces that still exist when `change` is destroyed, in words. Raises botocore's errors.

    `filters`: EC2's own, by name: `group-id`, `subnet-id`.
    """
    region = change.region or None
    api_filters = [{"Name": name, "Values": [value]} for name, value in filters.items()]
    released = destroy_set.released_with(change)
    by_instance: dict[str, list[dict[str, Any]]] = {}
    for each in aws.paginate(
        "ec2", "describe_network_interfaces", "NetworkInterfaces", region=region, Filters=api_filters
    ):
        if ("vpc-id" in filters and not has_public_address(each)) or _is_address_released(each, filters, destroy_set):
            continue
        if _is_interface_released(each, change, released):
            continue
        instance = (each.get("Attachment") or {}).get("InstanceId", "")
        if instance:
            by_instance.setdefault(instance, []).append(each)
            continue
        words = _remaining_owner(each, change, released, destroy_set)
        balancer = words.removeprefix(_LOAD_BALANCER_PREFIX) if words.startswith(_LOAD_BALANCER_PREFIX) else ""
        if words and not (
            balancer
            and (destroy_set.is_deleted_with_service(balancer) or is_load_balancer_deleted(aws.client, each, region))
        ):
            yield words
    left = set(by_instance) - {
        str(each.before.get(key))
        for each in released
        for type_, key in (("aws_instance", "id"), ("aws_spot_instance_request", "spot_instance_id"))
        if each.type == type_
    }
    for id_ in sorted(left - _instances_deleted_with_group(aws, left, region, destroy_set)):
        yield f"the instance {id_}"


def _is_deleted_with_group(tags: Iterable[Mapping[str, str]], destroy_set: DestroySet) -> bool:
    """Whether the group or fleet that started this instance is destroyed, so that it ends as well."""
    return any(
        tag.get("Value") in destroy_set.attribute_values(*_OWNER_TAGS[tag["Key"]])
        for tag in tags
        if tag.get("Key") in _OWNER_TAGS
    )


def _instances_deleted_with_group(
    aws: AwsSession, instances: set[str], region: str | None, destroy_set: DestroySet
) -> set[str]:
    """Those of the instances that end with the group, the fleet or the cluster which started them."""
    if not instances or not any(destroy_set.attribute_values(*owner) for owner in _OWNER_TAGS.values()):
        return set()
    found = aws.paginate("ec2", "describe_instances", "Reservations", region=region, InstanceIds=sorted(instances))
    return {
        each["InstanceId"]
        for reservation in found
        for each in reservation["Instances"]
        if _is_deleted_with_group(each.get("Tags") or (), destroy_set)
    }


def _is_address_released(interface: dict[str, Any], filters: Mapping[str, str], destroy_set: DestroySet) -> bool:
    allocation = (interface.get("Association") or {}).get("AllocationId")
    return "vpc-id" in filters and allocation in destroy_set.attribute_values("aws_eip", "allocation_id")


def _is_interface_released(interface: dict[str, Any], change: PlannedChange, released: Iterable[PlannedChange]) -> bool:
    """Whether the plan destroys this very interface, or takes the group off it."""
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
    """The owner of the interface, in words, where the owner remains; empty where it goes."""
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
    uses = [change.before.get("id"), interface.get("SubnetId"), *_security_group_ids(interface)]
    released_ids = {id(each) for each in released}
    if by_service and any(
        id(each) in released_ids and not _TYPES_WITHOUT_INTERFACE.match(each.type)
        for word in uses
        for each in destroy_set.users_of(word)
    ):
        return ""
    owner = description or ("made by AWS" if by_service else str(interface.get("Status") or ""))
    return f"the network interface {id_}{f' ({owner})' if owner else ''}"


def _security_group_ids(interface: dict[str, Any]) -> list[str]:
    return [group["GroupId"] for group in interface.get("Groups") or ()]
