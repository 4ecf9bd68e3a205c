"""EC2 launch templates of the region; one goes with all its versions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, epoch, tags_of
from checks.cleanup.kinds import Task, vpc_shared
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    for found in asking.pages("ec2", "describe_launch_templates", "LaunchTemplates"):
        yield _seen(found, asking.region)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    found = vpc_shared.item(
        asking, "describe_launch_templates", "LaunchTemplates", region, LaunchTemplateIds=[id]
    )
    return _seen(found, region) if found else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    asking.client("ec2", seen.region).delete_launch_template(LaunchTemplateId=seen.id)


def _seen(found: dict[str, Any], region: str) -> Seen:
    latest = found.get("LatestVersionNumber", 1)
    return Seen(
        kind="launch-template",
        id=found["LaunchTemplateId"],
        name=found["LaunchTemplateName"],
        region=region,
        aliases=(found["LaunchTemplateId"],),
        tags=tags_of(found.get("Tags")),
        created=epoch(found.get("CreateTime")),
        size=f"version {latest}",
        # The newest version: somebody who has made another one since works with it.
        identity=(found["LaunchTemplateId"], str(latest)),
    )
