"""ACM certificates of the region and of us-east-1, where CloudFront takes its own from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.aws.errors import aws_error_code, is_not_found
from checks.cleanup.aws_query import AwsQuery, ResourceInUse, epoch_seconds, parse_tags
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource

_KEY_TYPES = (
    "RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1",
)  # fmt: skip
"""Without them ListCertificates leaves out everything but RSA up to 2048 bits (ACM API reference)."""


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    regions = dict.fromkeys((query.region, "us-east-1"))
    found = [
        (certificate["CertificateArn"], region)
        for region in regions
        for certificate in query.list_items(
            "acm",
            "list_certificates",
            "CertificateSummaryList",
            region=region,
            Includes={"keyTypes": list(_KEY_TYPES)},
        )
    ]
    seen = query.map_parallel(
        lambda one: query.call_or_default("acm:DescribeCertificate", lambda: read_resource(query, *one), None), found
    )
    return [certificate for certificate in seen if certificate]


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    try:
        certificate = query.client("acm", region).describe_certificate(CertificateArn=id)["Certificate"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return _build_resource(query, certificate, region)


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    try:
        query.client("acm", resource.region).delete_certificate(CertificateArn=resource.id)
    except Exception as error:
        if aws_error_code(error) == "ResourceInUseException":
            used = ", ".join(use.rpartition(":")[2] for use in resource.uses) or "another resource"
            raise ResourceInUse(f"still used by {used}") from error
        raise


def _build_resource(query: AwsQuery, certificate: dict[str, Any], region: str) -> AwsResource:
    arn = certificate["CertificateArn"]
    names = tuple(dict.fromkeys((certificate["DomainName"], *certificate.get("SubjectAlternativeNames", ()))))
    uses = tuple(certificate.get("InUseBy", ()))
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
        created_at=epoch_seconds(certificate.get("CreatedAt")),
        state=certificate.get("Status", ""),
        uses=uses,
        identity=(arn,),
        blocked_by=(
            *(f"cloudfront:{use.rpartition('/')[2]}" for use in uses if ":cloudfront:" in use),
            *(f"load-balancer:{use}" for use in uses if ":loadbalancer/" in use),
        ),
    )
