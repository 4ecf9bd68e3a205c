"""Search as one types, in Korean and English at once; each entry that is found says where."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

from ecotui.guide import hangul
from ecotui.guide.reading.document import Entry
from ecotui.guide.reading.library import Library

AROUND = 36
"""Characters before and after a hit that are shown with it."""
PLACED = 300
"""Entries that say where they were hit: more are not looked at."""
MANY = 2_000
"""Entries beyond which hits are not counted one by one: then only the titles tell which are better."""
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


class _Texts:
    """Many texts as one: looking through it is far quicker than looking through each."""

    def __init__(self, texts: Iterable[str]) -> None:
        every = list(texts)
        self.whole = "\0".join(every)
        self.starts = [0, *accumulate(len(one) + 1 for one in every)]

    def having(self, needle: str, most: int) -> set[int]:
        """The texts in which fixed signs stand; no more than `most` are looked for."""
        return self._places(lambda at: self.whole.find(needle, at), most)

    def matching(self, pattern: re.Pattern[str]) -> set[int]:
        """The texts in which a pattern does."""

        def after(at: int) -> int:
            found = pattern.search(self.whole, at)
            return found.start() if found else -1

        return self._places(after)

    def _places(self, after: Callable[[int], int], most: int = 0) -> set[int]:
        found: set[int] = set()
        at, next_ = after(0), 0
        while at >= 0:
            # Hits stand in order, and one in a text is enough.
            next_ = bisect_right(self.starts, at, next_)
            found.add(next_ - 1)
            if len(found) == most:
                break
            at = after(self.starts[next_])
        return found

    def span(self, place: int) -> tuple[int, int]:
        """Where a text begins and ends in the whole."""
        return self.starts[place], self.starts[place + 1] - 1


class Index:
    """A library made ready once, so that a key finds its entries at once."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._pages = [entry for document in library.documents for entry in document.entries]
        """Every entry in every language."""
        self._of: dict[str, list[int]] = {}
        for place, entry in enumerate(self._pages):
            self._of.setdefault(entry.id, []).append(place)
        self._leads = {entry.number[:1] for entry in self._pages}
        """What numbers begin with: most words that are typed are no beginning of one."""
        self._titles = _Texts(hangul.fold(entry.title) for entry in self._pages)
        self._texts = _Texts(
            f"{hangul.fold(entry.chapter)}\n{hangul.fold(entry.text)}" for entry in self._pages
        )
        self._initials = _Texts(
            hangul.initials(f"{self._of_page(self._titles, place)}\n{self._of_page(self._texts, place)}")
            for place in range(len(self._pages))
        )

    @staticmethod
    def _of_page(texts: _Texts, place: int) -> str:
        start, end = texts.span(place)
        return texts.whole[start:end]

    def search(self, words: str, placed: int = PLACED) -> tuple[Hit, ...]:
        """Entries in which every word stands, in any language, best first; all of them when nothing is typed.

        The first `placed` say where it stands.
        """
        wanted = [_Word(word) for word in words.split()]
        if not wanted:
            return tuple(Hit(entry) for entry in self._library.entries)
        total, *others = (self._scores(word) for word in wanted)
        for scores in others:
            total = {ident: total[ident] + scores[ident] for ident in total.keys() & scores.keys()}
        entries = [entry for entry in self._library.entries if entry.id in total]
        entries.sort(key=lambda entry: -total[entry.id])  # among equals the order of the document stays
        return (
            *(self._hit(entry.id, wanted) for entry in entries[:placed]),
            *(Hit(entry) for entry in entries[placed:]),
        )

    def _scores(self, word: _Word) -> dict[str, float]:
        """Entry to how well a word says it."""
        likely = self._likely(word)
        scores: dict[str, float] = {}
        if len(likely) > MANY:
            texts, titles = self._texts.matching(word.pattern), self._titles.matching(word.pattern)
            pages = self._pages
            # An entry has a page in each language: its best one counts.
            for score, places in ((0.2, texts), (5.0, titles), (5.2, titles & texts)):
                scores.update((pages[place].id, score) for place in places)
        else:
            for place in likely:
                if score := self._score(word, place):
                    ident = self._pages[place].id
                    scores[ident] = max(scores.get(ident, 0.0), score)
        for entry in self._library.entries if word.first[:1] in self._leads else ():
            if entry.number.startswith(word.first):
                exact = word.first in (entry.id, entry.number)
                scores[entry.id] = scores.get(entry.id, 0.0) + (16.0 if exact else 4.0)
        return scores

    def _likely(self, word: _Word) -> set[int]:
        """The pages in which a word may stand, by its initial consonants; more than `MANY` are not told one by one."""
        if not all(word.initials):
            return set(range(len(self._pages)))
        return set().union(*(self._initials.having(needle, MANY + 1) for needle in word.initials))

    def _score(self, word: _Word, place: int) -> float:
        count = sum(
            1 for _ in islice(word.pattern.finditer(self._texts.whole, *self._texts.span(place)), COUNTED)
        )
        return 5.0 * bool(word.pattern.search(self._titles.whole, *self._titles.span(place))) + 0.2 * count

    def _hit(self, ident: str, wanted: Sequence[_Word]) -> Hit:
        """The first place in the text, in the language that is shown where it stands there; in another one otherwise."""
        pages = self._of[ident]
        shown = self._pages[pages[0]]
        for place in pages:
            span = self._titles.span(place)
            if all(
                word.pattern.search(self._titles.whole, *span) or shown.number.startswith(word.first)
                for word in wanted
            ):
                return Hit(shown)
        for place in pages:
            start, end = self._texts.span(place)
            start = self._texts.whole.find("\n", start) + 1  # behind the chapter
            for word in wanted:
                found = word.pattern.search(self._texts.whole, start, end)
                if found:
                    folded = self._texts.whole[start:end]
                    return _placed(
                        shown, self._pages[place].text, folded, found.start() - start, found.end() - start
                    )
        return Hit(shown)


class _Word:
    """One word that was typed."""

    def __init__(self, word: str) -> None:
        stems = hangul.stems(word)
        self.first = stems[0]
        self.pattern = hangul.pattern(word)
        self.initials = tuple("" if hangul.undecided(stem) else hangul.initials(stem) for stem in stems)


def _placed(entry: Entry, written: str, folded: str, start: int, end: int) -> Hit:
    # Where folding changed no length, what is shown is the text as it is written.
    text = written if len(written) == len(folded) else folded
    head = max(text.rfind("\n", 0, start) + 1, start - AROUND)
    tail = text.find("\n", end)
    tail = min(tail if tail >= 0 else len(text), end + AROUND)
    more = "…" if head and text[head - 1] != "\n" else ""
    rest = "…" if tail < len(text) and text[tail] != "\n" else ""
    return Hit(
        entry,
        before=f"{more}{text[head:start].lstrip()}",
        found=text[start:end].replace("\n", " "),
        after=f"{text[end:tail].rstrip()}{rest}",
        line=text.count("\n", 0, start) + 1,
    )
