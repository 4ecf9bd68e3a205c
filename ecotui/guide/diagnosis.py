"""Finds known errors in text of any kind, and ranks the entries that explain them. Streams: memory does not grow."""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

import msgspec

from checks.sanitize import sanitize
from ecotui.guide.library import Library
from ecotui.guide.patterns import runs_for_ever
from ecotui.guide.sifting import NOWHERE, blocks, hints, last_lines, regions

BEFORE, AFTER = 2, 7
"""Lines around an anchor that are joined before a signature is tried: terraform wraps a message over up to eight."""

LONGEST = 200_000
"""Characters of one line that are looked at; JSON lines of terraform stay far below."""

EXCERPT = 240

REACH = 4_000
"""Characters after a line that a pattern sees: eight wrapped lines are a quarter of that."""

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
    """The words by which it was found; not part of the public document."""


@dataclass
class _Found:
    place: tuple[int, int]
    """Line, and the place in it."""
    excerpt: str
    weight: float
    rule: str


class _Rule(NamedTuple):
    """A signature, ready to be tried."""

    entry: str
    weight: float
    anchor: str
    """In lower case, single spaces."""
    pattern: re.Pattern[str]
    said: str
    """The anchor as it is written in the overlay."""


_WEIGHT = {"error": 1.0, "near": 0.9, "warning": 0.8, "progress": 0.6}
_BOX = re.compile("[\u2500-\u257f]+")
_STAMP = re.compile(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?Z?\s+")


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
        self._hints = hints(sorted({rule.anchor for rule in self._rules}))
        self._spent: dict[str, float] = {}
        """Seconds that each pattern has taken so far."""
        self._window: deque[str] = deque(maxlen=BEFORE + AFTER + 1)

    def read(self, stream: BinaryIO, found: Callable[[Match], None] | None = None) -> None:
        """Look at a whole stream of bytes; only what stands around a word of an anchor is looked at closely.

        `found` is told of each entry as soon as it is met. Raises OSError as the stream does.
        """
        seen, tail, told = 0, b"", set[str]()
        for block in blocks(stream):
            # The end of the block before is looked at again, with what follows it.
            text = tail + block
            first = seen - tail.count(b"\n")
            for index, region in regions(text, self._hints, BEFORE + 2, AFTER + 1):
                self._window.clear()
                self._count = first + index
                self.feed(line.decode("utf-8", errors="replace") for line in region.split(b"\n"))
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
        self._hints = hints(sorted({rule.anchor for rule in self._rules})) or (NOWHERE,)

    def _surpassed(self, rule: _Rule, settled: int) -> bool:
        known = self.found.get(rule.entry)
        return known is not None and known.weight >= rule.weight and known.place[0] <= settled

    def feed(self, lines: Iterable[str]) -> None:
        """Look at more lines. A place is judged when the lines after it are there, or at `end`."""
        for line in lines:
            self._count += 1
            clean = plain(line)
            self._window.append(clean)
            self._judge(AFTER)

    def end(self) -> tuple[Match, ...]:
        """No more lines: judge the last places, and rank."""
        self._finish()
        return self.matches

    def _finish(self) -> None:
        for _ in range(AFTER):
            self._window.append("")
            self._count += 1
            self._judge(AFTER)

    def _judge(self, after: int) -> None:
        """Judge the line that has `after` lines behind it."""
        at = len(self._window) - 1 - after
        if at < 0:
            return
        here = self._window[at]
        if not here:
            return
        # Over two lines: an anchor may be wrapped.
        two = f"{here} {self._window[at + 1]}" if at + 1 < len(self._window) else here
        low = two.lower()
        likely = [rule for rule in self._rules if rule.anchor in low]
        if not likely:
            return
        window = list(self._window)
        whole = " ".join(" ".join(window[max(at - BEFORE, 0) :]).split())
        start = len(" ".join(" ".join(window[max(at - BEFORE, 0) : at]).split()))
        number = self._count - after
        end = start + len(here) + 1
        # Around the place, not the whole of lines without measure.
        whole = whole[: end + REACH]
        for rule in likely:
            match = self._search(rule, whole, max(start - 400, 0))
            # The match must touch this line: what stands only in the lines after it is judged with them.
            if match and match.start() <= end and match.end() > start:
                self._take(rule, (number, match.start() - start), _excerpt(whole, match))

    def _search(self, rule: _Rule, text: str, start: int) -> re.Match[str] | None:
        """Try a pattern; one that takes longer than any should is given up, and that is said."""
        begun = time.perf_counter()
        match = rule.pattern.search(text, start)
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
        # The same place again, seen with more behind it, has the better excerpt.
        if (
            known is None
            or rule.weight > known.weight
            or (rule.weight == known.weight and place <= known.place)
        ):
            self.found[rule.entry] = _Found(place, excerpt, rule.weight, rule.said)

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
                )
            )
        return tuple(result)


def plain(line: str) -> str:
    """One line without what tools put around a message: colour, boxes, time stamps, the JSON it is wrapped in."""
    line = line[:LONGEST]
    if "\x1b" in line or not line.isprintable():
        line = sanitize(line).replace("\n", " ")
    line = _BOX.sub(" ", line).strip()
    line = _STAMP.sub("", line)
    if line.startswith("{") and line.endswith("}"):
        # What only looks like JSON is read as it stands.
        with suppress(ValueError, RecursionError):
            line = " ".join(_strings(json.loads(line)))
    elif '\\"' in line or "\\n" in line:
        line = line.replace("\\n", " ").replace('\\"', '"')
    return " ".join(line.split())


def _strings(value: object) -> Iterator[str]:
    """The messages of a JSON object: of terraform's stream, those that a person would have read."""
    if isinstance(value, dict):
        if "@message" in value:
            yield str(value["@message"])
            diagnostic = value.get("diagnostic")
            if isinstance(diagnostic, dict):
                yield str(diagnostic.get("summary", ""))
                yield str(diagnostic.get("detail", ""))
            return
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, str):
        yield value


def _excerpt(text: str, match: re.Match[str]) -> str:
    start = max(match.start() - 60, 0)
    cut = text[start : start + EXCERPT]
    return f"{'…' if start else ''}{cut}{'…' if start + EXCERPT < len(text) else ''}"


def diagnose(library: Library, text: str) -> tuple[Match, ...]:
    """Everything the guide knows about a text, best first; empty when it knows nothing."""
    diagnosis = Diagnosis(library)
    diagnosis.feed(text.splitlines())
    return diagnosis.end()
