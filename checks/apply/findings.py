"""The findings of the look of the apply step: their ids and titles."""

from __future__ import annotations

from checks.finding import Fact, Finding, Fix, State
from checks.sanitize import one_line, sanitize
from checks.tools.run import CommandError
from checks.tools.terraform import TerraformError, ways_out

CONFIGURATION = "apply.configuration"
STATE = "apply.state"
CHANGES = "apply.changes"
_TITLES = {CONFIGURATION: "Configuration", STATE: "State", CHANGES: "Changes"}


def finding(
    id: str,
    state: State,
    summary: str,
    *,
    facts: tuple[Fact, ...] = (),
    guide: tuple[str, ...] = (),
    fixes: tuple[Fix, ...] = (),
    raw: str = "",
) -> Finding:
    """One of the three."""
    return Finding(
        id=id,
        step="apply",
        state=state,
        title=_TITLES[id],
        summary=summary,
        facts=facts,
        guide=guide,
        fixes=fixes,
        raw=raw,
    )


def could_not(id: str, error: CommandError, name: str) -> Finding:
    """It could not be looked at; `name`: the command that was asked, `terraform` or `tofu`."""
    return finding(
        id,
        State.UNKNOWN,
        one_line(error.explain()),
        guide=error.guide if isinstance(error, TerraformError) else (),
        fixes=ways_out(error, name),
        raw=error.raw if isinstance(error, TerraformError) else sanitize(str(error)),
    )


def waits(id: str) -> Finding:
    """It is not looked at yet."""
    return finding(id, State.SKIPPED, "Waits until the configuration is in order")
