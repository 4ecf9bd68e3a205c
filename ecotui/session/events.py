"""The events of a session. Each is one line of the log; a new kind is one class, and one name in `AnyEvent`.

An old ecotui reads what a newer one wrote: a kind that it does not know becomes `UnknownEvent`.
"""

from __future__ import annotations

import re

import msgspec

from checks.finding import Report


def _tag_for_class(name: str) -> str:
    """CommandStarted to command-started."""
    return "".join(f"-{sign.lower()}" if sign.isupper() else sign for sign in name).lstrip("-")


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag=_tag_for_class):
    """Base of the events: immutable, keyword only, tagged by its name."""


class SessionStarted(Event, frozen=True):
    project: str
    folder: str
    by: str = ""
    version: str = ""
    """The version of ecotui."""
    commit: str = ""
    """Of the project's repository, in full; empty where it has none."""
    branch: str = ""
    dirty: bool | None = None
    """Whether a tracked file differed from the commit; None where that is not known."""
    settings: dict[str, str] = {}
    """Dotted key to value, as JSON, of the settings; they hold no secrets."""
    digest: str = ""
    """Of all of `settings`: the same for the same settings."""


class CheckReported(Event, frozen=True, tag="looked"):
    report: Report


class FixChosen(Event, frozen=True):
    step: str
    finding: str
    fix: str
    title: str


class FindingOverridden(Event, frozen=True, tag="overridden"):
    finding: str
    reason: str


class CommandStarted(Event, frozen=True):
    command: str
    """The name of the command's folder."""
    step: str
    title: str
    argv: tuple[str, ...]
    cwd: str
    account: str = ""
    """The AWS account that it changes; empty where that was not known at the start."""
    region: str = ""


class CommandEnded(Event, frozen=True):
    command: str
    step: str
    exit_code: int | None = None
    signal: int | None = None
    seconds: float = 0.0
    outcome: str = ""
    """succeeded, failed, interrupted, killed, could-not-start, or lost (its supervisor was killed)."""


class InterruptSent(Event, frozen=True):
    command: str
    force: bool = False
    by: str = ""


class VariableSet(Event, frozen=True):
    """A variable was set (or unset) for this session; its value is never logged."""

    name: str
    secret: bool = False


class ProfilePicked(Event, frozen=True):
    profile: str


class NoteAdded(Event, frozen=True, tag="noted"):
    text: str


class TagChanged(Event, frozen=True, tag="tagged"):
    """A tag was added to the session, or (`on` false) removed."""

    tag: str
    on: bool = True


_TAG = re.compile(r"[\w.:/-]{1,40}")


def is_tag(word: str) -> bool:
    """Whether a word may be a tag."""
    return _TAG.fullmatch(word) is not None


def invalid_tag_message(word: str) -> str:
    """Says what a tag may be."""
    return f"{word!r} is no tag: letters, digits and . : / - _, at most 40"


class SessionResumed(Event, frozen=True, tag="reattached"):
    by: str
    version: str = ""
    commit: str = ""
    branch: str = ""
    dirty: bool | None = None
    """All as in `SessionStarted`: a session may go on at another commit, with another ecotui."""


class HandoffAnswered(Event, frozen=True, tag="takeover-answered"):
    """Somebody asked for the project's lock, and was answered."""

    by: str
    granted: bool


class TeamLockChanged(Event, frozen=True, tag="team-lock"):
    """The state of the lock that machines share has changed."""

    state: str
    """held, taken, lost, unreachable, yielded."""
    account: str = ""
    holder: str = ""
    """Who has it, or why it could not be checked."""


class RunbookOpened(Event, frozen=True, tag="entry-walked"):
    """The runbook of a guide's entry was opened."""

    entry: str
    error: str = ""
    """The error that led there, if any."""


class RunbookStepTicked(Event, frozen=True, tag="step-ticked"):
    """A step of a runbook was done, or (`done` false) has to be done again."""

    entry: str
    step: str
    done: bool = True
    title: str = ""


class RunbookRated(Event, frozen=True, tag="entry-judged"):
    """The operator rated whether an entry solved the problem."""

    entry: str
    solved: bool
    error: str = ""


class SessionEnded(Event, frozen=True):
    outcome: str


class UnknownEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a kind or version that this ecotui does not know. Read only, never written."""

    type: str
    raw: str


AnyEvent = (
    SessionStarted
    | CheckReported
    | FixChosen
    | FindingOverridden
    | CommandStarted
    | CommandEnded
    | InterruptSent
    | VariableSet
    | ProfilePicked
    | NoteAdded
    | TagChanged
    | SessionResumed
    | HandoffAnswered
    | TeamLockChanged
    | RunbookOpened
    | RunbookStepTicked
    | RunbookRated
    | SessionEnded
)


class EventRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An event with its number and time in the log."""

    number: int
    timestamp: float
    """Seconds since the epoch."""
    event: AnyEvent | UnknownEvent


class _Envelope(msgspec.Struct, frozen=True):
    v: int
    n: int
    at: float
    event: msgspec.Raw


class _EventType(msgspec.Struct, frozen=True):
    type: str = ""


class _EventHeader(msgspec.Struct, frozen=True, gc=False):
    n: int
    at: float
    prev: str
    event: _EventType


_header_decoder = msgspec.json.Decoder(_EventHeader)
_envelope_decoder = msgspec.json.Decoder(_Envelope)
_event_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_type_decoder = msgspec.json.Decoder(_EventType)


def decode_record(raw: bytes, number: int, timestamp: float) -> EventRecord:
    """A record from a line of the log. Never raises: what cannot be decoded is an `UnknownEvent`."""
    try:
        encoded = _envelope_decoder.decode(raw).event
    except (msgspec.DecodeError, UnicodeDecodeError):
        return EventRecord(
            number=number, timestamp=timestamp, event=UnknownEvent(type="", raw=raw.decode("utf-8", "replace"))
        )
    try:
        return EventRecord(number=number, timestamp=timestamp, event=_event_decoder.decode(encoded))
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = bytes(encoded).decode("utf-8", "replace")
        try:
            return EventRecord(
                number=number,
                timestamp=timestamp,
                event=UnknownEvent(type=_type_decoder.decode(encoded).type, raw=text),
            )
        except (msgspec.DecodeError, UnicodeDecodeError):
            return EventRecord(number=number, timestamp=timestamp, event=UnknownEvent(type="", raw=text))


def read_event_header(raw: bytes) -> tuple[float, str] | None:
    """The time and the type of an event; None for a line that ecotui does not write."""
    try:
        header = _header_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return header.at, header.event.type


SYNCED_EVENTS = (
    SessionStarted,
    FixChosen,
    FindingOverridden,
    CommandStarted,
    CommandEnded,
    InterruptSent,
    SessionEnded,
)
"""Decisions and commands: these are on the disk before anything else happens."""
