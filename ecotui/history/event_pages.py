"""The events of a session of any length: looked through once, and read again from the log by pages.

What is kept of an event is when it happened, in eight bytes; of a page, where it begins and where the steps stood.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import overload

from ecotui.history import outputs
from ecotui.rebuild_progress import RebuildProgress
from ecotui.session import SessionError, events, hash_chain
from ecotui.session.event_text import EventFormatter, TimelineEntry
from ecotui.session.log import Session

EVENTS_PER_PAGE = 1_000
"""Events that are read at once: a hundredth of a second's work."""
MAX_CACHED_PAGES = 4
"""Pages that are kept, the newest used."""

_STEP_EVENT_TAGS = {
    kind.__struct_config__.tag
    for kind in (
        events.CheckReported, events.FixChosen, events.FindingOverridden, events.CommandStarted, events.CommandEnded,
        events.InterruptSent,
    )
}  # fmt: skip
"""What moves a step, or speaks of one: the rest need not be understood before it is shown."""


def apply_event(rebuild: RebuildProgress, event: events.AnyEvent | events.UnknownEvent) -> RebuildProgress:
    """Where the steps stand after an event."""
    match event:
        case events.CheckReported(report=report):
            return rebuild.with_report(report)
        case events.FindingOverridden(finding=finding, reason=reason):
            with suppress(ValueError):
                return rebuild.with_override(finding, reason)
        case events.CommandStarted(step=step, title=title):
            return rebuild.with_command(step, title)
        case events.CommandEnded(step=step):
            return rebuild.without_command(step)
    return rebuild


class EventPages(Sequence[TimelineEntry]):
    """The moments of a session, as a sequence. What is added to the log later is not among them."""

    def __init__(self, session: Session) -> None:
        """Looks through the log: a second for half a million events. Raises SessionError."""
        session.flush()
        self._path = session.events_path
        self.formatter = EventFormatter(outputs.command_request_reader(session))
        self.timestamps = array("d")
        """When each happened. A clock that was set back: time stands still until it has caught up."""
        self.command_starts: list[tuple[int, TimelineEntry]] = []
        """The commands that began, each with its index."""
        self.command_end_times: dict[str, float] = {}
        """Command to the moment of its end."""
        self.first_event_indexes: dict[tuple[str, bool], int] = {}
        """The index of the first moment of a step, and (True) of the first at which something was done for it."""
        self._page_offsets = array("q")
        self._page_start_progress: list[RebuildProgress] = []
        self._page_cache: dict[int, tuple[list[TimelineEntry], list[RebuildProgress]]] = {}
        rebuild, last = RebuildProgress(), 0.0
        for byte, raw in hash_chain.read_raw_lines(self._path):
            if (glance := events.read_event_header(raw)) is None:
                line = hash_chain.parse_line(0, raw)
                if line is None:
                    continue
                at, kind = line.timestamp, ""
            else:
                at, kind = glance
            index = len(self.timestamps)
            if index % EVENTS_PER_PAGE == 0:
                self._page_offsets.append(byte)
                self._page_start_progress.append(rebuild)
            last = max(last, at)
            self.timestamps.append(last)
            if kind in _STEP_EVENT_TAGS:
                record = events.decode_record(raw, index + 1, at)
                rebuild = apply_event(rebuild, record.event)
                self._index_entry(index, self.formatter.format_record(record))

    def _index_entry(self, index: int, entry: TimelineEntry) -> None:
        if entry.command and entry.kind == "command":
            if entry.state is None:
                self.command_starts.append((index, entry))
            else:
                self.command_end_times[entry.command] = entry.timestamp
        if entry.step:
            self.first_event_indexes.setdefault((entry.step, False), index)
            if entry.kind in ("command", "decision"):
                self.first_event_indexes.setdefault((entry.step, True), index)

    def __len__(self) -> int:
        return len(self.timestamps)

    @overload
    def __getitem__(self, index: int) -> TimelineEntry: ...
    @overload
    def __getitem__(self, index: slice) -> list[TimelineEntry]: ...
    def __getitem__(self, index: int | slice) -> TimelineEntry | list[TimelineEntry]:
        """Raises IndexError, SessionError."""
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(index)
        return self._read_page(place // EVENTS_PER_PAGE)[0][place % EVENTS_PER_PAGE]

    def __iter__(self) -> Iterator[TimelineEntry]:
        return self.iterate_from(0)

    def iterate_from(self, index: int) -> Iterator[TimelineEntry]:
        """The moments from an index on, page by page. Raises SessionError."""
        for page in range(index // EVENTS_PER_PAGE, len(self._page_offsets)):
            moments, _ = self._read_page(page)
            yield from moments[max(index - page * EVENTS_PER_PAGE, 0) :]

    def progress_after(self, count: int) -> RebuildProgress:
        """Where all steps stood after so many events. Raises SessionError."""
        if not count:
            return RebuildProgress()
        return self._read_page((count - 1) // EVENTS_PER_PAGE)[1][(count - 1) % EVENTS_PER_PAGE]

    def _read_page(self, page: int) -> tuple[list[TimelineEntry], list[RebuildProgress]]:
        if (found := self._page_cache.pop(page, None)) is None:
            rebuild = self._page_start_progress[page]
            found = ([], [])
            size = min(EVENTS_PER_PAGE, len(self) - page * EVENTS_PER_PAGE)
            for line in islice(hash_chain.read_lines(self._path, self._page_offsets[page]), size):
                record = events.decode_record(line.raw, line.event_number, line.timestamp)
                rebuild = apply_event(rebuild, record.event)
                found[0].append(self.formatter.format_record(record))
                found[1].append(rebuild)
            if len(found[0]) < size:
                raise SessionError(f"{self._path}: it is shorter than it was")
            while len(self._page_cache) >= MAX_CACHED_PAGES:
                del self._page_cache[next(iter(self._page_cache))]
        self._page_cache[page] = found
        return found
