"""How a command ended, in words. Our own commands answer with their exit codes; those are not failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.finding import CheckState
from ecotui.session.command_text import command_outcome

if TYPE_CHECKING:
    from ecotui.supervisor import Command, CommandStatus


def describe_command_end(command: Command, status: CommandStatus) -> tuple[CheckState, str]:
    """The state and the word for a command that is over."""
    state, word = command_outcome(command.argv, status.outcome or status.state, status.exit_code)
    told = state is not CheckState.BLOCKED or status.exit_code is None or word.startswith("done")
    return state, word if told else f"{word} (exit {status.exit_code})"
