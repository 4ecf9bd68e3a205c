"""CloudWatch log groups of the region. One with deletion protection is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import AwsQuery
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    listed = list(query.list_items("logs", "describe_log_groups", "logGroups"))
    return query.map_parallel(lambda found: _build_resource(query, found, query.region), listed)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    # The prefix of a name finds the names that go on, too; there is no question for one name.
    for found in query.list_items("logs", "describe_log_groups", "logGroups", region=region, logGroupNamePrefix=id):
        if found["logGroupName"] == id:
            return _build_resource(query, found, region)
    return None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    query.client("logs", resource.region).delete_log_group(logGroupName=resource.id)


def _build_resource(query: AwsQuery, item: dict[str, Any], region: str) -> AwsResource:
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
