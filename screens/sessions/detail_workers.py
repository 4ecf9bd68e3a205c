"""The background work of the review: reading events, searching outputs, asking the guide. It only posts messages."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from textual.message import Message
from textual.worker import Worker, get_current_worker

from ecotui.history import outputs
from ecotui.history.text_search import search_forward
from ecotui.session import SessionError, events
from ecotui.session.command_text import message_text
from ecotui.session.event_filter import EventFilter
from ecotui.session.event_text import EventFormatter, TimelineEntry
from ecotui.session.log import SessionSummary
from ecotui.supervisor import commands
from ecotui.supervisor.commands import Command
from ecotui.supervisor.paths import OUTPUT_LOG
from ecotui.supervisor.tail import Tail

if TYPE_CHECKING:
    from textual.screen import Screen

    from ecotui.guide.matching.matcher import EntryMatch
    from ecotui.project import OpenProject
    from ecotui.session.log import Session

PAGE_SIZE = 400
"""Events read at once when nothing is left out: some screens full."""
FILTERED_PAGE_SIZE = 20_000
"""Events looked through at once when only some are wanted; where the line comes to is shown after each."""
FILTERED_MATCH_LIMIT = 200
"""Wanted events after which reading waits until one goes further up."""
MAX_HITS = 2_000
"""Lines that a search shows of all outputs together."""
HIT_BATCH_SIZE = 200
"""Lines that are told at once."""
MAX_HIT_LINE_BYTES = 1 << 14
"""Bytes around a hit that are read: most lines of a program's JSON are shorter, and their message is shown."""
MAX_LINE_CHARS = 4_000
"""Characters of a line of output that are shown beside its command."""


@dataclass(eq=False)
class TimelineLoaded(Message):
    """Earlier events were read; `place`: as `Session.earlier` gives it."""

    event_filter: EventFilter
    entries: list[tuple[TimelineEntry, events.AnyEvent | events.UnknownEvent]]
    log_offset: int
    is_done: bool
    """Reading waits, or has come to the beginning."""
    error: str = ""


@dataclass(eq=False)
class SummaryLoaded(Message):
    summary: SessionSummary


@dataclass(eq=False)
class OutputExplained(Message):
    """What the guide says about a command's output, best first."""

    command: str
    matches: tuple[EntryMatch, ...]


@dataclass(eq=False)
class LogVerified(Message):
    """The hash chain was followed."""

    is_valid: bool
    label: str
    message: str


@dataclass(eq=False)
class HitsFound(Message):
    """Some of the lines that have the words, in the order of the commands."""

    class OutputHit(NamedTuple):
        command: Command
        offset: int
        line: str

    words: str
    hits: list[OutputHit]
    status: str


def load_timeline(screen: Screen[Any], session: Session, log_offset: int | None, event_filter: EventFilter) -> None:
    """Events before a byte of the log, until there are enough of those that are wanted."""

    def work() -> None:
        worker = get_current_worker()
        teller = EventFormatter(outputs.command_request_reader(session))
        end, count = log_offset, 0
        while not worker.is_cancelled:
            try:
                if event_filter.matches_all:
                    records, end = session.read_records_before(end, PAGE_SIZE)
                else:
                    records, end = session.read_records_before(end, FILTERED_PAGE_SIZE, event_filter.raw_substrings())
            except SessionError as error:
                screen.post_message(TimelineLoaded(event_filter, [], 0, True, str(error)))
                return
            told = [(teller.format_record(record), record.event) for record in records]
            told = [one for one in told if event_filter.matches_all or event_filter.matches(one[0])]
            count += len(told)
            ended = end == 0 or event_filter.matches_all or count >= FILTERED_MATCH_LIMIT
            if not worker.is_cancelled:
                screen.post_message(TimelineLoaded(event_filter, told, end, ended))
            if ended:
                return

    _worker: Worker[None] = screen.run_worker(
        work, thread=True, name="read events", group="read", exclusive=True, exit_on_error=False
    )


def load_summary(screen: Screen[Any], session: Session) -> None:
    """The summary may have to be counted from the whole log."""

    def work() -> None:
        try:
            screen.post_message(SummaryLoaded(session.read_summary()))
        except SessionError as error:
            screen.app.call_from_thread(screen.notify, str(error), severity="error", markup=False)

    _worker: Worker[None] = screen.run_worker(
        work, thread=True, name="summary", group="summary", exclusive=True, exit_on_error=False
    )


