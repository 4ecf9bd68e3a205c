"""Matches text against the guide's signatures, and ranks the entries that explain it. Streams: memory does not grow."""

from __future__ import annotations

import io
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import msgspec

from ecotui.guide.log_lines import EMPTY_LINE, LogLine, shared_prefix_length
from ecotui.guide.matching.prefilter import build_hints, find_regions, last_lines, read_blocks
from ecotui.guide.reading.library import GuideLibrary

if TYPE_CHECKING:
    import regex

LINES_BEFORE, LINES_AFTER = 2, 7
"""Lines around an anchor that are joined before a signature is tried: terraform wraps a message over up to eight."""

MAX_EXCERPT_LENGTH = 240

LINE_BY_LINE_BYTES = 300_000
"""Bytes from the beginning of a stream that are matched line by line. What a terminal showed is shorter, and is cut
within words; of the rest only the lines around whole words are matched."""

MIN_CUT_WIDTH, SEAM_LENGTH = 40, 48
"""Columns of the narrowest line that a terminal cuts, and characters on both sides of a cut that are searched for an
anchor."""

MAX_CHARACTERS_AFTER = 4_000
"""Characters after a line that a pattern sees: eight wrapped lines are a quarter of that."""

SLOW_SEARCH_SECONDS, MAX_SEARCH_SECONDS = 0.02, 1.0
"""CPU seconds. A search above the first counts as slow. A pattern whose slow searches take the second, in sum, is dropped."""


class EntryMatch(msgspec.Struct, frozen=True, kw_only=True):
    """One entry that explains something in the text (`ecotui.diagnose/1`)."""

    entry: str
    title: str
    score: float
    """1.0 an error the entry is about, 0.9 one of its kind, 0.8 a warning, 0.6 a line of progress."""
    line: int
    """The first line of the match, from 1."""
    excerpt: str
    rule: str = ""
    """The anchor of the signature; like `kind`, no part of the public document."""
    kind: str = "error"
    """Of the signature: `error`, `near`, `warning`, `progress`, or `text`, the words of the entry itself."""


@dataclass
class _BestMatch:
    position: tuple[int, int]
    """Line, and the offset in it."""
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
    pattern: str
    anchor_text: str
    """The anchor as the overlay has it."""
    kind: str


class _JoinedLines(NamedTuple):
    text: str
    start: int
    """Where the matched line begins in it."""
    end: int


def _join_lines(texts: list[str], ends: list[str], index: int) -> _JoinedLines:
    """Lines as one text, each with its end, and the span of one of them in it."""
    before = "".join(text + end for text, end in zip(texts[:index], ends, strict=False) if text)
    rest = "".join(text + end for text, end in zip(texts[index:], ends[index:], strict=True) if text)
    end = len(before) + len(texts[index]) + len(ends[index])
    # Lines have no measure: what is far behind this one is left out.
    return _JoinedLines((before + rest)[: end + MAX_CHARACTERS_AFTER].rstrip(), len(before), end)


_WEIGHT_BY_KIND = {"error": 1.0, "near": 0.9, "warning": 0.8, "progress": 0.6}


@lru_cache(maxsize=4096)
def _compile(pattern: str) -> regex.Pattern[str]:
    # Not `re`: once begun, its search cannot be stopped, and teams bring their own patterns.
    import regex

    return regex.compile(pattern, regex.I | regex.S)


