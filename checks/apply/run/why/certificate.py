"""Why a certificate is not issued yet: its validation records, whether Route53 has them, whether the world asks Route53."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.apply.plan.configuration import without_keys
from checks.apply.run.durations import type_of
from checks.apply.run.why.model import Running, Seen
from checks.finding import State
from checks.sanitize import one_line
from checks.tools.dns import DnsFailed, ask, server, stand_in

if TYPE_CHECKING:
    from checks.context import World

GUIDE: tuple[str, ...] = ()
CLOUDFRONT_REGION = "us-east-1"
"""Where the certificates of CloudFront have to be (CloudFront developer guide, "Requirements for certificates")."""


def certificate(world: World, running: Running) -> Seen:
    """Raises botocore's errors."""
    found = _certificate(world, running)
    if found is None:
        return Seen(state=State.OK, sentence="ACM has no certificate of this run yet.")
    domain, status = one_line(found.get("DomainName", "")), one_line(found.get("Status", ""))
    facts: list[tuple[str, str]] = [("certificate", domain), ("status", status)]
    if status == "ISSUED":
        return Seen(
            state=State.OK,
            sentence=f"{domain} is issued: terraform notices with its next look.",
            facts=tuple(facts),
        )
    if status != "PENDING_VALIDATION":
        reason = one_line(found.get("FailureReason") or "AWS gives no reason")
        return Seen(
            state=State.BLOCKED,
            sentence=f"The certificate {domain} is {status}: {reason}.",
            facts=tuple(facts),
        )
    worst: Seen | None = None
    for option in found.get("DomainValidationOptions") or ():
        if option.get("ValidationStatus") == "SUCCESS":
            continue
        record = option.get("ResourceRecord")
        if not record:
            if option.get("ValidationMethod") == "EMAIL":
                worst = Seen(
                    state=State.WARN,
                    sentence=f"{domain} is validated by mail: somebody has to open the link in it.",
                )
            continue
        seen = _validation(world, record, option.get("ValidationStatus", ""))
        facts += seen.facts
        if worst is None or (worst.state is State.OK and seen.state is not State.OK):
            worst = seen
    if worst is None:
        return Seen(
            state=State.OK,
            sentence=f"ACM has not said yet by which record {domain} is to be validated.",
            facts=tuple(facts),
        )
    return Seen(state=worst.state, sentence=worst.sentence, facts=tuple(facts), guide=worst.guide)


def _certificate(world: World, running: Running) -> dict[str, Any] | None:
    """The one that is waited for: as this run made it, else the newest of its name that is not issued."""
    for address, id_ in running.made.items():
        waited = address == running.address or without_keys(address) in running.waits_for
        if waited and type_of(address) == "aws_acm_certificate" and id_.startswith("arn:"):
            return _described(world, id_)
    domain = running.planned.get("domain_name", "")
    for region in dict.fromkeys((world.aws.region, CLOUDFRONT_REGION)):
        asked = world.aws.paginate(
            "acm",
            "list_certificates",
            "CertificateSummaryList",
            region=region,
            CertificateStatuses=["PENDING_VALIDATION"],
        )
        named = [one["CertificateArn"] for one in asked if not domain or one.get("DomainName") == domain]
        if named:
            return _described(world, named[-1])
    return None


def _described(world: World, arn: str) -> dict[str, Any]:
    # arn:aws:acm:us-east-1:123456789012:certificate/…: it can be asked for only where it is.
    client = world.aws.client("acm", arn.split(":")[3])
    found: dict[str, Any] = client.describe_certificate(CertificateArn=arn)["Certificate"]
    return found


