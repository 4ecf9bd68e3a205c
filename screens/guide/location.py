"""The reader's position in the guide and in a runbook. Kept outside the screens, so that closing one does not lose it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from checks.finding import Finding
    from ecotui.guide.runbook.step import RunbookStep


@dataclass
class RunbookPosition:
    """The reader's position in a runbook. It survives going to a step's screen and back."""

    entry: str
    error: str = ""
    language: str = "en"
    selected_step: str = ""
    """The key of the step."""
    edited_commands: dict[str, str] = field(default_factory=dict)
    attempted_fixes: dict[str, RunbookStep] = field(default_factory=dict)
    """Fixes that were started, by step. Once they worked, the check no longer offers them."""
    started_commands: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Step to (step of the rebuild, id) of its last command."""
    cause_present: bool = False
    """Whether the check found the cause since the runbook was opened, and has not found it gone."""
    initial_finding_ids: set[str] = field(default_factory=set)
    """Ids of all problems that the check found."""
    is_logged: bool = False
    """Whether the session's log has this runbook."""
    scroll_y: float = 0.0
    """Lines of the step above the screen."""


@dataclass
class GuideLocation:
    """The reader's position in the guide, and what led there."""

    entry: str = ""
    error: str = ""
    finding: Finding | None = None
    language: str = ""
    """Empty for the language of the settings."""
    search_query: str = ""
    scroll_y: float = 0.0
    """Lines of the entry above the screen."""
    runbook: RunbookPosition | None = None
    """The runbook on top of the guide."""


@dataclass(eq=False)
class LeaveGuideRequested(Message):
    """Show a step of the rebuild, with resources preselected there; `b` comes back to this location."""

    location: GuideLocation
    step: str
    preselect: tuple[str, ...] = ()