def verify_log(screen: Screen[Any], session: Session) -> None:
    """Follow the hash chain from the first line to the last."""

    def work() -> None:
        try:
            found = session.verify()
        except SessionError as error:
            screen.post_message(LogVerified(False, "✗ cannot be checked", str(error)))
            return
        if found.is_intact:
            torn = f", {found.torn_lines} torn by a crash" if found.torn_lines else ""
            screen.post_message(
                LogVerified(True, "✓ log whole", f"The log is whole: {found.event_count} events{torn}.")
            )
        else:
            short = f"✗ log broken at line {found.broken_line}"
            screen.post_message(
                LogVerified(False, short, f"The log was changed at line {found.broken_line}: {found.reason}.")
            )

    _worker: Worker[None] = screen.run_worker(
        work, thread=True, name="verify", group="verify", exclusive=True, exit_on_error=False
    )


def explain_output(screen: Screen[Any], session: Session, command: str, project: OpenProject | None) -> None:
    """Ask the guide about the end of an output."""

    def work() -> None:
        from ecotui.guide.reading.library import load_shipped_library
        from ecotui.history.diagnose import find_guide_matches
        from ecotui.history.export import write as export_write

        library = export_write.open_library_or_none(project.config, project.base_env) if project is not None else None
        found = find_guide_matches(session, command, library or load_shipped_library("en"))
        screen.post_message(OutputExplained(command, found))

    _worker: Worker[None] = screen.run_worker(
        work, thread=True, name="explain", group="explain", exclusive=True, exit_on_error=False
    )


def search_outputs(screen: Screen[Any], session: Session, words: str) -> None:
    """Look for words in all outputs, one after the other, and tell while it goes on."""

    def work() -> None:
        worker = get_current_worker()
        told = commands.list_commands(session)
        sizes = [_output_size(one) for one in told]
        whole, done, count = sum(sizes), 0, 0
        places: list[HitsFound.OutputHit] = []

        def tell(place: int = 0, *, ended: str = "") -> None:
            nonlocal places
            share = 100 * (done + place) // whole if whole else 100
            screen.post_message(HitsFound(words, places, ended or f"searching, {share}%"))
            places = []

        def stop(place: int) -> bool:
            if place % (64 << 20) == 0:
                tell(place)
            return worker.is_cancelled

        for one, size in zip(told, sizes, strict=True):
            try:
                for hit in search_forward(
                    one.folder / OUTPUT_LOG, words, should_stop=stop, max_line_bytes=MAX_HIT_LINE_BYTES
                ):
                    places.append(HitsFound.OutputHit(one, hit.offset, message_text(hit.text)))
                    count += 1
                    if count >= MAX_HITS:
                        tell(ended=f"the first {MAX_HITS:,} are shown")
                        return
                    if len(places) >= HIT_BATCH_SIZE:
                        tell(hit.offset)
            except SessionError:
                pass  # one that has no output, or that cannot be read
            if worker.is_cancelled:
                return
            done += size
        tell(ended="that is all")

    _worker: Worker[None] = screen.run_worker(
        work, thread=True, name="search", group="search", exclusive=True, exit_on_error=False
    )


def _output_size(command: Command) -> int:
    try:
        return os.lstat(command.folder / OUTPUT_LOG).st_size
    except OSError:
        return 0


def log_size(session: Session) -> int:
    """Bytes of the log; 0 where it cannot be seen."""
    try:
        return session.events_path.lstat().st_size
    except OSError:
        return 0


def load_command(session: Session, command_id: str) -> Command | None:
    """A command by its id; None where the log names what has no folder."""
    there = outputs.find_command_folder(session, command_id)
    return commands.read_command(there) if there is not None else None


def read_output_tail(session: Session, command_id: str, count: int) -> tuple[int, list[str]]:
    """The size of an output in bytes, and its last lines, for people."""
    there = outputs.find_command_folder(session, command_id)
    if there is None:
        return 0, []
    tail = Tail(there)
    tail.seek_end(count)
    lines = [message_text(one)[:MAX_LINE_CHARS] for one in tail.read(count)]
    try:
        return os.lstat(there / OUTPUT_LOG).st_size, lines
    except OSError:
        return 0, []
