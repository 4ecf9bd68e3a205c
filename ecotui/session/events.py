"""What can happen in a session. Each event is one line of the log; a new kind is one class, and one name in `Event`.

An old ecotui reads what a newer one wrote: a kind that it does not know becomes `Unknown`.
"""

from __future__ import annotations

import msgspec

from checks.finding import Report


def _tag(name: str) -> str:
    """CommandStarted to command-started."""
    return "".join(f"-{sign.lower()}" if sign.isupper() else sign for sign in name).lstrip("-")


class Happened(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag=_tag):
    """Base of the events: immutable, keyword only, tagged by its name."""


class SessionStarted(Happened, frozen=True):
    project: str
    folder: str
    by: str = ""
    version: str = ""
    """The version of ecotui."""
    commit: str = ""
    """Of the project's repository, in full; empty where it has none."""
    branch: str = ""
    dirty: bool | None = None
    """Whether a tracked file differed from the commit; None where that could not be seen."""
    settings: dict[str, str] = {}
    """Dotted key to value, as JSON, of what the settings say; nothing secret is in them."""
    digest: str = ""
    """Of all of `settings`: the same for the same settings."""


class Looked(Happened, frozen=True):
    report: Report


class FixChosen(Happened, frozen=True):
    step: str
    finding: str
    fix: str
    title: str


class Overridden(Happened, frozen=True):
    finding: str
    reason: str


class CommandStarted(Happened, frozen=True):
    command: str
    """The name of the command's folder."""
    step: str
    title: str
    argv: tuple[str, ...]
    cwd: str
    account: str = ""
    """The AWS account that it was to change; empty where that was not asked before."""
    region: str = ""


class CommandEnded(Happened, frozen=True):
    command: str
    step: str
    exit_code: int | None = None
    signal: int | None = None
    seconds: float = 0.0
    outcome: str = ""
    """succeeded, failed, interrupted, killed, could-not-start, or lost (its supervisor was killed)."""


class InterruptSent(Happened, frozen=True):
    command: str
    force: bool = False
    by: str = ""


class VariableSet(Happened, frozen=True):
    """A variable was set (or unset) for this session; its value is never logged."""

    name: str
    secret: bool = False


class ProfilePicked(Happened, frozen=True):
    profile: str


class Noted(Happened, frozen=True):
    text: str


class Tagged(Happened, frozen=True):
    """A word put on the session for finding it again, or (`on` false) taken off."""

    tag: str
    on: bool = True


class Reattached(Happened, frozen=True):
    by: str
    version: str = ""
    commit: str = ""
    branch: str = ""
    dirty: bool | None = None
    """All as in `SessionStarted`: a session may go on at another commit, with another ecotui."""


class TakeoverAnswered(Happened, frozen=True):
    """Somebody asked to become the writer of this project, and was answered."""

    by: str
    granted: bool


class TeamLock(Happened, frozen=True):
    """How the lock that machines share stands from now on."""

    state: str
    """held, taken, lost, unreachable, yielded."""
    account: str = ""
    holder: str = ""
    """Who has it; why it could not be looked at."""


class EntryWalked(Happened, frozen=True):
    """An entry of the guide was opened to be walked."""

    entry: str
    error: str = ""
    """What led there, where something did."""


class StepTicked(Happened, frozen=True):
    """A step of an entry was done, or (`done` false) is to be done again."""

    entry: str
    step: str
    done: bool = True
    title: str = ""


class EntryJudged(Happened, frozen=True):
    """The operator said whether an entry solved it."""

    entry: str
    solved: bool
    error: str = ""


class SessionEnded(Happened, frozen=True):
    outcome: str


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a kind, or of a version, that this ecotui does not know. Read only, never written."""

    type: str
    raw: str


Event = (
    SessionStarted
    | Looked
    | FixChosen
    | Overridden
    | CommandStarted
    | CommandEnded
    | InterruptSent
    | VariableSet
    | ProfilePicked
    | Noted
    | Tagged
    | Reattached
    | TakeoverAnswered
    | TeamLock
    | EntryWalked
    | StepTicked
    | EntryJudged
    | SessionEnded
)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An event with its place in the log."""

    n: int
    at: float
    """Seconds since the epoch."""
    event: Event | Unknown


class _Envelope(msgspec.Struct, frozen=True):
    v: int
    n: int
    at: float
    event: msgspec.Raw


class _Kind(msgspec.Struct, frozen=True):
    type: str = ""


class _Glance(msgspec.Struct, frozen=True, gc=False):
    n: int
    at: float
    prev: str
    event: _Kind


_glance = msgspec.json.Decoder(_Glance)
_envelope = msgspec.json.Decoder(_Envelope)
_event: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_kind = msgspec.json.Decoder(_Kind)


def decode(raw: bytes, n: int, at: float) -> Record:
    """A record from a line of the log. Never raises: what cannot be understood is Unknown."""
    try:
        body = _envelope.decode(raw).event
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Record(n=n, at=at, event=Unknown(type="", raw=raw.decode("utf-8", "replace")))
    try:
        return Record(n=n, at=at, event=_event.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = bytes(body).decode("utf-8", "replace")
        try:
            return Record(n=n, at=at, event=Unknown(type=_kind.decode(body).type, raw=text))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Record(n=n, at=at, event=Unknown(type="", raw=text))


def glance(raw: bytes) -> tuple[float, str] | None:
    """When an event happened, and of which type it is; None for a line that we would not have written so."""
    try:
        found = _glance.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found.at, found.event.type


LASTING = (SessionStarted, FixChosen, Overridden, CommandStarted, CommandEnded, InterruptSent, SessionEnded)
"""Decisions and commands: these are on the disk before anything follows from them."""
