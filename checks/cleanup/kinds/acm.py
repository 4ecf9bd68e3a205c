"""ACM: certificates of the region and of us-east-1, where CloudFront takes its own from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.aws.errors import aws_error_code
from checks.cleanup.aws_query import AwsQuery, allow_missing, epoch_seconds, parse_tags
from checks.cleanup.leftover_kind import DeletionTask, LeftoverKind, ResourceInUse
from checks.cleanup.model import AwsResource

_KEY_TYPES = (
    "RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1",
)  # fmt: skip
"""Without them ListCertificates leaves out everything but RSA up to 2048 bits (ACM API reference)."""


def _list_certificates(query: AwsQuery) -> Iterable[AwsResource]:
    key_types = {"keyTypes": list(_KEY_TYPES)}
    listed = [
        (item["CertificateArn"], region)
        for region in dict.fromkeys((query.region, "us-east-1"))
        for item in query.list_items(
            "acm", "list_certificates", "CertificateSummaryList", region=region, Includes=key_types
        )
    ]
    found = query.map_parallel(
        lambda one: query.call_or_default("acm:DescribeCertificate", lambda: _read_certificate(query, *one), None),
        listed,
    )
    return [certificate for certificate in found if certificate]


def _read_certificate(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    answer = allow_missing(query.client("acm", region).describe_certificate, CertificateArn=id)
    return _build_certificate(query, answer["Certificate"], region) if answer else None


def _delete_certificate(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    try:
        query.client("acm", resource.region).delete_certificate(CertificateArn=resource.id)
    except Exception as error:
        if aws_error_code(error) == "ResourceInUseException":
            users = ", ".join(use.rpartition(":")[2] for use in resource.uses) or "another resource"
            raise ResourceInUse(f"still used by {users}") from error
        raise


def _build_certificate(query: AwsQuery, item: dict[str, Any], region: str) -> AwsResource:
    arn = item["CertificateArn"]
    names = tuple(dict.fromkeys((item["DomainName"], *item.get("SubjectAlternativeNames", ()))))
    uses = tuple(item.get("InUseBy", ()))
    return AwsResource(
        kind="acm-certificate",
        id=arn,
        name=names[0],
        arn=arn,
        region=region,
        aliases=names[1:],
        domains=names,
        tags=query.read_tags(
            "acm:ListTagsForCertificate",
            lambda: parse_tags(query.client("acm", region).list_tags_for_certificate(CertificateArn=arn).get("Tags")),
        ),
        created_at=epoch_seconds(item.get("CreatedAt")),
        state=item.get("Status", ""),
        uses=uses,
        identity=(arn,),
        blocked_by=(
            *(f"cloudfront:{use.rpartition('/')[2]}" for use in uses if ":cloudfront:" in use),
            *(f"load-balancer:{use}" for use in uses if ":loadbalancer/" in use),
        ),
    )


KINDS = (
    LeftoverKind(
        id="acm-certificate",
        singular="ACM certificate",
        terraform_types=("aws_acm_certificate",),
        list_permission="acm:ListCertificates",
        list_resources=_list_certificates,
        read_resource=_read_certificate,
        delete=_delete_certificate,
    ),
)
