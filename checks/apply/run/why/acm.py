"""Why a certificate is not issued yet: its validation records, whether Route53 has them, whether the world asks Route53."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.apply.durations import parse_resource_type
from checks.apply.plan.configuration import strip_instance_keys
from checks.apply.run.why.model import ResourceStatus, RunningResource
from checks.finding import CheckState
from checks.sanitize import one_line
from checks.tools.dns import DnsError, configured_resolver, local_aws_host, query_dns

if TYPE_CHECKING:
    from checks.context import CheckContext

GUIDE: tuple[str, ...] = ()
CLOUDFRONT_REGION = "us-east-1"
"""Where the certificates of CloudFront have to be (CloudFront developer guide, "Requirements for certificates")."""


def certificate_status(context: CheckContext, resource: RunningResource) -> ResourceStatus:
    """Raises botocore's errors."""
    found = _find_certificate(context, resource)
    if found is None:
        return ResourceStatus(state=CheckState.OK, sentence="ACM has no certificate of this run yet.")
    domain, status = one_line(found.get("DomainName", "")), one_line(found.get("Status", ""))
    facts: list[tuple[str, str]] = [("certificate", domain), ("status", status)]
    if status == "ISSUED":
        return ResourceStatus(
            state=CheckState.OK,
            sentence=f"{domain} is issued: terraform notices with its next look.",
            facts=tuple(facts),
        )
    if status != "PENDING_VALIDATION":
        reason = one_line(found.get("FailureReason") or "AWS gives no reason")
        return ResourceStatus(
            state=CheckState.BLOCKED,
            sentence=f"The certificate {domain} is {status}: {reason}.",
            facts=tuple(facts),
        )
    worst: ResourceStatus | None = None
    for option in found.get("DomainValidationOptions") or ():
        if option.get("ValidationStatus") == "SUCCESS":
            continue
        record = option.get("ResourceRecord")
        if not record:
            if option.get("ValidationMethod") == "EMAIL":
                worst = ResourceStatus(
                    state=CheckState.WARN,
                    sentence=f"{domain} is validated by mail: somebody has to open the link in it.",
                )
            continue
        seen = _validation_status(context, record, option.get("ValidationStatus", ""))
        facts += seen.facts
        if worst is None or (worst.state is CheckState.OK and seen.state is not CheckState.OK):
            worst = seen
    if worst is None:
        return ResourceStatus(
            state=CheckState.OK,
            sentence=f"ACM has not said yet by which record {domain} is to be validated.",
            facts=tuple(facts),
        )
    return ResourceStatus(state=worst.state, sentence=worst.sentence, facts=tuple(facts), guide=worst.guide)


def _find_certificate(context: CheckContext, resource: RunningResource) -> dict[str, Any] | None:
    """The one that is waited for: as this run made it, else the newest of its name that is not issued."""
    for address, id_ in resource.created_ids.items():
        waited = address == resource.address or strip_instance_keys(address) in resource.dependencies
        if waited and parse_resource_type(address) == "aws_acm_certificate" and id_.startswith("arn:"):
            return _describe_certificate(context, id_)
    domain = resource.planned_attributes.get("domain_name", "")
    for region in dict.fromkeys((context.aws.region, CLOUDFRONT_REGION)):
        asked = context.aws.paginate(
            "acm",
            "list_certificates",
            "CertificateSummaryList",
            region=region,
            CertificateStatuses=["PENDING_VALIDATION"],
        )
        named = [one["CertificateArn"] for one in asked if not domain or one.get("DomainName") == domain]
        if named:
            return _describe_certificate(context, named[-1])
    return None


def _describe_certificate(context: CheckContext, arn: str) -> dict[str, Any]:
    # arn:aws:acm:us-east-1:123456789012:certificate/…: it can be asked for only where it is.
    client = context.aws.client("acm", arn.split(":")[3])
    found: dict[str, Any] = client.describe_certificate(CertificateArn=arn)["Certificate"]
    return found


