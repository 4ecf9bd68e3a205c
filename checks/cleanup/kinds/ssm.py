"""SSM: parameters of the region. Their values are never read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import AwsQuery, parse_tags
from checks.cleanup.leftover_kind import LeftoverKind
from checks.cleanup.model import AwsResource


def _list_parameters(query: AwsQuery) -> Iterable[AwsResource]:
    listed = list(query.list_items("ssm", "describe_parameters", "Parameters"))
    return query.map_parallel(lambda item: _build_parameter(query, item, query.region), listed)


def _read_parameter(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    filters = [{"Key": "Name", "Option": "Equals", "Values": [id]}]
    for item in query.list_items("ssm", "describe_parameters", "Parameters", region=region, ParameterFilters=filters):
        if item["Name"] == id:
            return _build_parameter(query, item, region)
    return None


def _build_parameter(query: AwsQuery, item: dict[str, Any], region: str) -> AwsResource:
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
        # AWS knows only when it was last written; with a later value it is not the parameter that was approved.
        size=f"{item.get('Type', '')}, version {version}",
        identity=(name, str(version)),
    )


KINDS = (
    LeftoverKind(
        id="ssm-parameter",
        singular="SSM parameter",
        terraform_types=("aws_ssm_parameter",),
        list_permission="ssm:DescribeParameters",
        list_resources=_list_parameters,
        read_resource=_read_parameter,
        delete=lambda query, resource, task: query.client("ssm", resource.region).delete_parameter(Name=resource.id),
    ),
)
