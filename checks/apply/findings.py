"""The findings of the look of the apply step: their ids and titles."""

from __future__ import annotations

from checks.finding import CheckState, Fact, Finding, Fix
from checks.sanitize import one_line, sanitize
from checks.tools.run import CommandError
from checks.tools.terraform import TerraformError, terraform_error_fixes

CONFIGURATION_ID = "apply.configuration"
STATE_ID = "apply.state"
CHANGES_ID = "apply.changes"
_TITLES = {CONFIGURATION_ID: "Configuration", STATE_ID: "State", CHANGES_ID: "Changes"}


def apply_finding(
    id: str,
    state: CheckState,
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


def not_checked_finding(id: str, error: CommandError, command_name: str) -> Finding:
    """It could not be looked at; `name`: the command that was asked, `terraform` or `tofu`."""
    return apply_finding(
        id,
        CheckState.UNKNOWN,
        one_line(error.explain()),
        guide=error.guide if isinstance(error, TerraformError) else (),
        fixes=terraform_error_fixes(error, command_name),
        raw=error.raw if isinstance(error, TerraformError) else sanitize(str(error)),
    )


def skipped_finding(id: str) -> Finding:
    """It is not looked at yet."""
    return apply_finding(id, CheckState.SKIPPED, "Waits until the configuration is in order")
