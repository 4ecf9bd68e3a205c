"""Status of a certificate that ACM has not issued: its validation records in Route53 and in the DNS."""

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

CLOUDFRONT_REGION = "us-east-1"
"""Where the certificates of CloudFront have to be (CloudFront developer guide, "Requirements for certificates")."""


def certificate_status(context: CheckContext, resource: RunningResource) -> ResourceStatus:
    """The status of the certificate, and of the first validation record that is missing. Raises botocore's errors."""
    found = _find_certificate(context, resource)
    if found is None:
        return ResourceStatus(state=CheckState.OK, sentence="ACM has no certificate of this run yet.")
    domain, status = one_line(found.get("DomainName", "")), one_line(found.get("Status", ""))
    facts = [("certificate", domain), ("status", status)]
    worst = ResourceStatus(
        state=CheckState.OK, sentence=f"ACM has not published the validation record of {domain} yet."
    )
    if status == "ISSUED":
        worst = ResourceStatus(
            state=CheckState.OK, sentence=f"{domain} is issued: terraform notices with its next check."
        )
    elif status != "PENDING_VALIDATION":
        reason = one_line(found.get("FailureReason") or "AWS gives no reason")
        worst = ResourceStatus(state=CheckState.BLOCKED, sentence=f"The certificate {domain} is {status}: {reason}.")
    else:
        statuses = []
        for option in found.get("DomainValidationOptions") or ():
            if option.get("ValidationStatus") == "SUCCESS":
                continue
            if record := option.get("ResourceRecord"):
                statuses.append(_validation_status(context, record, option.get("ValidationStatus", "")))
                facts += statuses[-1].facts
            elif option.get("ValidationMethod") == "EMAIL":
                sentence = f"{domain} is validated by mail: somebody has to open the link in it."
                statuses.append(ResourceStatus(state=CheckState.WARN, sentence=sentence))
        worst = next((one for one in statuses if one.state is not CheckState.OK), next(iter(statuses), worst))
    return ResourceStatus(state=worst.state, sentence=worst.sentence, facts=tuple(facts))


def _find_certificate(context: CheckContext, resource: RunningResource) -> dict[str, Any] | None:
    """The certificate that this run created, else the newest one of its name that is not issued."""
    for address, id_ in resource.created_ids.items():
        waited = address == resource.address or strip_instance_keys(address) in resource.dependencies
        if waited and parse_resource_type(address) == "aws_acm_certificate" and id_.startswith("arn:"):
            return _describe_certificate(context, id_)
    domain = resource.planned_attributes.get("domain_name", "")
    for region in dict.fromkeys((context.aws.region, CLOUDFRONT_REGION)):
        pending = context.aws.paginate(
            "acm",
            "list_certificates",
            "CertificateSummaryList",
            region=region,
            CertificateStatuses=["PENDING_VALIDATION"],
        )
        named = [one["CertificateArn"] for one in pending if not domain or one.get("DomainName") == domain]
        if named:
            return _describe_certificate(context, named[-1])
    return None


def _describe_certificate(context: CheckContext, arn: str) -> dict[str, Any]:
    # arn:aws:acm:us-east-1:123456789012:certificate/…: only its own region has it.
    client = context.aws.client("acm", arn.split(":")[3])
    found: dict[str, Any] = client.describe_certificate(CertificateArn=arn)["Certificate"]
    return found


def _validation_status(context: CheckContext, record: dict[str, str], status: str) -> ResourceStatus:
    """One record: in Route53, in a zone that the DNS delegates to, and in the DNS."""
    name, value = record["Name"].rstrip(".").lower(), record["Value"].rstrip(".").lower()
    facts = [
        ("validation record", f"{one_line(name)} CNAME {one_line(value)}"),
        ("its state", one_line(status)),
    ]

    def result(state: CheckState, sentence: str) -> ResourceStatus:
        return ResourceStatus(state=state, sentence=sentence, facts=tuple(facts))

    zone = _find_public_zone(context, name)
    if zone is None:
        is_public, dns_facts = _check_public_dns(context, name, value)
        facts += dns_facts
        if is_public:
            return result(CheckState.OK, "The record is in the DNS: ACM checks every few minutes.")
        return result(
            CheckState.WARN,
            f"No hosted zone of this account covers {one_line(name)}: whoever serves the domain has to add the record.",
        )
    zone_name = one_line(zone["Name"].rstrip("."))
    values = _route53_values(context, zone["Id"], name)
    facts.append(("in Route53", f"zone {zone_name}: {', '.join(values) if values else 'the record is missing'}"))
    if not values:
        return result(
            CheckState.WARN, f"The validation record is not in the zone {zone_name}: until it is, ACM waits for ever."
        )
    if value not in values:
        return result(
            CheckState.BLOCKED,
            f"The record in the zone {zone_name} has another value than ACM needs: it is of another certificate.",
        )
    if local := local_aws_host(context.env):
        facts.append(("public DNS", f"not asked: AWS is played by {local}"))
        return result(CheckState.OK, "The validation record is in Route53: ACM checks every few minutes.")
    is_delegated, delegation = _check_delegation(context, zone)
    facts.append(("delegation", delegation))
    if is_delegated is False:
        return result(
            CheckState.BLOCKED,
            f"The record is in Route53, but nobody asks there: {delegation}. Set the zone's name servers at the registrar"
            " of the domain.",
        )
    is_public, dns_facts = _check_public_dns(context, name, value)
    facts += dns_facts
    if is_delegated is None:
        return result(
            CheckState.UNKNOWN,
            f"The record is in Route53; whether the zone is delegated could not be checked: {delegation}.",
        )
    rest = "ACM checks every few minutes" if is_public else "it spreads within a minute or so, then ACM checks"
    return result(CheckState.OK, f"The record is in Route53 and the zone {zone_name} is delegated: {rest}.")


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
    """The CNAME values that Route53 has for this name."""
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
    """Whether the DNS names this zone's servers (None when it could not be asked), and the same in words."""
    answer = context.aws.client("route53").get_hosted_zone(Id=zone["Id"])
    zone_servers = {one.rstrip(".").lower() for one in (answer.get("DelegationSet") or {}).get("NameServers") or ()}
    try:
        dns_servers = set(query_dns(zone["Name"], "NS", configured_resolver(context.env)))
    except DnsError as error:
        return None, one_line(str(error))
    if not dns_servers:
        return False, "the DNS names no server for it"
    if not zone_servers & dns_servers:
        return False, one_line(
            f"the DNS names {', '.join(sorted(dns_servers)[:2])}, the zone is on {', '.join(sorted(zone_servers)[:2])}"
        )
    return True, one_line(f"to {', '.join(sorted(zone_servers & dns_servers)[:2])}, as it should be")


def _check_public_dns(context: CheckContext, name: str, value: str) -> tuple[bool, list[tuple[str, str]]]:
    """Whether the DNS has the record already, and the fact that says so."""
    if local := local_aws_host(context.env):
        return False, [("public DNS", f"not asked: AWS is played by {local}")]
    try:
        found = query_dns(name, "CNAME", configured_resolver(context.env))
    except DnsError as error:
        return False, [("public DNS", one_line(str(error)))]
    answer = "it is there" if value in found else f"another value: {found[0]}" if found else "not there yet"
    return value in found, [("public DNS", one_line(answer))]
