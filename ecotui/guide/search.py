"""Search as one types, in Korean and English at once; each entry that is found says where."""

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
"""Characters before and after a hit that are shown with it."""
MAX_HITS_WITH_EXCERPT = 300
"""Entries that say where they were hit: more are not looked at."""
MAX_COUNTED_ENTRIES = 2_000
"""Entries beyond which hits are not counted one by one: then only the titles tell which are better."""
MAX_COUNTED_HITS = 5
"""Hits of one word in one entry that are counted: more say nothing more."""


@dataclass(frozen=True)
class EntryHit:
    """An entry that was found, and the first place in it that says why."""

    entry: Entry
    text_before: str = ""
    matched_text: str = ""
    text_after: str = ""
    line: int = 0
    """Of the place, from 1 in the entry's text; 0 where the title or the number says it."""

    @property
    def excerpt(self) -> str:
        return f"{self.text_before}{self.matched_text}{self.text_after}"


class _JoinedTexts:
    """Many texts as one: looking through it is far quicker than looking through each."""

    def __init__(self, texts: Iterable[str]) -> None:
        every = list(texts)
        self.joined = "\0".join(every)
        self.starts = [0, *accumulate(len(one) + 1 for one in every)]

    def find_literal(self, needle: str, limit: int) -> set[int]:
        """The texts in which fixed signs stand; no more than `most` are looked for."""
        return self._find_texts(lambda at: self.joined.find(needle, at), limit)

    def find_pattern(self, pattern: re.Pattern[str]) -> set[int]:
        """The texts in which a pattern does."""

        def after(at: int) -> int:
            found = pattern.search(self.joined, at)
            return found.start() if found else -1

        return self._find_texts(after)

    def _find_texts(self, find_next: Callable[[int], int], limit: int = 0) -> set[int]:
        found: set[int] = set()
        at, next_ = find_next(0), 0
        while at >= 0:
            # Hits stand in order, and one in a text is enough.
            next_ = bisect_right(self.starts, at, next_)
            found.add(next_ - 1)
            if len(found) == limit:
                break
            at = find_next(self.starts[next_])
        return found

    def span(self, place: int) -> tuple[int, int]:
        """Where a text begins and ends in the whole."""
        return self.starts[place], self.starts[place + 1] - 1


class EntryIndex:
    """A library made ready once, so that a key finds its entries at once."""

    def __init__(self, library: GuideLibrary) -> None:
        self._library = library
        self._pages = [entry for document in library.documents for entry in document.entries]
        """Every entry in every language."""
        self._pages_by_entry: dict[str, list[int]] = {}
        for place, entry in enumerate(self._pages):
            self._pages_by_entry.setdefault(entry.id, []).append(place)
        self._number_starts = {entry.number[:1] for entry in self._pages}
        """What numbers begin with: most words that are typed are no beginning of one."""
        self._titles = _JoinedTexts(hangul.fold_text(entry.title) for entry in self._pages)
        self._texts = _JoinedTexts(
            f"{hangul.fold_text(entry.chapter)}\n{hangul.fold_text(entry.text)}" for entry in self._pages
        )
        self._initials = _JoinedTexts(
            hangul.initial_consonants(f"{self._page_text(self._titles, place)}\n{self._page_text(self._texts, place)}")
            for place in range(len(self._pages))
        )

    @staticmethod
    def _page_text(texts: _JoinedTexts, place: int) -> str:
        start, end = texts.span(place)
        return texts.joined[start:end]

    def search(self, words: str, with_excerpt: int = MAX_HITS_WITH_EXCERPT) -> tuple[EntryHit, ...]:
        """Entries in which every word stands, in any language, best first; all of them when nothing is typed.

        The first `placed` say where it stands.
        """
        wanted = [_QueryWord(word) for word in words.split()]
        if not wanted:
            return tuple(EntryHit(entry) for entry in self._library.entries)
        total, *others = (self._scores(word) for word in wanted)
        for scores in others:
            total = {ident: total[ident] + scores[ident] for ident in total.keys() & scores.keys()}
        entries = [entry for entry in self._library.entries if entry.id in total]
        entries.sort(key=lambda entry: -total[entry.id])  # among equals the order of the document stays
        return (
            *(self._locate_hit(entry.id, wanted) for entry in entries[:with_excerpt]),
            *(EntryHit(entry) for entry in entries[with_excerpt:]),
        )

    def _scores(self, word: _QueryWord) -> dict[str, float]:
        """Entry to how well a word says it."""
        likely = self._candidate_pages(word)
        scores: dict[str, float] = {}
        if len(likely) > MAX_COUNTED_ENTRIES:
            texts, titles = self._texts.find_pattern(word.pattern), self._titles.find_pattern(word.pattern)
            pages = self._pages
            # An entry has a page in each language: its best one counts.
            for score, places in ((0.2, texts), (5.0, titles), (5.2, titles & texts)):
                scores.update((pages[place].id, score) for place in places)
        else:
            for place in likely:
                if score := self._score(word, place):
                    ident = self._pages[place].id
                    scores[ident] = max(scores.get(ident, 0.0), score)
        for entry in self._library.entries if word.text[:1] in self._number_starts else ():
            if entry.number.startswith(word.text):
                exact = word.text in (entry.id, entry.number)
                scores[entry.id] = scores.get(entry.id, 0.0) + (16.0 if exact else 4.0)
        return scores

    def _candidate_pages(self, word: _QueryWord) -> set[int]:
        """The pages in which a word may stand, by its initial consonants; more than `MANY` are not told one by one."""
        if not all(word.initials):
            return set(range(len(self._pages)))
        return set().union(*(self._initials.find_literal(needle, MAX_COUNTED_ENTRIES + 1) for needle in word.initials))

    def _score(self, word: _QueryWord, place: int) -> float:
        count = sum(
            1 for _ in islice(word.pattern.finditer(self._texts.joined, *self._texts.span(place)), MAX_COUNTED_HITS)
        )
        return 5.0 * bool(word.pattern.search(self._titles.joined, *self._titles.span(place))) + 0.2 * count

    def _locate_hit(self, ident: str, wanted: Sequence[_QueryWord]) -> EntryHit:
        """The first place in the text, in the language that is shown where it stands there; in another one otherwise."""
        pages = self._pages_by_entry[ident]
        shown = self._pages[pages[0]]
        for place in pages:
            span = self._titles.span(place)
            if all(
                word.pattern.search(self._titles.joined, *span) or shown.number.startswith(word.text) for word in wanted
            ):
                return EntryHit(shown)
        for place in pages:
            start, end = self._texts.span(place)
            start = self._texts.joined.find("\n", start) + 1  # behind the chapter
            for word in wanted:
                found = word.pattern.search(self._texts.joined, start, end)
                if found:
                    folded = self._texts.joined[start:end]
                    return _build_hit(
                        shown, self._pages[place].text, folded, found.start() - start, found.end() - start
                    )
        return EntryHit(shown)


class _QueryWord:
    """One word that was typed."""

    def __init__(self, word: str) -> None:
        stems = hangul.word_stems(word)
        self.text = stems[0]
        self.pattern = hangul.word_pattern(word)
        self.initials = tuple(
            "" if hangul.has_ambiguous_consonant(stem) else hangul.initial_consonants(stem) for stem in stems
        )


def _build_hit(entry: Entry, original: str, folded: str, start: int, end: int) -> EntryHit:
    # Where folding changed no length, what is shown is the text as it is written.
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
