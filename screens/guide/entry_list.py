"""The rows of the guide's list: entries under their documents and chapters, or what a search found and where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from textual.content import Content
from textual.widgets.option_list import Option

from ecotui.guide.reading.document import Entry
from ecotui.guide.reading.library import Library
from ecotui.guide.search import Hit
from screens.style.columns import hang, wrapped

MUTED = "$foreground 62%"
SHOWN = 300
"""Entries in the list at a time: one that is longer holds up the screen, and nobody reads to its end."""
INDENT = " " * 4
_MARKS = re.compile(r"\*\*|__|`")
HIT_LINES = 2
"""Lines of the place of a hit."""


@dataclass(frozen=True)
class Listing:
    """What the list is made of."""

    hits: tuple[Hit, ...]
    first: tuple[str, ...] = ()
    """Entries that stand on top for what led here."""
    whole: bool = False
    """The table of contents, in the order of the documents."""
    solved: Mapping[str, int] = field(default_factory=dict)
    """Entry to how often it solved it."""


def rows(
    listing: Listing, library: Library, language: str, width: int, wanted: str = ""
) -> tuple[list[Entry | None], list[Option]]:
    """What each option is (None for a heading), and the options; around the wanted entry where there are too many."""
    kinds: list[Entry | None] = []
    options: list[Option] = []

    def heading(text: str, style: str = "bold $text-primary") -> None:
        kinds.append(None)
        options.append(Option(hang(Content(""), text, width, style), disabled=True))

    def add(hit: Hit, *, named: bool) -> None:
        kinds.append(hit.entry)
        options.append(Option(_row(hit, library, language, width, listing.solved, named=named)))

    several = len(library.guides) > 1
    ids = [hit.entry.id for hit in listing.hits]
    start = max(ids.index(wanted) - SHOWN // 2, 0) if len(ids) > SHOWN and wanted in ids else 0
    shown = listing.hits[start : start + SHOWN]
    on_top = [entry for ident in listing.first if (entry := library.entry(ident)) is not None]
    if on_top:
        heading("설명하는 항목" if language == "ko" else "What explains it")
        for entry in on_top:
            add(Hit(entry), named=several)
    if start:
        heading(f"… {start:,} before these", MUTED)
    chapter = guide = ""
    titles = {one.guide: one.title for one in library.guides}
    for hit in shown:
        entry = hit.entry
        if listing.whole and several and entry.guide != guide:
            heading(titles.get(entry.guide, entry.guide), "bold $text-accent")
        guide = entry.guide
        if listing.whole and entry.chapter != chapter and not entry.chapter.endswith(entry.title):
            heading(entry.chapter)
        chapter = entry.chapter
        add(hit, named=several and not listing.whole)
    if (rest := len(listing.hits) - start - len(shown)) > 0:
        heading(f"… {rest:,} more: / searches", MUTED)
    return kinds, options


def _row(
    hit: Hit, library: Library, language: str, width: int, solved: Mapping[str, int], *, named: bool
) -> Content:
    entry = library.in_language(hit.entry.id, language) or hit.entry
    count = solved.get(entry.id, 0)
    number = entry.number if len(entry.number) <= 8 else "·"
    head = Content.styled(f"{number:<4} " if len(number) > 3 else f"{number:<4}", "$text-accent")
    parts = [hang(head, f"{entry.title}  ✓{count}" if count else entry.title, width)]
    if named:
        parts.append(Content.styled(f"    {entry.guide}", MUTED).truncate(width, ellipsis=True))
    if hit.found:
        parts.append(_place(hit, width))
    return Content("\n").join(parts)


def _place(hit: Hit, width: int) -> Content:
    """The line of the hit, with what was found in it standing out."""
    room = width - len(INDENT)
    before, found, after = (_MARKS.sub("", part) for part in (hit.before, hit.found, hit.after))
    lines = wrapped(f"{before}{found}{after}", room)[:HIT_LINES]
    content = Content("\n".join(f"{INDENT}{line}" for line in lines)).stylize(MUTED)
    at = content.plain.find(found)
    return content.stylize("bold $text-accent", at, at + len(found)) if at >= 0 else content
