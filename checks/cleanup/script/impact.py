"""What a cleanup script would hit in the account as it is now, and whose that is. Read-only."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from checks.cleanup.aws_query import MAX_PARALLEL_REQUESTS, AwsQuery
from checks.cleanup.kinds import KINDS_BY_ID, LeftoverKind
from checks.cleanup.model import PROVEN_OWNERSHIPS, AwsResource, Ownership
from checks.cleanup.ownership import KnownResources, OwnershipDecision, decide_ownership
from checks.cleanup.script.deletion_targets import Aim, aim
from checks.context import CheckContext
from checks.finding import CheckState, Fact, Finding, Fix, FrozenStruct, Risk, RunCommand, build_finding
from checks.sanitize import one_line
from checks.script.check import ScriptCheck, check_cleanup_script, read_script

if TYPE_CHECKING:
    from checks.cleanup.aws_query import FailedQuery

_finding = partial(build_finding, "cleanup")
SHOWN = 12
"""Hits and unread lines that a finding names; `ecotui cleanup --script` shows all."""


class Hit(FrozenStruct, frozen=True):
    """One resource that the script's text means."""

    key: str
    kind: str
    name: str
    ownership: Ownership
    fate: str
    """Whose it is, in words."""
    by: str
    """The pattern that means it, and its line."""
    spared: bool
    """ecotui would not delete it: foreign, protected, or terraform's."""


class Foreseen(FrozenStruct, frozen=True):
    standing: ScriptCheck = ScriptCheck()
    aim: Aim = Aim()
    hits: tuple[Hit, ...] = ()
    """What is not to be deleted comes first."""
    unseen: tuple[str, ...] = ()
    """Kinds that it deletes and of which something could not be looked at."""

    @property
    def spared(self) -> tuple[Hit, ...]:
        return tuple(one for one in self.hits if one.spared)

    @property
    def token(self) -> str:
        """Names the texts and the hits that were shown: another script, or another hit, has another."""
        marks = [self.aim.digest, *sorted(f"{one.key} {one.fate}" for one in self.hits)]
        return hashlib.sha256("\0".join(marks).encode()).hexdigest()[:12]

    @property
    def sentence(self) -> str:
        hits = f"would hit {len(self.hits)} by its text"
        bad = self.spared
        named = ", ".join(f"{one.kind} {one.name} ({one.fate})" for one in bad[:3])
        more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
        parts = [f"{hits}, {len(bad)} of them not to be deleted: {named}{more}" if bad else hits]
        if self.aim.destroys:
            parts.append("runs terraform destroy")
        if self.aim.blind:
            lines = len(self.aim.blind)
            parts.append(f"{lines} line{'s' if lines != 1 else ''} of it cannot be read: what they delete is not known")
        if self.unseen:
            parts.append(f"could not look at: {', '.join(self.unseen)}")
        return "; ".join(parts)


def foresee(world: CheckContext, known: KnownResources) -> Foreseen:
    """Read the script, and ask for the kinds that it deletes. Never raises for what AWS refuses: that is `unseen`."""
    standing = check_cleanup_script(world)
    if standing.trouble or not standing.file:
        return Foreseen(standing=standing)
    aimed = aim(standing.file, lambda at: read_script(world.project, at))
    selectors = world.settings.cleanup
    kinds = [KINDS_BY_ID[kind] for kind in aimed.kinds if kind in KINDS_BY_ID]
    hits: list[Hit] = []
    unseen: list[str] = []
    with (
        ThreadPoolExecutor(MAX_PARALLEL_REQUESTS, thread_name_prefix="detail") as details,
        ThreadPoolExecutor(MAX_PARALLEL_REQUESTS, thread_name_prefix="kind") as pool,
    ):

        def one(kind: LeftoverKind) -> tuple[list[AwsResource], list[FailedQuery]]:
            asking = AwsQuery(world.aws, world.aws.region, details, is_listed=lambda seen: bool(aimed.by(seen)))
            nothing: list[AwsResource] = []
            found = asking.call_or_default(
                kind.list_permission, lambda: list(kind.handler.list_resources(asking)), nothing
            )
            return found, asking.failed_queries

        for kind, (found, troubles) in zip(kinds, pool.map(one, kinds), strict=True):
            if troubles:
                unseen.append(kind.id)
            for seen in found:
                if pick := aimed.by(seen):
                    verdict = decide_ownership(seen, selectors, known, kind.terraform_types)
                    hits.append(_hit(seen, verdict, pick.words))
    hits.sort(key=lambda hit: (not hit.spared, hit.kind, hit.name))
    return Foreseen(standing=standing, aim=aimed, hits=tuple(hits), unseen=tuple(unseen))


def _hit(seen: AwsResource, verdict: OwnershipDecision, by: str) -> Hit:
    if verdict.protection_reason or seen.protection_reason:
        fate = verdict.protection_reason or seen.protection_reason
    elif verdict.ownership is Ownership.FOREIGN:
        fate = "not ours"
    elif verdict.ownership is Ownership.IN_STATE:
        fate = "managed by terraform"
    else:
        fate = "ours" if verdict.ownership in PROVEN_OWNERSHIPS else "ours by its name only"
    return Hit(
        key=seen.key,
        kind=seen.kind,
        name=one_line(seen.name),
        ownership=verdict.ownership,
        fate=one_line(fate),
        by=one_line(by),
        spared=not verdict.deletable or bool(seen.protection_reason),
    )


def findings(world: CheckContext, known: KnownResources, account_name: str) -> list[Finding]:
    """The script as a way out of the cleanup; nothing where the project has none."""
    if not (seen := foresee(world, known)).standing.argv:
        return []
    name = seen.standing.file or seen.standing.argv[0]
    if seen.standing.trouble:
        return [_finding("script", CheckState.WARN, "The team's own script", f"{name}: {seen.standing.trouble}")]
    if not seen.standing.file:
        summary = f"{name} is no file of the project: what it would hit was not read"
    else:
        summary = f"{name} {seen.sentence}"
    facts = [Fact(label=f"{one.kind} {one.name}", value=f"{one.fate}; {one.by}") for one in seen.hits[:SHOWN]]
    if len(seen.hits) > SHOWN:
        facts.append(Fact(label="…", value=f"{len(seen.hits) - SHOWN} more: ecotui cleanup --script"))
    facts += [
        Fact(label=f"not read: {one.file}:{one.number}", value=f"{one.why}: {one.text}")
        for one in seen.aim.blind[:SHOWN]
    ]
    missing = ", ".join(seen.standing.missing)
    fix = Fix(
        id="cleanup.script.run",
        title=f"Run the team's own script instead: {name}",
        action=RunCommand(argv=("ecotui", "cleanup", "--script", "--run", "--agreed", seen.token)),
        changes=one_line(
            f"it {seen.sentence}; it does not wait, does not ask, and its end is looked at again afterwards",
            limit=600,
        ),
        risk=Risk.DESTROYS,
        typed=f"{account_name} {len(seen.hits)}",
    )
    harmless = seen.standing.file and not seen.spared and not seen.aim.blind and not seen.unseen
    return [
        _finding(
            "script",
            CheckState.OK if harmless else CheckState.WARN,
            "The team's own script",
            one_line(f"{summary}{f'; not set: {missing}' if missing else ''}", limit=600),
            facts=tuple(facts),
            fixes=() if missing else (fix,),
        )
    ]
