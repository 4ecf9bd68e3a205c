"""Words looked for in a file of any size, in blocks: a gigabyte is read once and never held."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from ecotui.session.private_files import explained, open_file

BLOCK = 1 << 20
"""Bytes read at once."""
AHEAD = 8 * BLOCK
"""Bytes that the system is asked to have ready."""
LONGEST = 400
"""Bytes of a line that are given, where nobody asks for more."""

FEW = 2_000
"""How often a letter may stand in a block to be called rare there: looking at each takes half a microsecond."""
_RARE = b"zqxjkvbywgfpmucdlhrsnioate "
"""Letters from the rarest in English to the space: what is not among them (-1) is taken for rarer than all."""


class Hit(NamedTuple):
    """A line in which the words stand."""

    offset: int
    """Where the words begin, in bytes."""
    text: str
    """The line, or what is around the words in a long one."""


def find(
    path: Path,
    words: str,
    *,
    start: int = 0,
    stop: Callable[[int], bool] = lambda place: False,
    longest: int = LONGEST,
) -> Iterator[Hit]:
    """Every line with the words in it, from a byte on; capital or small ASCII letters are the same.

    `stop` is asked after each block, with the byte that was come to; `longest`: bytes of a line that are given.
    Raises SessionError.
    """
    needle = words.encode().lower()
    if not needle:
        return
    with explained("cannot read", path):
        fd = open_file(path, os.O_RDONLY)
    try:
        with explained("cannot read", path):
            kept, place, shown = b"", start, start
            _ahead(fd, place)
            while block := os.pread(fd, BLOCK, place):
                _ahead(fd, place + len(block))
                data, begin = kept + block, place - len(kept)
                for at in _places(data, needle):
                    if begin + at < shown:
                        continue  # in the line that was just told
                    text, shown = _around(fd, begin + at, longest)
                    yield Hit(begin + at, text)
                place += len(block)
                kept = data[-(len(needle) - 1) :] if len(needle) > 1 else b""
                if stop(place):
                    return
    finally:
        os.close(fd)


def find_back(
    path: Path, words: str, end: int, *, stop: Callable[[int], bool] = lambda place: False
) -> Hit | None:
    """The last place of the words before a byte. `stop`: as for `find`. Raises SessionError."""
    needle = words.encode().lower()
    if not needle:
        return None
    with explained("cannot read", path):
        fd = open_file(path, os.O_RDONLY)
    try:
        with explained("cannot read", path):
            place, kept = end, b""
            while place > 0:
                begin = max(place - BLOCK, 0)
                data = os.pread(fd, place - begin, begin) + kept
                if (at := data.lower().rfind(needle)) >= 0:
                    return Hit(begin + at, _around(fd, begin + at, LONGEST)[0])
                kept = data[: len(needle) - 1]
                place = begin
                if stop(place):
                    return None
    finally:
        os.close(fd)
    return None


def _places(data: bytes, needle: bytes) -> list[int]:
    """Where the needle (in small letters) stands in the data, in any case.

    Making all of a block small takes longer than reading it. Where the rarest letter of the needle is rare in the block
    too, only what is around it is looked at.
    """
    rare = min(range(len(needle)), key=lambda index: _RARE.find(needle[index]))
    sign = needle[rare : rare + 1]
    forms = [form for form in {sign, sign.upper()} if form in data]
    if sum(map(data.count, forms)) > FEW:
        lower, places, at = data.lower(), [], -1
        while (at := lower.find(needle, at + 1)) >= 0:
            places.append(at)
        return places
    found = []
    for form in forms:
        at = -1
        while (at := data.find(form, at + 1)) >= 0:
            begin = at - rare
            if begin >= 0 and data[begin : begin + len(needle)].lower() == needle:
                found.append(begin)
    return sorted(found)


def _ahead(fd: int, place: int) -> None:
    """Have the system read on while we look: from a cold disk the two take as long as the longer one."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(fd, place, AHEAD, os.POSIX_FADV_WILLNEED)


def _around(fd: int, place: int, longest: int) -> tuple[str, int]:
    """The line at a place, and where it ends (or what is shown of it)."""
    begin = max(place - longest // 2, 0)
    data = os.pread(fd, longest, begin)
    left = data.rfind(b"\n", 0, place - begin) + 1
    right = data.find(b"\n", place - begin)
    right = len(data) if right < 0 else right
    return data[left:right].decode("utf-8", "replace"), begin + max(right, place - begin + 1)
