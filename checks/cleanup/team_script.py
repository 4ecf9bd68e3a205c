"""The team's own cleanup script, beside what `ecotui cleanup` would delete. What the script deletes is not predicted."""

from __future__ import annotations

import hashlib
from functools import partial

from checks.cleanup.model import PROVEN_OWNERSHIPS, CleanupDetail, Leftover, Ownership
from checks.context import CheckContext
from checks.finding import CheckState, Fact, Finding, Fix, FrozenStruct, Risk, RunCommand, build_finding
from checks.sanitize import one_line
from checks.script.check import ScriptCheck, check_cleanup_script, read_script

_finding = partial(build_finding, "cleanup")
MAX_NAMED_RESOURCES = 12
"""Resources that the finding names; `ecotui cleanup --script` shows all."""
OWN_RULES = "It deletes by its own rules, which ecotui does not check"


class CleanupScript(FrozenStruct, frozen=True):
    """The script, and the leftovers of the account as it is now."""

    script: ScriptCheck = ScriptCheck()
    leftovers: tuple[Leftover, ...] = ()
    """What `ecotui cleanup` would delete."""
    spared: tuple[Leftover, ...] = ()
    """What `ecotui cleanup` would not delete: protected, or managed by terraform. The script may."""
    unchecked: tuple[str, ...] = ()
    """Kinds of leftovers that could not be checked."""
    digest: str = ""
    """Of the script and the scripts that it calls."""

    @property
    def token(self) -> str:
        """Names the script's text and the list beside it: another script, or another list, has another token."""
        resources = sorted(f"{one.key} {ownership_text(one)}" for one in (*self.leftovers, *self.spared))
        return hashlib.sha256("\0".join([self.digest, *resources]).encode()).hexdigest()[:12]

    @property
    def summary(self) -> str:
        leftovers, spared = len(self.leftovers), len(self.spared)
        parts = [f"{OWN_RULES}. ecotui cleanup would delete {leftovers}"]
        if spared:
            parts.append(f"and spare {spared}")
        if self.unchecked:
            parts.append(f"(could not check: {', '.join(self.unchecked)})")
        return " ".join(parts)


def ownership_text(leftover: Leftover) -> str:
    """Who owns a resource, in words; why it is protected comes first."""
    if leftover.protected:
        return one_line(leftover.protected)
    if leftover.ownership is Ownership.IN_STATE:
        return "managed by terraform"
    return "ours" if leftover.ownership in PROVEN_OWNERSHIPS else "ours by its name only"


def cleanup_script(context: CheckContext, detail: CleanupDetail, all_kinds: tuple[str, ...] = ()) -> CleanupScript:
    """The script beside the result of a scan; `all_kinds` stand as unchecked where the scan checked none."""
    script = check_cleanup_script(context)
    texts = [f"{file}\0{read_script(context.project, file) or ''}" for file in script.analysis.files]
    return CleanupScript(
        script=script,
        leftovers=tuple(one for one in detail.resources if one.deletable),
        spared=tuple(one for one in detail.resources if not one.deletable),
        unchecked=detail.not_looked_at or (() if detail.looked_at else all_kinds),
        digest=hashlib.sha256("\0".join([*script.argv, *texts]).encode()).hexdigest(),
    )


def script_findings(context: CheckContext, detail: CleanupDetail) -> list[Finding]:
    """The script as a fix of the cleanup; nothing where the project has none."""
    beside = cleanup_script(context, detail)
    if not (script := beside.script).argv:
        return []
    name = script.file or script.argv[0]
    if script.trouble:
        return [_finding("script", CheckState.WARN, "The team's own script", f"{name}: {script.trouble}")]
    resources = (*beside.spared, *beside.leftovers)
    facts = [Fact(label=f"{one.kind} {one.name}", value=ownership_text(one)) for one in resources[:MAX_NAMED_RESOURCES]]
    if len(resources) > MAX_NAMED_RESOURCES:
        facts.append(Fact(label="…", value=f"{len(resources) - MAX_NAMED_RESOURCES} more: ecotui cleanup --script"))
    missing = f"; not set: {', '.join(script.missing)}" if script.missing else ""
    fix = Fix(
        id="cleanup.script.run",
        title=f"Run the team's own script instead: {name}",
        action=RunCommand(argv=("ecotui", "cleanup", "--script", "--run", "--agreed", beside.token)),
        changes=one_line(
            f"{beside.summary}. The script does not wait and does not ask; ecotui scans again after it", limit=600
        ),
        risk=Risk.DESTROYS,
        typed=f"{detail.account_name} {len(beside.leftovers)}",
    )
    return [
        _finding(
            "script",
            CheckState.WARN,
            "The team's own script",
            one_line(f"{name}: {beside.summary}{missing}", limit=600),
            facts=tuple(facts),
            fixes=() if script.missing else (fix,),
        )
    ]