def _validation(world: World, record: dict[str, str], status: str) -> Seen:
    """One record: in Route53, in a zone that the world asks, and in the DNS."""
    name, value = record["Name"].rstrip(".").lower(), record["Value"].rstrip(".").lower()
    facts = [
        ("validation record", f"{one_line(name)} CNAME {one_line(value)}"),
        ("its state", one_line(status)),
    ]
    zone = _zone(world, name)
    if zone is None:
        outside = _outside(world, name, value)
        facts += outside[1]
        if outside[0]:
            return Seen(
                state=State.OK,
                sentence="The record is in the DNS: ACM looks every few minutes.",
                facts=tuple(facts),
            )
        return Seen(
            state=State.WARN,
            sentence=f"No hosted zone of this account covers {one_line(name)}: whoever serves the domain has to add the"
            " record.",
            facts=tuple(facts),
        )
    shown = one_line(zone["Name"].rstrip("."))
    held = _held(world, zone["Id"], name)
    facts.append(("in Route53", f"zone {shown}: {', '.join(held) if held else 'the record is not there'}"))
    if not held:
        return Seen(
            state=State.WARN,
            sentence=f"The validation record is not in the zone {shown}: until it is, ACM waits for ever.",
            facts=tuple(facts),
        )
    if value not in held:
        return Seen(
            state=State.BLOCKED,
            sentence=f"The record in the zone {shown} has another value than ACM wants: it is of another certificate.",
            facts=tuple(facts),
        )
    if played := stand_in(world.env):
        facts.append(("public DNS", f"not asked: AWS is played by {played}"))
        return Seen(
            state=State.OK,
            sentence="The validation record is in Route53: ACM looks every few minutes.",
            facts=tuple(facts),
        )
    delegated, told = _delegated(world, zone)
    facts.append(("delegation", told))
    if delegated is False:
        return Seen(
            state=State.BLOCKED,
            sentence=f"The record is in Route53, but nobody asks there: {told}. Set the zone's name servers at the"
            " registrar of the domain.",
            facts=tuple(facts),
        )
    found, more = _outside(world, name, value)
    facts += more
    if delegated is None:
        return Seen(
            state=State.UNKNOWN,
            sentence=f"The record is in Route53; whether the zone is delegated could not be asked: {told}.",
            facts=tuple(facts),
        )
    rest = "ACM looks every few minutes" if found else "it spreads within a minute or so, then ACM looks"
    return Seen(
        state=State.OK,
        sentence=f"The record is in Route53 and the zone {shown} is delegated: {rest}.",
        facts=tuple(facts),
    )


def _zone(world: World, name: str) -> dict[str, Any] | None:
    """The public zone with the longest name that ends this one."""
    found = [
        zone
        for zone in world.aws.paginate("route53", "list_hosted_zones", "HostedZones")
        if not (zone.get("Config") or {}).get("PrivateZone")
        and (
            name == zone["Name"].rstrip(".").lower() or name.endswith(f".{zone['Name'].rstrip('.').lower()}")
        )
    ]
    return max(found, key=lambda zone: len(zone["Name"]), default=None)


def _held(world: World, zone: str, name: str) -> tuple[str, ...]:
    """What Route53 has under this name, as CNAME."""
    answer = world.aws.client("route53").list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=name, StartRecordType="CNAME", MaxItems="1"
    )
    return tuple(
        one_line(value["Value"].rstrip(".").lower())
        for record in answer.get("ResourceRecordSets") or ()
        if record["Name"].rstrip(".").lower() == name and record["Type"] == "CNAME"
        for value in record.get("ResourceRecords") or ()
    )


def _delegated(world: World, zone: dict[str, Any]) -> tuple[bool | None, str]:
    """Whether the DNS names this zone's servers; None when it could not be asked. And that in words."""
    answer = world.aws.client("route53").get_hosted_zone(Id=zone["Id"])
    ours = {one.rstrip(".").lower() for one in (answer.get("DelegationSet") or {}).get("NameServers") or ()}
    try:
        theirs = set(ask(zone["Name"], "NS", server(world.env)))
    except DnsFailed as error:
        return None, one_line(str(error))
    if not theirs:
        return False, "the DNS names no server for it"
    if not ours & theirs:
        return False, one_line(
            f"the DNS names {', '.join(sorted(theirs)[:2])}, the zone is on {', '.join(sorted(ours)[:2])}"
        )
    return True, one_line(f"to {', '.join(sorted(ours & theirs)[:2])}, as it should be")


def _outside(world: World, name: str, value: str) -> tuple[bool, list[tuple[str, str]]]:
    """Whether the DNS has the record already."""
    if played := stand_in(world.env):
        return False, [("public DNS", f"not asked: AWS is played by {played}")]
    try:
        found = ask(name, "CNAME", server(world.env))
    except DnsFailed as error:
        return False, [("public DNS", one_line(str(error)))]
    said = "it is there" if value in found else f"another value: {found[0]}" if found else "not there yet"
    return value in found, [("public DNS", one_line(said))]
