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

from ecotui.guide.log_lines import EMPTY_LINE, LogLine, shared_prefix_length
from ecotui.guide.matching.prefilter import IMPOSSIBLE_HINT, build_hints, find_regions, last_lines, read_blocks
from ecotui.guide.matching.regex_safety import count_open_repeats, has_catastrophic_backtracking
from ecotui.guide.reading.library import GuideLibrary

LINES_BEFORE, LINES_AFTER = 2, 7
"""Lines around an anchor that are joined before a signature is tried: terraform wraps a message over up to eight."""

MAX_EXCERPT_LENGTH = 240

LINE_BY_LINE_BYTES = 300_000
"""Bytes from the beginning of a stream that are looked at line by line. What a terminal showed is shorter, and is cut
within words; of more than that only what stands around whole words is looked at."""

DENSE_REGION_BYTES = 20_000
"""Bytes of a region above which it is judged at once: patterns are quick over little text alone."""

MIN_CUT_WIDTH, SEAM_LENGTH = 40, 48
"""Columns that a line has at least which a terminal cut, and letters on both sides of such a cut in which a word of an
anchor stands."""

MAX_CHARACTERS_AFTER = 4_000
"""Characters after a line that a pattern sees: eight wrapped lines are a quarter of that."""

CHARACTERS_BY_OPEN_REPEATS = (None, None, 6_000, 1_000)
"""Characters around an anchor that a pattern sees, by how many repeats it tries against one another."""

MAX_ANCHOR_POSITIONS = 20
"""Places of an anchor in one line that such a pattern is tried at."""

SLOW_SEARCH_SECONDS, MAX_SEARCH_SECONDS = 0.02, 1.0
"""Seconds: a search that takes longer than the first is counted, and after the second in all its pattern is given up."""


class EntryMatch(msgspec.Struct, frozen=True, kw_only=True):
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
class _BestMatch:
    position: tuple[int, int]
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
    anchor_text: str
    """The anchor as it is written in the overlay."""
    kind: str


class _JoinedLines(NamedTuple):
    text: str
    start: int
    """Where the judged line begins in it."""
    end: int


def _join_lines(texts: list[str], ends: list[str], at: int) -> _JoinedLines:
    """Lines as one text, each with what comes behind it; where the one in question stands in it."""
    before = "".join(text + end for text, end in zip(texts[:at], ends, strict=False) if text)
    rest = "".join(text + end for text, end in zip(texts[at:], ends[at:], strict=True) if text)
    end = len(before) + len(texts[at]) + len(ends[at])
    # Around the place, not the whole of lines without measure.
    return _JoinedLines((before + rest)[: end + MAX_CHARACTERS_AFTER].rstrip(), len(before), end)


_WEIGHT_BY_KIND = {"error": 1.0, "near": 0.9, "warning": 0.8, "progress": 0.6}


