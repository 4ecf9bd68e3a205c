"""Placement groups of the region. One can be deleted when no instance is in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import AwsQuery, RetryLater, parse_tags
from checks.cleanup.kinds import DeletionTask, ec2_kind
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    # describe_placement_groups has no pages: it answers with all of them.
    for found in query.client("ec2").describe_placement_groups()["PlacementGroups"]:
        if found.get("State") != "deleted":
            yield _build_resource(found, query.region)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    found = ec2_kind.describe_first(query, "describe_placement_groups", "PlacementGroups", region, GroupNames=[id])
    return _build_resource(found, region) if found and found.get("State") != "deleted" else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    if resource.state.startswith("deleting"):
        raise RetryLater("being deleted")
    query.client("ec2", resource.region).delete_placement_group(GroupName=resource.id)


def _build_resource(item: dict[str, Any], region: str) -> AwsResource:
    name = item["GroupName"]
    return AwsResource(
        kind="placement-group",
        id=name,
        name=name,
        arn=item.get("GroupArn", ""),
        region=region,
        aliases=(item.get("GroupId", ""),),
        tags=parse_tags(item.get("Tags")),
        size=item.get("Strategy", ""),
        state=item.get("State", ""),
        identity=(item.get("GroupId", ""), name),
    )
