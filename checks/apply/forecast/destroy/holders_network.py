"""What holds the parts of a network: a group, a subnet, a gateway, the VPC itself. AWS refuses them with DependencyViolation,
and terraform tries for a quarter of an hour before it says so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from checks.apply.forecast.destroy.destroy_set import DestroySet, mentions
from checks.apply.forecast.destroy.network_blockers import is_deleted_with_group, remaining_interface_owners
from checks.apply.plan.model import PlannedChange

if TYPE_CHECKING:
    from checks.aws.session import AwsSession

_RULE_TYPES = (
    "aws_security_group_rule",
    "aws_vpc_security_group_egress_rule",
    "aws_vpc_security_group_ingress_rule",
)


def _before_text(change: PlannedChange, attribute: str) -> str:
    return str(change.before.get(attribute) or "")


def security_group_blockers(aws: AwsSession, change: PlannedChange, destroy_set: DestroySet) -> Iterable[str]:
    """Who uses a security group, and whose rules name it. Raises botocore's errors."""
    id_, region = _before_text(change, "id"), change.region or None
    if not id_:
        return
    yield from remaining_interface_owners(aws, change, {"group-id": id_}, destroy_set)
    free = destroy_set.released_with(change)
    whole = {each.before.get("id") for each in free if each.type == "aws_security_group"}
    rules = [each.before.get("security_group_id") for each in free if each.type in _RULE_TYPES and mentions(each.before, id_)]  # fmt: skip
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
    """Whose interfaces are in a subnet. Raises botocore's errors."""
    if id_ := _before_text(change, "id"):
        yield from remaining_interface_owners(aws, change, {"subnet-id": id_}, destroy_set)


def internet_gateway_blockers(aws: AwsSession, change: PlannedChange, destroy_set: DestroySet) -> Iterable[str]:
    """Whose public addresses keep an internet gateway at its VPC. Raises botocore's errors."""
    if vpc := _before_text(change, "vpc_id"):
        yield from remaining_interface_owners(aws, change, {"vpc-id": vpc}, destroy_set)


def vpc_blockers(aws: AwsSession, change: PlannedChange, destroy_set: DestroySet) -> Iterable[str]:
    """What a cluster makes behind terraform's back: load balancers and their groups; and instances of others."""
    vpc, region = _before_text(change, "id"), change.region or None
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
                and not is_deleted_with_group(each.get("Tags") or (), destroy_set)
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
