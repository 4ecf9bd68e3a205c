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
from ecotui.rebuild_progress import Rebuild
from ecotui.session import SessionError, events, hash_chain
from ecotui.session.event_text import Moment, Teller
from ecotui.session.log import Session

PAGE = 1_000
"""Events that are read at once: a hundredth of a second's work."""
KEPT = 4
"""Pages that are kept, the newest used."""

_WEIGHTY = {
    kind.__struct_config__.tag
    for kind in (
        events.Looked, events.FixChosen, events.Overridden, events.CommandStarted, events.CommandEnded,
        events.InterruptSent,
    )
}  # fmt: skip
"""What moves a step, or speaks of one: the rest need not be understood before it is shown."""


def taken(rebuild: Rebuild, event: events.Event | events.Unknown) -> Rebuild:
    """Where the steps stand after an event."""
    match event:
        case events.Looked(report=report):
            return rebuild.looked(report)
        case events.Overridden(finding=finding, reason=reason):
            with suppress(ValueError):
                return rebuild.overridden(finding, reason)
        case events.CommandStarted(step=step, title=title):
            return rebuild.command_started(step, title)
        case events.CommandEnded(step=step):
            return rebuild.command_ended(step)
    return rebuild


class Pages(Sequence[Moment]):
    """The moments of a session, as a sequence. What is added to the log later is not among them."""

    def __init__(self, session: Session) -> None:
        """Looks through the log: a second for half a million events. Raises SessionError."""
        session.flush()
        self._path = session.events_file
        self.teller = Teller(outputs.asked(session))
        self.at = array("d")
        """When each happened. A clock that was set back: time stands still until it has caught up."""
        self.began: list[tuple[int, Moment]] = []
        """The commands that began, each with its index."""
        self.ended: dict[str, float] = {}
        """Command to the moment of its end."""
        self.steps: dict[tuple[str, bool], int] = {}
        """The index of the first moment of a step, and (True) of the first at which something was done for it."""
        self._starts = array("q")
        self._stood: list[Rebuild] = []
        self._read: dict[int, tuple[list[Moment], list[Rebuild]]] = {}
        rebuild, last = Rebuild(), 0.0
        for byte, raw in hash_chain.lines(self._path):
            if (glance := events.glance(raw)) is None:
                line = hash_chain.parse(0, raw)
                if line is None:
                    continue
                at, kind = line.at, ""
            else:
                at, kind = glance
            index = len(self.at)
            if index % PAGE == 0:
                self._starts.append(byte)
                self._stood.append(rebuild)
            last = max(last, at)
            self.at.append(last)
            if kind in _WEIGHTY:
                record = events.decode(raw, index + 1, at)
                rebuild = taken(rebuild, record.event)
                self._note(index, self.teller.tell(record))

    def _note(self, index: int, moment: Moment) -> None:
        if moment.command and moment.kind == "command":
            if moment.state is None:
                self.began.append((index, moment))
            else:
                self.ended[moment.command] = moment.at
        if moment.step:
            self.steps.setdefault((moment.step, False), index)
            if moment.kind in ("command", "decision"):
                self.steps.setdefault((moment.step, True), index)

    def __len__(self) -> int:
        return len(self.at)

    @overload
    def __getitem__(self, index: int) -> Moment: ...
    @overload
    def __getitem__(self, index: slice) -> list[Moment]: ...
    def __getitem__(self, index: int | slice) -> Moment | list[Moment]:
        """Raises IndexError, SessionError."""
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(index)
        return self._page(place // PAGE)[0][place % PAGE]

    def __iter__(self) -> Iterator[Moment]:
        return self.since(0)

    def since(self, index: int) -> Iterator[Moment]:
        """The moments from an index on, page by page. Raises SessionError."""
        for page in range(index // PAGE, len(self._starts)):
            moments, _ = self._page(page)
            yield from moments[max(index - page * PAGE, 0) :]

    def rebuild(self, count: int) -> Rebuild:
        """Where all steps stood after so many events. Raises SessionError."""
        if not count:
            return Rebuild()
        return self._page((count - 1) // PAGE)[1][(count - 1) % PAGE]

    def _page(self, page: int) -> tuple[list[Moment], list[Rebuild]]:
        if (found := self._read.pop(page, None)) is None:
            rebuild = self._stood[page]
            found = ([], [])
            size = min(PAGE, len(self) - page * PAGE)
            for line in islice(hash_chain.read(self._path, self._starts[page]), size):
                record = events.decode(line.raw, line.n, line.at)
                rebuild = taken(rebuild, record.event)
                found[0].append(self.teller.tell(record))
                found[1].append(rebuild)
            if len(found[0]) < size:
                raise SessionError(f"{self._path}: it is shorter than it was")
            while len(self._read) >= KEPT:
                del self._read[next(iter(self._read))]
        self._read[page] = found
        return found
