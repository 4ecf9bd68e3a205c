"""Matches typed Korean: initial consonants, unfinished syllables, particles, spacing."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
"""In the order of Unicode: a syllable is U+AC00 + (initial * 21 + vowel) * 28 + final (The Unicode Standard, 3.12)."""
_FIRST_SYLLABLE, _LAST_SYLLABLE = 0xAC00, 0xD7A3
_SYLLABLES_PER_INITIAL, _SYLLABLES_PER_VOWEL = 588, 28
_COMPOUND_VOWELS = {"ㅗ": "ㅘㅙㅚ", "ㅜ": "ㅝㅞㅟ", "ㅡ": "ㅢ"}
"""Vowels that are typed as two."""
_COMPOUND_FINALS = {
    "ㄱ": "ㄳ", "ㄴ": "ㄵㄶ", "ㄹ": "ㄺㄻㄼㄽㄾㄿㅀ", "ㅂ": "ㅄ",
}  # fmt: skip
"""Finals that may still grow, and the compounds they become."""
_FINAL_PARTS = {
    "ㄳ": ("ㄱ", "ㅅ"), "ㄵ": ("ㄴ", "ㅈ"), "ㄶ": ("ㄴ", "ㅎ"), "ㄺ": ("ㄹ", "ㄱ"), "ㄻ": ("ㄹ", "ㅁ"), "ㄼ": ("ㄹ", "ㅂ"),
    "ㄽ": ("ㄹ", "ㅅ"), "ㄾ": ("ㄹ", "ㅌ"), "ㄿ": ("ㄹ", "ㅍ"), "ㅀ": ("ㄹ", "ㅎ"), "ㅄ": ("ㅂ", "ㅅ"),
}  # fmt: skip
"""Finals of two consonants: the second goes to the next syllable when a vowel follows."""
_PARTICLES = re.compile(
    "(?<=[\uac00-\ud7a3]{2})(으로부터|에서는|에게서|으로는|으로|에서|에게|한테|까지|부터|처럼|보다|마다|조차|이나|이란|라는|"
    "라고|하고|들을|들이|들은|과의|와의|을|를|이|가|은|는|의|에|로|와|과|도|만|들|요)$"
)
"""Particles behind a noun of at least two syllables."""
_DECOMPOSED_INITIALS = {0x1100 + index: ord(letter) for index, letter in enumerate(INITIALS)}
"""Initials that stand alone in decomposed text, to the letters that keyboards give."""
_DECOMPOSED_INITIAL = re.compile("[\u1100-\u1112]")
_INITIAL_AND_VOWEL = re.compile(f"([{INITIALS}])([{VOWELS}])")
_INITIAL_BY_SYLLABLE = {
    _FIRST_SYLLABLE + code: INITIALS[code // _SYLLABLES_PER_INITIAL]
    for code in range(_LAST_SYLLABLE - _FIRST_SYLLABLE + 1)
}
_SPACE_BETWEEN_SYLLABLES = re.compile("(?<=[\u3131-\u314e\uac00-\ud7a3])[ \n]+(?=[\u3131-\u314e\uac00-\ud7a3])")


def fold_text(text: str) -> str:
    """Text for comparison: composed, lower case."""
    if text.isascii():
        return text.lower()
    composed = unicodedata.normalize("NFC", text).casefold()
    return composed.translate(_DECOMPOSED_INITIALS) if _DECOMPOSED_INITIAL.search(composed) else composed


def initial_consonants(text: str) -> str:
    """Folded text with each syllable as its initial consonant, and no space between syllables: fast to search."""
    return text if text.isascii() else _SPACE_BETWEEN_SYLLABLES.sub("", text.translate(_INITIAL_BY_SYLLABLE))


@lru_cache(maxsize=256)
def word_pattern(word: str) -> re.Pattern[str]:
    """`ㅅㅌ` finds `상태`, `하` and `한` find `한도`, `버킷을` finds `버킷이`, `정리스크립트` finds `정리 스크립트`."""
    return re.compile("|".join(_word_regex(one) for one in word_stems(word)))


def word_stems(word: str) -> tuple[str, ...]:
    """A typed word, folded; and without its particle, if it has one."""
    folded = _INITIAL_AND_VOWEL.sub(lambda pair: _compose_syllable(pair[1], pair[2], ""), fold_text(word))
    stem = _PARTICLES.sub("", folded)
    return (folded, stem) if stem != folded else (folded,)


def has_ambiguous_consonant(stem: str) -> bool:
    """Whether a consonant in it may end one syllable or begin the next: its initials alone do not say."""
    return any(
        letter in INITIALS
        and _FIRST_SYLLABLE <= ord(before) <= _LAST_SYLLABLE
        and (ord(before) - _FIRST_SYLLABLE) % _SYLLABLES_PER_VOWEL == 0
        for before, letter in pairwise(stem)
    )


def _compose_syllable(initial: str, vowel: str, final: str) -> str:
    return chr(
        _FIRST_SYLLABLE
        + INITIALS.index(initial) * _SYLLABLES_PER_INITIAL
        + VOWELS.index(vowel) * _SYLLABLES_PER_VOWEL
        + FINALS.index(final)
    )


def _syllables_with_initial(initial: str) -> str:
    """A set of every syllable that begins with a consonant, and that consonant itself."""
    low = _FIRST_SYLLABLE + INITIALS.index(initial) * _SYLLABLES_PER_INITIAL
    return f"[{initial}{chr(low)}-{chr(low + _SYLLABLES_PER_INITIAL - 1)}]"


def _word_regex(word: str) -> str:
    """A pattern for a word; Korean is written with and without spaces between its words."""
    regex = ""
    index = 0
    while index < len(word):
        letter, following = word[index], word[index + 1 : index + 2]
        if index and _is_hangul(word[index - 1]) and _is_hangul(letter):
            regex += r"\s?"
        index += 1
        if letter in INITIALS:
            regex += _syllables_with_initial(letter)
        elif not _FIRST_SYLLABLE <= ord(letter) <= _LAST_SYLLABLE:
            regex += re.escape(letter)
        elif not following:
            regex += _last_syllable_regex(letter)
        elif (
            following in INITIALS
            and following in FINALS
            and (ord(letter) - _FIRST_SYLLABLE) % _SYLLABLES_PER_VOWEL == 0
        ):
            # The consonant is the syllable's final, or begins the next one.
            closed = chr(ord(letter) + FINALS.index(following))
            regex += f"(?:{closed}|{letter}\\s?{_syllables_with_initial(following)})"
            index += 1
        else:
            regex += letter
    return regex


def _last_syllable_regex(syllable: str) -> str:
    """The last syllable, and those that further keys may make of it."""
    code = ord(syllable) - _FIRST_SYLLABLE
    initial = INITIALS[code // _SYLLABLES_PER_INITIAL]
    vowel = VOWELS[code % _SYLLABLES_PER_INITIAL // _SYLLABLES_PER_VOWEL]
    final = FINALS[code % _SYLLABLES_PER_VOWEL]
    if not final:
        ranges = [
            f"{_compose_syllable(initial, one, '')}-{_compose_syllable(initial, one, 'ㅎ')}"
            for one in (vowel, *_COMPOUND_VOWELS.get(vowel, ""))
        ]
        return f"[{''.join(ranges)}]"
    compounds = "".join(_compose_syllable(initial, vowel, one) for one in _COMPOUND_FINALS.get(final, ""))
    closed = f"[{syllable}{compounds}]" if compounds else syllable
    first, second = _FINAL_PARTS.get(final, ("", final))
    if second not in INITIALS:
        return closed
    # `한` may become `하나`: the final moves to the next syllable.
    return f"(?:{closed}|{_compose_syllable(initial, vowel, first)}{_syllables_with_initial(second)})"


def _is_hangul(letter: str) -> bool:
    return letter in INITIALS or _FIRST_SYLLABLE <= ord(letter) <= _LAST_SYLLABLE
