"""The documents in force: search, corrections, a project's own guide."""

import msgspec
import pytest

from config.model import Guide, Settings
from ecotui.guide.diagnosis import diagnose
from ecotui.guide.library import GuideError, language_of, open_library, overlay, shipped


def ids(entries) -> list[str]:
    return [entry.id for entry in entries]


def settings(**guide) -> Settings:
    return msgspec.structs.replace(Settings(), guide=Guide(**guide))


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("버킷", "4.2"),
        ("vCPU 한도", "3.1"),
        ("bucket", "4.2"),
        ("scope", "5.1"),
        ("3.2", "3.2"),
        ("Key Pair", "4.1"),
    ],
)
def test_words_of_either_language_find_the_entry(language, words, first):
    library = shipped(language)
    assert first in ids(library.search(words))[:3]
    assert all(entry.text == library.in_language(entry.id, language).text for entry in library.search(words))


def test_a_korean_word_is_found_with_any_particle():
    text = "### 1.1 가\n버킷이 남음\n\n### 1.2 나\n버킷을 지움\n\n### 1.3 다\n다른 것\n"
    library = library_of(text)
    assert ids(library.search("버킷")) == ["1.1", "1.2"]


def test_decomposed_korean_finds_composed():
    import unicodedata

    assert ids(shipped("ko").search(unicodedata.normalize("NFD", "버킷"))) == ids(
        shipped("ko").search("버킷")
    )


def test_every_word_must_be_there():
    assert shipped("en").search("bucket nosuchword") == ()


def test_no_words_find_everything():
    assert len(shipped("en").search("  ")) == 20


def test_corrections_come_in_the_language_asked_for():
    library = shipped("ko")
    assert "2 vCPU" in library.corrections("3.1")[0]
    assert "Method 2 does not add up" in library.corrections("3.1", "en")[0]
    assert library.corrections("1.1") == ()


def test_every_entry_that_is_known_to_be_wrong_is_corrected():
    assert all(shipped("en").corrections(entry) for entry in ("2.1", "3.1", "3.2", "4.2", "5.1", "6.2"))


def test_a_finding_leads_to_its_entries():
    library = shipped("en")
    assert library.for_finding("quota.vcpu") == ("3.1", "3.2")
    assert library.for_finding("cleanup.s3-bucket.images") == ("4.2",)
    assert library.for_finding("cleanup.s3-bucketeer") == ()


def test_the_overlay_speaks_of_entries_that_exist():
    library = shipped("en")
    assert [ident for ident in library.overlays if library.entry(ident) is None] == []


def test_the_language_follows_the_setting_then_the_locale():
    assert language_of(settings(language="ko"), {"LANG": "en_US.UTF-8"}) == "ko"
    assert language_of(Settings(), {"LANG": "ko_KR.UTF-8"}) == "ko"
    assert language_of(Settings(), {"LC_ALL": "C", "LANG": "ko_KR.UTF-8"}) == "en"
    assert language_of(Settings(), {}) == "en"


def test_signatures_come_from_the_error_texts_of_a_guide_of_ones_own(tmp_path):
    (tmp_path / "runbook.md").write_text(
        "## 1. Disk\n\n### 1.1. Full\n\n#### Problem\n```\nError: volume data-7 (vol-1234) has no space left at 98%\n```\n\n"
        "**Cause**: logs\n\n#### Fix\n```bash\njournalctl --vacuum-size=1G\n```\n"
    )
    library = open_library(settings(documents=("runbook.md",)), tmp_path, {})
    assert ids(library.entries) == ["1.1"]
    found = diagnose(library, "x\n│ Error: volume data-3 (vol-9) has no space\n│ left at 99%\n")
    assert [match.entry for match in found] == ["1.1"]
    assert diagnose(library, "journalctl --vacuum-size=1G") == ()
    assert diagnose(library, "Error: creating EC2 Instance: VcpuLimitExceeded") == ()


def test_an_error_text_too_short_to_tell_anything_is_no_signature(tmp_path):
    (tmp_path / "a.md").write_text("### 1.1 A\n#### Problem\n```\nError: failed\n```\n")
    library = open_library(settings(documents=("a.md",)), tmp_path, {})
    assert library.overlays["1.1"].signatures == ()


def test_a_folder_of_documents_is_read_in_order(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "b.md").write_text("### 2.1 B\ntext\n")
    (tmp_path / "docs" / "a.md").write_text("### 1.1 A\ntext\n")
    assert ids(open_library(settings(documents=("docs",)), tmp_path, {}).entries) == ["1.1", "2.1"]


def test_a_document_that_is_not_there_is_named(tmp_path):
    with pytest.raises(GuideError, match=r"none\.md: No such file"):
        open_library(settings(documents=("none.md",)), tmp_path, {})


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (b"a: [", "x.yaml:"),
        (b"'1.1': {signatures: [{anchor: a, match: '('}]}", "x.yaml:"),
        (b"'1.1': {signature: []}", "signature"),
        (b"'1.1': {signatures: [{anchor: a, match: b, kind: fatal}]}", "fatal"),
        (b"- a", "x.yaml:"),
    ],
)
def test_a_bad_overlay_is_one_line(source, said):
    with pytest.raises(GuideError, match=said) as caught:
        overlay(source, "x.yaml")
    assert "\n" not in str(caught.value)


def library_of(text: str):
    from ecotui.guide.document import parse
    from ecotui.guide.library import Library

    return Library((parse(text, "x"),), {}, "ko")
