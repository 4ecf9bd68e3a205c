"""The check of the cleanup step: scans the account for leftovers and reports them as findings. Read-only."""

from __future__ import annotations

import shlex
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from checks.aws.errors import aws_error_types
from checks.cleanup.kinds import KINDS, KINDS_BY_ID
from checks.cleanup.known_resources import read_known_resources
from checks.cleanup.leftover_kind import LeftoverKind
from checks.cleanup.model import PROVEN_OWNERSHIPS, CleanupDetail, Leftover, Ownership
from checks.cleanup.ownership import KnownResources
from checks.cleanup.scan import Scan, scan_account
from checks.context import CheckContext
from checks.finding import (
    CheckState,
    CopyText,
    Fact,
    Finding,
    Fix,
    OpenStep,
    Report,
    ReportBuilder,
    Risk,
    build_finding,
)
from checks.sanitize import one_line
from config.prices import load_prices

if TYPE_CHECKING:
    from checks.aws.session import AwsIdentity

STEP = "cleanup"
_finding = partial(build_finding, STEP)
MAX_NAMED_LEFTOVERS = 8
"""Leftovers that a finding names; the screen and `ecotui cleanup` show all."""


def check(context: CheckContext) -> Report:
    """Read-only: one finding for each kind that has leftovers, and one for each that could not be checked."""
    report, _ = check_with_detail(context)
    return report


def check_with_detail(context: CheckContext) -> tuple[Report, CleanupDetail]:
    """The report, and its detail, which the report carries as a plain dict."""
    builder = ReportBuilder(STEP)
    findings, detail = _scan_findings(context)
    return builder.build(findings, detail), detail


def _scan_findings(context: CheckContext) -> tuple[list[Finding], CleanupDetail]:
    selectors = context.settings.cleanup
    if unknown := [kind for kind in selectors.kinds if kind not in KINDS_BY_ID]:
        summary = f"cleanup.kinds names {', '.join(unknown)}; the kinds are {', '.join(KINDS_BY_ID)}"
        return [_finding("kinds", CheckState.BLOCKED, "Kinds of leftovers", summary)], CleanupDetail()
    context.on_progress("who we are")
    unchecked = CleanupDetail(not_looked_at=tuple(KINDS_BY_ID))
    try:
        identity = context.aws.identity()
    except aws_error_types() as error:
        finding = context.aws.unknown_finding("cleanup.identity", STEP, "Leftovers", error, "sts:GetCallerIdentity")
        return [finding], unchecked
    name = account_name(context, identity)
    expected = context.settings.aws.account
    if expected and expected != identity.account:
        summary = f"This is account {identity.account}, the settings name {expected}: nothing was checked"
        finding = _finding("account", CheckState.BLOCKED, "AWS account", summary)
        return [finding], replace(unchecked, account=identity.account, account_name=name)
    region = context.aws.region
    context.on_progress("terraform's state")
    known_resources = read_known_resources(context)
    context.on_progress("leftovers of every kind")
    scan = scan_account(context.aws, region, selectors, known_resources)
    detail = CleanupDetail(
        account=identity.account,
        account_name=name,
        region=region,
        resources=scan.leftovers,
        looked_at=tuple(kind.id for kind in scan.kinds if kind.id not in scan.failed_queries),
        not_looked_at=tuple(scan.failed_queries),
        state_read=known_resources.state_read,
        prices=load_prices().source,
    )
    findings = _build_findings(context, scan, known_resources)
    if any(one.deletable for one in scan.leftovers):
        from checks.cleanup.team_script import script_findings

        findings += script_findings(context, detail)
    return findings, detail


def account_name(context: CheckContext, identity: AwsIdentity) -> str:
    """What a person types to consent: the account's alias, else its name in the settings, else its id."""
    return identity.alias or context.settings.aws.account_name or identity.account


