"""CloudFront origin access controls. They carry no tags: only their name tells whose they are."""

from __future__ import annotations

from collections.abc import Iterable

from checks.aws.errors import is_not_found
from checks.cleanup.aws_query import AwsQuery
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    for found in query.list_items("cloudfront", "list_origin_access_controls", "OriginAccessControlList.Items"):
        yield _build_resource(found["Id"], found.get("Name", ""), found.get("OriginAccessControlOriginType", ""))


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    try:
        now = query.client("cloudfront").get_origin_access_control(Id=id)["OriginAccessControl"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    config = now.get("OriginAccessControlConfig", {})
    return _build_resource(id, config.get("Name", ""), config.get("OriginAccessControlOriginType", ""))


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    cloudfront = query.client("cloudfront")
    etag = cloudfront.get_origin_access_control(Id=resource.id)["ETag"]
    cloudfront.delete_origin_access_control(Id=resource.id, IfMatch=etag)


def _build_resource(id: str, name: str, origin: str) -> AwsResource:
    return AwsResource(
        kind="cloudfront-oac",
        id=id,
        name=name or id,
        aliases=(id,),
        size=f"for {origin}" if origin else "",
        identity=(id, name),
    )
