"""Searches entries as the operator types, in Korean and English at once. Each hit has its line."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

from ecotui.guide import hangul
from ecotui.guide.reading.document import Entry
from ecotui.guide.reading.library import GuideLibrary

CONTEXT_LENGTH = 36
"""Characters shown before and after a hit."""
MAX_HITS_WITH_EXCERPT = 300
"""Entries with an excerpt. Nobody reads further."""
MAX_COUNTED_ENTRIES = 2_000
"""Entries up to which hits are counted. Beyond, only a hit in the title ranks an entry higher."""
MAX_COUNTED_HITS = 5
"""Hits of one word that count in one entry."""


@dataclass(frozen=True)
class EntryHit:
    """An entry that was found, and the first hit in its text."""

    entry: Entry
    text_before: str = ""
    matched_text: str = ""
    text_after: str = ""
    line: int = 0
    """From 1 in the entry's text; 0 for a hit in the title or the number."""

    @property
    def excerpt(self) -> str:
        return f"{self.text_before}{self.matched_text}{self.text_after}"


class _JoinedTexts:
    """Many texts as one: far faster to search than each by itself."""

    def __init__(self, texts: Iterable[str]) -> None:
        parts = list(texts)
        self.joined = "\0".join(parts)
        self.starts = [0, *accumulate(len(part) + 1 for part in parts)]

    def find_literal(self, needle: str, limit: int) -> set[int]:
        """The indexes of the texts that contain the needle, at most `limit`."""
        return self._find_texts(lambda start: self.joined.find(needle, start), limit)

    def find_pattern(self, pattern: re.Pattern[str]) -> set[int]:
        """The indexes of the texts that match the pattern."""

        def find_next(start: int) -> int:
            match = pattern.search(self.joined, start)
            return match.start() if match else -1

        return self._find_texts(find_next)

    def _find_texts(self, find_next: Callable[[int], int], limit: int = 0) -> set[int]:
        found: set[int] = set()
        position, following = find_next(0), 0
        while position >= 0:
            # Hits come in order, and one in a text is enough.
            following = bisect_right(self.starts, position, following)
            found.add(following - 1)
            if len(found) == limit:
                break
            position = find_next(self.starts[following])
        return found

    def span(self, index: int) -> tuple[int, int]:
        """The start and end of a text in the whole."""
        return self.starts[index], self.starts[index + 1] - 1

    def text(self, index: int) -> str:
        start, end = self.span(index)
        return self.joined[start:end]


