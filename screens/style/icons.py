"""How states and risks are shown: a sign and a word each, so that nothing is told by colour alone."""

from __future__ import annotations

from textual.content import Content

from checks.finding import STATE_ICONS, CheckState, Risk

STATE_STYLE = {
    CheckState.OK: "$text-success",
    CheckState.WARN: "$text-warning",
    CheckState.BLOCKED: "$text-error",
    CheckState.UNKNOWN: "$text-accent",
    CheckState.SKIPPED: "$foreground 62%",
}
RISK_STYLE = {
    Risk.READS: "$foreground 62%",
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
    """One cell; a step that was never looked at has none of the five."""
    return "○" if state is None else STATE_ICONS[state]


def state_style(state: CheckState | None) -> str:
    """The colour of a state; None: not looked at yet."""
    return "$foreground 62%" if state is None else STATE_STYLE[state]


def format_leftover_count(count: int) -> str:
    """`1 leftover`, `5 leftovers`."""
    return f"{count} leftover" if count == 1 else f"{count} leftovers"


def state_badge(state: CheckState | None) -> Content:
    """The sign and the word, in the state's colour."""
    word = "not looked yet" if state is None else state.value
    return Content.styled(f"{state_icon(state)} {word}", state_style(state))
