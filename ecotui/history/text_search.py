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
    should_stop: Callable[[int], bool] = lambda offset: False,
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
            overlap, offset, line_end = b"", start, start
            _prefetch(fd, offset)
            while block := os.pread(fd, BLOCK_BYTES, offset):
                _prefetch(fd, offset + len(block))
                data, data_offset = overlap + block, offset - len(overlap)
                for index in _find_offsets(data, needle):
                    if data_offset + index < line_end:
                        continue  # in the line that was just told
                    text, line_end = _line_around(fd, data_offset + index, max_line_bytes)
                    yield TextMatch(data_offset + index, text)
                offset += len(block)
                overlap = data[-(len(needle) - 1) :] if len(needle) > 1 else b""
                if should_stop(offset):
                    return
    finally:
        os.close(fd)


def search_backward(
    path: Path, words: str, end: int, *, should_stop: Callable[[int], bool] = lambda offset: False
) -> TextMatch | None:
    """The last place of the words before a byte. `stop`: as for `find`. Raises SessionError."""
    needle = words.encode().lower()
    if not needle:
        return None
    with raise_session_error("cannot read", path):
        fd = open_private_file(path, os.O_RDONLY)
    try:
        with raise_session_error("cannot read", path):
            offset, overlap = end, b""
            while offset > 0:
                begin_offset = max(offset - BLOCK_BYTES, 0)
                data = os.pread(fd, offset - begin_offset, begin_offset) + overlap
                if (index := data.lower().rfind(needle)) >= 0:
                    return TextMatch(begin_offset + index, _line_around(fd, begin_offset + index, MAX_LINE_BYTES)[0])
                overlap = data[: len(needle) - 1]
                offset = begin_offset
                if should_stop(offset):
                    return None
    finally:
        os.close(fd)
    return None


def _find_offsets(data: bytes, needle: bytes) -> list[int]:
    """Where the needle (in small letters) stands in the data, in any case.

    Making all of a block small takes longer than reading it. Where the rarest letter of the needle is rare in the block
    too, only what is around it is looked at.
    """
    rarest = min(range(len(needle)), key=lambda index: _LETTERS_BY_RARITY.find(needle[index]))
    letter = needle[rarest : rarest + 1]
    forms = [form for form in {letter, letter.upper()} if form in data]
    if sum(map(data.count, forms)) > RARE_LETTER_LIMIT:
        lower, offsets, index = data.lower(), [], -1
        while (index := lower.find(needle, index + 1)) >= 0:
            offsets.append(index)
        return offsets
    offsets = []
    for form in forms:
        index = -1
        while (index := data.find(form, index + 1)) >= 0:
            start = index - rarest
            if start >= 0 and data[start : start + len(needle)].lower() == needle:
                offsets.append(start)
    return sorted(offsets)


def _prefetch(fd: int, offset: int) -> None:
    """Have the system read on while we look: from a cold disk the two take as long as the longer one."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(fd, offset, READ_AHEAD_BYTES, os.POSIX_FADV_WILLNEED)


def _line_around(fd: int, offset: int, max_bytes: int) -> tuple[str, int]:
    """The line at a place, and where it ends (or what is shown of it)."""
    start = max(offset - max_bytes // 2, 0)
    data = os.pread(fd, max_bytes, start)
    line_start = data.rfind(b"\n", 0, offset - start) + 1
    line_end = data.find(b"\n", offset - start)
    line_end = len(data) if line_end < 0 else line_end
    return data[line_start:line_end].decode("utf-8", "replace"), start + max(line_end, offset - start + 1)
