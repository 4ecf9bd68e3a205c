"""Placement groups of the region. One can be deleted when no instance is in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, NotYet, tags_of
from checks.cleanup.kinds import Task, vpc_shared
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    # describe_placement_groups has no pages: it answers with all of them.
    for found in asking.client("ec2").describe_placement_groups()["PlacementGroups"]:
        if found.get("State") != "deleted":
            yield _seen(found, asking.region)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    found = vpc_shared.item(asking, "describe_placement_groups", "PlacementGroups", region, GroupNames=[id])
    return _seen(found, region) if found and found.get("State") != "deleted" else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    if seen.state.startswith("deleting"):
        raise NotYet("being deleted")
    asking.client("ec2", seen.region).delete_placement_group(GroupName=seen.id)


def _seen(found: dict[str, Any], region: str) -> Seen:
    name = found["GroupName"]
    return Seen(
        kind="placement-group",
        id=name,
        name=name,
        arn=found.get("GroupArn", ""),
        region=region,
        aliases=(found.get("GroupId", ""),),
        tags=tags_of(found.get("Tags")),
        size=found.get("Strategy", ""),
        state=found.get("State", ""),
        identity=(found.get("GroupId", ""), name),
    )
