"""The rows of the guide's list: entries under their documents and chapters, or what a search found and where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from textual.content import Content
from textual.widgets.option_list import Option

from ecotui.guide.reading.document import Entry
from ecotui.guide.reading.library import GuideLibrary
from ecotui.guide.search import EntryHit
from screens.style.columns import hanging_indent, wrap_text
from screens.style.themes import MUTED

MAX_ENTRIES = 300
"""Entries in the list at a time: one that is longer holds up the screen, and nobody reads to its end."""
INDENT = " " * 4
_MARKDOWN_MARKS = re.compile(r"\*\*|__|`")
MAX_HIT_LINES = 2
"""Lines of the place of a hit."""


@dataclass(frozen=True)
class EntryListing:
    """What the list is made of."""

    hits: tuple[EntryHit, ...]
    pinned: tuple[str, ...] = ()
    """Entries that stand on top for what led here."""
    is_contents: bool = False
    """The table of contents, in the order of the documents."""
    solved_counts: Mapping[str, int] = field(default_factory=dict)
    """Entry to how often it solved it."""


def entry_options(
    listing: EntryListing, library: GuideLibrary, language: str, width: int, selected: str = ""
) -> tuple[list[Entry | None], list[Option]]:
    """What each option is (None for a heading), and the options; around the wanted entry where there are too many."""
    kinds: list[Entry | None] = []
    options: list[Option] = []

    def heading(text: str, style: str = "bold $text-primary") -> None:
        kinds.append(None)
        options.append(Option(hanging_indent(Content(""), text, width, style), disabled=True))

    def add(hit: EntryHit, *, named: bool) -> None:
        kinds.append(hit.entry)
        options.append(Option(_render_entry(hit, library, language, width, listing.solved_counts, show_guide=named)))

    several = len(library.guides) > 1
    ids = [hit.entry.id for hit in listing.hits]
    start = max(ids.index(selected) - MAX_ENTRIES // 2, 0) if len(ids) > MAX_ENTRIES and selected in ids else 0
    shown = listing.hits[start : start + MAX_ENTRIES]
    on_top = [entry for ident in listing.pinned if (entry := library.find_entry(ident)) is not None]
    if on_top:
        heading("설명하는 항목" if language == "ko" else "What explains it")
        for entry in on_top:
            add(EntryHit(entry), named=several)
    if start:
        heading(f"… {start:,} before these", MUTED)
    chapter = guide = ""
    titles = {one.guide: one.title for one in library.guides}
    for hit in shown:
        entry = hit.entry
        if listing.is_contents and several and entry.guide != guide:
            heading(titles.get(entry.guide, entry.guide), "bold $text-accent")
        guide = entry.guide
        if listing.is_contents and entry.chapter != chapter and not entry.chapter.endswith(entry.title):
            heading(entry.chapter)
        chapter = entry.chapter
        add(hit, named=several and not listing.is_contents)
    if (rest := len(listing.hits) - start - len(shown)) > 0:
        heading(f"… {rest:,} more: / searches", MUTED)
    return kinds, options


def _render_entry(
    hit: EntryHit, library: GuideLibrary, language: str, width: int, solved: Mapping[str, int], *, show_guide: bool
) -> Content:
    entry = library.entry_in_language(hit.entry.id, language) or hit.entry
    count = solved.get(entry.id, 0)
    number = entry.number if len(entry.number) <= 8 else "·"
    head = Content.styled(f"{number:<4} " if len(number) > 3 else f"{number:<4}", "$text-accent")
    parts = [hanging_indent(head, f"{entry.title}  ✓{count}" if count else entry.title, width)]
    if show_guide:
        parts.append(Content.styled(f"    {entry.guide}", MUTED).truncate(width, ellipsis=True))
    if hit.matched_text:
        parts.append(_render_hit(hit, width))
    return Content("\n").join(parts)


def _render_hit(hit: EntryHit, width: int) -> Content:
    """The line of the hit, with what was found in it standing out."""
    room = width - len(INDENT)
    before, found, after = (
        _MARKDOWN_MARKS.sub("", part) for part in (hit.text_before, hit.matched_text, hit.text_after)
    )
    lines = wrap_text(f"{before}{found}{after}", room)[:MAX_HIT_LINES]
    content = Content("\n".join(f"{INDENT}{line}" for line in lines)).stylize(MUTED)
    at = content.plain.find(found)
    return content.stylize("bold $text-accent", at, at + len(found)) if at >= 0 else content
