"""Passes over the bulk of a log cheaply: only what stands around a known word is worth a close look."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

BLOCK = 1 << 20
"""Bytes of a stream held at a time; a line longer than that comes in pieces."""

SHORTEST = 3
"""Letters of a word below which it would be found everywhere."""


def hints(anchors: Iterable[str]) -> tuple[bytes, ...]:
    """One word of each anchor, in lower case, without which the anchor cannot stand in a text.

    Tools neither wrap nor colour inside a word, and JSON does not escape one. Empty (look everywhere) where an anchor
    has no such word.
    """
    words: set[bytes] = set()
    for anchor in anchors:
        # Bytes are lowered as ASCII; Hangul has no case.
        word = max(re.findall("[a-z0-9_\uac00-\ud7a3]+", anchor.lower()), key=len, default="")
        if len(word) < SHORTEST:
            return ()
        words.add(word.encode())
    # Where a word holds another one, finding the shorter finds both.
    return tuple(
        sorted(word for word in words if not any(other != word and other in word for other in words))
    )


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """A stream in blocks of whole lines. Each ends with a line end, but for the last and for lines beyond measure."""
    rest = b""
    while chunk := stream.read(BLOCK):
        rest += chunk
        cut = rest.rfind(b"\n") + 1
        if not cut and len(rest) < BLOCK:
            continue
        cut = cut or len(rest)
        yield rest[:cut]
        rest = rest[cut:]
    if rest:
        yield rest


def regions(block: bytes, words: tuple[bytes, ...], before: int, after: int) -> Iterator[tuple[int, bytes]]:
    """The parts of a block around any of the words, as (index of the first line, text), in order, none twice."""
    if not words:
        yield 0, block
        return
    low = block.lower()
    places: list[int] = []
    for word in words:
        at = low.find(word)
        while at >= 0:
            places.append(at)
            # One place a line is enough.
            end = low.find(b"\n", at)
            at = low.find(word, end) if end >= 0 else -1
    spans: list[tuple[int, int]] = []
    for place in sorted(places):
        start, stop = _reach(low, place, before, after)
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(stop, spans[-1][1]))
        else:
            spans.append((start, stop))
    counted = number = 0
    for start, stop in spans:
        number += low.count(b"\n", counted, start)
        counted = start
        yield number, block[start:stop]


def _reach(text: bytes, place: int, before: int, after: int) -> tuple[int, int]:
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
