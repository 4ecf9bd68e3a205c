"""Names in EC2 and load balancing; unique in a region, or in a VPC."""

from __future__ import annotations

from collections.abc import Callable

from checks.apply.forecast.collisions.collision import Existing, Kind, Question, absent


def _key_pair(ask: Question) -> Existing | None:
    try:
        found = ask.client("ec2").describe_key_pairs(KeyNames=[ask.name])["KeyPairs"]
    except Exception as error:
        if absent(error, "InvalidKeyPair.NotFound"):
            return None
        raise
    return Existing(id=found[0].get("KeyPairId", ask.name), import_id=ask.name) if found else None


def _security_group(ask: Question) -> Existing | None:
    vpc = ask.planned.value("vpc_id")
    if vpc is None:
        default = ask.items(
            "ec2", "describe_vpcs", "Vpcs", Filters=[{"Name": "is-default", "Values": ["true"]}]
        )
        if not default:
            return None
        vpc = default[0]["VpcId"]
    filters = [{"Name": "group-name", "Values": [ask.name]}, {"Name": "vpc-id", "Values": [vpc]}]
    found = ask.items("ec2", "describe_security_groups", "SecurityGroups", Filters=filters)
    return Existing(id=f"{found[0]['GroupId']} in {vpc}", import_id=found[0]["GroupId"]) if found else None


def _launch_template(ask: Question) -> Existing | None:
    filters = [{"Name": "launch-template-name", "Values": [ask.name]}]
    found = ask.items("ec2", "describe_launch_templates", "LaunchTemplates", Filters=filters)
    return Existing(id=(which := found[0]["LaunchTemplateId"]), import_id=which) if found else None


def _placement_group(ask: Question) -> Existing | None:
    filters = [{"Name": "group-name", "Values": [ask.name]}]
    found = ask.client("ec2").describe_placement_groups(Filters=filters)["PlacementGroups"]
    return Existing(id=found[0].get("GroupArn") or ask.name, import_id=ask.name) if found else None


def _load_balancer(ask: Question) -> Existing | None:
    try:
        found = ask.client("elbv2").describe_load_balancers(Names=[ask.name])["LoadBalancers"]
    except Exception as error:
        if absent(error, "LoadBalancerNotFound", "LoadBalancerNotFoundException"):
            return None
        raise
    return Existing(id=(arn := found[0]["LoadBalancerArn"]), import_id=arn) if found else None


def _target_group(ask: Question) -> Existing | None:
    try:
        found = ask.client("elbv2").describe_target_groups(Names=[ask.name])["TargetGroups"]
    except Exception as error:
        if absent(error, "TargetGroupNotFound", "TargetGroupNotFoundException"):
            return None
        raise
    return Existing(id=(arn := found[0]["TargetGroupArn"]), import_id=arn) if found else None


def _scaling_group(ask: Question) -> Existing | None:
    found = ask.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[ask.name])
    groups = found["AutoScalingGroups"]
    return (
        Existing(id=groups[0].get("AutoScalingGroupARN") or ask.name, import_id=ask.name) if groups else None
    )


def _cluster(ask: Question) -> Existing | None:
    try:
        found = ask.client("eks").describe_cluster(name=ask.name)["cluster"]
    except Exception as error:
        if absent(error, "ResourceNotFoundException"):
            return None
        raise
    return Existing(id=found.get("arn", ask.name), import_id=ask.name)


def _function(ask: Question) -> Existing | None:
    try:
        found = ask.client("lambda").get_function_configuration(FunctionName=ask.name)
    except Exception as error:
        if absent(error, "ResourceNotFoundException"):
            return None
        raise
    return Existing(id=found["FunctionArn"], import_id=ask.name)


def _ec2(
    type_: str,
    find: Callable[[Question], Existing | None],
    action: str,
    attribute: str = "name",
    guide: tuple[str, ...] = (),
) -> Kind:
    return Kind(
        type=type_, find=find, action=f"ec2:{action}", service="ec2", attribute=attribute, guide=guide
    )


def _image(ask: Question) -> Existing | None:
    filters = [{"Name": "name", "Values": [ask.name]}]
    found = ask.client("ec2").describe_images(Owners=["self"], Filters=filters)["Images"]
    return Existing(id=(which := found[0]["ImageId"]), import_id=which) if found else None


KINDS = (
    _ec2("aws_key_pair", _key_pair, "DescribeKeyPairs", "key_name", ("4.1",)),
    Kind(
        type="aws_security_group",
        find=_security_group,
        action="ec2:DescribeSecurityGroups",
        service="ec2",
        within=("vpc_id", "aws_vpc"),
    ),
    _ec2("aws_ami", _image, "DescribeImages"),
    _ec2("aws_launch_template", _launch_template, "DescribeLaunchTemplates"),
    _ec2("aws_placement_group", _placement_group, "DescribePlacementGroups"),
    *(
        Kind(
            type=type_,
            find=find,
            action=f"elasticloadbalancing:{action}",
            service="elbv2",
        )
        for type_, find, action in (
            ("aws_lb", _load_balancer, "DescribeLoadBalancers"),
            ("aws_alb", _load_balancer, "DescribeLoadBalancers"),
            ("aws_lb_target_group", _target_group, "DescribeTargetGroups"),
            ("aws_alb_target_group", _target_group, "DescribeTargetGroups"),
        )
    ),
    Kind(
        type="aws_autoscaling_group",
        find=_scaling_group,
        action="autoscaling:DescribeAutoScalingGroups",
        service="autoscaling",
    ),
    Kind(type="aws_eks_cluster", find=_cluster, action="eks:DescribeCluster", service="eks"),
    Kind(
        type="aws_lambda_function",
        find=_function,
        action="lambda:GetFunctionConfiguration",
        service="lambda",
        attribute="function_name",
    ),
)
