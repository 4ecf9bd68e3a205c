"""CloudFront distributions. One can be deleted only when it is disabled *and* Deployed; disabling takes minutes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from checks.aws.errors import is_not_found
from checks.cleanup.aws_query import AwsQuery, RetryLater, parse_tags
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource

_BUCKET_HOST = re.compile(r"^(?P<bucket>.+?)\.s3(?:[.-][a-z0-9.-]+)?\.amazonaws\.com(?:\.cn)?$")


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    listed = list(query.list_items("cloudfront", "list_distributions", "DistributionList.Items"))
    return query.map_parallel(
        lambda item: _build_resource(query, item["Id"], item["ARN"], item["Status"], item["DomainName"], item), listed
    )


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    try:
        now = query.client("cloudfront").get_distribution(Id=id)["Distribution"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return _build_resource(query, id, now["ARN"], now["Status"], now["DomainName"], now["DistributionConfig"])


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    cloudfront = query.client("cloudfront")
    answer = cloudfront.get_distribution_config(Id=resource.id)
    config = answer["DistributionConfig"]
    if config["Enabled"]:
        config["Enabled"] = False
        task.report_progress("disabling")
        changed = cloudfront.update_distribution(Id=resource.id, IfMatch=answer["ETag"], DistributionConfig=config)
        if changed["Distribution"]["Status"] != "Deployed":
            raise RetryLater("disabled; waiting until every edge has it (Deployed), usually 5 to 15 minutes")
    now = cloudfront.get_distribution(Id=resource.id)
    if now["Distribution"]["Status"] != "Deployed":
        raise RetryLater(f"disabled, {now['Distribution']['Status']}: waiting until it is Deployed")
    cloudfront.delete_distribution(Id=resource.id, IfMatch=now["ETag"])


def _build_resource(
    query: AwsQuery, id: str, arn: str, status: str, address: str, config: dict[str, Any]
) -> AwsResource:
    aliases = tuple(sorted(config.get("Aliases", {}).get("Items", ())))
    origins = config.get("Origins", {}).get("Items", ())
    served = tuple(sorted(origin["DomainName"] for origin in origins))
    buckets = tuple(match["bucket"] for name in served if (match := _BUCKET_HOST.match(name)))
    identities = {
        identity.rpartition("/")[2]
        for origin in origins
        if (identity := origin.get("S3OriginConfig", {}).get("OriginAccessIdentity", ""))
    }
    controls = {control for origin in origins if (control := origin.get("OriginAccessControlId", ""))}
    certificate = config.get("ViewerCertificate", {}).get("ACMCertificateArn", "")
    comment = config.get("Comment", "")
    return AwsResource(
        kind="cloudfront",
        id=id,
        name=aliases[0] if aliases else comment or id,
        arn=arn,
        aliases=(*aliases, *([comment] if comment else []), *buckets, address),
        domains=aliases,
        tags=query.read_tags(
            "cloudfront:ListTagsForResource",
            lambda: parse_tags(query.client("cloudfront").list_tags_for_resource(Resource=arn)["Tags"].get("Items")),
        ),
        size=f"{len(served)} origin{'' if len(served) == 1 else 's'}",
        state=f"{status}, {'enabled' if config.get('Enabled') else 'disabled'}",
        uses=tuple(f"origin {name}" for name in served),
        identity=(arn, *aliases, comment),
        blocks=(
            # AWS would let the bucket go first; but then anybody could make one of its name and be served from here.
            *(f"s3-bucket:{bucket}" for bucket in buckets),
            *(f"cloudfront-oai:{identity}" for identity in sorted(identities)),
            *(f"cloudfront-oac:{control}" for control in sorted(controls)),
            *([f"acm-certificate:{certificate}"] if certificate else []),
        ),
    )
