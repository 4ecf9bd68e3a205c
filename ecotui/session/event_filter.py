"""Which events of a log are wanted, told from the raw line first: a log of a million is not decoded for ten decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ecotui.session.event_text import Moment

Only = Literal["all", "decisions", "failures", "commands", "guide", "notes"]
ORDER: tuple[Only, ...] = ("all", "decisions", "failures", "commands", "guide", "notes")
_TYPES: Mapping[Only, tuple[str, ...]] = {
    "all": (),
    "decisions": (
        "overridden",
        "fix-chosen",
        "interrupt-sent",
        "variable-set",
        "profile-picked",
        "entry-judged",
    ),
    "failures": ("looked", "command-ended"),
    "commands": ("command-started", "command-ended", "interrupt-sent"),
    "guide": ("entry-walked", "step-ticked", "entry-judged"),
    "notes": ("noted", "tagged"),
}


@dataclass(frozen=True)
class Narrowed:
    """A choice of events."""

    only: Only = "all"
    step: str = ""
    """Only of this step of the rebuild; empty: of any."""

    @property
    def everything(self) -> bool:
        return self == Narrowed()

    def words(self) -> tuple[bytes, ...]:
        """What stands in a line that may be wanted; empty: any may be."""
        if types := _TYPES[self.only]:
            return tuple(f'"type":"{name}"'.encode() for name in types)
        return (self.step.encode(),) if self.step else ()

    def wants(self, moment: Moment) -> bool:
        """The last word, from the event as it is told."""
        if self.step and moment.step != self.step:
            return False
        match self.only:
            case "decisions":
                return moment.decided
            case "failures":
                return moment.failed
            case "commands":
                return bool(moment.command)
            case "guide":
                return moment.kind == "guide"
            case "notes":
                return moment.kind == "note"
        return True
