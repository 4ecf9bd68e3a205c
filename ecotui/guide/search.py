"""Search as one types, in Korean and English at once; each entry that is found says where."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ecotui.guide import hangul
from ecotui.guide.document import Entry
from ecotui.guide.library import Library

AROUND = 36
"""Characters before and after a hit that are shown with it."""
COUNTED = 5
"""Hits of one word in one entry that are counted: more say nothing more."""


@dataclass(frozen=True)
class Hit:
    """An entry that was found, and the first place in it that says why."""

    entry: Entry
    before: str = ""
    found: str = ""
    after: str = ""
    line: int = 0
    """Of the place, from 1 in the entry's text; 0 where the title or the number says it."""

    @property
    def excerpt(self) -> str:
        return f"{self.before}{self.found}{self.after}"


@dataclass(frozen=True)
class _Page:
    """One language of an entry, ready to be searched."""

    entry: Entry
    title: str
    text: str
    initials: str
    """Title and text as initial consonants."""
    start: int
    """Where the text begins within its chapter and itself."""


class Index:
    """A library made ready once, so that a key finds its entries at once."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._pages: dict[str, list[_Page]] = {}
        for document in library.documents:
            for entry in document.entries:
                title, chapter = hangul.fold(entry.title), hangul.fold(entry.chapter)
                text = f"{chapter}\n{hangul.fold(entry.text)}"
                page = _Page(entry, title, text, hangul.initials(f"{title}\n{text}"), len(chapter) + 1)
                self._pages.setdefault(entry.id, []).append(page)

    def search(self, words: str) -> tuple[Hit, ...]:
        """Entries in which every word stands, in any language, best first; all of them when nothing is typed."""
        wanted = [_Word(word) for word in words.split()]
        if not wanted:
            return tuple(Hit(entry) for entry in self._library.entries)
        scored: list[tuple[float, int, Entry, list[_Page]]] = []
        for place, entry in enumerate(self._library.entries):
            pages = self._pages[entry.id]
            score = 0.0
            for word in wanted:
                one = word.score(entry, pages)
                if not one:
                    break
                score += one
            else:
                scored.append((-score, place, entry, pages))
        scored.sort(key=lambda one: one[:2])
        return tuple(_hit(entry, pages, wanted) for _, _, entry, pages in scored)


class _Word:
    """One word that was typed."""

    def __init__(self, word: str) -> None:
        self.stems = hangul.stems(word)
        self.first = self.stems[0]
        self.pattern = hangul.pattern(word)
        self._initials = tuple("" if hangul.undecided(stem) else hangul.initials(stem) for stem in self.stems)

    def score(self, entry: Entry, pages: list[_Page]) -> float:
        numbered = 12.0 * (self.first in (entry.id, entry.number)) + 4.0 * entry.number.startswith(self.first)
        best = 0.0
        for page in pages:
            # Searching for fixed signs is a hundred times as fast as for a pattern, and leaves few entries over.
            if not any(initials in page.initials for initials in self._initials):
                continue
            count = 0
            for _ in self.pattern.finditer(page.text):
                count += 1
                if count == COUNTED:
                    break
            best = max(best, 5.0 * bool(self.pattern.search(page.title)) + 0.2 * count)
        return numbered + best


def _hit(entry: Entry, pages: list[_Page], wanted: list[_Word]) -> Hit:
    """The first place in the text, in the language that is shown where it stands there; in another one otherwise."""
    for page in pages:
        if all(word.pattern.search(page.title) or entry.number.startswith(word.first) for word in wanted):
            return Hit(entry)
    for page in pages:
        for word in wanted:
            found = word.pattern.search(page.text, page.start)
            if found:
                return _placed(entry, page, found)
    return Hit(entry)


def _placed(entry: Entry, page: _Page, found: re.Match[str]) -> Hit:
    text, start, end = page.text, found.start(), found.end()
    if len(page.entry.text) == len(text) - page.start:
        # Folding changed no length: what is shown is the text as it is written.
        text, start, end = page.entry.text, start - page.start, end - page.start
        line = text.count("\n", 0, start) + 1
    else:
        line = text.count("\n", page.start, start) + 1
    head = max(text.rfind("\n", 0, start) + 1, start - AROUND)
    tail = text.find("\n", end)
    tail = min(tail if tail >= 0 else len(text), end + AROUND)
    more = "…" if head and text[head - 1] != "\n" else ""
    rest = "…" if tail < len(text) and text[tail] != "\n" else ""
    return Hit(
        entry,
        before=f"{more}{_flat(text[head:start]).lstrip()}",
        found=_flat(text[start:end]),
        after=f"{_flat(text[end:tail]).rstrip()}{rest}",
        line=line,
    )


def _flat(text: str) -> str:
    return " ".join(text.split(" ")).replace("\n", " ")
