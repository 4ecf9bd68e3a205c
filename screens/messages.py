"""What a screen may ask for, and what background work reports. What they carry is immutable; only the frame handles
them. (Textual writes its bookkeeping into a message, so the message itself cannot be frozen.)"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from checks.finding import Finding, Fix, Report

if TYPE_CHECKING:
    from checks.cleanup.model import CleanupDetail
    from ecotui.supervisor import Command, CommandStatus


@dataclass(eq=False)
class CheckRequested(Message):
    """Look again at these steps; at all of them when empty."""

    steps: tuple[str, ...] = ()


@dataclass(eq=False)
class FixRequested(Message):
    """Carry out this fix, after asking what has to be asked."""

    finding: Finding
    fix: Fix


@dataclass(eq=False)
class CommandRequested(Message):
    """Start a command of a step under the supervisor; consent was given by the screen that asks."""

    step: str
    title: str
    argv: tuple[str, ...]


@dataclass(eq=False)
class OverrideRequested(Message):
    finding: Finding


@dataclass(eq=False)
class StepRequested(Message):
    """Show a step, with resources preselected there."""

    step: str
    preselect: tuple[str, ...] = ()


@dataclass(eq=False)
class GuideRequested(Message):
    """Open the guide at an entry; for a finding or an error text, at what explains it."""

    entry: str = ""
    error: str = ""
    finding: Finding | None = None


@dataclass(eq=False)
class StepChecked(Message):
    """A look came back."""

    report: Report


@dataclass(eq=False)
class CheckProgressed(Message):
    """A look says what it is looking at."""

    step: str
    activity: str


@dataclass(eq=False)
class ChecksFinished(Message):
    """The round of looks is over; `trouble` says why it ended early."""

    steps: tuple[str, ...]
    error: str = ""
    raw: str = ""


@dataclass(eq=False)
class CommandLaunched(Message):
    command: Command


@dataclass(eq=False)
class CommandOutputReceived(Message):
    """Lines that a command wrote, at most a frame's worth; `skipped` says how many were passed over to keep up."""

    command: Command
    lines: tuple[str, ...]
    skipped: int = 0


@dataclass(eq=False)
class CommandExited(Message):
    command: Command
    status: CommandStatus


@dataclass(eq=False)
class CleanupApproved(Message):
    """Consent was typed for exactly these leftovers, as they were shown."""

    detail: CleanupDetail
    keys: tuple[str, ...]
