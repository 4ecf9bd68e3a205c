"""Searches for words in a file of any size, in blocks: a gigabyte is read once, and never held in memory."""

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
"""Bytes of a line that a match shows by default."""

RARE_LETTER_LIMIT = 2_000
"""How often a letter may occur in a block to count as rare: checking each takes half a microsecond."""
_LETTERS_BY_RARITY = b"zqxjkvbywgfpmucdlhrsnioate "
"""Letters from the rarest in English to the space; others (-1) count as rarer than all."""


class TextMatch(NamedTuple):
    """A line that contains the words."""

    offset: int
    """The byte where the words start."""
    text: str
    """The line; of a long one the part around the words."""


def search_forward(
    path: Path,
    words: str,
    *,
    start: int = 0,
    should_stop: Callable[[int], bool] = lambda offset: False,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> Iterator[TextMatch]:
    """Every line that contains the words, from a byte on, in any case of ASCII letters.

    `should_stop` is called after each block with the byte that was reached. Raises SessionError.
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
    """The last match before a byte. `should_stop`: as for `search_forward`. Raises SessionError."""
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
    """The offsets of the needle (in lower case) in the data, in any case.

    Lowering a whole block takes longer than reading it. Where the rarest letter of the needle is rare in the block too,
    only the text around each is compared.
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
    """Let the system read ahead while we search: from a cold disk both together take as long as the slower one."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(fd, offset, READ_AHEAD_BYTES, os.POSIX_FADV_WILLNEED)


def _line_around(fd: int, offset: int, max_bytes: int) -> tuple[str, int]:
    """The line at an offset, cut to `max_bytes`, and where it ends."""
    start = max(offset - max_bytes // 2, 0)
    data = os.pread(fd, max_bytes, start)
    line_start = data.rfind(b"\n", 0, offset - start) + 1
    line_end = data.find(b"\n", offset - start)
    line_end = len(data) if line_end < 0 else line_end
    return data[line_start:line_end].decode("utf-8", "replace"), start + max(line_end, offset - start + 1)
