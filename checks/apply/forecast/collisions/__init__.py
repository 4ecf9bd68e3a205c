"""Names that the plan wants and that are taken: every kind of collision. One module an AWS service; each has its `KINDS`."""

from __future__ import annotations

from checks.apply.forecast.collisions import (
    cloudfront,
    ec2,
    eks,
    elasticache,
    elb,
    iam,
    kms,
    logs,
    other_services,
    rds,
    route53,
    s3,
    ssm,
    wafv2,
)
from checks.apply.forecast.collisions.kind import CollisionKind

_SERVICES: tuple[tuple[CollisionKind, ...], ...] = (
    cloudfront.KINDS,
    ec2.KINDS,
    eks.KINDS,
    elasticache.KINDS,
    elb.KINDS,
    iam.KINDS,
    kms.KINDS,
    logs.KINDS,
    other_services.KINDS,
    rds.KINDS,
    route53.KINDS,
    s3.KINDS,
    ssm.KINDS,
    wafv2.KINDS,
)
COLLISION_KINDS = {kind.type: kind for kinds in _SERVICES for kind in kinds}
"""Every kind by its terraform type."""

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
"""Types with a `name`, or an attribute like it, that AWS creates or overwrites without an error.

A second hosted zone of one name is allowed, and a warning (`forecast.warnings`). Topics and ECS clusters that exist already are
returned: terraform then manages the existing one.
"""
