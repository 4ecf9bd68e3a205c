"""SSM parameters of the region. The values are never asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import AwsQuery, parse_tags
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    listed = list(query.list_items("ssm", "describe_parameters", "Parameters"))
    return query.map_parallel(lambda found: _build_resource(query, found, query.region), listed)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    named = [{"Key": "Name", "Option": "Equals", "Values": [id]}]
    for found in query.list_items("ssm", "describe_parameters", "Parameters", region=region, ParameterFilters=named):
        if found["Name"] == id:
            return _build_resource(query, found, region)
    return None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    query.client("ssm", resource.region).delete_parameter(Name=resource.id)


def _build_resource(query: AwsQuery, item: dict[str, Any], region: str) -> AwsResource:
    name, version = item["Name"], item.get("Version", 1)
    return AwsResource(
        kind="ssm-parameter",
        id=name,
        name=name,
        arn=item.get("ARN", ""),
        region=region,
        tags=query.read_tags(
            "ssm:ListTagsForResource",
            lambda: parse_tags(
                query.client("ssm", region)
                .list_tags_for_resource(ResourceType="Parameter", ResourceId=name)
                .get("TagList")
            ),
        ),
        # AWS tells only when it was last written; a later value is another parameter to whoever approved this one.
        size=f"{item.get('Type', '')}, version {version}",
        identity=(name, str(version)),
    )
