"""Every kind of collision there is, and the types that cannot collide."""

from __future__ import annotations

from checks.apply.forecast.collisions import ec2, other_services, rds, route53, s3
from checks.apply.forecast.collisions import iam as collisions_iam
from checks.apply.forecast.collisions.kind import CollisionKind


def all_collision_kinds() -> dict[str, CollisionKind]:
    """Every kind by its terraform type."""
    modules = (collisions_iam, ec2, s3, rds, other_services, route53)
    return {kind.type: kind for module in modules for kind in module.KINDS}


NON_COLLIDING_TYPES = frozenset(
    {
        "aws_acm_certificate",
        "aws_acm_certificate_validation",
        "aws_api_gateway_rest_api",
        "aws_apigatewayv2_api",
        "aws_appautoscaling_policy",
        "aws_autoscaling_policy",
        "aws_cloudfront_origin_access_identity",
        "aws_cloudwatch_composite_alarm",
        "aws_cloudwatch_dashboard",
        "aws_cloudwatch_event_rule",
        "aws_cloudwatch_log_metric_filter",
        "aws_cloudwatch_log_stream",
        "aws_cloudwatch_metric_alarm",
        "aws_cognito_user_pool",
        "aws_ecs_cluster",
        "aws_ecs_task_definition",
        "aws_iam_group_policy",
        "aws_iam_policy_attachment",
        "aws_iam_role_policy",
        "aws_iam_user_policy",
        "aws_instance",
        "aws_launch_template_version",
        "aws_route53_zone",
        "aws_sns_topic",
        "aws_vpc_endpoint",
    }
)
"""Types with a `name` (or that look as if they had one) that AWS creates, or overwrites, without complaint.

A second hosted zone of one name is allowed, and told apart (`checks.apply.forecast.warnings`). Topics and ECS clusters are given
back when they exist already: terraform then manages what was there.
"""