@dataclass
class Diagnosis:
    """Matches a text line by line, and knows at any time what was found so far."""

    library: GuideLibrary
    best_matches: dict[str, _BestMatch] = field(default_factory=dict)
    _line_count: int = 0

    def __post_init__(self) -> None:
        self._rules = [
            _Rule(
                ident,
                _WEIGHT_BY_KIND.get(signature.kind, 1.0),
                " ".join(signature.anchor.lower().split()),
                signature.match,
                signature.anchor,
                signature.kind,
            )
            for ident, overlay in self.library.overlays.items()
            for signature in overlay.signatures
        ]
        self.notes: list[str] = []
        """Patterns that were dropped, and why."""
        self._update_hints()
        self._slow_seconds: dict[str, float] = {}
        """CPU seconds of the slow searches of each pattern."""
        self._window: deque[LogLine] = deque(maxlen=LINES_BEFORE + LINES_AFTER + 1)

    def read(self, stream: BinaryIO, on_match: Callable[[EntryMatch], None] | None = None) -> None:
        """Match a whole stream of bytes. Calls `on_match` for each entry as soon as it is found.

        Raises OSError as the stream does.
        """
        line_count, size, tail, reported = 0, 0, b"", set[str]()
        for block in read_blocks(stream):
            # The end of the previous block is matched again, with what follows it.
            text = tail + block
            first_line = line_count - tail.count(b"\n")
            size += len(block)
            hints = self._hints if size > LINE_BY_LINE_BYTES else None
            for index, region in find_regions(text, hints, LINES_BEFORE + 2, LINES_AFTER + 1):
                self._window.clear()
                self._line_count = first_line + index
                self.feed(line.decode("utf-8", errors="replace") for line in region.split(b"\n"))
                self._flush_window()
            if on_match and (found := set(self.best_matches) - reported):
                reported |= found
                for match in self.matches:
                    if match.entry in found:
                        on_match(match)
            line_count += block.count(b"\n")
            if self.best_matches:
                self._drop_settled_rules(line_count - (LINES_BEFORE + LINES_AFTER + 4))
            tail = last_lines(text, LINES_BEFORE + LINES_AFTER + 4) if block.endswith(b"\n") else b""
        self._window.clear()
        self._line_count = line_count

    def _drop_settled_rules(self, last_settled_line: int) -> None:
        """Drop the rules that can find nothing better: a log that says one thing a million times costs no more.

        Lines up to `last_settled_line` are not matched again.
        """
        rules = [rule for rule in self._rules if not self._cannot_improve(rule, last_settled_line)]
        if len(rules) < len(self._rules):
            self._rules = rules
            self._update_hints()

    def _update_hints(self) -> None:
        self._hints = build_hints(tuple(sorted({(rule.anchor, rule.pattern) for rule in self._rules})))

    def _cannot_improve(self, rule: _Rule, last_settled_line: int) -> bool:
        best = self.best_matches.get(rule.entry)
        return best is not None and best.weight >= rule.weight and best.position[0] <= last_settled_line

    def feed(self, lines: Iterable[str]) -> None:
        """Match more lines. A line is matched once the lines after it have come, or at `finish`."""
        self._add_lines(map(LogLine.parse, lines))

    def _add_lines(self, lines: Iterable[LogLine]) -> None:
        for line in lines:
            self._line_count += 1
            self._window.append(line)
            self._match_line()

    def finish(self) -> tuple[EntryMatch, ...]:
        """Match the last lines, and rank."""
        self._flush_window()
        return self.matches

    def _flush_window(self) -> None:
        self._add_lines([EMPTY_LINE] * LINES_AFTER)

    def _match_line(self) -> None:
        """Match the line that has `LINES_AFTER` lines behind it."""
        index = len(self._window) - 1 - LINES_AFTER
        if index < 0:
            return
        line = self._window[index]
        if not line.text:
            return
        # Over two lines: an anchor may be wrapped between words, or cut within one.
        next_line = self._window[index + 1]
        low = f"{line.text} {next_line.text}".lower()
        if line.width >= MIN_CUT_WIDTH:
            low += f"\n{line.text[-SEAM_LENGTH:]}{next_line.text[:SEAM_LENGTH]}".lower()
        if shared := shared_prefix_length(line.text, next_line.text):
            low += f"\n{line.text[-SEAM_LENGTH:]} {next_line.text[shared:][:SEAM_LENGTH]}".lower()
        rules = [rule for rule in self._rules if rule.anchor in low]
        if not rules:
            return
        number = self._line_count - LINES_AFTER
        for joined in self._line_joins(index):
            for rule in tuple(rules):
                match = self._search_rule(rule, joined.text, max(joined.start - 400, 0))
                # The match must touch this line: a match in the lines after it belongs to them.
                if match and match.start() < joined.end and match.end() > joined.start:
                    self._record_match(rule, (number, match.start() - joined.start), _excerpt(joined.text, match))
                    rules.remove(rule)
            if not rules:
                return

    def _line_joins(self, index: int) -> Iterator[_JoinedLines]:
        """The lines around one, with a space between them. Then, where that helps, without one where a terminal cut a
        line, and without the prefix that a log puts before each line."""
        window = list(self._window)[max(index - LINES_BEFORE, 0) :]
        index = min(index, LINES_BEFORE)
        text = window[index].text
        ends = [" "] * len(window)
        yield _join_lines([line.text for line in window], ends, index)
        widest = max(line.width for line in window)
        if widest >= MIN_CUT_WIDTH:
            for number, (line, next_line) in enumerate(pairwise(window)):
                if line.width == widest and not line.ends_with_space and not next_line.is_indented:
                    ends[number] = ""
            if "" in ends:
                yield _join_lines([line.text for line in window], ends, index)
        shared = [shared_prefix_length(text, line.text) if number > index else 0 for number, line in enumerate(window)]
        if any(shared):
            yield _join_lines(
                [line.text[cut:] for line, cut in zip(window, shared, strict=True)], [" "] * len(window), index
            )

    def _search_rule(self, rule: _Rule, text: str, start: int) -> regex.Match[str] | None:
        """Search for a pattern. Drops it, with a note, when it runs into the time limit."""
        spent = self._slow_seconds.get(rule.pattern, 0.0)
        if spent > MAX_SEARCH_SECONDS:
            return None
        begun = time.thread_time()
        match = None
        try:
            match = _compile(rule.pattern).search(text, start, timeout=MAX_SEARCH_SECONDS)
        except TimeoutError:
            spent = MAX_SEARCH_SECONDS
        duration = time.thread_time() - begun
        if duration > SLOW_SEARCH_SECONDS:
            self._slow_seconds[rule.pattern] = spent = spent + duration
            if spent > MAX_SEARCH_SECONDS:
                self._rules = [other for other in self._rules if other.pattern != rule.pattern]
                self.notes.append(f"{rule.entry}: the pattern {rule.pattern!r} takes too long; it was left out")
        return match

    def _record_match(self, rule: _Rule, position: tuple[int, int], excerpt: str) -> None:
        best = self.best_matches.get(rule.entry)
        # The same position again, with more text around it, has the better excerpt.
        if (
            best is None
            or rule.weight > best.weight
            or (rule.weight == best.weight and position < best.position)
            or (rule.weight == best.weight and position == best.position and len(excerpt) > len(best.excerpt))
        ):
            self.best_matches[rule.entry] = _BestMatch(position, excerpt, rule.weight, rule.anchor_text, rule.kind)

    @property
    def matches(self) -> tuple[EntryMatch, ...]:
        """What was found so far, best first."""
        ranked = sorted(self.best_matches.items(), key=lambda item: (-item[1].weight, item[1].position))
        result = []
        for ident, best in ranked:
            entry = self.library.find_entry(ident)
            result.append(
                EntryMatch(
                    entry=ident,
                    title=entry.title if entry else ident,
                    score=round(best.weight, 2),
                    line=best.position[0],
                    excerpt=best.excerpt,
                    rule=best.rule,
                    kind=best.kind,
                )
            )
        return tuple(result)


def _excerpt(text: str, match: regex.Match[str]) -> str:
    start = max(match.start() - 60, 0)
    cut = text[start : start + MAX_EXCERPT_LENGTH]
    return f"{'…' if start else ''}{cut}{'…' if start + MAX_EXCERPT_LENGTH < len(text) else ''}"


def diagnose(library: GuideLibrary, text: str) -> tuple[EntryMatch, ...]:
    """Everything that the guide knows about a text, best first; empty when it knows nothing."""
    diagnosis = Diagnosis(library)
    if len(text) > LINE_BY_LINE_BYTES:
        diagnosis.read(io.BytesIO(text.encode("utf-8", errors="replace")))
    else:
        diagnosis.feed(text.split("\n"))
    return diagnosis.finish()
