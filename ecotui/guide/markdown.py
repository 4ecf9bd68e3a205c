"""The lines of a Markdown text: which are fenced, which are headings. What is malformed is read as it was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Between backticks no backtick may stand in the line that opens: ```x``` is code within a line.
_OPENS = re.compile(r"^([ \t]*)(`{3,}(?=[^`]*$)|~{3,})[ \t]*\{?\.?([\w+#-]*)")
_HEADING = re.compile(r"^ {0,3}(#{1,6})(\s+|(?=\d))(.*)$")
_UNDERLINE = re.compile(r"^ {0,3}(={3,}|-{3,})\s*$")
_NO_PARAGRAPH = re.compile(r"^\s*([#>|*+`~-]|\d+[.)]\s|$)")
_NUMBERED = re.compile(r"^\d+(\.\d+)*[.)]?\s")


@dataclass(frozen=True)
class Fence:
    """A fenced block: the lines from `start`, which opens it, up to `stop`."""

    start: int
    stop: int
    language: str
    body: str
    closed: bool = True
    """False: nothing closes it; it was taken to end before the next heading, or with the text."""


@dataclass(frozen=True)
class Heading:
    level: int
    title: str
    line: int
    """The index of its line."""
    below: int
    """The index of the first line after it."""


def fenced(lines: Sequence[str]) -> Iterator[Fence]:
    """The fenced blocks, in order.

    One that is never closed would swallow all that follows, and every later fence would be turned inside out. A heading
    and a fence with a language inside of a fence, or a heading and no end at all, say that the end was forgotten.
    """
    at = 0
    while at < len(lines):
        opened = _opens(lines[at])
        if not opened:
            at += 1
            continue
        indent, mark = len(opened[1]), opened[2]
        heading, stop, closed = 0, len(lines), False
        for place in range(at + 1, len(lines)):
            line = lines[place]
            other = _opens(line)
            if other and other[2].startswith(mark) and not other[3]:
                stop, closed = place, True
                break
            if other and other[2] == mark and heading:
                break
            if not heading and line.startswith("##") and _ends_a_fence(line, lines[place - 1]):
                heading = place
        if not closed and heading:
            stop = heading
        body = [line[min(indent, len(line) - len(line.lstrip())) :] for line in lines[at + 1 : stop]]
        if not closed:
            while body and not body[-1].strip():
                body.pop()
        yield Fence(at, stop + closed, opened[3].lower(), "\n".join(body), closed)
        at = stop + closed


def _opens(line: str) -> re.Match[str] | None:
    # Looked at for every line of a guide: most are passed over by their first sign.
    return _OPENS.match(line) if line.lstrip()[:1] in ("`", "~") else None


def _ends_a_fence(line: str, before: str) -> bool:
    """A heading that is no comment of a shell: of the third level or deeper, numbered, or behind an empty line."""
    found = _HEADING.match(line)
    return found is not None and bool(
        len(found[1]) > 2 or _NUMBERED.match(found[3].strip()) or not before.strip()
    )


def headings(lines: Sequence[str], fences: Sequence[Fence]) -> Iterator[Heading]:
    """The headings outside of the fences, also those that are underlined."""
    at = 0
    inside = iter([*fences, Fence(len(lines), len(lines), "", "")])
    fence = next(inside)
    while at < len(lines):
        if at >= fence.start:
            at, fence = max(fence.stop, at), next(inside, Fence(len(lines) + 1, len(lines) + 1, "", ""))
            continue
        line = lines[at]
        if line.lstrip()[:1] == "#":
            found = _HEADING.match(line)
            title = re.sub(r"(^|\s+)#+\s*$", "", found[3]).strip() if found else ""
            # `#1 of the list` is no heading, `##1. Terraform` was meant as one.
            if found and title and (found[2] or len(found[1]) > 1):
                yield Heading(len(found[1]), title, at, at + 1)
        elif at + 1 < fence.start and _underlined(lines, at):
            yield Heading(1 if "=" in lines[at + 1] else 2, line.strip(), at, at + 2)
            at += 1
        at += 1


def _underlined(lines: Sequence[str], at: int) -> bool:
    """A paragraph of one line with a line of = or - below it."""
    return bool(
        lines[at + 1 : at + 2]
        and lines[at + 1].lstrip()[:1] in ("=", "-")
        and _UNDERLINE.match(lines[at + 1])
        and not _NO_PARAGRAPH.match(lines[at])
        and (at == 0 or not lines[at - 1].strip())
    )


def front_matter(lines: Sequence[str]) -> int:
    """The number of lines of the YAML that some tools put on top, with its marks; 0 where there is none."""
    if not lines or lines[0].rstrip() != "---":
        return 0
    return next((at + 1 for at, line in enumerate(lines[1:100], 1) if line.rstrip() in ("---", "...")), 0)
