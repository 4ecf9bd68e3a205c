"""Finds known errors in text of any kind, and ranks the entries that explain them. Streams: memory does not grow."""

from __future__ import annotations

import io
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import BinaryIO, NamedTuple

import msgspec

from ecotui.guide.log_lines import NOTHING, Line, shared_prefix
from ecotui.guide.matching.prefilter import NOWHERE, blocks, hints, last_lines, regions
from ecotui.guide.matching.regex_safety import open_repeats, runs_for_ever
from ecotui.guide.reading.library import Library

BEFORE, AFTER = 2, 7
"""Lines around an anchor that are joined before a signature is tried: terraform wraps a message over up to eight."""

EXCERPT = 240

CLOSE = 300_000
"""Bytes from the beginning of a stream that are looked at line by line. What a terminal showed is shorter, and is cut
within words; of more than that only what stands around whole words is looked at."""

DENSE = 20_000
"""Bytes of a region above which it is judged at once: patterns are quick over little text alone."""

FULL, SEAM = 40, 48
"""Columns that a line has at least which a terminal cut, and letters on both sides of such a cut in which a word of an
anchor stands."""

REACH = 4_000
"""Characters after a line that a pattern sees: eight wrapped lines are a quarter of that."""

ROOM = (None, None, 6_000, 1_000)
"""Characters around an anchor that a pattern sees, by how many repeats it tries against one another."""

PLACES = 20
"""Places of an anchor in one line that such a pattern is tried at."""

SLOW, PATIENCE = 0.02, 1.0
"""Seconds: a search that takes longer than the first is counted, and after the second in all its pattern is given up."""


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """One entry that explains something in the text (`ecotui.diagnose/1`)."""

    entry: str
    title: str
    score: float
    """1.0 an error the entry is about, 0.9 one of its kind, 0.8 a warning, 0.6 a line of progress."""
    line: int
    """The first line where it stands, from 1."""
    excerpt: str
    rule: str = ""
    """The fixed words by which it was found; as `kind`, not part of the public document."""
    kind: str = "error"
    """Of the rule: `error`, `near`, `warning`, `progress`, or `text`, the words of the entry itself."""


@dataclass
class _Found:
    place: tuple[int, int]
    """Line, and the place in it."""
    excerpt: str
    weight: float
    rule: str
    kind: str


class _Rule(NamedTuple):
    """A signature, ready to be tried."""

    entry: str
    weight: float
    anchor: str
    """In lower case, single spaces."""
    pattern: re.Pattern[str]
    said: str
    """The anchor as it is written in the overlay."""
    kind: str


class _Joined(NamedTuple):
    text: str
    start: int
    """Where the judged line begins in it."""
    end: int


def _join(texts: list[str], ends: list[str], at: int) -> _Joined:
    """Lines as one text, each with what comes behind it; where the one in question stands in it."""
    before = "".join(text + end for text, end in zip(texts[:at], ends, strict=False) if text)
    rest = "".join(text + end for text, end in zip(texts[at:], ends[at:], strict=True) if text)
    end = len(before) + len(texts[at]) + len(ends[at])
    # Around the place, not the whole of lines without measure.
    return _Joined((before + rest)[: end + REACH].rstrip(), len(before), end)


_WEIGHT = {"error": 1.0, "near": 0.9, "warning": 0.8, "progress": 0.6}


