"""What screens ask of the main screen, and what background work reports to it.

What they carry is immutable. (Textual writes its bookkeeping into a message, so the message itself cannot be frozen.)
"""

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
    """Check these steps again; all of them when empty."""

    steps: tuple[str, ...] = ()


@dataclass(eq=False)
class FixRequested(Message):
    """Run this fix, after asking what has to be asked."""

    finding: Finding
    fix: Fix


@dataclass(eq=False)
class CommandRequested(Message):
    """Start a command of a step under the supervisor; consent was given by the screen that asks."""

    step: str
    title: str
    argv: tuple[str, ...]


@dataclass(eq=False)
class InterruptRequested(Message):
    """Interrupt the command that runs in a step, after asking."""

    step: str


@dataclass(eq=False)
class OverrideRequested(Message):
    """Override a finding, after asking for the reason."""

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
    """A check of a step has its report."""

    report: Report


@dataclass(eq=False)
class CheckProgressed(Message):
    """A running check says what it does."""

    step: str
    activity: str


@dataclass(eq=False)
class ChecksFinished(Message):
    """A round of checks is over; `error` says why it ended early."""

    steps: tuple[str, ...]
    error: str = ""


@dataclass(eq=False)
class CommandLaunched(Message):
    command: Command


@dataclass(eq=False)
class CommandOutputReceived(Message):
    """Lines that a command wrote; `skipped` counts those that were passed over to keep up."""

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