class EntryIndex:
    """A library prepared once, so that each key finds its entries at once."""

    def __init__(self, library: GuideLibrary) -> None:
        self._library = library
        self._pages = [entry for document in library.documents for entry in document.entries]
        """Every entry in every language."""
        self._pages_by_entry: dict[str, list[int]] = {}
        for page, entry in enumerate(self._pages):
            self._pages_by_entry.setdefault(entry.id, []).append(page)
        self._number_starts = {entry.number[:1] for entry in self._pages}
        """First characters of numbers: most typed words begin with none."""
        self._titles = _JoinedTexts(hangul.fold_text(entry.title) for entry in self._pages)
        self._texts = _JoinedTexts(
            f"{hangul.fold_text(entry.chapter)}\n{hangul.fold_text(entry.text)}" for entry in self._pages
        )
        self._initials = _JoinedTexts(
            hangul.initial_consonants(f"{self._titles.text(page)}\n{self._texts.text(page)}")
            for page in range(len(self._pages))
        )

    def search(self, words: str, with_excerpt: int = MAX_HITS_WITH_EXCERPT) -> tuple[EntryHit, ...]:
        """Entries that contain every word, in any language, best first; all entries for no words.

        The first `with_excerpt` have an excerpt.
        """
        query = [_QueryWord(word) for word in words.split()]
        if not query:
            return tuple(EntryHit(entry) for entry in self._library.entries)
        total, *others = (self._scores(word) for word in query)
        for scores in others:
            total = {ident: total[ident] + scores[ident] for ident in total.keys() & scores.keys()}
        entries = [entry for entry in self._library.entries if entry.id in total]
        entries.sort(key=lambda entry: -total[entry.id])  # among equals the order of the document stays
        return (
            *(self._locate_hit(entry.id, query) for entry in entries[:with_excerpt]),
            *(EntryHit(entry) for entry in entries[with_excerpt:]),
        )

    def _scores(self, word: _QueryWord) -> dict[str, float]:
        """Entry to how well it matches a word."""
        candidates = self._candidate_pages(word)
        scores: dict[str, float] = {}
        if len(candidates) > MAX_COUNTED_ENTRIES:
            texts, titles = self._texts.find_pattern(word.pattern), self._titles.find_pattern(word.pattern)
            pages = self._pages
            # An entry has a page in each language: the best one counts.
            for score, indexes in ((0.2, texts), (5.0, titles), (5.2, titles & texts)):
                scores.update((pages[page].id, score) for page in indexes)
        else:
            for page in candidates:
                if score := self._score(word, page):
                    ident = self._pages[page].id
                    scores[ident] = max(scores.get(ident, 0.0), score)
        for entry in self._library.entries if word.text[:1] in self._number_starts else ():
            if entry.number.startswith(word.text):
                exact = word.text in (entry.id, entry.number)
                scores[entry.id] = scores.get(entry.id, 0.0) + (16.0 if exact else 4.0)
        return scores

    def _candidate_pages(self, word: _QueryWord) -> set[int]:
        """The pages that may contain a word, by its initial consonants; at most `MAX_COUNTED_ENTRIES` + 1."""
        if not all(word.initials):
            return set(range(len(self._pages)))
        return set().union(*(self._initials.find_literal(needle, MAX_COUNTED_ENTRIES + 1) for needle in word.initials))

    def _score(self, word: _QueryWord, page: int) -> float:
        count = sum(
            1 for _ in islice(word.pattern.finditer(self._texts.joined, *self._texts.span(page)), MAX_COUNTED_HITS)
        )
        return 5.0 * bool(word.pattern.search(self._titles.joined, *self._titles.span(page))) + 0.2 * count

    def _locate_hit(self, ident: str, query: Sequence[_QueryWord]) -> EntryHit:
        """The first hit in the text: in the language that is shown, else in another one."""
        pages = self._pages_by_entry[ident]
        shown = self._pages[pages[0]]
        for page in pages:
            span = self._titles.span(page)
            if all(
                word.pattern.search(self._titles.joined, *span) or shown.number.startswith(word.text) for word in query
            ):
                return EntryHit(shown)
        for page in pages:
            start, end = self._texts.span(page)
            start = self._texts.joined.find("\n", start) + 1  # behind the chapter
            for word in query:
                if match := word.pattern.search(self._texts.joined, start, end):
                    folded = self._texts.joined[start:end]
                    return _build_hit(shown, self._pages[page].text, folded, match.start() - start, match.end() - start)
        return EntryHit(shown)


class _QueryWord:
    """One typed word."""

    def __init__(self, word: str) -> None:
        stems = hangul.word_stems(word)
        self.text = stems[0]
        self.pattern = hangul.word_pattern(word)
        self.initials = tuple(
            "" if hangul.has_ambiguous_consonant(stem) else hangul.initial_consonants(stem) for stem in stems
        )


def _build_hit(entry: Entry, original: str, folded: str, start: int, end: int) -> EntryHit:
    # If folding kept the length, the positions hold in the text as written.
    text = original if len(original) == len(folded) else folded
    head = max(text.rfind("\n", 0, start) + 1, start - CONTEXT_LENGTH)
    tail = text.find("\n", end)
    tail = min(tail if tail >= 0 else len(text), end + CONTEXT_LENGTH)
    more = "…" if head and text[head - 1] != "\n" else ""
    rest = "…" if tail < len(text) and text[tail] != "\n" else ""
    return EntryHit(
        entry,
        text_before=f"{more}{text[head:start].lstrip()}",
        matched_text=text[start:end].replace("\n", " "),
        text_after=f"{text[end:tail].rstrip()}{rest}",
        line=text.count("\n", 0, start) + 1,
    )
