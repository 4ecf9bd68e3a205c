"""The look of the cleanup step: the scan, told in findings."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from checks.cleanup.kinds import BY_ID, KINDS, Kind
from checks.cleanup.known_resources import known
from checks.cleanup.model import PROVEN, CleanupDetail, Leftover, Ownership
from checks.cleanup.ownership import Known
from checks.cleanup.scan import Scan, scan
from checks.context import World
from checks.finding import Copy, Fact, Finding, Fix, Look, Report, Risk, State, Visit, finding_of
from checks.sanitize import one_line
from config.prices import prices

if TYPE_CHECKING:
    from checks.aws.session import Identity

STEP = "cleanup"
_finding = partial(finding_of, STEP)
SHOWN = 8
"""Leftovers that a finding names; the screen and `ecotui cleanup` show all."""


def look(world: World) -> Report:
    """Every leftover that the selectors find. Read-only; one finding a kind, and one for each that was not looked at."""
    report, _ = examine(world)
    return report


def examine(world: World) -> tuple[Report, CleanupDetail]:
    """The report, and the detail that it carries as a plain dict."""
    begun = Look(STEP)
    findings, detail = _examine(world)
    return begun.report(findings, detail), detail


def _examine(world: World) -> tuple[list[Finding], CleanupDetail]:
    from checks.aws.session import errors

    selectors = world.settings.cleanup
    strange = [kind for kind in selectors.kinds if kind not in BY_ID]
    if strange:
        summary = f"cleanup.kinds names {', '.join(strange)}; the kinds are {', '.join(BY_ID)}"
        return [_finding("kinds", State.BLOCKED, "Kinds of leftovers", summary)], CleanupDetail()
    world.say("who we are")
    try:
        identity = world.aws.identity()
    except errors() as error:
        unknown = world.aws.unknown("cleanup.identity", STEP, "Leftovers", error, "sts:GetCallerIdentity")
        return [unknown], CleanupDetail(not_looked_at=tuple(BY_ID))
    name = account_name(world, identity)
    wanted = world.settings.aws.account
    if wanted and wanted != identity.account:
        summary = f"This is account {identity.account}, the settings name {wanted}: nothing was looked at"
        return [_finding("account", State.BLOCKED, "AWS account", summary)], CleanupDetail(
            account=identity.account, account_name=name, not_looked_at=tuple(BY_ID)
        )
    region = world.aws.region
    world.say("terraform's state")
    knowledge = known(world)
    world.say("leftovers of every kind")
    seen = scan(world.aws, region, selectors, knowledge)
    detail = CleanupDetail(
        account=identity.account,
        account_name=name,
        region=region,
        resources=seen.resources,
        looked_at=tuple(kind.id for kind in seen.kinds if kind.id not in seen.troubles),
        not_looked_at=tuple(seen.troubles),
        state_read=knowledge.state_read,
        prices=prices().source,
    )
    findings = _findings(world, seen, knowledge)
    if any(one.deletable for one in seen.resources):
        from checks.cleanup.script.impact import findings as script_findings

        world.say("what the team's own script would hit")
        findings += script_findings(world, knowledge, name)
    return findings, detail


def account_name(world: World, identity: Identity) -> str:
    """What is typed to consent: the account's alias, else its name in the settings, else its id."""
    return identity.alias or world.settings.aws.account_name or identity.account


def _findings(world: World, seen: Scan, knowledge: Known) -> list[Finding]:
    findings = []
    left = [one for one in seen.resources if one.deletable]
    for kind in seen.kinds:
        of_kind = [one for one in left if one.kind == kind.id]
        if of_kind:
            findings.append(_leftovers(kind, of_kind))
    for kind in KINDS:
        for trouble in seen.troubles.get(kind.id, ()):
            findings.append(
                world.aws.unknown(
                    f"cleanup.look.{kind.id}",
                    STEP,
                    f"{kind.many[0].upper()}{kind.many[1:]}",
                    trouble.error,
                    trouble.action,
                )
            )
    if not knowledge.state_read:
        findings.append(_state_unread(knowledge, left))
    if not left and not seen.troubles:
        held = sum(one.ownership is Ownership.IN_STATE for one in seen.resources)
        kept = sum(bool(one.protected) and one.ownership is not Ownership.IN_STATE for one in seen.resources)
        words = [f"{held} managed by terraform" if held else "", f"{kept} protected" if kept else ""]
        rest = ", ".join(filter(None, words))
        summary = f"Nothing of an earlier deployment is left ({len(seen.kinds)} kinds looked at{f'; {rest}' if rest else ''})"
        findings.insert(0, _finding("leftovers", State.OK, "Leftovers", summary))
    return findings


def _leftovers(kind: Kind, left: list[Leftover]) -> Finding:
    proven = [one for one in left if one.ownership in PROVEN]
    unproven = len(left) - len(proven)
    what = f"{len(left)} {kind.one if len(left) == 1 else kind.many}"
    proof = f", {unproven} of them matched by name only" if unproven and proven else ""
    if unproven and not proven:
        proof = ", matched by name only"
    names = ", ".join(one.name for one in left[:SHOWN])
    more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
    keys = tuple(one.key for one in left)
    words = " ".join(_quoted(key) for key in keys[:SHOWN])
    fixes = (
        Fix(
            id=f"cleanup.{kind.id}.delete",
            title=f"Choose and delete {'it' if len(left) == 1 else 'them'}",
            action=Visit(step=STEP, select=keys),
            changes=f"{what} deleted for good, after you have typed the account and the number of items",
            risk=Risk.DESTROYS,
            recommended=bool(proven),
        ),
        Fix(
            id=f"cleanup.{kind.id}.headless",
            title="The same without the screens",
            action=Copy(
                text=f"ecotui cleanup --approve-out cleanup.json --select {words}"
                " && ecotui cleanup --delete --approve cleanup.json"
            ),
            changes=f"{what} deleted for good",
            risk=Risk.DESTROYS,
        ),
        Fix(
            id=f"cleanup.{kind.id}.keep",
            title="Keep: not a leftover",
            action=Copy(
                text="cleanup: {protect: [" + ", ".join(f'"{one.name}"' for one in left[:SHOWN]) + "]}"
            ),
            changes="these names in ecotui.yaml are never touched, whatever else matches",
        ),
    )
    return _finding(
        kind.id,
        State.BLOCKED,
        f"{kind.many[0].upper()}{kind.many[1:]}",
        one_line(f"{what} left of an earlier deployment{proof}: {names}{more}"),
        facts=tuple(
            Fact(
                label=one.name,
                value="; ".join(
                    filter(None, (one.ownership, one.why, one.state, one.size, one.age, one.cost))
                ),
            )
            for one in left[:SHOWN]
        ),
        guide=kind.guide,
        fixes=fixes,
    )


def _state_unread(knowledge: Known, left: list[Leftover]) -> Finding:
    """Whether something is managed is not known: an unread state makes every proof a little less sure."""
    worth = f"; {len(left)} listed may still be managed by it" if left else ""
    return _finding(
        "state",
        # With nothing listed there is nothing that could be mistaken for a leftover.
        State.UNKNOWN if left else State.WARN,
        "Terraform's state",
        one_line(f"Not read ({knowledge.why_unread}): nothing is preselected{worth}"),
    )


def _quoted(word: str) -> str:
    import shlex

    return shlex.quote(word)
