"""CloudFront origin access identities. They carry no tags: only their comment tells whose they are."""

from __future__ import annotations

from collections.abc import Iterable

from checks.aws.errors import is_not_found
from checks.cleanup.aws_query import AwsQuery
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    for item in query.list_items(
        "cloudfront",
        "list_cloud_front_origin_access_identities",
        "CloudFrontOriginAccessIdentityList.Items",
    ):
        yield _build_resource(item["Id"], item.get("Comment", ""), item.get("S3CanonicalUserId", ""))


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    try:
        answer = query.client("cloudfront").get_cloud_front_origin_access_identity(Id=id)
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    now = answer["CloudFrontOriginAccessIdentity"]
    config = now.get("CloudFrontOriginAccessIdentityConfig", {})
    return _build_resource(id, config.get("Comment", ""), now.get("S3CanonicalUserId", ""))


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    cloudfront = query.client("cloudfront")
    etag = cloudfront.get_cloud_front_origin_access_identity(Id=resource.id)["ETag"]
    cloudfront.delete_cloud_front_origin_access_identity(Id=resource.id, IfMatch=etag)


def _build_resource(id: str, comment: str, user: str) -> AwsResource:
    return AwsResource(
        kind="cloudfront-oai",
        id=id,
        name=comment or id,
        aliases=(id,),
        identity=(id, user, comment),
    )
