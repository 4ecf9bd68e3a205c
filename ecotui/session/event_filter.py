"""Filters the events of a log. Checks the raw line before decoding it, so that a log of a million events stays fast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ecotui.session.event_text import TimelineEntry

EventCategory = Literal["all", "decisions", "failures", "commands", "guide", "notes"]
EVENT_CATEGORIES: tuple[EventCategory, ...] = ("all", "decisions", "failures", "commands", "guide", "notes")
_EVENT_TYPES: Mapping[EventCategory, tuple[str, ...]] = {
    "all": (),
    "decisions": ("overridden", "fix-chosen", "interrupt-sent", "variable-set", "profile-picked", "entry-judged"),
    "failures": ("looked", "command-ended"),
    "commands": ("command-started", "command-ended", "interrupt-sent"),
    "guide": ("entry-walked", "step-ticked", "entry-judged"),
    "notes": ("noted", "tagged"),
}


@dataclass(frozen=True)
class EventFilter:
    """A choice of events."""

    category: EventCategory = "all"
    step: str = ""
    """Only events of this step of the rebuild; empty: of any."""

    @property
    def matches_all(self) -> bool:
        return self == EventFilter()

    def raw_substrings(self) -> tuple[bytes, ...]:
        """One of these is in each line that may match; empty: any line may."""
        if types := _EVENT_TYPES[self.category]:
            return tuple(f'"type":"{name}"'.encode() for name in types)
        return (self.step.encode(),) if self.step else ()

    def matches(self, entry: TimelineEntry) -> bool:
        """Whether the event matches."""
        if self.step and entry.step != self.step:
            return False
        match self.category:
            case "decisions":
                return entry.is_decision
            case "failures":
                return entry.is_failure
            case "commands":
                return bool(entry.command)
            case "guide":
                return entry.kind == "guide"
            case "notes":
                return entry.kind == "note"
        return True
