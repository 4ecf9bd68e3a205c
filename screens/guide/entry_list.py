"""Draws the list of the guide: entries below their guides and chapters, or the hits of a search."""

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
"""Entries in the list at a time. A longer list blocks the screen, and nobody reads to its end."""
INDENT = " " * 4
_MARKDOWN_MARKS = re.compile(r"\*\*|__|`")
MAX_HIT_LINES = 2
"""Lines of the excerpt of a hit."""


@dataclass(frozen=True)
class EntryListing:
    """The content of the list."""

    hits: tuple[EntryHit, ...]
    pinned: tuple[str, ...] = ()
    """Entries at the top, because they explain what led here."""
    is_contents: bool = False
    """Whether it is the table of contents, in the order of the documents."""
    solved_counts: Mapping[str, int] = field(default_factory=dict)
    """Entry to the number of sessions in which it solved the problem."""


def entry_options(
    listing: EntryListing, library: GuideLibrary, language: str, width: int, selected: str = ""
) -> tuple[list[Entry | None], list[Option]]:
    """The entry of each option (None for a heading), and the options. If there are too many, those around `selected`."""
    rows: list[Entry | None] = []
    options: list[Option] = []

    def heading(text: str, style: str = "bold $text-primary") -> None:
        rows.append(None)
        options.append(Option(hanging_indent(Content(""), text, width, style), disabled=True))

    def add(hit: EntryHit, *, show_guide: bool) -> None:
        rows.append(hit.entry)
        options.append(
            Option(_render_entry(hit, library, language, width, listing.solved_counts, show_guide=show_guide))
        )

    several = len(library.guides) > 1
    ids = [hit.entry.id for hit in listing.hits]
    start = max(ids.index(selected) - MAX_ENTRIES // 2, 0) if len(ids) > MAX_ENTRIES and selected in ids else 0
    shown = listing.hits[start : start + MAX_ENTRIES]
    pinned = [entry for ident in listing.pinned if (entry := library.find_entry(ident)) is not None]
    if pinned:
        heading("관련 항목" if language == "ko" else "Entries that explain it")
        for entry in pinned:
            add(EntryHit(entry), show_guide=several)
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
        add(hit, show_guide=several and not listing.is_contents)
    if (rest := len(listing.hits) - start - len(shown)) > 0:
        heading(f"… {rest:,} more: / searches", MUTED)
    return rows, options


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
    """The line of the hit, with the hit highlighted."""
    before, match, after = (
        _MARKDOWN_MARKS.sub("", part) for part in (hit.text_before, hit.matched_text, hit.text_after)
    )
    lines = wrap_text(f"{before}{match}{after}", width - len(INDENT))[:MAX_HIT_LINES]
    content = Content("\n".join(f"{INDENT}{line}" for line in lines)).stylize(MUTED)
    start = content.plain.find(match)
    return content.stylize("bold $text-accent", start, start + len(match)) if start >= 0 else content
