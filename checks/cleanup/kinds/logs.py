"""CloudWatch Logs: log groups of the region. Deletion protection protects one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import AwsQuery
from checks.cleanup.leftover_kind import LeftoverKind
from checks.cleanup.model import AwsResource


def _list_log_groups(query: AwsQuery) -> Iterable[AwsResource]:
    listed = list(query.list_items("logs", "describe_log_groups", "logGroups"))
    return query.map_parallel(lambda item: _build_log_group(query, item, query.region), listed)


def _read_log_group(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    # The prefix of a name finds longer names too; no operation reads one by its name.
    for item in query.list_items("logs", "describe_log_groups", "logGroups", region=region, logGroupNamePrefix=id):
        if item["logGroupName"] == id:
            return _build_log_group(query, item, region)
    return None


def _build_log_group(query: AwsQuery, item: dict[str, Any], region: str) -> AwsResource:
    name = item["logGroupName"]
    arn = str(item.get("logGroupArn") or item.get("arn", "")).removesuffix(":*")
    return AwsResource(
        kind="log-group",
        id=name,
        name=name,
        arn=arn,
        region=region,
        tags=query.read_tags(
            "logs:ListTagsForResource",
            lambda: dict(query.client("logs", region).list_tags_for_resource(resourceArn=arn)["tags"]),
        ),
        created_at=item["creationTime"] / 1000 if "creationTime" in item else None,
        size=f"{item.get('storedBytes', 0):,} bytes",
        identity=(name, str(item.get("creationTime", ""))),
        protection_reason="deletion protection is on" if item.get("deletionProtectionEnabled") else "",
    )


KINDS = (
    LeftoverKind(
        id="log-group",
        singular="log group",
        terraform_types=("aws_cloudwatch_log_group",),
        list_permission="logs:DescribeLogGroups",
        list_resources=_list_log_groups,
        read_resource=_read_log_group,
        delete=lambda query, resource, task: query.client("logs", resource.region).delete_log_group(
            logGroupName=resource.id
        ),
    ),
)
