"""A session played again: its progress at any time, derived from the events up to then, and the outputs as they came.

Pauses are shortened: nobody watches terraform wait for eight minutes. What was shortened is shown. A log of any length
is read once, and again by pages: of an event only its time is held in memory, in eight bytes.
"""

from __future__ import annotations

import os
import re
import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from heapq import merge
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple, overload

from checks.steps import STEPS_BY_ID
from ecotui.history import outputs
from ecotui.rebuild_progress import RebuildProgress
from ecotui.session import SessionError, events, hash_chain
from ecotui.session.event_text import EventFormatter, TimelineEntry
from ecotui.session.log import Session
from ecotui.session.private_files import open_private_file
from ecotui.supervisor.output_times import OutputTimes
from ecotui.supervisor.paths import OUTPUT_LOG

EVENTS_PER_PAGE = 1_000
"""Events that are read at once, in about 10 ms."""
MAX_CACHED_PAGES = 4
"""Pages in memory, those used last."""
MAX_RECORDED_BYTES = 2_000_000
"""Bytes of one command's output that are played, from its end."""
MAX_PAUSE_SECONDS = 5.0
"""Seconds of the longest pause that is played in full; of a longer one,"""
SHORTENED_PAUSE_SECONDS = 2.0
"""this many seconds are played."""
SPEEDS = (1, 2, 4, 8, 16, 32, 64)

_STEP_EVENT_TAGS = {
    kind.__struct_config__.tag
    for kind in (
        events.CheckReported, events.FixChosen, events.FindingOverridden, events.CommandStarted, events.CommandEnded,
        events.InterruptSent,
    )
}  # fmt: skip
"""Events that change a step, or belong to one. The others are decoded only when they are shown."""


