"""Where one is in the guide, and in the walk of an entry: both outlive their screens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checks.finding import Finding
    from ecotui.guide.runbook.step import Step


@dataclass
class Walk:
    """Where one is in an entry. It outlives the screen: going to a step's screen and back changes nothing."""

    entry: str
    error: str = ""
    language: str = "en"
    cursor: str = ""
    """The key of the step."""
    edits: dict[str, str] = field(default_factory=dict)
    tried: dict[str, Step] = field(default_factory=dict)
    """Ways out of the live check that were chosen; when they worked, the check does not offer them any more."""
    ran: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Step to the step of the rebuild in which its command ran, and the command's id."""
    present: bool = False
    """The check has found the cause in this walk, and not yet that it is gone."""
    before: set[str] = field(default_factory=set)
    """Ids of the findings that were in the way."""
    started: bool = False
    """The session's log knows of this walk."""
    scroll: float = 0.0
    """Lines of the step above the screen."""


@dataclass
class Place:
    """Where one is in the guide, and what led there."""

    entry: str = ""
    error: str = ""
    finding: Finding | None = None
    language: str = ""
    """Empty for that of the settings."""
    search: str = ""
    scroll: float = 0.0
    """Lines of the entry above the screen."""
    walk: Walk | None = None
    """The walk that lies on top."""
