"""How a command ended, in words. Our own commands answer with their exit codes; those are not failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.finding import State
from ecotui import exits

if TYPE_CHECKING:
    from ecotui.supervisor import Command, Status


def ending(command: Command, status: Status) -> tuple[State, str]:
    """The state and the word for a command that is over."""
    if status.outcome == "succeeded":
        return State.OK, "succeeded"
    if _ours(command):
        if status.exit_code == exits.WARNINGS:
            return State.WARN, "done, with warnings"
        if status.exit_code == exits.BLOCKED:
            return State.BLOCKED, "done; something is in the way"
        if status.exit_code == exits.INTERRUPTED:
            return State.WARN, "interrupted"
    code = "" if status.exit_code is None else f" (exit {status.exit_code})"
    return State.BLOCKED, f"{status.outcome or status.state}{code}"


def _ours(command: Command) -> bool:
    return "ecotui" in command.argv[:4]
