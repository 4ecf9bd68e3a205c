"""Finds the fences and headings of a Markdown text, and reads malformed ones as they were meant.

Not markdown-it, which Textual has: by CommonMark an unclosed fence swallows the rest of the document, and `##1. Title` is no
heading. Real team documents have both. Every position here is an exact line of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

# Between backticks no backtick may stand in the line that opens: ```x``` is code within a line.
_FENCE_START = re.compile(r"^([ \t]*)(`{3,}(?=[^`]*$)|~{3,})[ \t]*\{?\.?([\w+#-]*)")
_HEADING = re.compile(r"^ {0,3}(#{1,6})(\s+|(?=\d))(.*)$")
_CLOSING_MARKS = re.compile(r"(^|\s+)#+\s*$")
_UNDERLINE = re.compile(r"^ {0,3}(={3,}|-{3,})\s*$")
_NOT_A_PARAGRAPH = re.compile(r"^\s*([#>|*+`~-]|\d+[.)]\s|$)")
_NUMBERED_TITLE = re.compile(r"^\d+(\.\d+)*[.)]?\s")


_MARKER_CHARACTERS = frozenset("`~#=- \t")
"""First characters of a line that may be more than text."""


class Fence(msgspec.Struct, frozen=True, gc=False):
    """A fenced block: the lines from `start`, which opens it, up to but without `stop`."""

    start: int
    stop: int
    language: str
    indent: int
    """Spaces before the opening mark."""
    is_closed: bool = True
    """False if nothing closes it: it ends before the next heading, or with the text."""

    def body(self, lines: Sequence[str]) -> str:
        """Its content. `lines` is the text that it was found in."""
        start, stop = self.start + 1, self.stop - self.is_closed
        while not self.is_closed and stop > start and not lines[stop - 1].strip():
            stop -= 1
        if not self.indent:
            return "\n".join(lines[start:stop])
        return "\n".join(line[min(self.indent, len(line) - len(line.lstrip())) :] for line in lines[start:stop])


class Heading(msgspec.Struct, frozen=True, gc=False):
    """A heading, with # or underlined."""

    level: int
    title: str
    line: int
    """The index of its line."""
    next_line: int
    """The index of the first line after it."""


def parse_structure(lines: Sequence[str]) -> tuple[list[Fence], list[Heading]]:
    """The fenced blocks, and the headings outside of them, in order."""
    markers = _marker_lines(lines)
    fences = list(_scan_fences(lines, markers))
    return fences, list(_scan_headings(lines, markers, fences))


def find_fences(lines: Sequence[str]) -> Iterator[Fence]:
    """The fenced blocks, in order."""
    return _scan_fences(lines, _marker_lines(lines))


def _marker_lines(lines: Sequence[str]) -> list[tuple[int, str]]:
    """The lines that may be a fence, a heading or an underline, each with its first character.

    Only this function reads every line; most lines of a long guide are no marker.
    """
    candidates = [(index, line) for index, line in enumerate(lines) if line[:1] in _MARKER_CHARACTERS]
    return [(index, mark) for index, line in candidates if (mark := line.lstrip()[:1]) and mark in "`~#=-"]


def _scan_fences(lines: Sequence[str], markers: Sequence[tuple[int, str]]) -> Iterator[Fence]:
    """The fences in order. An unclosed one must not swallow the rest, or turn later fences inside out.

    Its end was forgotten if a heading and a fence with a language are inside, or a heading and no end at all.
    """
    markers = [one for one in markers if one[1] in "`~#"]
    following = 0
    while following < len(markers):
        start, mark = markers[following]
        following += 1
        if mark == "#" or not (opening := _FENCE_START.match(lines[start])):
            continue
        heading, stop, is_closed = 0, len(lines), False
        for number in range(following, len(markers)):
            index, mark = markers[number]
            if mark == "#":
                line = lines[index]
                if not heading and line.startswith("##") and _is_heading_after_fence(line, lines[index - 1]):
                    heading, following = index, number
            elif other := _FENCE_START.match(lines[index]):
                if other[2].startswith(opening[2]) and not other[3]:
                    stop, is_closed, following = index + 1, True, number + 1
                    break
                if other[2] == opening[2] and heading:
                    break
        if not is_closed:
            stop = heading or stop
            following = following if heading else len(markers)
        yield Fence(start, stop, opening[3].lower(), len(opening[1]), is_closed)


def _is_heading_after_fence(line: str, before: str) -> bool:
    """Whether a line is a heading and no shell comment: of level 3 or deeper, numbered, or below a blank line."""
    heading = _HEADING.match(line)
    return heading is not None and bool(
        len(heading[1]) > 2 or _NUMBERED_TITLE.match(heading[3].strip()) or not before.strip()
    )


def _scan_headings(
    lines: Sequence[str], markers: Sequence[tuple[int, str]], fences: Sequence[Fence]
) -> Iterator[Heading]:
    """The headings outside of the fences, also the underlined ones."""
    remaining = iter(fences)
    fence = next(remaining, None)
    next_free = 0
    """The first line below the last heading."""
    for index, mark in markers:
        while fence and fence.stop <= index:
            fence = next(remaining, None)
        if fence and fence.start <= index:
            continue
        if mark == "#":
            match = _HEADING.match(lines[index])
            title = match[3].strip() if match else ""
            title = _CLOSING_MARKS.sub("", title).strip() if "#" in title else title
            # `#1 of the list` is no heading, `##1. Terraform` was meant as one.
            if match and title and (match[2] or len(match[1]) > 1):
                yield Heading(len(match[1]), title, index, index + 1)
                next_free = index + 1
        elif mark in "=-" and index > next_free and _is_underlined_heading(lines, index):
            yield Heading(1 if mark == "=" else 2, lines[index - 1].strip(), index - 1, index + 1)
            next_free = index + 1


def _is_underlined_heading(lines: Sequence[str], index: int) -> bool:
    """Whether a line of = or - is below a paragraph of one line."""
    return bool(
        _UNDERLINE.match(lines[index])
        and not _NOT_A_PARAGRAPH.match(lines[index - 1])
        and (index == 1 or not lines[index - 2].strip())
    )


def front_matter_length(lines: Sequence[str]) -> int:
    """The number of lines of YAML front matter, with its marks; 0 without one."""
    if not lines or lines[0].rstrip() != "---":
        return 0
    return next((index + 1 for index, line in enumerate(lines[1:100], 1) if line.rstrip() in ("---", "...")), 0)
