"""CloudFront origin access controls. They carry no tags: only their name tells whose they are."""

from __future__ import annotations

from collections.abc import Iterable

from checks.cleanup.aws_query import Asking, is_missing
from checks.cleanup.kinds import Task
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    for found in asking.pages("cloudfront", "list_origin_access_controls", "OriginAccessControlList.Items"):
        yield _seen(found["Id"], found.get("Name", ""), found.get("OriginAccessControlOriginType", ""))


def again(asking: Asking, id: str, region: str) -> Seen | None:
    try:
        now = asking.client("cloudfront").get_origin_access_control(Id=id)["OriginAccessControl"]
    except Exception as error:
        if is_missing(error):
            return None
        raise
    config = now.get("OriginAccessControlConfig", {})
    return _seen(id, config.get("Name", ""), config.get("OriginAccessControlOriginType", ""))


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    cloudfront = asking.client("cloudfront")
    etag = cloudfront.get_origin_access_control(Id=seen.id)["ETag"]
    cloudfront.delete_origin_access_control(Id=seen.id, IfMatch=etag)


def _seen(id: str, name: str, origin: str) -> Seen:
    return Seen(
        kind="cloudfront-oac",
        id=id,
        name=name or id,
        aliases=(id,),
        size=f"for {origin}" if origin else "",
        identity=(id, name),
    )
