"""How states and risks are drawn: a sign and a word each, and a colour."""

from __future__ import annotations

from textual.content import Content

from checks.finding import STATE_ICONS, CheckState, Risk
from screens.style.themes import MUTED

NOT_CHECKED_ICON = "○"
NOT_CHECKED = "not checked yet"
"""The sign and the words of a step that has no state."""

STATE_STYLE = {
    CheckState.OK: "$text-success",
    CheckState.WARN: "$text-warning",
    CheckState.BLOCKED: "$text-error",
    CheckState.UNKNOWN: "$text-accent",
    CheckState.SKIPPED: MUTED,
}
RISK_STYLE = {
    Risk.READS: MUTED,
    Risk.CHANGES: "$text-warning",
    Risk.COSTS: "$text-warning",
    Risk.DESTROYS: "$text-error",
}
RISK_LABEL = {
    Risk.READS: "only reads",
    Risk.CHANGES: "changes",
    Risk.COSTS: "costs money",
    Risk.DESTROYS: "destroys",
}


def state_icon(state: CheckState | None) -> str:
    """The sign of a state; None: not checked yet."""
    return NOT_CHECKED_ICON if state is None else STATE_ICONS[state]


def state_style(state: CheckState | None) -> str:
    """The colour of a state; None: not checked yet."""
    return MUTED if state is None else STATE_STYLE[state]


def format_leftover_count(count: int) -> str:
    """`1 leftover`, `5 leftovers`."""
    return f"{count} leftover" if count == 1 else f"{count} leftovers"


def state_badge(state: CheckState | None) -> Content:
    """The sign and the word, in the state's colour."""
    label = NOT_CHECKED if state is None else state.value
    return Content.styled(f"{state_icon(state)} {label}", state_style(state))


STATE_LEGEND = (
    "    ".join(f"{STATE_ICONS[state]} {state.value}" for state in (CheckState.OK, CheckState.WARN, CheckState.BLOCKED))
    + "    ▶ running",
    f"{STATE_ICONS[CheckState.UNKNOWN]} could not be checked    {STATE_ICONS[CheckState.SKIPPED]} does not apply yet"
    f"    {NOT_CHECKED_ICON} {NOT_CHECKED}",
)
"""The signs in words, in two lines."""
