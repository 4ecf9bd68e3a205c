"""How a command ended, in a state and a word. Imports little: the first picture of the screen needs it."""

from __future__ import annotations

from collections.abc import Sequence

from checks.finding import CheckState
from ecotui import exit_codes


def command_outcome(argv: Sequence[str], outcome: str, exit_code: int | None) -> tuple[CheckState, str]:
    """How a command ended: the state and the word. Our own commands answer with exit codes; those are no failures."""
    if outcome == "succeeded":
        return CheckState.OK, "succeeded"
    if "ecotui" in argv[:4]:
        match exit_code:
            case exit_codes.WARNINGS:
                return CheckState.WARN, "done, with warnings"
            case exit_codes.BLOCKED:
                return CheckState.BLOCKED, "done; something is in the way"
            case exit_codes.INTERRUPTED:
                return CheckState.WARN, "interrupted"
    return CheckState.BLOCKED, outcome or "ended"
