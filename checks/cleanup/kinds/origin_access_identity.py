"""CloudFront origin access identities. They carry no tags: only their comment tells whose they are."""

from __future__ import annotations

from collections.abc import Iterable

from checks.cleanup.aws_query import Asking, is_missing
from checks.cleanup.kinds import Task
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    for item in asking.pages(
        "cloudfront",
        "list_cloud_front_origin_access_identities",
        "CloudFrontOriginAccessIdentityList.Items",
    ):
        yield _seen(item["Id"], item.get("Comment", ""), item.get("S3CanonicalUserId", ""))


def again(asking: Asking, id: str, region: str) -> Seen | None:
    try:
        answer = asking.client("cloudfront").get_cloud_front_origin_access_identity(Id=id)
    except Exception as error:
        if is_missing(error):
            return None
        raise
    now = answer["CloudFrontOriginAccessIdentity"]
    config = now.get("CloudFrontOriginAccessIdentityConfig", {})
    return _seen(id, config.get("Comment", ""), now.get("S3CanonicalUserId", ""))


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    cloudfront = asking.client("cloudfront")
    etag = cloudfront.get_cloud_front_origin_access_identity(Id=seen.id)["ETag"]
    cloudfront.delete_cloud_front_origin_access_identity(Id=seen.id, IfMatch=etag)


def _seen(id: str, comment: str, user: str) -> Seen:
    return Seen(
        kind="cloudfront-oai",
        id=id,
        name=comment or id,
        aliases=(id,),
        identity=(id, user, comment),
    )
