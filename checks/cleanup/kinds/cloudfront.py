"""CloudFront: distributions, and the origin access identities and controls that they use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import AwsQuery, allow_missing, parse_tags
from checks.cleanup.leftover_kind import DeletionTask, LeftoverKind, RetryLater
from checks.cleanup.model import AwsResource

_BUCKET_HOST = re.compile(r"^(?P<bucket>.+?)\.s3(?:[.-][a-z0-9.-]+)?\.amazonaws\.com(?:\.cn)?$")


def _list_distributions(query: AwsQuery) -> Iterable[AwsResource]:
    listed = list(query.list_items("cloudfront", "list_distributions", "DistributionList.Items"))
    return query.map_parallel(lambda item: _build_distribution(query, item, item), listed)


def _read_distribution(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    answer = allow_missing(query.client("cloudfront").get_distribution, Id=id)
    if answer is None:
        return None
    item = answer["Distribution"]
    return _build_distribution(query, item, item["DistributionConfig"])


def _delete_distribution(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    """A distribution can be deleted only when it is disabled *and* Deployed; disabling takes minutes."""
    cloudfront = query.client("cloudfront")
    answer = cloudfront.get_distribution_config(Id=resource.id)
    config = answer["DistributionConfig"]
    if config["Enabled"]:
        config["Enabled"] = False
        task.report_progress("disabling")
        changed = cloudfront.update_distribution(Id=resource.id, IfMatch=answer["ETag"], DistributionConfig=config)
        if changed["Distribution"]["Status"] != "Deployed":
            raise RetryLater("disabled; waiting until every edge has it (Deployed), usually 5 to 15 minutes")
    current = cloudfront.get_distribution(Id=resource.id)
    status = current["Distribution"]["Status"]
    if status != "Deployed":
        raise RetryLater(f"disabled, {status}: waiting until it is Deployed")
    cloudfront.delete_distribution(Id=resource.id, IfMatch=current["ETag"])


def _build_distribution(query: AwsQuery, item: dict[str, str], config: dict[str, Any]) -> AwsResource:
    id, arn, comment = item["Id"], item["ARN"], config.get("Comment", "")
    aliases = tuple(sorted(config.get("Aliases", {}).get("Items", ())))
    origins = config.get("Origins", {}).get("Items", ())
    hosts = tuple(sorted(origin["DomainName"] for origin in origins))
    buckets = tuple(match["bucket"] for host in hosts if (match := _BUCKET_HOST.match(host)))
    identities = {
        identity.rpartition("/")[2]
        for origin in origins
        if (identity := origin.get("S3OriginConfig", {}).get("OriginAccessIdentity", ""))
    }
    controls = {control for origin in origins if (control := origin.get("OriginAccessControlId", ""))}
    certificate = config.get("ViewerCertificate", {}).get("ACMCertificateArn", "")
    return AwsResource(
        kind="cloudfront",
        id=id,
        name=aliases[0] if aliases else comment or id,
        arn=arn,
        aliases=(*aliases, *([comment] if comment else []), *buckets, item["DomainName"]),
        domains=aliases,
        tags=query.read_tags(
            "cloudfront:ListTagsForResource",
            lambda: parse_tags(query.client("cloudfront").list_tags_for_resource(Resource=arn)["Tags"].get("Items")),
        ),
        size=f"{len(hosts)} origin{'' if len(hosts) == 1 else 's'}",
        state=f"{item['Status']}, {'enabled' if config.get('Enabled') else 'disabled'}",
        uses=tuple(f"origin {host}" for host in hosts),
        identity=(arn, *aliases, comment),
        blocks=(
            # AWS would delete the bucket first; but then anybody could create one of its name and be served from here.
            *(f"s3-bucket:{bucket}" for bucket in buckets),
            *(f"cloudfront-oai:{identity}" for identity in sorted(identities)),
            *(f"cloudfront-oac:{control}" for control in sorted(controls)),
            *([f"acm-certificate:{certificate}"] if certificate else []),
        ),
    )


def _list_identities(query: AwsQuery) -> Iterable[AwsResource]:
    operation, key = "list_cloud_front_origin_access_identities", "CloudFrontOriginAccessIdentityList.Items"
    for item in query.list_items("cloudfront", operation, key):
        yield _build_identity(item["Id"], item.get("Comment", ""), item.get("S3CanonicalUserId", ""))


def _read_identity(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    answer = allow_missing(query.client("cloudfront").get_cloud_front_origin_access_identity, Id=id)
    if answer is None:
        return None
    item = answer["CloudFrontOriginAccessIdentity"]
    config = item.get("CloudFrontOriginAccessIdentityConfig", {})
    return _build_identity(id, config.get("Comment", ""), item.get("S3CanonicalUserId", ""))


def _delete_identity(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    cloudfront = query.client("cloudfront")
    etag = cloudfront.get_cloud_front_origin_access_identity(Id=resource.id)["ETag"]
    cloudfront.delete_cloud_front_origin_access_identity(Id=resource.id, IfMatch=etag)


def _build_identity(id: str, comment: str, user: str) -> AwsResource:
    # It has no tags: only its comment says what it belongs to.
    return AwsResource(kind="cloudfront-oai", id=id, name=comment or id, aliases=(id,), identity=(id, user, comment))


def _list_controls(query: AwsQuery) -> Iterable[AwsResource]:
    for item in query.list_items("cloudfront", "list_origin_access_controls", "OriginAccessControlList.Items"):
        yield _build_control(item["Id"], item)


def _read_control(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    answer = allow_missing(query.client("cloudfront").get_origin_access_control, Id=id)
    if answer is None:
        return None
    return _build_control(id, answer["OriginAccessControl"].get("OriginAccessControlConfig", {}))


def _delete_control(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    cloudfront = query.client("cloudfront")
    etag = cloudfront.get_origin_access_control(Id=resource.id)["ETag"]
    cloudfront.delete_origin_access_control(Id=resource.id, IfMatch=etag)


def _build_control(id: str, config: dict[str, str]) -> AwsResource:
    # It has no tags: only its name says what it belongs to.
    name, origin = config.get("Name", ""), config.get("OriginAccessControlOriginType", "")
    return AwsResource(
        kind="cloudfront-oac",
        id=id,
        name=name or id,
        aliases=(id,),
        size=f"for {origin}" if origin else "",
        identity=(id, name),
    )


KINDS = (
    LeftoverKind(
        id="cloudfront",
        singular="CloudFront distribution",
        terraform_types=("aws_cloudfront_distribution",),
        list_permission="cloudfront:ListDistributions",
        list_resources=_list_distributions,
        read_resource=_read_distribution,
        delete=_delete_distribution,
        action="disable+delete",
        guide=("6.2",),
    ),
    LeftoverKind(
        id="cloudfront-oai",
        singular="origin access identity",
        irregular_plural="origin access identities",
        terraform_types=("aws_cloudfront_origin_access_identity",),
        list_permission="cloudfront:ListCloudFrontOriginAccessIdentities",
        list_resources=_list_identities,
        read_resource=_read_identity,
        delete=_delete_identity,
        guide=("6.2",),
    ),
    LeftoverKind(
        id="cloudfront-oac",
        singular="origin access control",
        terraform_types=("aws_cloudfront_origin_access_control",),
        list_permission="cloudfront:ListOriginAccessControls",
        list_resources=_list_controls,
        read_resource=_read_control,
        delete=_delete_control,
    ),
)