def _build_findings(context: CheckContext, scan: Scan, known_resources: KnownResources) -> list[Finding]:
    findings = []
    deletable = [one for one in scan.leftovers if one.deletable]
    for kind in scan.kinds:
        if of_kind := [one for one in deletable if one.kind == kind.id]:
            findings.append(_kind_finding(kind, of_kind))
    for kind in KINDS:
        for failed in scan.failed_queries.get(kind.id, ()):
            id = f"cleanup.look.{kind.id}"
            findings.append(context.aws.unknown_finding(id, STEP, _title(kind), failed.error, failed.action))
    if not known_resources.state_read:
        findings.append(_unreadable_state_finding(known_resources, deletable))
    if not deletable and not scan.failed_queries:
        managed = sum(one.ownership is Ownership.IN_STATE for one in scan.leftovers)
        protected = sum(bool(one.protected) and one.ownership is not Ownership.IN_STATE for one in scan.leftovers)
        counts = [
            f"{len(scan.kinds)} kinds checked",
            f"{managed} managed by terraform" if managed else "",
            f"{protected} protected" if protected else "",
        ]
        summary = f"No leftovers of an earlier deployment ({'; '.join(filter(None, counts))})"
        findings.insert(0, _finding("leftovers", CheckState.OK, "Leftovers", summary))
    return findings


def _title(kind: LeftoverKind) -> str:
    return f"{kind.plural[0].upper()}{kind.plural[1:]}"


def _kind_finding(kind: LeftoverKind, leftovers: list[Leftover]) -> Finding:
    unproven = sum(one.ownership not in PROVEN_OWNERSHIPS for one in leftovers)
    proof = f", {unproven} of them matched by name only" if unproven else ""
    if unproven == len(leftovers):
        proof = ", matched by name only"
    count = f"{len(leftovers)} {kind.singular if len(leftovers) == 1 else kind.plural}"
    named = leftovers[:MAX_NAMED_LEFTOVERS]
    more = f" and {len(leftovers) - len(named)} more" if len(leftovers) > len(named) else ""
    names = ", ".join(one.name for one in named)
    return _finding(
        kind.id,
        CheckState.BLOCKED,
        _title(kind),
        one_line(f"{count} left of an earlier deployment{proof}: {names}{more}"),
        facts=tuple(
            Fact(
                label=one.name,
                value="; ".join(filter(None, (one.ownership, one.why, one.state, one.size, one.age, one.cost))),
            )
            for one in named
        ),
        guide=kind.guide,
        fixes=_kind_fixes(kind, leftovers, f"{count} deleted for good", recommended=unproven < len(leftovers)),
    )


def _kind_fixes(
    kind: LeftoverKind, leftovers: list[Leftover], changes: str, *, recommended: bool
) -> tuple[Fix, Fix, Fix]:
    keys, named = tuple(one.key for one in leftovers), leftovers[:MAX_NAMED_LEFTOVERS]
    words = " ".join(shlex.quote(one.key) for one in named)
    names = ", ".join(f'"{one.name}"' for one in named)
    return (
        Fix(
            id=f"cleanup.{kind.id}.delete",
            title=f"Choose and delete {'it' if len(leftovers) == 1 else 'them'}",
            action=OpenStep(step=STEP, select=keys),
            changes=f"{changes}, after you have typed the account and the number of items",
            risk=Risk.DESTROYS,
            recommended=recommended,
        ),
        Fix(
            id=f"cleanup.{kind.id}.headless",
            title="Delete from the command line",
            action=CopyText(
                text=f"ecotui cleanup --approve-out cleanup.json --select {words}"
                " && ecotui cleanup --delete --approve cleanup.json"
            ),
            changes=changes,
            risk=Risk.DESTROYS,
        ),
        Fix(
            id=f"cleanup.{kind.id}.keep",
            title="Protect: not a leftover",
            action=CopyText(text=f"cleanup: {{protect: [{names}]}}"),
            changes="these names in ecotui.yaml are never deleted, whatever else matches",
        ),
    )


def _unreadable_state_finding(known_resources: KnownResources, leftovers: list[Leftover]) -> Finding:
    """Without the state it is not known what terraform manages: every proof is less certain."""
    consequence = f"; {len(leftovers)} listed may still be managed by it" if leftovers else ""
    return _finding(
        "state",
        # With nothing listed, nothing could be mistaken for a leftover.
        CheckState.UNKNOWN if leftovers else CheckState.WARN,
        "Terraform's state",
        one_line(f"Not read ({known_resources.state_error}): nothing is preselected{consequence}"),
    )
