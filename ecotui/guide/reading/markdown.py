"""The lines of a Markdown text: which are fenced, which are headings. What is malformed is read as it was meant."""

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


_MARKER_SIGNS = frozenset("`~#=- \t")
"""What a line begins with that may be more than text."""


class Fence(msgspec.Struct, frozen=True, gc=False):
    """A fenced block: the lines from `start`, which opens it, up to `stop`."""

    start: int
    stop: int
    language: str
    indent: int
    """Blanks before the mark that opens it."""
    is_closed: bool = True
    """False: nothing closes it; it was taken to end before the next heading, or with the text."""

    def body(self, lines: Sequence[str]) -> str:
        """What it holds, of the lines that it was found in."""
        start, stop = self.start + 1, self.stop - self.is_closed
        while not self.is_closed and stop > start and not lines[stop - 1].strip():
            stop -= 1
        if not self.indent:
            return "\n".join(lines[start:stop])
        return "\n".join(line[min(self.indent, len(line) - len(line.lstrip())) :] for line in lines[start:stop])


class Heading(msgspec.Struct, frozen=True, gc=False):
    level: int
    title: str
    line: int
    """The index of its line."""
    next_line: int
    """The index of the first line after it."""


def parse_structure(lines: Sequence[str]) -> tuple[list[Fence], list[Heading]]:
    """The fenced blocks and the headings outside of them, in order."""
    signs = _marker_lines(lines)
    fences = list(_scan_fences(lines, signs))
    return fences, list(_scan_headings(lines, signs, fences))


def find_fences(lines: Sequence[str]) -> Iterator[Fence]:
    """The fenced blocks, in order."""
    return _scan_fences(lines, _marker_lines(lines))


def _marker_lines(lines: Sequence[str]) -> list[tuple[int, str]]:
    """The lines that may be a fence, a heading or what underlines one, each with its first sign.

    Every line is looked at here, and only here: of a long guide most are passed over by it.
    """
    indented = [(at, line) for at, line in enumerate(lines) if line[:1] in _MARKER_SIGNS]
    return [(at, sign) for at, line in indented if (sign := line.lstrip()[:1]) and sign in "`~#=-"]


def _scan_fences(lines: Sequence[str], markers: Sequence[tuple[int, str]]) -> Iterator[Fence]:
    """One that is never closed would swallow all that follows, and every later fence would be turned inside out.

    A heading and a fence with a language inside of a fence, or a heading and no end at all, say that the end was
    forgotten.
    """
    markers = [one for one in markers if one[1] in "`~#"]
    next_ = 0
    while next_ < len(markers):
        at, sign = markers[next_]
        next_ += 1
        if sign == "#" or not (opened := _FENCE_START.match(lines[at])):
            continue
        mark = opened[2]
        heading, stop, closed = 0, len(lines), False
        for behind in range(next_, len(markers)):
            place, sign = markers[behind]
            if sign == "#":
                line = lines[place]
                if not heading and line.startswith("##") and _is_heading_after_fence(line, lines[place - 1]):
                    heading, next_ = place, behind
            elif other := _FENCE_START.match(lines[place]):
                if other[2].startswith(mark) and not other[3]:
                    stop, closed, next_ = place + 1, True, behind + 1
                    break
                if other[2] == mark and heading:
                    break
        if not closed:
            stop = heading or stop
            next_ = next_ if heading else len(markers)
        yield Fence(at, stop, opened[3].lower(), len(opened[1]), closed)


def _is_heading_after_fence(line: str, before: str) -> bool:
    """A heading that is no comment of a shell: of the third level or deeper, numbered, or behind an empty line."""
    found = _HEADING.match(line)
    return found is not None and bool(
        len(found[1]) > 2 or _NUMBERED_TITLE.match(found[3].strip()) or not before.strip()
    )


def _scan_headings(
    lines: Sequence[str], markers: Sequence[tuple[int, str]], fences: Sequence[Fence]
) -> Iterator[Heading]:
    """The headings outside of the fences, also those that are underlined."""
    inside = iter(fences)
    fence = next(inside, None)
    free = 0
    """The first line that belongs to no heading before."""
    for at, sign in markers:
        while fence and fence.stop <= at:
            fence = next(inside, None)
        if fence and fence.start <= at:
            continue
        if sign == "#":
            found = _HEADING.match(lines[at])
            title = found[3].strip() if found else ""
            title = _CLOSING_MARKS.sub("", title).strip() if "#" in title else title
            # `#1 of the list` is no heading, `##1. Terraform` was meant as one.
            if found and title and (found[2] or len(found[1]) > 1):
                yield Heading(len(found[1]), title, at, at + 1)
                free = at + 1
        elif sign in "=-" and at > free and _is_underlined_heading(lines, at):
            yield Heading(1 if sign == "=" else 2, lines[at - 1].strip(), at - 1, at + 1)
            free = at + 1


def _is_underlined_heading(lines: Sequence[str], at: int) -> bool:
    """A line of = or - below a paragraph of one line."""
    return bool(
        _UNDERLINE.match(lines[at])
        and not _NOT_A_PARAGRAPH.match(lines[at - 1])
        and (at == 1 or not lines[at - 2].strip())
    )


def front_matter_length(lines: Sequence[str]) -> int:
    """The number of lines of the YAML that some tools put on top, with its marks; 0 where there is none."""
    if not lines or lines[0].rstrip() != "---":
        return 0
    return next((at + 1 for at, line in enumerate(lines[1:100], 1) if line.rstrip() in ("---", "...")), 0)
