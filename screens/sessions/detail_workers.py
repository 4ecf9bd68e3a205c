"""The background work of the review: reading events, searching outputs, asking the guide. It only posts messages."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from textual.message import Message
from textual.worker import Worker, get_current_worker

from ecotui.history import outputs
from ecotui.history.text_search import find
from ecotui.session import SessionError, events
from ecotui.session.event_filter import Narrowed
from ecotui.session.event_text import Moment, Teller
from ecotui.session.log import Summary
from ecotui.session.readable import readable
from ecotui.supervisor import commands
from ecotui.supervisor.commands import Command
from ecotui.supervisor.paths import OUTPUT
from ecotui.supervisor.tail import Tail

if TYPE_CHECKING:
    from textual.screen import Screen

    from ecotui.guide.matching.matcher import Match
    from ecotui.project import Desk
    from ecotui.session.log import Session

FIRST = 400
"""Events read at once when nothing is left out: some screens full."""
AT_ONCE = 20_000
"""Events looked through at once when only some are wanted; where the line comes to is shown after each."""
ENOUGH = 200
"""Wanted events after which reading waits until one goes further up."""
HITS = 2_000
"""Lines that a search shows of all outputs together."""
BATCH = 200
"""Lines that are told at once."""
WHOLE = 1 << 14
"""Bytes around a hit that are read: most lines of a program's JSON are shorter, and their message is shown."""
LONGEST = 4_000
"""Characters of a line of output that are shown beside its command."""


@dataclass(eq=False)
class Read(Message):
    """Earlier events were read; `place`: as `Session.earlier` gives it."""

    narrowed: Narrowed
    told: list[tuple[Moment, events.Event | events.Unknown]]
    place: int
    ended: bool
    """Reading waits, or has come to the beginning."""
    trouble: str = ""


@dataclass(eq=False)
class Summed(Message):
    summary: Summary


@dataclass(eq=False)
class Explained(Message):
    """What the guide says about a command's output, best first."""

    command: str
    matches: tuple[Match, ...]


@dataclass(eq=False)
class Checked(Message):
    """The hash chain was followed."""

    whole: bool
    short: str
    long: str


@dataclass(eq=False)
class HitsFound(Message):
    """Some of the lines that have the words, in the order of the commands."""

    class Place(NamedTuple):
        command: Command
        offset: int
        line: str

    words: str
    places: list[Place]
    said: str


def read(screen: Screen[Any], session: Session, place: int | None, narrowed: Narrowed) -> None:
    """Events before a byte of the log, until there are enough of those that are wanted."""

    def work() -> None:
        worker = get_current_worker()
        teller = Teller(outputs.asked(session))
        end, count = place, 0
        while not worker.is_cancelled:
            try:
                if narrowed.everything:
                    records, end = session.earlier(end, FIRST)
                else:
                    records, end = session.earlier(end, AT_ONCE, narrowed.words())
            except SessionError as error:
                screen.post_message(Read(narrowed, [], 0, True, str(error)))
                return
            told = [(teller.tell(record), record.event) for record in records]
            told = [one for one in told if narrowed.everything or narrowed.wants(one[0])]
            count += len(told)
            ended = end == 0 or narrowed.everything or count >= ENOUGH
            if not worker.is_cancelled:
                screen.post_message(Read(narrowed, told, end, ended))
            if ended:
                return

    _worker: Worker[None] = screen.run_worker(
        work, thread=True, name="read events", group="read", exclusive=True, exit_on_error=False
    )


def summarize(screen: Screen[Any], session: Session) -> None:
    """The summary may have to be counted from the whole log."""

    def work() -> None:
        try:
            screen.post_message(Summed(session.summary()))
        except SessionError as error:
            screen.app.call_from_thread(screen.notify, str(error), severity="error", markup=False)

    _worker: Worker[None] = screen.run_worker(
        work, thread=True, name="summary", group="summary", exclusive=True, exit_on_error=False
    )


def verify(screen: Screen[Any], session: Session) -> None:
    """Follow the hash chain from the first line to the last."""

    def work() -> None:
        try:
            found = session.verify()
        except SessionError as error:
            screen.post_message(Checked(False, "✗ cannot be checked", str(error)))
            return
        if found.whole:
            torn = f", {found.torn} torn by a crash" if found.torn else ""
            screen.post_message(
                Checked(True, "✓ log whole", f"The log is whole: {found.events} events{torn}.")
            )
        else:
            short = f"✗ log broken at line {found.broken}"
            screen.post_message(
                Checked(False, short, f"The log was changed at line {found.broken}: {found.reason}.")
            )

    _worker: Worker[None] = screen.run_worker(
        work, thread=True, name="verify", group="verify", exclusive=True, exit_on_error=False
    )


def explain(screen: Screen[Any], session: Session, command: str, desk: Desk | None) -> None:
    """Ask the guide about the end of an output."""

    def work() -> None:
        from ecotui.guide.reading.library import shipped
        from ecotui.history.diagnose import matches
        from ecotui.history.export import write as export_write

        library = export_write.library(desk.loaded, desk.base_env) if desk is not None else None
        found = matches(session, command, library or shipped("en"))
        screen.post_message(Explained(command, found))

    _worker: Worker[None] = screen.run_worker(
        work, thread=True, name="explain", group="explain", exclusive=True, exit_on_error=False
    )


def search(screen: Screen[Any], session: Session, words: str) -> None:
    """Look for words in all outputs, one after the other, and tell while it goes on."""

    def work() -> None:
        worker = get_current_worker()
        told = commands.commands(session)
        sizes = [_size(one) for one in told]
        whole, done, count = sum(sizes), 0, 0
        places: list[HitsFound.Place] = []

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
                for hit in find(one.folder / OUTPUT, words, stop=stop, longest=WHOLE):
                    places.append(HitsFound.Place(one, hit.offset, readable(hit.text)))
                    count += 1
                    if count >= HITS:
                        tell(ended=f"the first {HITS:,} are shown")
                        return
                    if len(places) >= BATCH:
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


def _size(one: Command) -> int:
    try:
        return os.lstat(one.folder / OUTPUT).st_size
    except OSError:
        return 0


def size(session: Session) -> int:
    """Bytes of the log; 0 where it cannot be seen."""
    try:
        return session.events_file.lstat().st_size
    except OSError:
        return 0


def command(session: Session, id: str) -> Command | None:
    """A command by its id; None where the log names what has no folder."""
    there = outputs.folder(session, id)
    return commands.load(there) if there is not None else None


def last_lines(session: Session, id: str, count: int) -> tuple[int, list[str]]:
    """The size of an output in bytes, and its last lines, for people."""
    there = outputs.folder(session, id)
    if there is None:
        return 0, []
    tail = Tail(there)
    tail.seek_end(count)
    lines = [readable(one)[:LONGEST] for one in tail.read(count)]
    try:
        return os.lstat(there / OUTPUT).st_size, lines
    except OSError:
        return 0, []
