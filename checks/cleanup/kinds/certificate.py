"""ACM certificates of the region and of us-east-1, where CloudFront takes its own from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, InUse, code, epoch, is_missing, tags_of
from checks.cleanup.kinds import Task
from checks.cleanup.model import Seen

_KEY_TYPES = (
    "RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1",
)  # fmt: skip
"""Without them ListCertificates leaves out everything but RSA up to 2048 bits (ACM API reference)."""


def find(asking: Asking) -> Iterable[Seen]:
    regions = dict.fromkeys((asking.region, "us-east-1"))
    found = [
        (certificate["CertificateArn"], region)
        for region in regions
        for certificate in asking.pages(
            "acm",
            "list_certificates",
            "CertificateSummaryList",
            region=region,
            Includes={"keyTypes": list(_KEY_TYPES)},
        )
    ]
    seen = asking.each(
        lambda one: asking.attempt("acm:DescribeCertificate", lambda: again(asking, *one), None), found
    )
    return [certificate for certificate in seen if certificate]


def again(asking: Asking, id: str, region: str) -> Seen | None:
    try:
        certificate = asking.client("acm", region).describe_certificate(CertificateArn=id)["Certificate"]
    except Exception as error:
        if is_missing(error):
            return None
        raise
    return _seen(asking, certificate, region)


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    try:
        asking.client("acm", seen.region).delete_certificate(CertificateArn=seen.id)
    except Exception as error:
        if code(error) == "ResourceInUseException":
            used = ", ".join(use.rpartition(":")[2] for use in seen.uses) or "another resource"
            raise InUse(f"still used by {used}") from error
        raise


def _seen(asking: Asking, certificate: dict[str, Any], region: str) -> Seen:
    arn = certificate["CertificateArn"]
    names = tuple(dict.fromkeys((certificate["DomainName"], *certificate.get("SubjectAlternativeNames", ()))))
    uses = tuple(certificate.get("InUseBy", ()))
    return Seen(
        kind="acm-certificate",
        id=arn,
        name=names[0],
        arn=arn,
        region=region,
        aliases=names[1:],
        domains=names,
        tags=asking.tags(
            "acm:ListTagsForCertificate",
            lambda: tags_of(
                asking.client("acm", region).list_tags_for_certificate(CertificateArn=arn).get("Tags")
            ),
        ),
        created=epoch(certificate.get("CreatedAt")),
        state=certificate.get("Status", ""),
        uses=uses,
        identity=(arn,),
        blocked_by=(
            *(f"cloudfront:{use.rpartition('/')[2]}" for use in uses if ":cloudfront:" in use),
            *(f"load-balancer:{use}" for use in uses if ":loadbalancer/" in use),
        ),
    )
