"""A session played again: what stood where at any moment, derived from the events up to then, and the outputs as they came.

Silences are shortened: nobody watches terraform wait for eight minutes. What was shortened is said.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from checks.steps import BY_ID
from ecotui.history import outputs
from ecotui.history.event_pages import Pages
from ecotui.rebuild_progress import Rebuild
from ecotui.session.event_text import Moment
from ecotui.session.log import Session
from ecotui.supervisor.output_times import Written
from ecotui.supervisor.paths import OUTPUT

SILENCE = 5.0
"""Seconds without anything that are played as they were; of a longer silence,"""
SHORTENED = 2.0
"""these are left."""
SPEEDS = (1, 2, 4, 8, 16, 32, 64)


class Cut(NamedTuple):
    """A silence that was shortened."""

    played: float
    """Where it begins, in seconds of the tape."""
    seconds: float
    """How long it was."""


@dataclass(frozen=True)
class Spoken:
    """A command on the tape."""

    command: str
    title: str
    step: str
    began: float
    ended: float
    """Seconds since the epoch; of one that has not ended, the last thing known."""
    written: Written
    timed: bool
    """Whether it is known when it wrote what; otherwise its output is spread evenly over its time."""


class Beat(NamedTuple):
    """One thing that happens: an event as it is told, or bytes of an output."""

    played: float
    at: float
    moment: Moment | None
    command: str = ""
    begin: int = 0
    end: int = 0


class Tape:
    """One session, laid out in time. Use a thread for a long one: its log is looked through once."""

    def __init__(self, session: Session) -> None:
        """Raises SessionError."""
        self.session = session
        self.moments = Pages(session)
        self.spoken = self._listen()
        self._speakers = [
            (index, moment.command) for index, moment in self.moments.began if moment.command in self.spoken
        ]
        self._lay_out()

    def _listen(self) -> dict[str, Spoken]:
        began = {moment.command: moment for _, moment in self.moments.began}
        latest = self.moments[-1].at if self.moments else 0.0
        found = {}
        for command, moment in began.items():
            if outputs.folder(self.session, command) is None:
                continue
            end = max(self.moments.ended.get(command, latest), moment.at)
            written, timed = outputs.written(self.session, command, moment.at, end)
            if command not in self.moments.ended and written.moments:
                end = max(end, written.moments[-1])
            title = self.moments.teller.asked(command).title
            found[command] = Spoken(command, title, moment.step, moment.at, end, written, timed)
        return found

    def _lay_out(self) -> None:
        """Where the two clocks part: at the silences. Between them they go alike."""
        self._real: list[float] = []
        self._played: list[float] = []
        self.cuts: list[Cut] = []
        played = last = 0.0
        for at in sorted(chain(self.moments.at, *(one.written.moments for one in self.spoken.values()))):
            gap = at - last if self._real else 0.0
            if gap > SILENCE:
                self.cuts.append(Cut(played, gap))
                self._real.append(last)
                self._played.append(played)
            played += SHORTENED if gap > SILENCE else gap
            if gap > SILENCE or not self._real:
                self._real.append(at)
                self._played.append(played)
            last = at
        if self._real:
            self._real.append(last)
            self._played.append(played)

    @property
    def length(self) -> float:
        """Seconds that it plays at 1x."""
        return self._played[-1] if self._played else 0.0

    @property
    def shortened(self) -> float:
        """Seconds of silence that are not played."""
        return sum(cut.seconds - SHORTENED for cut in self.cuts)

    def real(self, played: float) -> float:
        """The moment, in seconds since the epoch, at a place of the tape."""
        return _between(played, self._played, self._real)

    def played(self, at: float) -> float:
        """The place of a moment on the tape."""
        return _between(at, self._real, self._played)

    def happened(self, played: float) -> int:
        """How many of the moments have happened at a place."""
        return bisect_right(self.moments.at, self.real(played) + 1e-6)

    def place(self, index: int) -> float:
        """Where a moment stands on the tape."""
        return self.played(self.moments.at[index])

    def rebuild(self, played: float) -> Rebuild:
        """Where all steps stood. Raises SessionError."""
        return self.moments.rebuild(self.happened(played))

    def speaking(self, played: float) -> Spoken | None:
        """The command that began last."""
        place = bisect_left(self._speakers, (self.happened(played), "")) - 1
        return self.spoken[self._speakers[place][1]] if place >= 0 else None

    def cut(self, played: float) -> Cut | None:
        """The shortened silence that a place lies in."""
        place = bisect_right([cut.played for cut in self.cuts], played) - 1
        if place >= 0 and played < self.cuts[place].played + SHORTENED:
            return self.cuts[place]
        return None

    def find(self, text: str) -> float:
        """The place that an operator means: a step, a time of day, so far from the beginning (`+90`, `5m`), or a share.

        Raises ValueError with what can be given.
        """
        if text in BY_ID:
            steps = self.moments.steps
            if (index := steps.get((text, True), steps.get((text, False)))) is None:
                raise ValueError(f"nothing happened in the step {text}")
            return self.place(index)
        if share := re.fullmatch(r"(\d{1,3})%", text):
            return self.length * min(int(share[1]), 100) / 100
        if self._real and (length := re.fullmatch(r"\+?(\d+)(s|m|h|)", text)):
            begin = self._real[0]
            return self.played(begin + int(length[1]) * {"m": 60, "h": 3600}.get(length[2], 1))
        if self._real and (clock := re.fullmatch(r"(\d{1,2}):(\d\d)(?::(\d\d))?", text)):
            day = time.localtime(self._real[0])
            at = time.mktime(
                (
                    day.tm_year,
                    day.tm_mon,
                    day.tm_mday,
                    int(clock[1]),
                    int(clock[2]),
                    int(clock[3] or 0),
                    0,
                    0,
                    -1,
                )
            )
            return self.played(at if at >= self._real[0] - 1 else at + 86_400)
        raise ValueError(f"{text!r} is no moment: a step, 14:03, +90 or 5m from the beginning, or 50%")

    def beats(self, since: float = 0.0) -> Iterator[Beat]:
        """All that happens from a place on, in order. Raises SessionError."""
        first = bisect_left(self.moments.at, self.real(since) - 1e-3)
        told = (
            Beat(self.place(index), moment.at, moment)
            for index, moment in enumerate(self.moments.since(first), first)
        )
        said = (self._said(one) for one in self.spoken.values())
        # What a command says comes before the word that it ended, and after the word that it began.
        together = merge(told, *said, key=lambda beat: (beat.played, _is_end(beat)))
        return (beat for beat in together if beat.played >= since)

    def _said(self, one: Spoken) -> Iterator[Beat]:
        written = one.written
        for index, (begin, at) in enumerate(zip(written.begins, written.moments, strict=True), 1):
            end = written.begins[index] if index < len(written.begins) else written.size
            yield Beat(self.played(at), at, None, one.command, begin, end)

    def output(self, command: str) -> Path:
        return self.session.commands / command / OUTPUT


def _is_end(beat: Beat) -> bool:
    return beat.moment is not None and beat.moment.state is not None


def _between(value: float, known: list[float], wanted: list[float]) -> float:
    """The value carried from one scale to the other, along straight lines."""
    if not known:
        return 0.0
    place = bisect_left(known, value)
    if place == 0:
        return wanted[0]
    if place == len(known):
        return wanted[-1]
    before, after = known[place - 1], known[place]
    share = (value - before) / (after - before) if after > before else 1.0
    return wanted[place - 1] + share * (wanted[place] - wanted[place - 1])


class Playhead:
    """Where the tape is. Has no clock of its own: it is given one."""

    def __init__(self, length: float, clock: Callable[[], float] = time.monotonic, *, speed: int = 1) -> None:
        self.length = length
        self.speed = speed
        self.playing = False
        self._clock = clock
        self._place = 0.0
        self._since = clock()

    @property
    def place(self) -> float:
        """Seconds of the tape; stands at the end when that is reached."""
        if self.playing:
            now = self._clock()
            self._place = min(self._place + (now - self._since) * self.speed, self.length)
            self._since = now
            self.playing = self._place < self.length
        return self._place

    def play(self) -> None:
        """Go on; from the end, begin again."""
        if self.place >= self.length:
            self._place = 0.0
        self._since = self._clock()
        self.playing = self.length > 0

    def pause(self) -> None:
        self.seek(self.place)
        self.playing = False

    def seek(self, place: float) -> None:
        self._place = max(0.0, min(place, self.length))
        self._since = self._clock()

    def faster(self, by: int) -> None:
        """The next speed, or (below zero) the one before."""
        self.seek(self.place)
        index = max(0, min(SPEEDS.index(self.speed) + by, len(SPEEDS) - 1))
        self.speed = SPEEDS[index]