def _validation_status(context: CheckContext, record: dict[str, str], status: str) -> ResourceStatus:
    """One record: in Route53, in a zone that the world asks, and in the DNS."""
    name, value = record["Name"].rstrip(".").lower(), record["Value"].rstrip(".").lower()
    facts = [
        ("validation record", f"{one_line(name)} CNAME {one_line(value)}"),
        ("its state", one_line(status)),
    ]
    zone = _find_public_zone(context, name)
    if zone is None:
        outside = _check_public_dns(context, name, value)
        facts += outside[1]
        if outside[0]:
            return ResourceStatus(
                state=CheckState.OK,
                sentence="The record is in the DNS: ACM looks every few minutes.",
                facts=tuple(facts),
            )
        return ResourceStatus(
            state=CheckState.WARN,
            sentence=f"No hosted zone of this account covers {one_line(name)}: whoever serves the domain has to add the"
            " record.",
            facts=tuple(facts),
        )
    shown = one_line(zone["Name"].rstrip("."))
    held = _route53_values(context, zone["Id"], name)
    facts.append(("in Route53", f"zone {shown}: {', '.join(held) if held else 'the record is not there'}"))
    if not held:
        return ResourceStatus(
            state=CheckState.WARN,
            sentence=f"The validation record is not in the zone {shown}: until it is, ACM waits for ever.",
            facts=tuple(facts),
        )
    if value not in held:
        return ResourceStatus(
            state=CheckState.BLOCKED,
            sentence=f"The record in the zone {shown} has another value than ACM wants: it is of another certificate.",
            facts=tuple(facts),
        )
    if played := local_aws_host(context.env):
        facts.append(("public DNS", f"not asked: AWS is played by {played}"))
        return ResourceStatus(
            state=CheckState.OK,
            sentence="The validation record is in Route53: ACM looks every few minutes.",
            facts=tuple(facts),
        )
    delegated, told = _check_delegation(context, zone)
    facts.append(("delegation", told))
    if delegated is False:
        return ResourceStatus(
            state=CheckState.BLOCKED,
            sentence=f"The record is in Route53, but nobody asks there: {told}. Set the zone's name servers at the"
            " registrar of the domain.",
            facts=tuple(facts),
        )
    found, more = _check_public_dns(context, name, value)
    facts += more
    if delegated is None:
        return ResourceStatus(
            state=CheckState.UNKNOWN,
            sentence=f"The record is in Route53; whether the zone is delegated could not be asked: {told}.",
            facts=tuple(facts),
        )
    rest = "ACM looks every few minutes" if found else "it spreads within a minute or so, then ACM looks"
    return ResourceStatus(
        state=CheckState.OK,
        sentence=f"The record is in Route53 and the zone {shown} is delegated: {rest}.",
        facts=tuple(facts),
    )


def _find_public_zone(context: CheckContext, name: str) -> dict[str, Any] | None:
    """The public zone with the longest name that ends this one."""
    found = [
        zone
        for zone in context.aws.paginate("route53", "list_hosted_zones", "HostedZones")
        if not (zone.get("Config") or {}).get("PrivateZone")
        and (name == zone["Name"].rstrip(".").lower() or name.endswith(f".{zone['Name'].rstrip('.').lower()}"))
    ]
    return max(found, key=lambda zone: len(zone["Name"]), default=None)


def _route53_values(context: CheckContext, zone: str, name: str) -> tuple[str, ...]:
    """What Route53 has under this name, as CNAME."""
    answer = context.aws.client("route53").list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=name, StartRecordType="CNAME", MaxItems="1"
    )
    return tuple(
        one_line(value["Value"].rstrip(".").lower())
        for record in answer.get("ResourceRecordSets") or ()
        if record["Name"].rstrip(".").lower() == name and record["Type"] == "CNAME"
        for value in record.get("ResourceRecords") or ()
    )


def _check_delegation(context: CheckContext, zone: dict[str, Any]) -> tuple[bool | None, str]:
    """Whether the DNS names this zone's servers; None when it could not be asked. And that in words."""
    answer = context.aws.client("route53").get_hosted_zone(Id=zone["Id"])
    ours = {one.rstrip(".").lower() for one in (answer.get("DelegationSet") or {}).get("NameServers") or ()}
    try:
        theirs = set(query_dns(zone["Name"], "NS", configured_resolver(context.env)))
    except DnsError as error:
        return None, one_line(str(error))
    if not theirs:
        return False, "the DNS names no server for it"
    if not ours & theirs:
        return False, one_line(
            f"the DNS names {', '.join(sorted(theirs)[:2])}, the zone is on {', '.join(sorted(ours)[:2])}"
        )
    return True, one_line(f"to {', '.join(sorted(ours & theirs)[:2])}, as it should be")


def _check_public_dns(context: CheckContext, name: str, value: str) -> tuple[bool, list[tuple[str, str]]]:
    """Whether the DNS has the record already."""
    if played := local_aws_host(context.env):
        return False, [("public DNS", f"not asked: AWS is played by {played}")]
    try:
        found = query_dns(name, "CNAME", configured_resolver(context.env))
    except DnsError as error:
        return False, [("public DNS", one_line(str(error)))]
    said = "it is there" if value in found else f"another value: {found[0]}" if found else "not there yet"
    return value in found, [("public DNS", one_line(said))]