def apply_event(rebuild: RebuildProgress, event: events.AnyEvent | events.UnknownEvent) -> RebuildProgress:
    """The progress after an event."""
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
    """The events of a session in words, as a sequence. What is added to the log later is not among them."""

    def __init__(self, session: Session) -> None:
        """Reads the log once: a second for half a million events. Raises SessionError."""
        session.flush()
        self._path = session.events_path
        self.formatter = EventFormatter(outputs.command_request_reader(session))
        self.timestamps = array("d")
        """When each happened, in seconds since the epoch. Never decreases, also when the clock was set back."""
        self.command_starts: list[tuple[int, TimelineEntry]] = []
        """The commands that started, each with its index."""
        self.command_end_times: dict[str, float] = {}
        """Command to the time of its end."""
        self.first_event_indexes: dict[tuple[str, bool], int] = {}
        """The index of a step's first event, and (True) of its first command or decision."""
        self._page_offsets = array("q")
        self._page_start_progress: list[RebuildProgress] = []
        self._page_cache: dict[int, tuple[list[TimelineEntry], list[RebuildProgress]]] = {}
        rebuild, last = RebuildProgress(), 0.0
        for byte, raw in hash_chain.read_raw_lines(self._path):
            if (header := events.read_event_header(raw)) is None:
                line = hash_chain.parse_line(0, raw)
                if line is None:
                    continue
                timestamp, kind = line.timestamp, ""
            else:
                timestamp, kind = header
            index = len(self.timestamps)
            if index % EVENTS_PER_PAGE == 0:
                self._page_offsets.append(byte)
                self._page_start_progress.append(rebuild)
            last = max(last, timestamp)
            self.timestamps.append(last)
            if kind in _STEP_EVENT_TAGS:
                record = events.decode_record(raw, index + 1, timestamp)
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
            return [self[item] for item in range(*index.indices(len(self)))]
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(index)
        return self._read_page(position // EVENTS_PER_PAGE)[0][position % EVENTS_PER_PAGE]

    def __iter__(self) -> Iterator[TimelineEntry]:
        return self.iterate_from(0)

    def iterate_from(self, index: int) -> Iterator[TimelineEntry]:
        """The entries from an index on, page by page. Raises SessionError."""
        for page in range(index // EVENTS_PER_PAGE, len(self._page_offsets)):
            entries, _ = self._read_page(page)
            yield from entries[max(index - page * EVENTS_PER_PAGE, 0) :]

    def progress_after(self, count: int) -> RebuildProgress:
        """The progress after a number of events. Raises SessionError."""
        if not count:
            return RebuildProgress()
        return self._read_page((count - 1) // EVENTS_PER_PAGE)[1][(count - 1) % EVENTS_PER_PAGE]

    def _read_page(self, page: int) -> tuple[list[TimelineEntry], list[RebuildProgress]]:
        if (content := self._page_cache.pop(page, None)) is None:
            rebuild = self._page_start_progress[page]
            content = ([], [])
            size = min(EVENTS_PER_PAGE, len(self) - page * EVENTS_PER_PAGE)
            for line in islice(hash_chain.read_lines(self._path, self._page_offsets[page]), size):
                record = events.decode_record(line.raw, line.event_number, line.timestamp)
                rebuild = apply_event(rebuild, record.event)
                content[0].append(self.formatter.format_record(record))
                content[1].append(rebuild)
            if len(content[0]) < size:
                raise SessionError(f"{self._path}: it is shorter than it was")
            while len(self._page_cache) >= MAX_CACHED_PAGES:
                del self._page_cache[next(iter(self._page_cache))]
        self._page_cache[page] = content
        return content


class ShortenedPause(NamedTuple):
    """A pause that was shortened."""

    position: float
    """Where it starts, in seconds of the recording."""
    seconds: float
    """How long it really was."""


@dataclass(frozen=True)
class RecordedCommand:
    """A command of the recording."""

    command: str
    title: str
    step: str
    start_time: float
    end_time: float
    """Seconds since the epoch; of a command that has not ended, the last known time."""
    output_times: OutputTimes
    has_output_times: bool
    """Whether the times of its output are known; otherwise they are spread evenly."""


class ReplayEvent(NamedTuple):
    """One thing that happens: an event of the log, or bytes of an output."""

    position: float
    timestamp: float
    entry: TimelineEntry | None
    command: str = ""
    begin_byte: int = 0
    end_byte: int = 0


class Recording:
    """One session on a time axis. Create it in a thread: it reads the whole log once."""

    def __init__(self, session: Session) -> None:
        """Raises SessionError."""
        self.session = session
        self.entries = EventPages(session)
        self.commands = self._read_commands()
        self._commands_by_start = [
            (index, entry.command) for index, entry in self.entries.command_starts if entry.command in self.commands
        ]
        self._build_time_map()

    def _read_commands(self) -> dict[str, RecordedCommand]:
        started = {entry.command: entry for _, entry in self.entries.command_starts}
        last_timestamp = self.entries[-1].timestamp if self.entries else 0.0
        commands = {}
        for command, entry in started.items():
            if outputs.find_command_folder(self.session, command) is None:
                continue
            end = max(self.entries.command_end_times.get(command, last_timestamp), entry.timestamp)
            times, has_times = outputs.read_output_times(self.session, command, entry.timestamp, end)
            if command not in self.entries.command_end_times and times.timestamps:
                end = max(end, times.timestamps[-1])
            title = self.entries.formatter.request_for(command).title
            commands[command] = RecordedCommand(command, title, entry.step, entry.timestamp, end, times, has_times)
        return commands

    def _build_time_map(self) -> None:
        """Map real time to the recording's: they differ at the shortened pauses, and run alike between them."""
        self._timestamps: list[float] = []
        self._positions: list[float] = []
        self.pauses: list[ShortenedPause] = []
        played = last = 0.0
        for timestamp in sorted(
            chain(self.entries.timestamps, *(command.output_times.timestamps for command in self.commands.values()))
        ):
            gap = timestamp - last if self._timestamps else 0.0
            if gap > MAX_PAUSE_SECONDS:
                self.pauses.append(ShortenedPause(played, gap))
                self._timestamps.append(last)
                self._positions.append(played)
            played += SHORTENED_PAUSE_SECONDS if gap > MAX_PAUSE_SECONDS else gap
            if gap > MAX_PAUSE_SECONDS or not self._timestamps:
                self._timestamps.append(timestamp)
                self._positions.append(played)
            last = timestamp
        if self._timestamps:
            self._timestamps.append(last)
            self._positions.append(played)

    @property
    def duration(self) -> float:
        """Seconds of playing at 1x."""
        return self._positions[-1] if self._positions else 0.0

    @property
    def skipped_seconds(self) -> float:
        """Seconds of pauses that are not played."""
        return sum(pause.seconds - SHORTENED_PAUSE_SECONDS for pause in self.pauses)

    def timestamp_at(self, position: float) -> float:
        """The time, in seconds since the epoch, at a position."""
        return _interpolate(position, self._positions, self._timestamps)

    def position_of(self, timestamp: float) -> float:
        """The position of a time."""
        return _interpolate(timestamp, self._timestamps, self._positions)

    def count_entries_until(self, position: float) -> int:
        """How many events have happened at a position."""
        return bisect_right(self.entries.timestamps, self.timestamp_at(position) + 1e-6)

    def entry_position(self, index: int) -> float:
        """The position of an event."""
        return self.position_of(self.entries.timestamps[index])

    def progress_at(self, position: float) -> RebuildProgress:
        """The progress at a position. Raises SessionError."""
        return self.entries.progress_after(self.count_entries_until(position))

    def command_at(self, position: float) -> RecordedCommand | None:
        """The command that was started last."""
        index = bisect_left(self._commands_by_start, (self.count_entries_until(position), "")) - 1
        return self.commands[self._commands_by_start[index][1]] if index >= 0 else None

    def pause_at(self, position: float) -> ShortenedPause | None:
        """The shortened pause at a position."""
        index = bisect_right([pause.position for pause in self.pauses], position) - 1
        if index >= 0 and position < self.pauses[index].position + SHORTENED_PAUSE_SECONDS:
            return self.pauses[index]
        return None

    def parse_position(self, text: str) -> float:
        """The position for a step, a time of day, a time from the start (`+90`, `5m`), or a percentage.

        Raises ValueError with what can be given.
        """
        if text in STEPS_BY_ID:
            steps = self.entries.first_event_indexes
            if (index := steps.get((text, True), steps.get((text, False)))) is None:
                raise ValueError(f"nothing happened in the step {text}")
            return self.entry_position(index)
        if percent := re.fullmatch(r"(\d{1,3})%", text):
            return self.duration * min(int(percent[1]), 100) / 100
        if self._timestamps and (length := re.fullmatch(r"\+?(\d+)(s|m|h|)", text)):
            start = self._timestamps[0]
            return self.position_of(start + int(length[1]) * {"m": 60, "h": 3600}.get(length[2], 1))
        if self._timestamps and (clock := re.fullmatch(r"(\d{1,2}):(\d\d)(?::(\d\d))?", text)):
            day = time.localtime(self._timestamps[0])
            timestamp = time.mktime(
                (day.tm_year, day.tm_mon, day.tm_mday, int(clock[1]), int(clock[2]), int(clock[3] or 0), 0, 0, -1)
            )
            return self.position_of(timestamp if timestamp >= self._timestamps[0] - 1 else timestamp + 86_400)
        raise ValueError(f"{text!r} is no position: a step, 14:03, +90 or 5m from the start, or 50%")

    def events_from(self, position: float = 0.0) -> Iterator[ReplayEvent]:
        """All that happens from a position on, in order. Raises SessionError."""
        first = bisect_left(self.entries.timestamps, self.timestamp_at(position) - 1e-3)
        entries = (
            ReplayEvent(self.entry_position(index), entry.timestamp, entry)
            for index, entry in enumerate(self.entries.iterate_from(first), first)
        )
        output_events = (self._output_events(command) for command in self.commands.values())
        # The output of a command comes after the event of its start, and before that of its end.
        merged = merge(entries, *output_events, key=lambda event: (event.position, _is_end_event(event)))
        return (event for event in merged if event.position >= position)

    def _output_events(self, command: RecordedCommand) -> Iterator[ReplayEvent]:
        times = command.output_times
        for index, (begin_byte, timestamp) in enumerate(zip(times.offsets, times.timestamps, strict=True), 1):
            end_byte = times.offsets[index] if index < len(times.offsets) else times.size
            yield ReplayEvent(self.position_of(timestamp), timestamp, None, command.command, begin_byte, end_byte)

    def output_path(self, command: str) -> Path:
        return self.session.commands_folder / command / OUTPUT_LOG


def _is_end_event(event: ReplayEvent) -> bool:
    return event.entry is not None and event.entry.state is not None


def _interpolate(value: float, known: list[float], targets: list[float]) -> float:
    """Linear interpolation from one scale to the other."""
    if not known:
        return 0.0
    index = bisect_left(known, value)
    if index == 0:
        return targets[0]
    if index == len(known):
        return targets[-1]
    before, after = known[index - 1], known[index]
    share = (value - before) / (after - before) if after > before else 1.0
    return targets[index - 1] + share * (targets[index] - targets[index - 1])


class OutputReader:
    """Reads one output from event to event; whole lines only."""

    def __init__(self, recording: Recording, command: str, *, start_byte: int = 0) -> None:
        """`start_byte`: where to start; of a long output only the last part is read."""
        self._path = recording.output_path(command)
        self._offset = max(recording.commands[command].output_times.size - MAX_RECORDED_BYTES, start_byte)
        self._partial_line = b""

    def read_until(self, event: ReplayEvent) -> list[str]:
        if event.end_byte <= self._offset:
            return []
        try:
            fd = open_private_file(self._path, os.O_RDONLY)
        except OSError:
            return []
        try:
            data = self._partial_line + os.pread(fd, event.end_byte - self._offset, self._offset)
        finally:
            os.close(fd)
        self._offset = event.end_byte
        *lines, self._partial_line = data.split(b"\n")
        return [line.decode("utf-8", "replace") for line in lines]

    def read_remaining(self) -> list[str]:
        """A last line without an end."""
        line, self._partial_line = self._partial_line, b""
        return [line.decode("utf-8", "replace")] if line else []


class Playhead:
    """The position of a replay that plays or is paused. The clock is passed in."""

    def __init__(self, duration: float, clock: Callable[[], float] = time.monotonic, *, speed: int = 1) -> None:
        self.duration = duration
        self.speed = speed
        self.is_playing = False
        self._clock = clock
        self._position = 0.0
        self._last_update = clock()

    @property
    def position(self) -> float:
        """Seconds of the recording; stays at its end."""
        if self.is_playing:
            now = self._clock()
            self._position = min(self._position + (now - self._last_update) * self.speed, self.duration)
            self._last_update = now
            self.is_playing = self._position < self.duration
        return self._position

    def play(self) -> None:
        """Play on; at the end, play from the start."""
        if self.position >= self.duration:
            self._position = 0.0
        self._last_update = self._clock()
        self.is_playing = self.duration > 0

    def pause(self) -> None:
        self.seek(self.position)
        self.is_playing = False

    def seek(self, position: float) -> None:
        self._position = max(0.0, min(position, self.duration))
        self._last_update = self._clock()

    def change_speed(self, steps: int) -> None:
        """The next speed, or (below zero) the one before."""
        self.seek(self.position)
        index = max(0, min(SPEEDS.index(self.speed) + steps, len(SPEEDS) - 1))
        self.speed = SPEEDS[index]
