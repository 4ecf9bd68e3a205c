"""Where one is in the guide, and in the walk of an entry: both outlive their screens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from checks.finding import Finding
    from ecotui.guide.runbook.step import RunbookStep


@dataclass
class RunbookPosition:
    """Where one is in an entry. It outlives the screen: going to a step's screen and back changes nothing."""

    entry: str
    error: str = ""
    language: str = "en"
    selected_step: str = ""
    """The key of the step."""
    edited_commands: dict[str, str] = field(default_factory=dict)
    attempted_fixes: dict[str, RunbookStep] = field(default_factory=dict)
    """Ways out of the live check that were chosen; when they worked, the check does not offer them any more."""
    started_commands: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Step to the step of the rebuild in which its command ran, and the command's id."""
    cause_present: bool = False
    """The check has found the cause in this walk, and not yet that it is gone."""
    initial_finding_ids: set[str] = field(default_factory=set)
    """Ids of the findings that were in the way."""
    is_logged: bool = False
    """The session's log knows of this walk."""
    scroll_y: float = 0.0
    """Lines of the step above the screen."""


@dataclass
class GuideLocation:
    """Where one is in the guide, and what led there."""

    entry: str = ""
    error: str = ""
    finding: Finding | None = None
    language: str = ""
    """Empty for that of the settings."""
    search_query: str = ""
    scroll_y: float = 0.0
    """Lines of the entry above the screen."""
    runbook: RunbookPosition | None = None
    """The walk that lies on top."""


@dataclass(eq=False)
class LeaveGuideRequested(Message):
    """Show a step of the rebuild, with resources preselected there; `b` comes back to this location."""

    location: GuideLocation
    step: str
    preselect: tuple[str, ...] = ()
