"""EC2 launch templates of the region; one goes with all its versions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import AwsQuery, epoch_seconds, parse_tags
from checks.cleanup.kinds import DeletionTask, ec2_kind
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    for found in query.list_items("ec2", "describe_launch_templates", "LaunchTemplates"):
        yield _build_resource(found, query.region)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    found = ec2_kind.describe_first(
        query, "describe_launch_templates", "LaunchTemplates", region, LaunchTemplateIds=[id]
    )
    return _build_resource(found, region) if found else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    query.client("ec2", resource.region).delete_launch_template(LaunchTemplateId=resource.id)


def _build_resource(item: dict[str, Any], region: str) -> AwsResource:
    latest = item.get("LatestVersionNumber", 1)
    return AwsResource(
        kind="launch-template",
        id=item["LaunchTemplateId"],
        name=item["LaunchTemplateName"],
        region=region,
        aliases=(item["LaunchTemplateId"],),
        tags=parse_tags(item.get("Tags")),
        created_at=epoch_seconds(item.get("CreateTime")),
        size=f"version {latest}",
        # The newest version: somebody who has made another one since works with it.
        identity=(item["LaunchTemplateId"], str(latest)),
    )
