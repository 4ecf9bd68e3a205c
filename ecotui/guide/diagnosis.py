"""Finds known errors in text of any kind, and ranks the entries that explain them. Streams: memory does not grow."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO

import msgspec

from checks.sanitize import sanitize
from ecotui.guide.library import Library, Signature
from ecotui.guide.sifting import blocks, hints, last_lines, regions

BEFORE, AFTER = 2, 7
"""Lines around an anchor that are joined before a signature is tried: terraform wraps a message over up to eight."""

LONGEST = 200_000
"""Characters of one line that are looked at; JSON lines of terraform stay far below."""

EXCERPT = 240


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """One entry that explains something in the text (`ecotui.diagnose/1`)."""

    entry: str
    title: str
    score: float
    """1.0 an error the entry is about, 0.9 one of its kind, 0.8 a warning, 0.6 a line of progress."""
    line: int
    """The first line where it stands, from 1."""
    excerpt: str


@dataclass
class _Found:
    place: tuple[int, int]
    """Line, and the place in it."""
    excerpt: str
    weight: float


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
        self._signatures = [
            (
                ident,
                signature,
                " ".join(signature.anchor.lower().split()),
                re.compile(signature.match, re.I | re.S),
            )
            for ident, overlay in self.library.overlays.items()
            for signature in overlay.signatures
        ]
        anchors = sorted({anchor for _, _, anchor, _ in self._signatures})
        self._hints = hints(anchors)
        self._window: deque[str] = deque(maxlen=BEFORE + AFTER + 1)

    def read(self, stream: BinaryIO) -> None:
        """Look at a whole stream of bytes; only what stands around a word of an anchor is looked at closely.

        Raises OSError as the stream does.
        """
        seen, tail = 0, b""
        for block in blocks(stream):
            # The end of the block before is looked at again, with what follows it.
            text = tail + block
            first = seen - tail.count(b"\n")
            for index, region in regions(text, self._hints, BEFORE + 2, AFTER + 1):
                self._window.clear()
                self._count = first + index
                self.feed(line.decode("utf-8", errors="replace") for line in region.split(b"\n"))
                self._finish()
            seen += block.count(b"\n")
            tail = last_lines(text, BEFORE + AFTER + 4) if block.endswith(b"\n") else b""
        self._window.clear()
        self._count = seen

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
        likely = [known for known in self._signatures if known[2] in low]
        if not likely:
            return
        window = list(self._window)
        whole = " ".join(" ".join(window[max(at - BEFORE, 0) :]).split())
        start = len(" ".join(" ".join(window[max(at - BEFORE, 0) : at]).split()))
        number = self._count - after
        for ident, signature, _, pattern in likely:
            match = pattern.search(whole, max(start - 400, 0))
            # The match must touch this line: what stands only in the lines after it is judged with them.
            if match and match.start() <= start + len(here) + 1 and match.end() > start:
                self._take(ident, signature, (number, match.start() - start), _excerpt(whole, match))

    def _take(self, ident: str, signature: Signature, place: tuple[int, int], excerpt: str) -> None:
        weight = _WEIGHT.get(signature.kind, 1.0)
        known = self.found.get(ident)
        if known is None:
            self.found[ident] = _Found(place, excerpt, weight)
        else:
            if weight > known.weight:
                known.weight, known.place, known.excerpt = weight, place, excerpt
            elif weight == known.weight and place <= known.place:
                # The same place again, seen with more behind it, has the better excerpt.
                known.place, known.excerpt = place, excerpt

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