@dataclass
class Diagnosis:
    """Fed with lines; knows at any time what was found so far."""

    library: Library
    found: dict[str, _Found] = field(default_factory=dict)
    _count: int = 0

    def __post_init__(self) -> None:
        self._rules = [
            _Rule(
                ident,
                _WEIGHT.get(signature.kind, 1.0),
                " ".join(signature.anchor.lower().split()),
                re.compile(signature.match, re.I | re.S),
                signature.anchor,
                signature.kind,
            )
            for ident, overlay in self.library.overlays.items()
            for signature in overlay.signatures
        ]
        self.notes: list[str] = []
        """Patterns that were given up, and why."""
        for rule in [one for one in self._rules if runs_for_ever(one.pattern.pattern)]:
            self._rules.remove(rule)
            self.notes.append(
                f"{rule.entry}: the pattern {rule.pattern.pattern!r} could run for ever; it was left out"
            )
        self._hints = hints(self._wanted())
        self._spent: dict[str, float] = {}
        """Seconds that each pattern has taken so far."""
        self._window: deque[Line] = deque(maxlen=BEFORE + AFTER + 1)

    def read(self, stream: BinaryIO, found: Callable[[Match], None] | None = None) -> None:
        """Look at a whole stream of bytes; only what stands around a word of an anchor is looked at closely.

        `found` is told of each entry as soon as it is met. Raises OSError as the stream does.
        """
        seen, size, tail, told = 0, 0, b"", set[str]()
        for block in blocks(stream):
            # The end of the block before is looked at again, with what follows it.
            text = tail + block
            first = seen - tail.count(b"\n")
            size += len(block)
            wanted = self._hints if size > CLOSE else ()
            for index, region in regions(text, wanted, BEFORE + 2, AFTER + 1):
                self._window.clear()
                self._count = first + index
                lines = [Line.of(line.decode("utf-8", errors="replace")) for line in region.split(b"\n")]
                if not wanted or len(region) > DENSE or self._promising(lines):
                    self._take_in(lines)
                    self._finish()
            new = set(self.found) - told
            if new:
                told |= new
                for match in self.matches if found else ():
                    if found and match.entry in new:
                        found(match)
            seen += block.count(b"\n")
            if self.found:
                self._narrow(seen - (BEFORE + AFTER + 4))
            tail = last_lines(text, BEFORE + AFTER + 4) if block.endswith(b"\n") else b""
        self._window.clear()
        self._count = seen

    def _narrow(self, settled: int) -> None:
        """Leave out what can find nothing better any more: a log that says one thing a million times costs no more.

        Lines up to `settled` are not looked at again.
        """
        kept = [rule for rule in self._rules if not self._surpassed(rule, settled)]
        if len(kept) == len(self._rules):
            return
        self._rules = kept
        # Without any rule nothing is looked at; `()` would mean everything.
        self._hints = hints(self._wanted()) or (NOWHERE,)

    def _wanted(self) -> tuple[tuple[str, str], ...]:
        return tuple(sorted({(rule.anchor, rule.pattern.pattern) for rule in self._rules}))

    def _surpassed(self, rule: _Rule, settled: int) -> bool:
        known = self.found.get(rule.entry)
        return known is not None and known.weight >= rule.weight and known.place[0] <= settled

    def _promising(self, lines: list[Line]) -> bool:
        """Whether any pattern is met at all in a region: most near misses are told by that."""
        texts = [line.text for line in lines]
        bare = [text[shared_prefix(before, text) :] for before, text in pairwise(["", *texts])]
        for joined in (texts, bare) if bare != texts else (texts,):
            text = " ".join(" ".join(joined).split())
            low = text.lower()
            if any(rule.anchor in low and self._search(rule, text, 0) for rule in self._rules):
                return True
        return False

    def feed(self, lines: Iterable[str]) -> None:
        """Look at more lines. A place is judged when the lines after it are there, or at `end`."""
        self._take_in(map(Line.of, lines))

    def _take_in(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._count += 1
            self._window.append(line)
            self._judge()

    def end(self) -> tuple[Match, ...]:
        """No more lines: judge the last places, and rank."""
        self._finish()
        return self.matches

    def _finish(self) -> None:
        self._take_in([NOTHING] * AFTER)

    def _judge(self) -> None:
        """Judge the line that has `AFTER` lines behind it."""
        at = len(self._window) - 1 - AFTER
        if at < 0:
            return
        here = self._window[at]
        if not here.text:
            return
        # Over two lines: an anchor may be wrapped between words, or cut within one.
        behind = self._window[at + 1]
        low = f"{here.text} {behind.text}".lower()
        if here.width >= FULL:
            low += f"\n{here.text[-SEAM:]}{behind.text[:SEAM]}".lower()
        if shared := shared_prefix(here.text, behind.text):
            low += f"\n{here.text[-SEAM:]} {behind.text[shared:][:SEAM]}".lower()
        likely = [rule for rule in self._rules if rule.anchor in low]
        if not likely:
            return
        number = self._count - AFTER
        for place in self._joined(at):
            for rule in tuple(likely):
                match = self._search(rule, place.text, max(place.start - 400, 0))
                # The match must touch this line: what stands only in the lines after it is judged with them.
                if match and match.start() < place.end and match.end() > place.start:
                    self._take(rule, (number, match.start() - place.start), _excerpt(place.text, match))
                    likely.remove(rule)
            if not likely:
                return

    def _joined(self, at: int) -> Iterator[_Joined]:
        """The lines around one, with a space between them. Then, where that helps, without one where a terminal cut a
        line, and without the prefix that a log puts before each line."""
        window = list(self._window)[max(at - BEFORE, 0) :]
        at = min(at, BEFORE)
        here = window[at].text
        ends = [" "] * len(window)
        yield _join([line.text for line in window], ends, at)
        widest = max(line.width for line in window)
        if widest >= FULL:
            for index, (line, behind) in enumerate(pairwise(window)):
                if line.width == widest and not line.open and not behind.indented:
                    ends[index] = ""
            if "" in ends:
                yield _join([line.text for line in window], ends, at)
        shared = [shared_prefix(here, line.text) if index > at else 0 for index, line in enumerate(window)]
        if any(shared):
            yield _join(
                [line.text[cut:] for line, cut in zip(window, shared, strict=True)], [" "] * len(window), at
            )

    def _search(self, rule: _Rule, text: str, start: int) -> re.Match[str] | None:
        """Try a pattern; one that takes longer than any should is given up, and that is said."""
        begun = time.perf_counter()
        room = ROOM[min(open_repeats(rule.pattern.pattern), len(ROOM) - 1)]
        match = None
        if room is None or len(text) - start <= room:
            match = rule.pattern.search(text, start)
        else:
            low, at = text.lower(), start
            for _ in range(PLACES):
                at = low.find(rule.anchor, at)
                if at < 0 or match or time.perf_counter() - begun > PATIENCE:
                    break
                match = rule.pattern.search(text, max(at - room // 2, start), at + room // 2)
                at += room // 4
        took = time.perf_counter() - begun
        if took > SLOW:
            spent = self._spent.get(rule.pattern.pattern, 0.0) + took
            self._spent[rule.pattern.pattern] = spent
            if spent > PATIENCE:
                self._rules = [other for other in self._rules if other.pattern is not rule.pattern]
                self.notes.append(
                    f"{rule.entry}: the pattern {rule.pattern.pattern!r} takes too long; it was left out"
                )
        return match

    def _take(self, rule: _Rule, place: tuple[int, int], excerpt: str) -> None:
        known = self.found.get(rule.entry)
        # The same place again, seen with more around it, has the better excerpt.
        if (
            known is None
            or rule.weight > known.weight
            or (rule.weight == known.weight and place < known.place)
            or (rule.weight == known.weight and place == known.place and len(excerpt) > len(known.excerpt))
        ):
            self.found[rule.entry] = _Found(place, excerpt, rule.weight, rule.said, rule.kind)

    @property
    def matches(self) -> tuple[Match, ...]:
        """What was found so far, best first."""
        ranked = sorted(self.found.items(), key=lambda item: (-item[1].weight, item[1].place))
        result = []
        for ident, found in ranked:
            entry = self.library.entry(ident)
            result.append(
                Match(
                    entry=ident,
                    title=entry.title if entry else ident,
                    score=round(found.weight, 2),
                    line=found.place[0],
                    excerpt=found.excerpt,
                    rule=found.rule,
                    kind=found.kind,
                )
            )
        return tuple(result)


def _excerpt(text: str, match: re.Match[str]) -> str:
    start = max(match.start() - 60, 0)
    cut = text[start : start + EXCERPT]
    return f"{'…' if start else ''}{cut}{'…' if start + EXCERPT < len(text) else ''}"


def diagnose(library: Library, text: str) -> tuple[Match, ...]:
    """Everything the guide knows about a text, best first; empty when it knows nothing."""
    diagnosis = Diagnosis(library)
    if len(text) > CLOSE:
        diagnosis.read(io.BytesIO(text.encode("utf-8", errors="replace")))
    else:
        diagnosis.feed(text.split("\n"))
    return diagnosis.end()
