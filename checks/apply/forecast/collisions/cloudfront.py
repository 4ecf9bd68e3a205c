"""Aliases of CloudFront: one distribution in the world may have each, and none whose DNS record points to another one.

Those of this account are listed. Of another account's, CloudFront tells (ListConflictingAliases) only to somebody who has a
distribution with a certificate for the alias; without one, a CNAME in the DNS is the only trace that can be seen. Overlapping
wildcards do not collide (developer guide, "Use wildcards in alternate domain names").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from checks.apply.forecast.collisions.collision import Existing, Question, code_of
from checks.apply.forecast.model import Warned
from checks.apply.plan.model import Planned
from checks.apply.run.why.certificate import CLOUDFRONT_REGION
from checks.sanitize import one_line
from checks.tools import dns

if TYPE_CHECKING:
    from checks.context import World

TYPE = "aws_cloudfront_distribution"
_NO_ANSWER = frozenset({"InvalidArgument", "NoSuchDistribution"})
"""The distribution that was asked through is gone, or its certificate does not do: nothing is known, as without one."""


def has_aliases(planned: Planned) -> bool:
    """Whether the distribution answers, or may answer, to names of its own."""
    return bool(planned.after.get("aliases") or planned.unknown.get("aliases"))


def adds_aliases(planned: Planned) -> bool:
    """An update that takes an alias which the distribution had not before, or may take one."""
    return planned.actions == ("update",) and bool(_wanted(planned) or planned.unknown.get("aliases"))


def distribution(ask: Question) -> Existing | None:
    """Who has one of the aliases: a distribution of this account, or of another one. Raises botocore's errors."""
    wanted = _wanted(ask.planned)
    own = ask.items("cloudfront", "list_distributions", "DistributionList.Items")
    # A replacement that makes the new one first does collide with itself.
    itself = "" if ask.planned.actions == ("create", "delete") else ask.planned.before.get("id")
    for one in own:
        both = sorted(wanted & {alias.lower() for alias in _items(one, "Aliases")})
        if both and one["Id"] != itself:
            return Existing(
                id=f"distribution {one['Id']} ({one.get('DomainName', '')})",
                import_id=one["Id"],
                name=", ".join(both),
            )
    return _elsewhere(ask, own, wanted)


def _wanted(planned: Planned) -> set[str]:
    """The aliases that it takes, and had not before."""
    had = planned.before.get("aliases") if planned.actions == ("update",) else ()
    return _names(planned.after.get("aliases")) - _names(had)


def _names(value: Any) -> set[str]:
    return {alias.lower() for alias in value or () if isinstance(alias, str)}


def _items(one: dict[str, Any], key: str) -> Iterable[Any]:
    return (one.get(key) or {}).get("Items") or ()


def _elsewhere(ask: Question, own: Sequence[dict[str, Any]], wanted: set[str]) -> Existing | None:
    """Whether another account has one: asked through a distribution of ours whose certificate covers the alias."""
    by_certificate = {
        arn: one["Id"]
        for one in own
        if (arn := (one.get("ViewerCertificate") or {}).get("ACMCertificateArn")) and one.get("Id")
    }
    if not wanted or not by_certificate:
        return None
    certificates = ask.listings.get(
        ("acm", "list_certificates", CLOUDFRONT_REGION),
        lambda: list(
            ask.aws.paginate("acm", "list_certificates", "CertificateSummaryList", region=CLOUDFRONT_REGION)
        ),
    )
    through = {
        alias: by_certificate[one["CertificateArn"]]
        for one in certificates
        for alias in wanted
        if one.get("CertificateArn") in by_certificate and _covers(one, alias)
    }
    for alias, id_ in sorted(through.items()):
        try:
            found = ask.client("cloudfront").list_conflicting_aliases(DistributionId=id_, Alias=alias)
        except Exception as error:
            if code_of(error) in _NO_ANSWER:
                continue
            raise
        for told in _items(found, "ConflictingAliasesList"):
            if told.get("Alias", "").lower() == alias:
                # Both ids are partly hidden by AWS: `*******EXAMPLE`, `******112233`.
                which = (
                    f"distribution {told.get('DistributionId', '')} of account {told.get('AccountId', '')}"
                )
                return Existing(id=which, import_id="", ours=False, name=alias)
    return None


def _covers(certificate: dict[str, Any], alias: str) -> bool:
    """A name of the certificate is the alias, or a wildcard for its last label (RFC 6125)."""
    names = {certificate.get("DomainName"), *(certificate.get("SubjectAlternativeNameSummaries") or ())}
    return bool({alias, f"*.{alias.partition('.')[2]}"} & {str(name).lower() for name in names})


def pointing_elsewhere(world: World, planned: Sequence[Planned]) -> list[Warned]:
    """Aliases whose CNAME leads to a distribution that is not the planned one. Raises DnsFailed.

    CloudFront refuses them, whoever has that distribution, and also when it is gone ("Restrictions on using alternate domain
    names"). An alias record of Route53 is no CNAME: the DNS does not show where it leads.
    """
    found: list[Warned] = []
    if dns.stand_in(world.env):
        return found
    for one in planned:
        if one.type != TYPE or not (one.creates or adds_aliases(one)):
            continue
        itself = str(one.before.get("domain_name") or "").lower() if one.actions == ("update",) else ""
        for alias in sorted(_wanted(one)):
            if alias.startswith("*."):
                continue
            leads = [
                name
                for name in dns.ask(alias, "CNAME", dns.server(world.env))
                if name.endswith(".cloudfront.net") and name != itself
            ]
            if leads:
                found.append(
                    Warned(
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
