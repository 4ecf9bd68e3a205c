"""Passes over the bulk of a log cheaply: only what stands around a known word is worth a close look."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

BLOCK = 1 << 20
"""Bytes of a stream held at a time; a line longer than that comes in pieces."""

SHORTEST = 3
"""Letters of a word below which it would be found everywhere."""

NEAR = 200
"""Bytes around the longest word of an anchor in which its others stand, also where a line end, a box, colours and a
time stamp come between them."""

Hint = tuple[bytes, tuple[bytes, ...]]
"""The longest word of an anchor, and its others, in lower case."""


def hints(anchors: Iterable[str]) -> tuple[Hint, ...]:
    """The words of each anchor, without which it cannot stand in a text.

    Tools neither wrap nor colour inside a word, and JSON does not escape one. Empty (look everywhere) where an anchor
    has no word long enough.
    """
    found: dict[Hint, None] = {}
    for anchor in anchors:
        # Bytes are lowered as ASCII; Hangul has no case.
        words = sorted(re.findall("[a-z0-9_\uac00-\ud7a3]+", anchor.lower()), key=len, reverse=True)
        if not words or len(words[0]) < SHORTEST:
            return ()
        longest, *others = (word.encode() for word in words)
        found[longest, tuple(others)] = None
    return tuple(found)


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


def regions(block: bytes, wanted: tuple[Hint, ...], before: int, after: int) -> Iterator[tuple[int, bytes]]:
    """The parts of a block around the words of any anchor, as (index of the first line, text), in order, none twice."""
    if not wanted:
        yield 0, block
        return
    low = block.lower()
    places: list[int] = []
    first: dict[bytes, int] = {}
    """Where each word stands first; anchors share words."""
    for longest, others in wanted:
        for word in (longest, *others):
            if word not in first:
                first[word] = low.find(word)
        if any(first[word] < 0 for word in others):
            continue
        at = first[longest]
        while at >= 0:
            end = at + len(longest)
            near = low[max(at - NEAR, 0) : end + NEAR] if others else b""
            if all(word in near for word in others):
                places.append(at)
                # One place a line is enough.
                end = low.find(b"\n", at)
            at = low.find(longest, end) if end >= 0 else -1
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
