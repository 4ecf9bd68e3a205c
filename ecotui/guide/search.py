"""Search as one types, in Korean and English at once: initial consonants, half-typed syllables, particles, spacing."""

from __future__ import annotations

import re
from functools import lru_cache

from ecotui.guide.document import Entry
from ecotui.guide.library import Library, fold

_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_FIRST, _PER_INITIAL, _PER_VOWEL = 0xAC00, 588, 28
"""Hangul syllables in Unicode: 19 initials of 21 vowels of 28 finals, from U+AC00 (The Unicode Standard, 3.12)."""
_LAST = 0xD7A3
LONGEST = 100_000
"""Characters of one entry that are searched; people write a hundredth of that."""
_PARTICLES = re.compile(
    "(?<=[\uac00-\ud7a3]{2})(으로부터|에서는|에게서|으로는|으로|에서|에게|한테|까지|부터|처럼|보다|마다|조차|이나|이란|라는|"
    "라고|하고|들을|들이|들은|과의|와의|을|를|이|가|은|는|의|에|로|와|과|도|만|들|요)$"
)
"""Particles behind a noun of at least two syllables."""


def search(library: Library, words: str) -> tuple[Entry, ...]:
    """Entries in which every word stands, in any language, best first; all entries when nothing is typed."""
    wanted = [(fold(word), pattern(word)) for word in words.split()]
    if not wanted:
        return library.entries
    titles: dict[str, str] = {}
    texts: dict[str, str] = {}
    for document in library.documents:
        for one in document.entries:
            titles[one.id] = f"{titles.get(one.id, '')}\n{fold(one.title)}"
            texts[one.id] = f"{texts.get(one.id, '')}\n{fold(f'{one.chapter} {one.text}')}"
    scores: dict[str, float] = {}
    for ident, title in titles.items():
        score = 0.0
        for word, seek in wanted:
            one_word = (
                12.0 * (ident == word)
                + 4.0 * ident.startswith(word)
                + 5.0 * bool(seek.search(title))
                + 0.2 * min(sum(1 for _ in seek.finditer(texts[ident], 0, LONGEST)), 5)
            )
            if not one_word:
                break
            score += one_word
        else:
            scores[ident] = score
    order = [entry.id for entry in library.entries]
    found = sorted(scores, key=lambda ident: (-scores[ident], order.index(ident)))
    return tuple(known for ident in found if (known := library.entry(ident)) is not None)


@lru_cache(maxsize=256)
def pattern(word: str) -> re.Pattern[str]:
    """What a typed word stands for: `ㅅㅌ` finds `상태`, `하` finds `한도`, `버킷을` finds `버킷이`, `정리스크립트` `정리 스크립트`."""
    folded = fold(word)
    stem = _PARTICLES.sub("", folded)
    both = [folded, stem] if stem != folded else [folded]
    return re.compile("|".join(_signs(one) for one in both))


def _signs(word: str) -> str:
    parts = []
    for at, sign in enumerate(word):
        code = ord(sign)
        if sign in _INITIALS:
            low = _FIRST + _INITIALS.index(sign) * _PER_INITIAL
            parts.append(f"[{sign}{chr(low)}-{chr(low + _PER_INITIAL - 1)}]")
        elif _FIRST <= code <= _LAST and (code - _FIRST) % _PER_VOWEL == 0 and at == len(word) - 1:
            # The last syllable may still get its final consonant.
            parts.append(f"[{sign}-{chr(code + _PER_VOWEL - 1)}]")
        else:
            parts.append(re.escape(sign))
    # Korean is written with and without spaces between its words.
    pieces = ""
    for before, part, sign in zip(["", *word], parts, word, strict=False):
        spaced = before and _hangul(before) and _hangul(sign)
        pieces += (r"\s?" if spaced else "") + part
    return pieces


def _hangul(sign: str) -> bool:
    return sign in _INITIALS or _FIRST <= ord(sign) <= _LAST
