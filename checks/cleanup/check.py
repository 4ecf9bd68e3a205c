"""The look of the cleanup step: the scan, told in findings."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

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
    """Every leftover that the selectors find. Read-only; one finding a kind, and one for each that was not looked at."""
    report, _ = check_with_detail(context)
    return report


def check_with_detail(context: CheckContext) -> tuple[Report, CleanupDetail]:
    """The report, and the detail that it carries as a plain dict."""
    begun = ReportBuilder(STEP)
    findings, detail = _scan_findings(context)
    return begun.build(findings, detail), detail


def _scan_findings(context: CheckContext) -> tuple[list[Finding], CleanupDetail]:
    from checks.aws.errors import aws_error_types

    selectors = context.settings.cleanup
    strange = [kind for kind in selectors.kinds if kind not in KINDS_BY_ID]
    if strange:
        summary = f"cleanup.kinds names {', '.join(strange)}; the kinds are {', '.join(KINDS_BY_ID)}"
        return [_finding("kinds", CheckState.BLOCKED, "Kinds of leftovers", summary)], CleanupDetail()
    context.on_progress("who we are")
    try:
        identity = context.aws.identity()
    except aws_error_types() as error:
        unknown = context.aws.unknown_finding("cleanup.identity", STEP, "Leftovers", error, "sts:GetCallerIdentity")
        return [unknown], CleanupDetail(not_looked_at=tuple(KINDS_BY_ID))
    name = account_name(context, identity)
    wanted = context.settings.aws.account
    if wanted and wanted != identity.account:
        summary = f"This is account {identity.account}, the settings name {wanted}: nothing was looked at"
        return [_finding("account", CheckState.BLOCKED, "AWS account", summary)], CleanupDetail(
            account=identity.account, account_name=name, not_looked_at=tuple(KINDS_BY_ID)
        )
    region = context.aws.region
    context.on_progress("terraform's state")
    knowledge = read_known_resources(context)
    context.on_progress("leftovers of every kind")
    seen = scan_account(context.aws, region, selectors, knowledge)
    detail = CleanupDetail(
        account=identity.account,
        account_name=name,
        region=region,
        resources=seen.leftovers,
        looked_at=tuple(kind.id for kind in seen.kinds if kind.id not in seen.failed_queries),
        not_looked_at=tuple(seen.failed_queries),
        state_read=knowledge.state_read,
        prices=load_prices().source,
    )
    findings = _build_findings(context, seen, knowledge)
    if any(one.deletable for one in seen.leftovers):
        from checks.cleanup.team_script import script_findings

        findings += script_findings(context, detail)
    return findings, detail


def account_name(context: CheckContext, identity: AwsIdentity) -> str:
    """What is typed to consent: the account's alias, else its name in the settings, else its id."""
    return identity.alias or context.settings.aws.account_name or identity.account


def _build_findings(context: CheckContext, result: Scan, known_resources: KnownResources) -> list[Finding]:
    findings = []
    left = [one for one in result.leftovers if one.deletable]
    for kind in result.kinds:
        of_kind = [one for one in left if one.kind == kind.id]
        if of_kind:
            findings.append(_kind_finding(kind, of_kind))
    for kind in KINDS:
        for trouble in result.failed_queries.get(kind.id, ()):
            findings.append(
                context.aws.unknown_finding(
                    f"cleanup.look.{kind.id}",
                    STEP,
                    f"{kind.plural[0].upper()}{kind.plural[1:]}",
                    trouble.error,
                    trouble.action,
                )
            )
    if not known_resources.state_read:
        findings.append(_unreadable_state_finding(known_resources, left))
    if not left and not result.failed_queries:
        held = sum(one.ownership is Ownership.IN_STATE for one in result.leftovers)
        kept = sum(bool(one.protected) and one.ownership is not Ownership.IN_STATE for one in result.leftovers)
        words = [f"{held} managed by terraform" if held else "", f"{kept} protected" if kept else ""]
        rest = ", ".join(filter(None, words))
        summary = f"Nothing of an earlier deployment is left ({len(result.kinds)} kinds looked at{f'; {rest}' if rest else ''})"
        findings.insert(0, _finding("leftovers", CheckState.OK, "Leftovers", summary))
    return findings


def _kind_finding(kind: LeftoverKind, leftovers: list[Leftover]) -> Finding:
    proven = [one for one in leftovers if one.ownership in PROVEN_OWNERSHIPS]
    unproven = len(leftovers) - len(proven)
    what = f"{len(leftovers)} {kind.singular if len(leftovers) == 1 else kind.plural}"
    proof = f", {unproven} of them matched by name only" if unproven and proven else ""
    if unproven and not proven:
        proof = ", matched by name only"
    names = ", ".join(one.name for one in leftovers[:MAX_NAMED_LEFTOVERS])
    more = f" and {len(leftovers) - MAX_NAMED_LEFTOVERS} more" if len(leftovers) > MAX_NAMED_LEFTOVERS else ""
    keys = tuple(one.key for one in leftovers)
    words = " ".join(_shell_quote(key) for key in keys[:MAX_NAMED_LEFTOVERS])
    fixes = (
        Fix(
            id=f"cleanup.{kind.id}.delete",
            title=f"Choose and delete {'it' if len(leftovers) == 1 else 'them'}",
            action=OpenStep(step=STEP, select=keys),
            changes=f"{what} deleted for good, after you have typed the account and the number of items",
            risk=Risk.DESTROYS,
            recommended=bool(proven),
        ),
        Fix(
            id=f"cleanup.{kind.id}.headless",
            title="The same without the screens",
            action=CopyText(
                text=f"ecotui cleanup --approve-out cleanup.json --select {words}"
                " && ecotui cleanup --delete --approve cleanup.json"
            ),
            changes=f"{what} deleted for good",
            risk=Risk.DESTROYS,
        ),
        Fix(
            id=f"cleanup.{kind.id}.keep",
            title="Keep: not a leftover",
            action=CopyText(
                text="cleanup: {protect: ["
                + ", ".join(f'"{one.name}"' for one in leftovers[:MAX_NAMED_LEFTOVERS])
                + "]}"
            ),
            changes="these names in ecotui.yaml are never touched, whatever else matches",
        ),
    )
    return _finding(
        kind.id,
        CheckState.BLOCKED,
        f"{kind.plural[0].upper()}{kind.plural[1:]}",
        one_line(f"{what} left of an earlier deployment{proof}: {names}{more}"),
        facts=tuple(
            Fact(
                label=one.name,
                value="; ".join(filter(None, (one.ownership, one.why, one.state, one.size, one.age, one.cost))),
            )
            for one in leftovers[:MAX_NAMED_LEFTOVERS]
        ),
        guide=kind.guide,
        fixes=fixes,
    )


def _unreadable_state_finding(known_resources: KnownResources, leftovers: list[Leftover]) -> Finding:
    """Whether something is managed is not known: an unread state makes every proof a little less sure."""
    worth = f"; {len(leftovers)} listed may still be managed by it" if leftovers else ""
    return _finding(
        "state",
        # With nothing listed there is nothing that could be mistaken for a leftover.
        CheckState.UNKNOWN if leftovers else CheckState.WARN,
        "Terraform's state",
        one_line(f"Not read ({known_resources.state_error}): nothing is preselected{worth}"),
    )


def _shell_quote(word: str) -> str:
    import shlex

    return shlex.quote(word)
