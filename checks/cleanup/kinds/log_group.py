"""CloudWatch log groups of the region. One with deletion protection is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking
from checks.cleanup.kinds import Task
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    listed = list(asking.pages("logs", "describe_log_groups", "logGroups"))
    return asking.each(lambda found: _seen(asking, found, asking.region), listed)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    # The prefix of a name finds the names that go on, too; there is no question for one name.
    for found in asking.pages(
        "logs", "describe_log_groups", "logGroups", region=region, logGroupNamePrefix=id
    ):
        if found["logGroupName"] == id:
            return _seen(asking, found, region)
    return None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    asking.client("logs", seen.region).delete_log_group(logGroupName=seen.id)


def _seen(asking: Asking, found: dict[str, Any], region: str) -> Seen:
    name = found["logGroupName"]
    arn = str(found.get("logGroupArn") or found.get("arn", "")).removesuffix(":*")
    return Seen(
        kind="log-group",
        id=name,
        name=name,
        arn=arn,
        region=region,
        tags=asking.tags(
            "logs:ListTagsForResource",
            lambda: dict(asking.client("logs", region).list_tags_for_resource(resourceArn=arn)["tags"]),
        ),
        created=found["creationTime"] / 1000 if "creationTime" in found else None,
        size=f"{found.get('storedBytes', 0):,} bytes",
        identity=(name, str(found.get("creationTime", ""))),
        guarded="deletion protection is on" if found.get("deletionProtectionEnabled") else "",
    )
