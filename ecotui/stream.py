"""The stream protocol: what commands of ours report to the TUI while they run, one JSON object a line.

`check --stream` and `why --stream` write CheckProgress and StepReport, `cleanup --delete --progress` DeletionProgress,
`--wait --progress` WaitProgress. `plan --progress` and `apply --progress` write Notice among terraform's own JSON lines,
which have a `type` too: there ApplyStreamReader decodes both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from checks.apply.durations import DurationStats
from checks.apply.run.stream import GuideExplanation
from checks.cleanup.model import DeletionProgress
from checks.finding import Report


class CheckProgress(msgspec.Struct, frozen=True, kw_only=True, tag="check-progress"):
    """What a step is about to check. Comes before its report."""

    step: str
    text: str


class StepReport(msgspec.Struct, frozen=True, kw_only=True, tag="report"):
    """A step was checked."""

    report: Report


class WaitProgress(msgspec.Struct, frozen=True, kw_only=True, tag="wait"):
    """A poll of something that is waited for, or a second until the next one."""

    status: str
    """AWS's or Kubernetes' own word: `CASE_OPENED`, `InProgress`."""
    verdict: str
    """A `PollOutcome`."""
    text: str
    elapsed: float
    """Seconds."""
    next_poll_in: float
    """Seconds; 0 when there is no further poll."""
    looks: int
    """Polls so far."""
    data: dict[str, Any] = {}
    """More keys, written beside the others; a decoder drops them."""


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="ecotui"):
    """A line of ours among terraform's."""

    message: str = msgspec.field(name="@message")
    usual: DurationStats | None = None
    """Durations of earlier applies."""
    explained: tuple[GuideExplanation, ...] = ()
    """What the guide says about the errors."""


Message: TypeAlias = CheckProgress | StepReport | DeletionProgress | WaitProgress | Notice
ProgressCallback: TypeAlias = Callable[[CheckProgress], None]

_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def encode_message(message: Message) -> bytes:
    """One line, without its newline."""
    if isinstance(message, WaitProgress):
        plain = msgspec.to_builtins(message)
        return msgspec.json.encode(plain | plain.pop("data"))
    return msgspec.json.encode(message)


def decode_message(line: bytes | str) -> Message:
    """The message of a line. Raises msgspec.DecodeError for anything else."""
    try:
        return _decoder.decode(line)
    except UnicodeError as error:
        raise msgspec.DecodeError(str(error)) from error
