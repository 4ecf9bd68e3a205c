"""SSM parameters of the region. The values are never asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, tags_of
from checks.cleanup.kinds import Task
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    listed = list(asking.pages("ssm", "describe_parameters", "Parameters"))
    return asking.each(lambda found: _seen(asking, found, asking.region), listed)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    named = [{"Key": "Name", "Option": "Equals", "Values": [id]}]
    for found in asking.pages(
        "ssm", "describe_parameters", "Parameters", region=region, ParameterFilters=named
    ):
        if found["Name"] == id:
            return _seen(asking, found, region)
    return None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    asking.client("ssm", seen.region).delete_parameter(Name=seen.id)


def _seen(asking: Asking, found: dict[str, Any], region: str) -> Seen:
    name, version = found["Name"], found.get("Version", 1)
    return Seen(
        kind="ssm-parameter",
        id=name,
        name=name,
        arn=found.get("ARN", ""),
        region=region,
        tags=asking.tags(
            "ssm:ListTagsForResource",
            lambda: tags_of(
                asking.client("ssm", region)
                .list_tags_for_resource(ResourceType="Parameter", ResourceId=name)
                .get("TagList")
            ),
        ),
        # AWS tells only when it was last written; a later value is another parameter to whoever approved this one.
        size=f"{found.get('Type', '')}, version {version}",
        identity=(name, str(version)),
    )
