"""What a typed word of Korean stands for: initial consonants, syllables that are not finished, particles, spacing."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
"""In the order of Unicode: a syllable is U+AC00 + (initial * 21 + vowel) * 28 + final (The Unicode Standard, 3.12)."""
_FIRST, _LAST = 0xAC00, 0xD7A3
_PER_INITIAL, _PER_VOWEL = 588, 28
_GROWS = {"ㅗ": "ㅘㅙㅚ", "ㅜ": "ㅝㅞㅟ", "ㅡ": "ㅢ"}
"""Vowels that a keyboard makes of two."""
_DOUBLE = {
    "ㄱ": "ㄳ", "ㄴ": "ㄵㄶ", "ㄹ": "ㄺㄻㄼㄽㄾㄿㅀ", "ㅂ": "ㅄ",
}  # fmt: skip
"""Finals that may still grow, and what into."""
_SPLIT = {
    "ㄳ": ("ㄱ", "ㅅ"), "ㄵ": ("ㄴ", "ㅈ"), "ㄶ": ("ㄴ", "ㅎ"), "ㄺ": ("ㄹ", "ㄱ"), "ㄻ": ("ㄹ", "ㅁ"), "ㄼ": ("ㄹ", "ㅂ"),
    "ㄽ": ("ㄹ", "ㅅ"), "ㄾ": ("ㄹ", "ㅌ"), "ㄿ": ("ㄹ", "ㅍ"), "ㅀ": ("ㄹ", "ㅎ"), "ㅄ": ("ㅂ", "ㅅ"),
}  # fmt: skip
"""Finals of two consonants: the second goes to the next syllable when a vowel follows."""
_PARTICLES = re.compile(
    "(?<=[\uac00-\ud7a3]{2})(으로부터|에서는|에게서|으로는|으로|에서|에게|한테|까지|부터|처럼|보다|마다|조차|이나|이란|라는|"
    "라고|하고|들을|들이|들은|과의|와의|을|를|이|가|은|는|의|에|로|와|과|도|만|들|요)$"
)
"""Particles behind a noun of at least two syllables."""
_LEADS = {0x1100 + place: ord(sign) for place, sign in enumerate(INITIALS)}
"""Initials that stand alone in decomposed text, as the letters that keyboards give."""
_ALONE = re.compile("[\u1100-\u1112]")
_JAMO = re.compile(f"([{INITIALS}])([{VOWELS}])")
_TO_INITIAL = {_FIRST + code: INITIALS[code // _PER_INITIAL] for code in range(_LAST - _FIRST + 1)}
_GAP = re.compile("(?<=[\u3131-\u314e\uac00-\ud7a3])[ \n]+(?=[\u3131-\u314e\uac00-\ud7a3])")


def fold(text: str) -> str:
    """Text for comparing: composed, lower case."""
    if text.isascii():
        return text.lower()
    composed = unicodedata.normalize("NFC", text).casefold()
    return composed.translate(_LEADS) if _ALONE.search(composed) else composed


def initials(folded: str) -> str:
    """Folded text with each syllable as its initial consonant, and no space between syllables: quick to search."""
    return folded if folded.isascii() else _GAP.sub("", folded.translate(_TO_INITIAL))


@lru_cache(maxsize=256)
def pattern(word: str) -> re.Pattern[str]:
    """`ㅅㅌ` finds `상태`, `하` and `한` find `한도`, `버킷을` finds `버킷이`, `정리스크립트` finds `정리 스크립트`."""
    return re.compile("|".join(_signs(one) for one in stems(word)))


def stems(word: str) -> tuple[str, ...]:
    """A typed word, folded, and without its particle."""
    folded = _JAMO.sub(lambda pair: _syllable(pair[1], pair[2], ""), fold(word))
    stem = _PARTICLES.sub("", folded)
    return (folded, stem) if stem != folded else (folded,)


def undecided(stem: str) -> bool:
    """Does a consonant in it end one syllable or begin the next one? Its initials alone do not say."""
    return any(
        sign in INITIALS and _FIRST <= ord(before) <= _LAST and (ord(before) - _FIRST) % _PER_VOWEL == 0
        for before, sign in pairwise(stem)
    )


def _syllable(initial: str, vowel: str, final: str) -> str:
    return chr(
        _FIRST
        + INITIALS.index(initial) * _PER_INITIAL
        + VOWELS.index(vowel) * _PER_VOWEL
        + FINALS.index(final)
    )


def _any(initial: str) -> str:
    """Every syllable that begins with a consonant, and that consonant itself."""
    low = _FIRST + INITIALS.index(initial) * _PER_INITIAL
    return f"[{initial}{chr(low)}-{chr(low + _PER_INITIAL - 1)}]"


def _signs(word: str) -> str:
    """A pattern for a word; Korean is written with and without spaces between its words."""
    pieces = ""
    at = 0
    while at < len(word):
        sign, next_ = word[at], word[at + 1 : at + 2]
        if at and _hangul(word[at - 1]) and _hangul(sign):
            pieces += r"\s?"
        taken = 1
        if sign in INITIALS:
            pieces += _any(sign)
        elif not _FIRST <= ord(sign) <= _LAST:
            pieces += re.escape(sign)
        elif not next_:
            pieces += _last(sign)
        elif next_ in INITIALS and next_ in FINALS and (ord(sign) - _FIRST) % _PER_VOWEL == 0:
            # The consonant is the syllable's final, or begins the next one.
            closed = chr(ord(sign) + FINALS.index(next_))
            pieces += f"(?:{closed}|{sign}\\s?{_any(next_)})"
            taken = 2
        else:
            pieces += sign
        at += taken
    return pieces


def _last(sign: str) -> str:
    """The last syllable, which may be on its way to another one."""
    code = ord(sign) - _FIRST
    initial = INITIALS[code // _PER_INITIAL]
    vowel = VOWELS[code % _PER_INITIAL // _PER_VOWEL]
    final = FINALS[code % _PER_VOWEL]
    if not final:
        ways = [
            f"{_syllable(initial, one, '')}-{_syllable(initial, one, 'ㅎ')}"
            for one in (vowel, *_GROWS.get(vowel, ""))
        ]
        return f"[{''.join(ways)}]"
    grown = "".join(_syllable(initial, vowel, more) for more in _DOUBLE.get(final, ""))
    here = f"[{sign}{grown}]" if grown else sign
    stays, goes = _SPLIT.get(final, ("", final))
    if goes not in INITIALS:
        return here
    # `한` may become `하나`: the final goes over to the next syllable.
    return f"(?:{here}|{_syllable(initial, vowel, stays)}{_any(goes)})"


def _hangul(sign: str) -> bool:
    return sign in INITIALS or _FIRST <= ord(sign) <= _LAST
