"""Collisions of CloudFront: names of policies and functions in the account, and aliases, which are unique in the world.

No distribution may have an alias whose DNS record points to another one.

Those of this account are listed. Of another account's, CloudFront answers (ListConflictingAliases) only to an account that has a
distribution with a certificate for the alias; without one, a CNAME in the DNS is the only trace that can be seen. Overlapping
wildcards do not collide (developer guide, "Use wildcards in alternate domain names").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from checks.apply.forecast.collisions.kind import (
    CollisionKind,
    CollisionQuery,
    ExistingResource,
    describe_by_name,
    find_in_listing,
)
from checks.apply.forecast.model import ForecastWarning
from checks.apply.plan.model import PlannedChange
from checks.apply.run.why.acm import CLOUDFRONT_REGION
from checks.aws.errors import aws_error_code
from checks.sanitize import one_line
from checks.tools import dns

if TYPE_CHECKING:
    from checks.context import CheckContext

DISTRIBUTION_TYPE = "aws_cloudfront_distribution"
_NO_ANSWER_CODES = ("InvalidArgument", "NoSuchDistribution")
"""The distribution is gone, or its certificate does not cover the alias: nothing is known, as without one."""


def _has_aliases(planned: PlannedChange) -> bool:
    """Whether the distribution answers, or may answer, to names of its own."""
    return bool(planned.after.get("aliases") or planned.unknown.get("aliases"))


def _adds_aliases(planned: PlannedChange) -> bool:
    """An update that takes an alias which the distribution had not before, or may take one."""
    return planned.actions == ("update",) and bool(_new_aliases(planned) or planned.unknown.get("aliases"))


def _find_alias_owner(query: CollisionQuery) -> ExistingResource | None:
    """The distribution that has one of the aliases, of this account or another. Raises botocore's errors."""
    aliases = _new_aliases(query.planned)
    own = query.list_items("list_distributions", "DistributionList.Items")
    # A replacement that creates the new one first collides with itself.
    itself = "" if query.planned.actions == ("create", "delete") else query.planned.before.get("id")
    for one in own:
        both = sorted(aliases & {alias.lower() for alias in _response_items(one, "Aliases")})
        if both and one["Id"] != itself:
            return ExistingResource(
                id=f"distribution {one['Id']} ({one.get('DomainName', '')})",
                import_id=one["Id"],
                name=", ".join(both),
            )
    return _find_in_other_account(query, own, aliases)


def _new_aliases(planned: PlannedChange) -> set[str]:
    """The aliases that it has after the apply only."""
    had = planned.before.get("aliases") if planned.actions == ("update",) else ()
    return _alias_names(planned.after.get("aliases")) - _alias_names(had)


def _alias_names(value: Any) -> set[str]:
    return {alias.lower() for alias in value or () if isinstance(alias, str)}


def _response_items(one: dict[str, Any], key: str) -> Iterable[Any]:
    return (one.get(key) or {}).get("Items") or ()


def _find_in_other_account(
    query: CollisionQuery, distributions: Sequence[dict[str, Any]], aliases: set[str]
) -> ExistingResource | None:
    """The distribution of another account, found through one of ours whose certificate covers the alias."""
    by_certificate = {
        arn: one["Id"]
        for one in distributions
        if (arn := (one.get("ViewerCertificate") or {}).get("ACMCertificateArn")) and one.get("Id")
    }
    if not aliases or not by_certificate:
        return None
    certificates = query.list_items(
        "list_certificates", "CertificateSummaryList", service="acm", region=CLOUDFRONT_REGION
    )
    through = {
        alias: by_certificate[one["CertificateArn"]]
        for one in certificates
        for alias in aliases
        if one.get("CertificateArn") in by_certificate and _certificate_covers(one, alias)
    }
    for alias, id_ in sorted(through.items()):
        try:
            found = query.client.list_conflicting_aliases(DistributionId=id_, Alias=alias)
        except Exception as error:
            if aws_error_code(error) in _NO_ANSWER_CODES:
                continue
            raise
        for conflict in _response_items(found, "ConflictingAliasesList"):
            if conflict.get("Alias", "").lower() == alias:
                # Both ids are partly hidden by AWS: `*******EXAMPLE`, `******112233`.
                which = f"distribution {conflict.get('DistributionId', '')} of account {conflict.get('AccountId', '')}"
                return ExistingResource(id=which, import_id="", is_own=False, name=alias)
    return None


