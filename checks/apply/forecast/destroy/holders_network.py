"""What holds the parts of a network: a group, a subnet, a gateway, the VPC itself. AWS refuses them with DependencyViolation,
and terraform tries for a quarter of an hour before it says so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from checks.apply.forecast.destroy.destroyed import Going, mentions
from checks.apply.forecast.destroy.network_blockers import goes_with_its_group, staying
from checks.apply.plan.model import Planned

if TYPE_CHECKING:
    from checks.aws.session import Aws

_RULES = (
    "aws_security_group_rule",
    "aws_vpc_security_group_egress_rule",
    "aws_vpc_security_group_ingress_rule",
)


def _text(one: Planned, attribute: str) -> str:
    return str(one.before.get(attribute) or "")


def group(aws: Aws, one: Planned, going: Going) -> Iterable[str]:
    """Who uses a security group, and whose rules name it. Raises botocore's errors."""
    id_, region = _text(one, "id"), one.region or None
    if not id_:
        return
    yield from staying(aws, one, {"group-id": id_}, going)
    free = going.letting_go(one)
    whole = {each.before.get("id") for each in free if each.type == "aws_security_group"}
    rules = [each.before.get("security_group_id") for each in free if each.type in _RULES and mentions(each.before, id_)]  # fmt: skip
    for by in ("ip-permission.group-id", "egress.ip-permission.group-id"):
        where = [{"Name": by, "Values": [id_]}]
        for each in aws.paginate(
            "ec2", "describe_security_groups", "SecurityGroups", region=region, Filters=where
        ):
            other = each["GroupId"]
            # More rules than go: the plan does not know of the rest.
            if other != id_ and other not in whole and _naming(each, id_) > rules.count(other):
                yield f"a rule of the security group {each['GroupName']} ({other})"


def _naming(found: dict[str, Any], id_: str) -> int:
    """How many rules of this group name the other one."""
    return sum(
        pair.get("GroupId") == id_
        for key in ("IpPermissions", "IpPermissionsEgress")
        for rule in found.get(key) or ()
        for pair in rule.get("UserIdGroupPairs") or ()
    )


def subnet(aws: Aws, one: Planned, going: Going) -> Iterable[str]:
    """Whose interfaces are in a subnet. Raises botocore's errors."""
    if id_ := _text(one, "id"):
        yield from staying(aws, one, {"subnet-id": id_}, going)


def gateway(aws: Aws, one: Planned, going: Going) -> Iterable[str]:
    """Whose public addresses keep an internet gateway at its VPC. Raises botocore's errors."""
    if vpc := _text(one, "vpc_id"):
        yield from staying(aws, one, {"vpc-id": vpc}, going)


def network(aws: Aws, one: Planned, going: Going) -> Iterable[str]:
    """What a cluster makes behind terraform's back: load balancers and their groups; and instances of others."""
    vpc, region = _text(one, "id"), one.region or None
    gone = going.values("aws_lb", "arn") | going.values("aws_alb", "arn")
    for each in aws.paginate("elbv2", "describe_load_balancers", "LoadBalancers", region=region):
        name = each["LoadBalancerName"]
        if (
            each.get("VpcId") == vpc
            and each["LoadBalancerArn"] not in gone
            and not going.with_its_service(name)
        ):
            yield f"the load balancer {name}"
    where = [{"Name": "vpc-id", "Values": [vpc]}]
    gone = going.values("aws_instance", "id") | going.values("aws_spot_instance_request", "spot_instance_id")
    for found in aws.paginate("ec2", "describe_instances", "Reservations", region=region, Filters=where):
        for each in found["Instances"]:
            if (
                each["InstanceId"] not in gone
                and each.get("State", {}).get("Name") != "terminated"
                and not goes_with_its_group(each.get("Tags") or (), going)
            ):
                yield f"the instance {each['InstanceId']}"
    gone = going.values("aws_security_group", "id")
    clusters = going.values("aws_eks_cluster", "name")
    for each in aws.paginate(
        "ec2", "describe_security_groups", "SecurityGroups", region=region, Filters=where
    ):
        tags = {tag.get("Key"): tag.get("Value") for tag in each.get("Tags") or ()}
        if (
            each["GroupId"] not in gone
            and each["GroupName"] != "default"
            and not going.with_its_service(each["GroupName"])
            and tags.get("aws:eks:cluster-name") not in clusters  # EKS made it, and takes it along
        ):
            yield f"the security group {each['GroupName']} ({each['GroupId']})"