@dataclass
class Diagnosis:
    """Fed with lines; knows at any time what was found so far."""

    library: GuideLibrary
    best_matches: dict[str, _BestMatch] = field(default_factory=dict)
    _line_count: int = 0

    def __post_init__(self) -> None:
        self._rules = [
            _Rule(
                ident,
                _WEIGHT_BY_KIND.get(signature.kind, 1.0),
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
        for rule in [one for one in self._rules if has_catastrophic_backtracking(one.pattern.pattern)]:
            self._rules.remove(rule)
            self.notes.append(f"{rule.entry}: the pattern {rule.pattern.pattern!r} could run for ever; it was left out")
        self._hints = build_hints(self._anchors_and_patterns())
        self._seconds_by_pattern: dict[str, float] = {}
        """Seconds that each pattern has taken so far."""
        self._window: deque[LogLine] = deque(maxlen=LINES_BEFORE + LINES_AFTER + 1)

    def read(self, stream: BinaryIO, on_match: Callable[[EntryMatch], None] | None = None) -> None:
        """Look at a whole stream of bytes; only what stands around a word of an anchor is looked at closely.

        `found` is told of each entry as soon as it is met. Raises OSError as the stream does.
        """
        seen, size, tail, told = 0, 0, b"", set[str]()
        for block in read_blocks(stream):
            # The end of the block before is looked at again, with what follows it.
            text = tail + block
            first = seen - tail.count(b"\n")
            size += len(block)
            wanted = self._hints if size > LINE_BY_LINE_BYTES else ()
            for index, region in find_regions(text, wanted, LINES_BEFORE + 2, LINES_AFTER + 1):
                self._window.clear()
                self._line_count = first + index
                lines = [LogLine.parse(line.decode("utf-8", errors="replace")) for line in region.split(b"\n")]
                if not wanted or len(region) > DENSE_REGION_BYTES or self._has_any_match(lines):
                    self._add_lines(lines)
                    self._flush_window()
            new = set(self.best_matches) - told
            if new:
                told |= new
                for match in self.matches if on_match else ():
                    if on_match and match.entry in new:
                        on_match(match)
            seen += block.count(b"\n")
            if self.best_matches:
                self._drop_settled_rules(seen - (LINES_BEFORE + LINES_AFTER + 4))
            tail = last_lines(text, LINES_BEFORE + LINES_AFTER + 4) if block.endswith(b"\n") else b""
        self._window.clear()
        self._line_count = seen

    def _drop_settled_rules(self, last_settled_line: int) -> None:
        """Leave out what can find nothing better any more: a log that says one thing a million times costs no more.

        Lines up to `settled` are not looked at again.
        """
        kept = [rule for rule in self._rules if not self._cannot_improve(rule, last_settled_line)]
        if len(kept) == len(self._rules):
            return
        self._rules = kept
        # Without any rule nothing is looked at; `()` would mean everything.
        self._hints = build_hints(self._anchors_and_patterns()) or (IMPOSSIBLE_HINT,)

    def _anchors_and_patterns(self) -> tuple[tuple[str, str], ...]:
        return tuple(sorted({(rule.anchor, rule.pattern.pattern) for rule in self._rules}))

    def _cannot_improve(self, rule: _Rule, last_settled_line: int) -> bool:
        known = self.best_matches.get(rule.entry)
        return known is not None and known.weight >= rule.weight and known.position[0] <= last_settled_line

    def _has_any_match(self, lines: list[LogLine]) -> bool:
        """Whether any pattern is met at all in a region: most near misses are told by that."""
        texts = [line.text for line in lines]
        bare = [text[shared_prefix_length(before, text) :] for before, text in pairwise(["", *texts])]
        for joined in (texts, bare) if bare != texts else (texts,):
            text = " ".join(" ".join(joined).split())
            low = text.lower()
            if any(rule.anchor in low and self._search_rule(rule, text, 0) for rule in self._rules):
                return True
        return False

    def feed(self, lines: Iterable[str]) -> None:
        """Look at more lines. A place is judged when the lines after it are there, or at `end`."""
        self._add_lines(map(LogLine.parse, lines))

    def _add_lines(self, lines: Iterable[LogLine]) -> None:
        for line in lines:
            self._line_count += 1
            self._window.append(line)
            self._match_line()

    def finish(self) -> tuple[EntryMatch, ...]:
        """No more lines: judge the last places, and rank."""
        self._flush_window()
        return self.matches

    def _flush_window(self) -> None:
        self._add_lines([EMPTY_LINE] * LINES_AFTER)

    def _match_line(self) -> None:
        """Judge the line that has `AFTER` lines behind it."""
        at = len(self._window) - 1 - LINES_AFTER
        if at < 0:
            return
        here = self._window[at]
        if not here.text:
            return
        # Over two lines: an anchor may be wrapped between words, or cut within one.
        behind = self._window[at + 1]
        low = f"{here.text} {behind.text}".lower()
        if here.width >= MIN_CUT_WIDTH:
            low += f"\n{here.text[-SEAM_LENGTH:]}{behind.text[:SEAM_LENGTH]}".lower()
        if shared := shared_prefix_length(here.text, behind.text):
            low += f"\n{here.text[-SEAM_LENGTH:]} {behind.text[shared:][:SEAM_LENGTH]}".lower()
        likely = [rule for rule in self._rules if rule.anchor in low]
        if not likely:
            return
        number = self._line_count - LINES_AFTER
        for place in self._line_joins(at):
            for rule in tuple(likely):
                match = self._search_rule(rule, place.text, max(place.start - 400, 0))
                # The match must touch this line: what stands only in the lines after it is judged with them.
                if match and match.start() < place.end and match.end() > place.start:
                    self._record_match(rule, (number, match.start() - place.start), _excerpt(place.text, match))
                    likely.remove(rule)
            if not likely:
                return

    def _line_joins(self, at: int) -> Iterator[_JoinedLines]:
        """The lines around one, with a space between them. Then, where that helps, without one where a terminal cut a
        line, and without the prefix that a log puts before each line."""
        window = list(self._window)[max(at - LINES_BEFORE, 0) :]
        at = min(at, LINES_BEFORE)
        here = window[at].text
        ends = [" "] * len(window)
        yield _join_lines([line.text for line in window], ends, at)
        widest = max(line.width for line in window)
        if widest >= MIN_CUT_WIDTH:
            for index, (line, behind) in enumerate(pairwise(window)):
                if line.width == widest and not line.ends_with_space and not behind.is_indented:
                    ends[index] = ""
            if "" in ends:
                yield _join_lines([line.text for line in window], ends, at)
        shared = [shared_prefix_length(here, line.text) if index > at else 0 for index, line in enumerate(window)]
        if any(shared):
            yield _join_lines(
                [line.text[cut:] for line, cut in zip(window, shared, strict=True)], [" "] * len(window), at
            )

    def _search_rule(self, rule: _Rule, text: str, start: int) -> re.Match[str] | None:
        """Try a pattern; one that takes longer than any should is given up, and that is said."""
        begun = time.perf_counter()
        room = CHARACTERS_BY_OPEN_REPEATS[
            min(count_open_repeats(rule.pattern.pattern), len(CHARACTERS_BY_OPEN_REPEATS) - 1)
        ]
        match = None
        if room is None or len(text) - start <= room:
            match = rule.pattern.search(text, start)
        else:
            low, at = text.lower(), start
            for _ in range(MAX_ANCHOR_POSITIONS):
                at = low.find(rule.anchor, at)
                if at < 0 or match or time.perf_counter() - begun > MAX_SEARCH_SECONDS:
                    break
                match = rule.pattern.search(text, max(at - room // 2, start), at + room // 2)
                at += room // 4
        took = time.perf_counter() - begun
        if took > SLOW_SEARCH_SECONDS:
            spent = self._seconds_by_pattern.get(rule.pattern.pattern, 0.0) + took
            self._seconds_by_pattern[rule.pattern.pattern] = spent
            if spent > MAX_SEARCH_SECONDS:
                self._rules = [other for other in self._rules if other.pattern is not rule.pattern]
                self.notes.append(f"{rule.entry}: the pattern {rule.pattern.pattern!r} takes too long; it was left out")
        return match

    def _record_match(self, rule: _Rule, position: tuple[int, int], excerpt: str) -> None:
        known = self.best_matches.get(rule.entry)
        # The same place again, seen with more around it, has the better excerpt.
        if (
            known is None
            or rule.weight > known.weight
            or (rule.weight == known.weight and position < known.position)
            or (rule.weight == known.weight and position == known.position and len(excerpt) > len(known.excerpt))
        ):
            self.best_matches[rule.entry] = _BestMatch(position, excerpt, rule.weight, rule.anchor_text, rule.kind)

    @property
    def matches(self) -> tuple[EntryMatch, ...]:
        """What was found so far, best first."""
        ranked = sorted(self.best_matches.items(), key=lambda item: (-item[1].weight, item[1].position))
        result = []
        for ident, found in ranked:
            entry = self.library.find_entry(ident)
            result.append(
                EntryMatch(
                    entry=ident,
                    title=entry.title if entry else ident,
                    score=round(found.weight, 2),
                    line=found.position[0],
                    excerpt=found.excerpt,
                    rule=found.rule,
                    kind=found.kind,
                )
            )
        return tuple(result)


def _excerpt(text: str, match: re.Match[str]) -> str:
    start = max(match.start() - 60, 0)
    cut = text[start : start + MAX_EXCERPT_LENGTH]
    return f"{'…' if start else ''}{cut}{'…' if start + MAX_EXCERPT_LENGTH < len(text) else ''}"


def diagnose(library: GuideLibrary, text: str) -> tuple[EntryMatch, ...]:
    """Everything the guide knows about a text, best first; empty when it knows nothing."""
    diagnosis = Diagnosis(library)
    if len(text) > LINE_BY_LINE_BYTES:
        diagnosis.read(io.BytesIO(text.encode("utf-8", errors="replace")))
    else:
        diagnosis.feed(text.split("\n"))
    return diagnosis.finish()
