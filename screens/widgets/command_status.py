"""A command that runs, or ran, in a step: its status, in words and on a title line, and its last lines."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.content import Content

from checks.duration import format_stopwatch
from checks.finding import CheckState
from ecotui.session.command_text import command_outcome
from screens.style.icons import state_icon, state_style
from screens.style.themes import MUTED

if TYPE_CHECKING:
    from ecotui.supervisor import Command, CommandStatus

RECENT_LINES = 500
"""Lines kept in memory for each step, to show when the operator comes back to it."""


@dataclass
class StepCommand:
    """A command that is being followed."""

    command: Command
    status: CommandStatus | None = None
    recent_lines: deque[str] = field(default_factory=lambda: deque(maxlen=RECENT_LINES))

    @property
    def is_running(self) -> bool:
        return self.status is None or self.status.state == "running"

    @property
    def elapsed_seconds(self) -> float:
        ended = self.status.ended if self.status is not None else None
        return max((ended or time.time()) - self.command.started, 0.0)

    def render_title(self) -> Content:
        """What runs and for how long, or how it ended."""
        if self.is_running or self.status is None:
            return Content.assemble(
                Content.styled("▶ ", "$text-accent"),
                self.command.title,
                Content.styled(f"  {format_stopwatch(self.elapsed_seconds)}", MUTED),
            )
        state, label = describe_command_end(self.command, self.status)
        return Content.assemble(
            Content.styled(f"{state_icon(state)} ", state_style(state)),
            self.command.title,
            Content.styled(f"  {label}", state_style(state)),
        )


def describe_command_end(command: Command, status: CommandStatus) -> tuple[CheckState, str]:
    """The state and the words for a command that is over. The exit codes of our own commands are no failures."""
    state, label = command_outcome(command.argv, status.outcome or status.state, status.exit_code)
    plain = state is not CheckState.BLOCKED or status.exit_code is None or label.startswith("done")
    return state, label if plain else f"{label} (exit {status.exit_code})"
