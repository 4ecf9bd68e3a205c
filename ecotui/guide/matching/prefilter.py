"""Passes over the bulk of a log cheaply: only what stands around a known word is worth a close look."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import BinaryIO, NamedTuple

from ecotui.guide.matching.regex_safety import required_words

BLOCK_BYTES = 1 << 20
"""Bytes of a stream held at a time; a line longer than that comes in pieces."""

MIN_WORD_BYTES = 3
"""Bytes of a word below which it would be found everywhere; a syllable of Korean has three."""

MIN_RULES_SHARING_WORD = 3
"""Rules that share a word from which on it is looked for before the longest of each."""

NEAR_BYTES = 200
"""Bytes around the longest word of an anchor in which its others stand, also where a line end, a box, colours and a
time stamp come between them."""

FAR_BYTES = 6_000
"""Bytes around an anchor in which all words stand that its pattern cannot do without: a line of terraform's JSON fits twice."""


class AnchorHint(NamedTuple):
    """What must stand in a text, in lower case, where a rule finds something."""

    anchor: bytes
    """The longest word of the anchor."""
    anchor_pattern: re.Pattern[bytes] | None
    """All words of the anchor in their order, with what tools put between words; None where there is one alone."""
    required_words: tuple[bytes, ...]
    """Every word without which neither anchor nor pattern is there, longest first: the rarest, as a rule."""


IMPOSSIBLE_HINT = AnchorHint(b"\n\r\n\r", None, (b"\n\r\n\r",))
"""A hint that is never met."""


@lru_cache(maxsize=64)
def build_hints(rules: tuple[tuple[str, str], ...]) -> tuple[AnchorHint, ...]:
    """For each (anchor, pattern) the words without which it finds nothing.

    Tools neither wrap nor colour inside a word, and JSON does not escape one. Empty (look everywhere) where neither an
    anchor nor its pattern has a word long enough.
    """
    found: dict[AnchorHint, None] = {}
    for anchor, pattern in rules:
        # Bytes are lowered as ASCII; Hangul has no case.
        words = [word.encode() for word in re.findall("[a-z0-9_\uac00-\ud7a3]+", anchor.lower())]
        also = [word for word in map(str.encode, required_words(pattern)) if len(word) >= MIN_WORD_BYTES]
        longest = max(words, key=len, default=b"")
        near = None
        if len(longest) < MIN_WORD_BYTES:
            # An anchor too short to look for: what the pattern needs stands beside it.
            longest = max(also, key=len, default=b"")
            if not longest:
                return ()
        elif words[1:]:
            # A word ends where it ends; then anything may stand between: line ends, boxes, colours, which end in a letter.
            between = rb"(?![a-z0-9_]).{1,%d}?" % NEAR_BYTES
            near = re.compile(between.join(map(re.escape, words)), re.S)
        needed = sorted({*words, *also, longest}, key=lambda word: (-len(word), word))
        found[AnchorHint(longest, near, tuple(needed))] = None
    return tuple(found)


def read_blocks(stream: BinaryIO) -> Iterator[bytes]:
    """A stream in blocks of whole lines. Each ends with a line end, but for the last and for lines beyond measure."""
    rest = b""
    # What a pipe has so far is looked at now, not when a whole block is there.
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    while chunk := read(BLOCK_BYTES):
        rest += chunk
        cut = rest.rfind(b"\n") + 1
        if not cut and len(rest) < BLOCK_BYTES:
            continue
        cut = cut or len(rest)
        yield rest[:cut]
        rest = rest[cut:]
    if rest:
        yield rest


def find_regions(block: bytes, hints: tuple[AnchorHint, ...], before: int, after: int) -> Iterator[tuple[int, bytes]]:
    """The parts of a block around the words of any anchor, as (index of the first line, text), in order, none twice."""
    if not hints:
        yield 0, block
        return
    low = block.lower()
    places: list[int] = []
    first: dict[bytes, int] = {}
    """Where each word stands first; rules share words."""
    for word in _shared_words(hints):
        # One that is there is met soon; one that is not speaks for several rules.
        first[word] = low.find(word)
    for hint in hints:
        if any(first.get(word, 0) < 0 for word in hint.required_words):
            continue
        for word in hint.required_words:
            if word not in first:
                first[word] = low.find(word)
            if first[word] < 0:
                # Most blocks are passed over after looking for the longest alone.
                break
        else:
            places += _anchor_positions(low, hint, first[hint.anchor])
    spans: list[tuple[int, int]] = []
    for place in sorted(places):
        start, stop = _line_span(low, place, before, after)
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(stop, spans[-1][1]))
        else:
            spans.append((start, stop))
    counted = number = 0
    for start, stop in spans:
        number += low.count(b"\n", counted, start)
        counted = start
        yield number, block[start:stop]


@lru_cache(maxsize=64)
def _shared_words(hints: tuple[AnchorHint, ...]) -> tuple[bytes, ...]:
    """Words that several rules need, most of them first; none for rules that one before it speaks for."""
    left, words = list(hints), list[bytes]()
    while left:
        word, count = Counter(word for hint in left for word in hint.required_words).most_common(1)[0]
        if count < MIN_RULES_SHARING_WORD:
            break
        words.append(word)
        left = [hint for hint in left if word not in hint.required_words]
    return tuple(words)


def _anchor_positions(low: bytes, hint: AnchorHint, at: int) -> Iterator[int]:
    """Where an anchor stands with all that its rule needs around it, from a place of it; one a line is enough."""
    while at >= 0:
        end = at + len(hint.anchor)
        if (
            hint.anchor_pattern is None or hint.anchor_pattern.search(low, max(at - NEAR_BYTES, 0), end + NEAR_BYTES)
        ) and all(low.find(word, max(at - FAR_BYTES, 0), end + FAR_BYTES) >= 0 for word in hint.required_words):
            yield at
            end = low.find(b"\n", at)
        at = low.find(hint.anchor, end) if end >= 0 else -1


def _line_span(text: bytes, place: int, before: int, after: int) -> tuple[int, int]:
    """Where the lines around a place begin and end."""
    start = place
    for _ in range(before + 1):
        start = text.rfind(b"\n", 0, start)
        if start < 0:
            break
    stop = place - 1
    for _ in range(after + 1):
        stop = text.find(b"\n", stop + 1)
        if stop < 0:
            return start + 1, len(text)
    return start + 1, stop + 1


def last_lines(text: bytes, count: int) -> bytes:
    """The last lines of a block, whole."""
    at = len(text) - 1
    for _ in range(count):
        at = text.rfind(b"\n", 0, max(at, 0))
        if at < 0:
            return text
    return text[at + 1 :]
