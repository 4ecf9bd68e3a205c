"""Search as one types, in both languages: initial consonants, half-typed syllables, particles, spaces."""

from __future__ import annotations

import pytest

from ecotui.guide.library import shipped
from ecotui.guide.search import pattern, search


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("3.1", "3.1"),
        ("VcpuLimit", "3.1"),
        ("한도를", "3.1"),
        ("ㅎㄷ ㅈㄱ ㅇㅊ", "3.1"),
        ("버킷이", "4.2"),
        ("iam policy", "2.1"),
        ("limit 한도", "3.1"),
        ("체크리ㅅㅌ", "7.1"),
        ("대응순서", "7.3"),
        ("대응 순", "7.3"),
        ("생성 시간", "6.1"),
    ],
)
def test_words_of_either_language_find_the_entry_whatever_language_is_shown(
    language: str, words: str, first: str
) -> None:
    found = search(shipped(language), words)
    assert found
    assert found[0].id == first
    assert found[0] in shipped(language).entries


@pytest.mark.parametrize(
    ("typed", "text", "found"),
    [
        ("ㅅㅌ", "상태", True),
        ("ㅅㅌ", "한도", False),
        ("하", "한도", True),
        ("한", "하도", False),
        ("정책을", "정책이", True),
        ("정리스크립트", "정리 스크립트", True),
        ("bucket", "BucketNotEmpty", True),
        ("a.c", "abc", False),
        ("(", "f(x)", True),
    ],
)
def test_a_typed_word_stands_for_what_a_reader_of_korean_expects(typed: str, text: str, found: bool) -> None:
    assert bool(pattern(typed).search(text.casefold())) is found


def test_nothing_typed_finds_all_and_nonsense_nothing() -> None:
    library = shipped("en")
    assert search(library, "  ") == library.entries
    assert search(library, "zzqqzz") == ()
