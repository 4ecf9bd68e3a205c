"""Collisions of CloudWatch Logs: log groups, unique in a region."""

from __future__ import annotations

from checks.apply.forecast.collisions.kind import CollisionKind, CollisionQuery, ExistingResource


def _find_log_group(query: CollisionQuery) -> ExistingResource | None:
    groups = query.list_items("describe_log_groups", "logGroups", logGroupNamePrefix=query.name)
    found = next((group for group in groups if group["logGroupName"] == query.name), None)
    return ExistingResource(id=found.get("arn", query.name), import_id=query.name) if found else None


KINDS = (CollisionKind("aws_cloudwatch_log_group", _find_log_group, "logs:DescribeLogGroups", "logs"),)
