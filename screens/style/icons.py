"""How states and risks are shown: a sign and a word each, so that nothing is told by colour alone."""

from __future__ import annotations

from textual.content import Content

from checks.finding import Risk, State

SIGN = {State.OK: "✓", State.WARN: "!", State.BLOCKED: "✗", State.UNKNOWN: "?", State.SKIPPED: "·"}
STYLE = {
    State.OK: "$text-success",
    State.WARN: "$text-warning",
    State.BLOCKED: "$text-error",
    State.UNKNOWN: "$text-accent",
    State.SKIPPED: "$foreground 62%",
}
RISK_STYLE = {
    Risk.READS: "$foreground 62%",
    Risk.CHANGES: "$text-warning",
    Risk.COSTS: "$text-warning",
    Risk.DESTROYS: "$text-error",
}
RISK_WORD = {
    Risk.READS: "only reads",
    Risk.CHANGES: "changes",
    Risk.COSTS: "costs money",
    Risk.DESTROYS: "destroys",
}


def sign(state: State | None) -> str:
    """One cell; a step that was never looked at has none of the five."""
    return "○" if state is None else SIGN[state]


def style(state: State | None) -> str:
    """The colour of a state; None: not looked at yet."""
    return "$foreground 62%" if state is None else STYLE[state]


def leftovers(count: int) -> str:
    """`1 leftover`, `5 leftovers`."""
    return f"{count} leftover" if count == 1 else f"{count} leftovers"


def badge(state: State | None) -> Content:
    """The sign and the word, in the state's colour."""
    word = "not looked yet" if state is None else state.value
    return Content.styled(f"{sign(state)} {word}", style(state))
