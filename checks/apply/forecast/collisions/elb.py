"""Collisions of Elastic Load Balancing: load balancers of both APIs and target groups, unique in a region."""

from __future__ import annotations

from checks.apply.forecast.collisions.kind import CollisionKind, describe_by_name

_find_load_balancer = describe_by_name(
    "describe_load_balancers",
    "Names",
    "LoadBalancers.LoadBalancerArn",
    import_path="LoadBalancers.LoadBalancerArn",
)
_find_target_group = describe_by_name(
    "describe_target_groups",
    "Names",
    "TargetGroups.TargetGroupArn",
    import_path="TargetGroups.TargetGroupArn",
)
_find_classic_load_balancer = describe_by_name(
    "describe_load_balancers",
    "LoadBalancerNames",
    "LoadBalancerDescriptions.LoadBalancerName",
)

KINDS = (
    CollisionKind("aws_lb", _find_load_balancer, "elasticloadbalancing:DescribeLoadBalancers", "elbv2"),
    CollisionKind("aws_alb", _find_load_balancer, "elasticloadbalancing:DescribeLoadBalancers", "elbv2"),
    CollisionKind("aws_lb_target_group", _find_target_group, "elasticloadbalancing:DescribeTargetGroups", "elbv2"),
    CollisionKind("aws_alb_target_group", _find_target_group, "elasticloadbalancing:DescribeTargetGroups", "elbv2"),
    CollisionKind("aws_elb", _find_classic_load_balancer, "elasticloadbalancing:DescribeLoadBalancers", "elb"),
)
