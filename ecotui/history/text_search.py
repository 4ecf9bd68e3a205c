"""Words looked for in a file of any size, in blocks: a gigabyte is read once and never held."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from ecotui.session.private_files import open_private_file, raise_session_error

BLOCK_BYTES = 1 << 20
"""Bytes read at once."""
READ_AHEAD_BYTES = 8 * BLOCK_BYTES
"""Bytes that the system is asked to have ready."""
MAX_LINE_BYTES = 400
"""Bytes of a line that are given, where nobody asks for more."""

RARE_LETTER_LIMIT = 2_000
"""How often a letter may stand in a block to be called rare there: looking at each takes half a microsecond."""
_LETTERS_BY_RARITY = b"zqxjkvbywgfpmucdlhrsnioate "
"""Letters from the rarest in English to the space: what is not among them (-1) is taken for rarer than all."""


class TextMatch(NamedTuple):
    """A line in which the words stand."""

    offset: int
    """Where the words begin, in bytes."""
    text: str
    """The line, or what is around the words in a long one."""


def search_forward(
    path: Path,
    words: str,
    *,
    start: int = 0,
    should_stop: Callable[[int], bool] = lambda place: False,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> Iterator[TextMatch]:
    """Every line with the words in it, from a byte on; capital or small ASCII letters are the same.

    `stop` is asked after each block, with the byte that was come to; `longest`: bytes of a line that are given.
    Raises SessionError.
    """
    needle = words.encode().lower()
    if not needle:
        return
    with raise_session_error("cannot read", path):
        fd = open_private_file(path, os.O_RDONLY)
    try:
        with raise_session_error("cannot read", path):
            kept, place, shown = b"", start, start
            _prefetch(fd, place)
            while block := os.pread(fd, BLOCK_BYTES, place):
                _prefetch(fd, place + len(block))
                data, begin = kept + block, place - len(kept)
                for at in _find_offsets(data, needle):
                    if begin + at < shown:
                        continue  # in the line that was just told
                    text, shown = _line_around(fd, begin + at, max_line_bytes)
                    yield TextMatch(begin + at, text)
                place += len(block)
                kept = data[-(len(needle) - 1) :] if len(needle) > 1 else b""
                if should_stop(place):
                    return
    finally:
        os.close(fd)


def search_backward(
    path: Path, words: str, end: int, *, should_stop: Callable[[int], bool] = lambda place: False
) -> TextMatch | None:
    """The last place of the words before a byte. `stop`: as for `find`. Raises SessionError."""
    needle = words.encode().lower()
    if not needle:
        return None
    with raise_session_error("cannot read", path):
        fd = open_private_file(path, os.O_RDONLY)
    try:
        with raise_session_error("cannot read", path):
            place, kept = end, b""
            while place > 0:
                begin = max(place - BLOCK_BYTES, 0)
                data = os.pread(fd, place - begin, begin) + kept
                if (at := data.lower().rfind(needle)) >= 0:
                    return TextMatch(begin + at, _line_around(fd, begin + at, MAX_LINE_BYTES)[0])
                kept = data[: len(needle) - 1]
                place = begin
                if should_stop(place):
                    return None
    finally:
        os.close(fd)
    return None


def _find_offsets(data: bytes, needle: bytes) -> list[int]:
    """Where the needle (in small letters) stands in the data, in any case.

    Making all of a block small takes longer than reading it. Where the rarest letter of the needle is rare in the block
    too, only what is around it is looked at.
    """
    rare = min(range(len(needle)), key=lambda index: _LETTERS_BY_RARITY.find(needle[index]))
    sign = needle[rare : rare + 1]
    forms = [form for form in {sign, sign.upper()} if form in data]
    if sum(map(data.count, forms)) > RARE_LETTER_LIMIT:
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


def _prefetch(fd: int, offset: int) -> None:
    """Have the system read on while we look: from a cold disk the two take as long as the longer one."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(fd, offset, READ_AHEAD_BYTES, os.POSIX_FADV_WILLNEED)


def _line_around(fd: int, offset: int, max_bytes: int) -> tuple[str, int]:
    """The line at a place, and where it ends (or what is shown of it)."""
    begin = max(offset - max_bytes // 2, 0)
    data = os.pread(fd, max_bytes, begin)
    left = data.rfind(b"\n", 0, offset - begin) + 1
    right = data.find(b"\n", offset - begin)
    right = len(data) if right < 0 else right
    return data[left:right].decode("utf-8", "replace"), begin + max(right, offset - begin + 1)
