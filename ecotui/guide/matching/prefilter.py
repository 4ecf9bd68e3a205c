"""Skips the bulk of a log: finds the lines around the words without which no signature matches."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import BinaryIO, NamedTuple

BLOCK_BYTES = 1 << 20
"""Bytes of a stream held at a time; a longer line comes in pieces."""

MIN_WORD_BYTES = 3
"""Bytes of the shortest word worth a search: shorter ones are everywhere. A syllable of Korean has three."""

CONTEXT_BYTES = 6_000
"""Bytes around an anchor in which all other required words must stand: a line of terraform's JSON fits twice."""


class AnchorHint(NamedTuple):
    """The words, in lower case, that a text must contain for one signature to match."""

    anchor: bytes
    """The longest word of the signature's anchor."""
    required_words: tuple[bytes, ...]
    """All words of anchor and pattern. First the one that most signatures require: if it is absent, all of them are out."""


@lru_cache(maxsize=64)
def build_hints(rules: tuple[tuple[str, str], ...]) -> tuple[AnchorHint, ...] | None:
    """The required words of each (anchor, pattern).

    Tools neither wrap nor colour inside a word, and JSON does not escape one. None (search everywhere) if some rule has no
    word that is long enough.
    """
    required: dict[tuple[bytes, frozenset[bytes]], None] = {}
    for anchor, pattern in rules:
        # Bytes are lowered as ASCII; Hangul has no case.
        anchor_words = [word.encode() for word in _WORD.findall(anchor.lower())]
        words = [word for word in map(str.encode, required_words(pattern)) if len(word) >= MIN_WORD_BYTES]
        longest = max(anchor_words, key=len, default=b"")
        if len(longest) < MIN_WORD_BYTES:
            # The words of the pattern are near an anchor that is too short to search for.
            longest = max(words, key=len, default=b"")
            if not longest:
                return None
        required[longest, frozenset({*anchor_words, *words, longest})] = None
    counts = Counter(word for _, words in required for word in words)
    return tuple(
        AnchorHint(anchor, tuple(sorted(words, key=lambda word: (-counts[word], -len(word), word))))
        for anchor, words in required
    )


_WORD = re.compile("[a-z0-9_\uac00-\ud7a3]+")
_ESCAPE_OR_SET = re.compile(
    r"\\(?:x..|u.{4}|U.{8}|N\{[^}]*\}|\d+|.)|"  # \s, \., \x41
    r"\[\^?\]?(?:\\.|[^\]\\])*\]",  # [^"]
    re.S,
)
_LOOKAROUND = re.compile(r"\(\?<?[!=][^()]*\)")
_GROUP = re.compile(r"\((?:\?(?:[:>]|P<\w+>))?(?!\?)([^()]*)\)([?*{]?)")
_OTHER_EXTENSION = re.compile(r"\(\?(?![:>!=<]|P<)")
_OPTIONAL_CHARACTER = re.compile(r".(?:[?*]|\{[^}]*\})", re.S)


@lru_cache(maxsize=4096)
def required_words(pattern: str) -> tuple[str, ...]:
    """The words, or parts of words, in lower case, that every text matched by the pattern contains.

    Read off the pattern from its innermost groups outwards. Sets, options, alternatives and lookarounds count as a gap;
    for a pattern with inline flags or conditions the answer is empty.
    """
    if _OTHER_EXTENSION.search(pattern):
        return ()
    previous, text = "", _ESCAPE_OR_SET.sub(" ", pattern)
    while text != previous:
        previous, text = text, _GROUP.sub(_group_content, _LOOKAROUND.sub(" ", text))
    if "|" in text or "(" in text:
        return ()
    return tuple(dict.fromkeys(_WORD.findall(_OPTIONAL_CHARACTER.sub(" ", text).lower())))


def _group_content(group: re.Match[str]) -> str:
    is_required = not group[2] and "|" not in group[1]
    return f" {group[1]} " if is_required else f" {group[2]}"


def read_blocks(stream: BinaryIO) -> Iterator[bytes]:
    """A stream in blocks of whole lines. Only the last block, and pieces of a huge line, lack the line end."""
    rest = b""
    # `read1` returns what a pipe has so far, without waiting for a whole block.
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


def find_regions(
    block: bytes, hints: tuple[AnchorHint, ...] | None, before: int, after: int
) -> Iterator[tuple[int, bytes]]:
    """The lines of a block around the anchor of any hint, as (index of the first line, text); in order, without overlap."""
    if hints is None:
        yield 0, block
        return
    low = block.lower()
    first_positions: dict[bytes, int] = {}
    """The first position of each word: signatures share words."""

    def first_position(word: bytes) -> int:
        if word not in first_positions:
            first_positions[word] = low.find(word)
        return first_positions[word]

    positions = [
        position
        for hint in hints
        if all(first_position(word) >= 0 for word in hint.required_words)
        for position in _anchor_positions(low, hint, first_position(hint.anchor))
    ]
    spans: list[tuple[int, int]] = []
    for position in sorted(positions):
        start, stop = _line_span(low, position, before, after)
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(stop, spans[-1][1]))
        else:
            spans.append((start, stop))
    counted = number = 0
    for start, stop in spans:
        number += low.count(b"\n", counted, start)
        counted = start
        yield number, block[start:stop]


def _anchor_positions(low: bytes, hint: AnchorHint, position: int) -> Iterator[int]:
    """The positions of an anchor, at most one a line, that have all required words in the bytes around them."""
    while position >= 0:
        start, end = max(position - CONTEXT_BYTES, 0), position + len(hint.anchor)
        if all(low.find(word, start, end + CONTEXT_BYTES) >= 0 for word in hint.required_words):
            yield position
            end = low.find(b"\n", position)
        position = low.find(hint.anchor, end) if end >= 0 else -1


def _line_span(text: bytes, position: int, before: int, after: int) -> tuple[int, int]:
    """The start and end of the lines around a position."""
    start = position
    for _ in range(before + 1):
        start = text.rfind(b"\n", 0, start)
        if start < 0:
            break
    stop = position - 1
    for _ in range(after + 1):
        stop = text.find(b"\n", stop + 1)
        if stop < 0:
            return start + 1, len(text)
    return start + 1, stop + 1


def last_lines(text: bytes, count: int) -> bytes:
    """The last lines of a block, whole."""
    start = len(text) - 1
    for _ in range(count):
        start = text.rfind(b"\n", 0, max(start, 0))
        if start < 0:
            return text
    return text[start + 1 :]
