"""A command that runs, or ran, in a step: how it stands, and its last lines."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
