"""Names in EC2 and load balancing; unique in a region, or in a VPC."""

from __future__ import annotations

from collections.abc import Callable

from checks.apply.forecast.collisions.kind import CollisionKind, CollisionQuery, ExistingResource
from checks.aws.errors import is_not_found


def _find_key_pair(query: CollisionQuery) -> ExistingResource | None:
    try:
        found = query.client("ec2").describe_key_pairs(KeyNames=[query.name])["KeyPairs"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return ExistingResource(id=found[0].get("KeyPairId", query.name), import_id=query.name) if found else None


def _find_security_group(query: CollisionQuery) -> ExistingResource | None:
    vpc = query.planned.known_text("vpc_id")
    if vpc is None:
        default = query.list_items("ec2", "describe_vpcs", "Vpcs", Filters=[{"Name": "is-default", "Values": ["true"]}])
        if not default:
            return None
        vpc = default[0]["VpcId"]
    filters = [{"Name": "group-name", "Values": [query.name]}, {"Name": "vpc-id", "Values": [vpc]}]
    found = query.list_items("ec2", "describe_security_groups", "SecurityGroups", Filters=filters)
    return ExistingResource(id=f"{found[0]['GroupId']} in {vpc}", import_id=found[0]["GroupId"]) if found else None


def _find_launch_template(query: CollisionQuery) -> ExistingResource | None:
    filters = [{"Name": "launch-template-name", "Values": [query.name]}]
    found = query.list_items("ec2", "describe_launch_templates", "LaunchTemplates", Filters=filters)
    return ExistingResource(id=(which := found[0]["LaunchTemplateId"]), import_id=which) if found else None


def _find_placement_group(query: CollisionQuery) -> ExistingResource | None:
    filters = [{"Name": "group-name", "Values": [query.name]}]
    found = query.client("ec2").describe_placement_groups(Filters=filters)["PlacementGroups"]
    return ExistingResource(id=found[0].get("GroupArn") or query.name, import_id=query.name) if found else None


def _find_load_balancer(query: CollisionQuery) -> ExistingResource | None:
    try:
        found = query.client("elbv2").describe_load_balancers(Names=[query.name])["LoadBalancers"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return ExistingResource(id=(arn := found[0]["LoadBalancerArn"]), import_id=arn) if found else None


def _find_target_group(query: CollisionQuery) -> ExistingResource | None:
    try:
        found = query.client("elbv2").describe_target_groups(Names=[query.name])["TargetGroups"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return ExistingResource(id=(arn := found[0]["TargetGroupArn"]), import_id=arn) if found else None


def _find_scaling_group(query: CollisionQuery) -> ExistingResource | None:
    found = query.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[query.name])
    groups = found["AutoScalingGroups"]
    return (
        ExistingResource(id=groups[0].get("AutoScalingGroupARN") or query.name, import_id=query.name)
        if groups
        else None
    )


def _find_eks_cluster(query: CollisionQuery) -> ExistingResource | None:
    try:
        found = query.client("eks").describe_cluster(name=query.name)["cluster"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return ExistingResource(id=found.get("arn", query.name), import_id=query.name)


def _find_lambda_function(query: CollisionQuery) -> ExistingResource | None:
    try:
        found = query.client("lambda").get_function_configuration(FunctionName=query.name)
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return ExistingResource(id=found["FunctionArn"], import_id=query.name)


def _ec2_kind(
    type_: str,
    find_existing: Callable[[CollisionQuery], ExistingResource | None],
    action: str,
    attribute: str = "name",
    guide: tuple[str, ...] = (),
) -> CollisionKind:
    return CollisionKind(
        type=type_, find_existing=find_existing, action=f"ec2:{action}", service="ec2", attribute=attribute, guide=guide
    )


def _find_image(query: CollisionQuery) -> ExistingResource | None:
    filters = [{"Name": "name", "Values": [query.name]}]
    found = query.client("ec2").describe_images(Owners=["self"], Filters=filters)["Images"]
    return ExistingResource(id=(which := found[0]["ImageId"]), import_id=which) if found else None


KINDS = (
    _ec2_kind("aws_key_pair", _find_key_pair, "DescribeKeyPairs", "key_name", ("4.1",)),
    CollisionKind(
        type="aws_security_group",
        find_existing=_find_security_group,
        action="ec2:DescribeSecurityGroups",
        service="ec2",
        scope=("vpc_id", "aws_vpc"),
    ),
    _ec2_kind("aws_ami", _find_image, "DescribeImages"),
    _ec2_kind("aws_launch_template", _find_launch_template, "DescribeLaunchTemplates"),
    _ec2_kind("aws_placement_group", _find_placement_group, "DescribePlacementGroups"),
    *(
        CollisionKind(
            type=type_,
            find_existing=find,
            action=f"elasticloadbalancing:{action}",
            service="elbv2",
        )
        for type_, find, action in (
            ("aws_lb", _find_load_balancer, "DescribeLoadBalancers"),
            ("aws_alb", _find_load_balancer, "DescribeLoadBalancers"),
            ("aws_lb_target_group", _find_target_group, "DescribeTargetGroups"),
            ("aws_alb_target_group", _find_target_group, "DescribeTargetGroups"),
        )
    ),
    CollisionKind(
        type="aws_autoscaling_group",
        find_existing=_find_scaling_group,
        action="autoscaling:DescribeAutoScalingGroups",
        service="autoscaling",
    ),
    CollisionKind(type="aws_eks_cluster", find_existing=_find_eks_cluster, action="eks:DescribeCluster", service="eks"),
    CollisionKind(
        type="aws_lambda_function",
        find_existing=_find_lambda_function,
        action="lambda:GetFunctionConfiguration",
        service="lambda",
        attribute="function_name",
    ),
)
