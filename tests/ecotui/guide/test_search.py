"""Search as one types, in both languages: initial consonants, half-typed syllables, particles, spaces."""

from __future__ import annotations

import unicodedata

import pytest

from ecotui.guide.hangul import word_pattern
from ecotui.guide.reading.document import parse_guide
from ecotui.guide.reading.library import GuideLibrary, load_shipped_library
from ecotui.guide.search import EntryHit, EntryIndex


@pytest.fixture(scope="module", params=["ko", "en"])
def index(request: pytest.FixtureRequest) -> tuple[GuideLibrary, EntryIndex]:
    library = load_shipped_library(request.param)
    return library, EntryIndex(library)


def ids(hits: tuple[EntryHit, ...]) -> list[str]:
    return [hit.entry.id for hit in hits]


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("3.1", "3.1"),
        ("VcpuLimit", "3.1"),
        ("vCPU 한도", "3.1"),
        ("한도를", "3.1"),
        ("ㅎㄷ ㅈㄱ ㅇㅊ", "3.1"),
        ("버킷이", "4.2"),
        ("bucket", "4.2"),
        ("scope", "5.1"),
        ("Key Pair", "4.1"),
        ("iam policy", "2.1"),
        ("limit 한도", "3.1"),
        ("체크리ㅅㅌ", "7.1"),
        ("대응순서", "7.3"),
        ("대응 순", "7.3"),
        ("생성 시간", "6.1"),
    ],
)
def test_words_of_either_language_find_the_entry_whatever_language_is_shown(
    index: tuple[GuideLibrary, EntryIndex], words: str, first: str
) -> None:
    library, ready = index
    for typed in (words, unicodedata.normalize("NFD", words)):
        hits = ready.search(typed)
        assert ids(hits)[0] == first
        assert hits[0].entry in library.entries


@pytest.mark.parametrize("word", ["한도", "버킷", "체크리스트", "대응 순서", "없"])
def test_at_every_key_on_the_way_to_a_word_its_entry_is_found(
    index: tuple[GuideLibrary, EntryIndex], word: str
) -> None:
    """What an input method shows while a word is typed: ㅎ, 하, 한, 한ㄷ, 한도."""
    _, ready = index
    wanted = set(ids(ready.search(word)))
    assert wanted
    for end in range(len(word)):
        done, letters = word[:end], unicodedata.normalize("NFD", word[end])
        for count in range(1, len(letters) + 1):
            shown = done + unicodedata.normalize("NFC", letters[:count])
            assert wanted <= set(ids(ready.search(shown))), shown


@pytest.mark.parametrize(
    ("typed", "text", "found"),
    [
        ("ㅅㅌ", "상태", True),
        ("ㅅㅌ", "한도", False),
        ("하", "한도", True),
        ("한", "하도", False),
        ("한", "하나", True),
        ("한ㄷ", "한도", True),
        ("하ㄴ도", "한도", True),
        ("하ㄴ도", "하나도", True),
        ("ㅎㅏㄴㄷㅗ", "한도", True),
        ("갑", "값", True),
        ("업", "없음", True),
        ("고", "과정", True),
        ("우", "원인", True),
        ("닭", "달걀", True),
        ("정책을", "정책이", True),
        ("정리스크립트", "정리 스크립트", True),
        ("ㅈㄹㅅㅋㄹㅌ", "정리 스크립트", True),
        ("bucket", "BucketNotEmpty", True),
        ("a.c", "abc", False),
        ("(", "f(x)", True),
        ("스크립트ing", "스크립트ing", True),
    ],
)
def test_a_typed_word_stands_for_what_a_reader_of_korean_expects(typed: str, text: str, found: bool) -> None:
    assert bool(word_pattern(typed).search(text.casefold())) is found
    library = GuideLibrary((parse_guide(f"### 1.1 x\n{text}\n", "x.md"),), {}, "ko")
    assert bool(EntryIndex(library).search(typed)) is found


def test_a_korean_word_is_found_with_any_particle() -> None:
    text = "### 1.1 가\n버킷이 남음\n\n### 1.2 나\n버킷을 지움\n\n### 1.3 다\n다른 것\n"
    ready = EntryIndex(GuideLibrary((parse_guide(text, "x"),), {}, "ko"))
    assert ids(ready.search("버킷")) == ["1.1", "1.2"]
    assert ids(ready.search("버킷에서")) == ["1.1", "1.2"]


def test_every_word_must_be_there_and_no_words_find_all(index: tuple[GuideLibrary, EntryIndex]) -> None:
    library, ready = index
    assert ready.search("bucket nosuchword") == ()
    assert tuple(hit.entry for hit in ready.search("  ")) == library.entries


def test_a_hit_has_its_line(index: tuple[GuideLibrary, EntryIndex]) -> None:
    library, ready = index
    (hit,) = ready.search("DENIED")
    assert (hit.entry.id, hit.matched_text) == ("3.2", "DENIED")
    assert hit.entry.text.splitlines()[hit.line - 1].strip().startswith("- `DENIED`")
    assert hit.excerpt.startswith("- `DENIED`")
    # In the other language than the one that is shown, it is told in that one.
    (korean,) = ready.search("좋은 신호")
    assert (korean.entry, korean.matched_text) == (library.find_entry("3.2"), "좋은")


def test_a_hit_in_the_title_has_no_line() -> None:
    ready = EntryIndex(load_shipped_library("en"))
    assert ready.search("VcpuLimitExceeded")[0] == EntryHit(load_shipped_library("en").find_entry("3.1"))
    assert ready.search("3.1")[0].line == 0


def test_a_long_line_is_shown_around_the_hit() -> None:
    text = f"### 1.1 x\n{'a ' * 200}needle{' b' * 200}\n"
    (hit,) = EntryIndex(GuideLibrary((parse_guide(text, "x"),), {}, "en")).search("NEEDLE")
    assert hit.text_before.startswith("…") and hit.text_after.endswith("…") and hit.matched_text == "needle"
    assert len(hit.excerpt) < 90


@pytest.mark.parametrize("words", ["버킷을", "ㅎㄷ", "terraform", "3.1", "iam policy", "bucket nosuchword"])
def test_where_too_many_are_found_to_count_every_hit_the_same_are_found(
    index: tuple[GuideLibrary, EntryIndex], monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    _, ready = index
    counted = ready.search(words)
    monkeypatch.setattr("ecotui.guide.search.MAX_COUNTED_ENTRIES", 0)
    assert set(ids(ready.search(words))) == set(ids(counted))
    assert [hit.entry.id for hit in ready.search(words, with_excerpt=0)] == ids(ready.search(words))
