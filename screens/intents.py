"""What a screen may ask for, and what background work reports. All immutable; only the frame handles them."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from checks.finding import Finding, Fix, Report
from ecotui.supervisor import Command, Status


class Note(Message):
    """A message with fields. Textual writes its own bookkeeping into messages, so they cannot be frozen;
    what they carry is: tuples, and the frozen types of the checks."""

    def __post_init__(self) -> None:
        super().__init__()


@dataclass(eq=False)
class LookWanted(Note):
    """Look again at these steps; at all of them when empty."""

    steps: tuple[str, ...] = ()


@dataclass(eq=False)
class FixWanted(Note):
    """Carry out this fix, after asking what has to be asked."""

    finding: Finding
    fix: Fix


@dataclass(eq=False)
class RunWanted(Note):
    """Start a command of a step under the supervisor; consent was given by the screen that asks."""

    step: str
    title: str
    argv: tuple[str, ...]


@dataclass(eq=False)
class OverrideWanted(Note):
    finding: Finding


@dataclass(eq=False)
class StepWanted(Note):
    """Show a step, with resources preselected there."""

    step: str
    select: tuple[str, ...] = ()


@dataclass(eq=False)
class GuideWanted(Note):
    """Open the guide at an entry; for an error text, at what explains it."""

    entry: str = ""
    error: str = ""


@dataclass(eq=False)
class Looked(Note):
    """A look came back."""

    report: Report


@dataclass(eq=False)
class LooksEnded(Note):
    """The round of looks is over; `trouble` says why it ended early."""

    steps: tuple[str, ...]
    trouble: str = ""
    raw: str = ""


@dataclass(eq=False)
class CommandStarted(Note):
    command: Command


@dataclass(eq=False)
class CommandOutput(Note):
    """Lines that a command wrote, at most a frame's worth; `skipped` says how many were passed over to keep up."""

    command: Command
    lines: tuple[str, ...]
    skipped: int = 0


@dataclass(eq=False)
class CommandEnded(Note):
    command: Command
    status: Status