def _certificate_covers(certificate: dict[str, Any], alias: str) -> bool:
    """A name of the certificate is the alias, or a wildcard for its last label (RFC 6125)."""
    names = {certificate.get("DomainName"), *(certificate.get("SubjectAlternativeNameSummaries") or ())}
    return bool({alias, f"*.{alias.partition('.')[2]}"} & {str(name).lower() for name in names})


def alias_dns_warnings(context: CheckContext, planned: Sequence[PlannedChange]) -> list[ForecastWarning]:
    """Aliases whose CNAME leads to a distribution that is not the planned one. Raises DnsError.

    CloudFront refuses them, whoever has that distribution, and also when it is gone ("Restrictions on using alternate domain
    names"). An alias record of Route53 is no CNAME: the DNS does not show where it leads.
    """
    found: list[ForecastWarning] = []
    if dns.local_aws_host(context.env):
        return found
    for one in planned:
        if one.type != DISTRIBUTION_TYPE or not (one.creates or _adds_aliases(one)):
            continue
        itself = str(one.before.get("domain_name") or "").lower() if one.actions == ("update",) else ""
        for alias in sorted(_new_aliases(one)):
            if alias.startswith("*."):
                continue
            leads = [
                name
                for name in dns.query_dns(alias, "CNAME", dns.configured_resolver(context.env))
                if name.endswith(".cloudfront.net") and name != itself
            ]
            if leads:
                found.append(
                    ForecastWarning(
                        address=one.address,
                        type=one.type,
                        what=f"alias {one_line(alias)}",
                        why=f"its DNS record leads to another distribution, {one_line(leads[0])}: as long as it does,"
                        " CloudFront refuses the alias (CNAMEAlreadyExists), also where that one is another account's;"
                        " take the record away first",
                        guide=("6.2",),
                    )
                )
    return found


def _policy_kind(type_: str, operation: str, name: str, action: str) -> CollisionKind:
    find = find_in_listing(
        operation, f"{name}List.Items", f"{name}.{name}Config.Name", f"{name}.Id", f"{name}.Id", Type="custom"
    )
    return CollisionKind(f"aws_cloudfront_{type_}", find, f"cloudfront:{action}", "cloudfront", is_global=True)


KINDS = (
    CollisionKind(
        DISTRIBUTION_TYPE,
        _find_alias_owner,
        "cloudfront:ListDistributions",
        "cloudfront",
        attribute="aliases",
        guide=("6.2",),
        is_global=True,
        can_collide=_has_aliases,
        adds_names=_adds_aliases,
        ignores_case=True,
    ),
    CollisionKind(
        "aws_cloudfront_origin_access_control",
        find_in_listing("list_origin_access_controls", "OriginAccessControlList.Items", "Name", "Id", "Id"),
        "cloudfront:ListOriginAccessControls",
        "cloudfront",
        is_global=True,
    ),
    _policy_kind("cache_policy", "list_cache_policies", "CachePolicy", "ListCachePolicies"),
    _policy_kind(
        "origin_request_policy", "list_origin_request_policies", "OriginRequestPolicy", "ListOriginRequestPolicies"
    ),
    _policy_kind(
        "response_headers_policy",
        "list_response_headers_policies",
        "ResponseHeadersPolicy",
        "ListResponseHeadersPolicies",
    ),
    CollisionKind(
        "aws_cloudfront_function",
        describe_by_name("describe_function", "Name", "FunctionSummary.FunctionMetadata.FunctionARN"),
        "cloudfront:DescribeFunction",
        "cloudfront",
        is_global=True,
    ),
)
