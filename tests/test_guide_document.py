"""Reading a guide as a team writes it."""

from importlib import resources

import pytest

from ecotui.guide.document import Part, fences, parse

NUMBERED = ["1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "2.1", "2.2", "3.1", "3.2", "4.1", "4.2", "5.1"]
NUMBERED += ["6.1", "6.2", "7.1", "7.2", "7.3"]


def shipped(language: str) -> bytes:
    return (resources.files("config") / "guide" / f"eco2.{language}.md").read_bytes()


@pytest.fixture(params=["ko", "en"])
def document(request: pytest.FixtureRequest):
    return parse(shipped(request.param), request.param)


def test_every_entry_of_the_guide_is_found(document):
    assert [entry.id for entry in document.entries] == [*NUMBERED, "8", "9"]
    assert document.language == document.name
    assert document.notes == ()


def test_the_table_of_contents_is_no_entry(document):
    assert not [entry for entry in document.entries if "목차" in entry.title or "Contents" in entry.title]


def test_both_languages_have_the_same_structure():
    korean, english = parse(shipped("ko"), "ko"), parse(shipped("en"), "en")
    for one, other in zip(korean.entries, english.entries, strict=True):
        assert [p.part for p in one.passages] == [p.part for p in other.passages], one.id
        assert [language for language, _ in fences(one.text)] == [
            language for language, _ in fences(other.text)
        ]
        assert one.errors == other.errors, one.id


def test_the_translation_changes_no_command():
    """Commands without their comments and messages are the same in both languages."""

    def commands(language: str) -> list[str]:
        text = shipped(language).decode()
        bodies = "\n".join(body for mark, body in fences(text) if mark in ("bash", "hcl"))
        lines = (line.split("#")[0].split("echo")[0].rstrip() for line in bodies.splitlines())
        return [line for line in lines if line]

    assert commands("ko") == commands("en")


def test_the_translation_has_no_korean_left():
    assert not [character for character in shipped("en").decode() if "\uac00" <= character <= "\ud7a3"]


def test_problem_cause_check_and_fix_are_told_apart(document):
    parts = {entry.id: [passage.part for passage in entry.passages] for entry in document.entries}
    assert parts["1.1"] == [Part.PROBLEM, Part.CAUSE, Part.FIX]
    assert parts["3.2"] == [Part.PROBLEM, Part.CAUSE, Part.CHECK, Part.FIX]
    assert parts["5.1"].count(Part.FIX) == 3
    assert parts["6.1"][0] is Part.PROBLEM


def test_error_texts_are_those_of_the_problem_only(document):
    entry = next(entry for entry in document.entries if entry.id == "3.1")
    assert len(entry.errors) == 1
    assert entry.errors[0].startswith("Error: creating EC2 Instance: VcpuLimitExceeded")


def test_a_table_stays_in_its_entry(document):
    entry = next(entry for entry in document.entries if entry.id == "3.1")
    assert "| Master | 1 | t3a.large | 2 | 2 |" in entry.text


def test_a_heading_inside_a_fence_is_no_entry():
    document = parse("## 1. A\n\n### 1.1 B\n```bash\n## 2. not a chapter\n### 2.1 no\n```\nend\n", "x")
    assert [entry.id for entry in document.entries] == ["1.1"]
    assert "## 2. not a chapter" in document.entries[0].text


def test_an_unclosed_fence_is_said_and_loses_nothing():
    document = parse("### 1.1 A\n```\nError: x\n### 1.2 B\ntext\n", "x")
    assert [entry.id for entry in document.entries] == ["1.1"]
    assert "### 1.2 B" in document.entries[0].text
    assert "never closed" in document.notes[0]


def test_a_number_used_twice_is_said_and_both_are_kept():
    document = parse("### 1.1 A\none\n\n### 1.1 B\ntwo\n", "x")
    assert [(entry.id, entry.title) for entry in document.entries] == [("1.1", "A"), ("1.1-2", "B")]
    assert document.notes == ("line 4: 1.1 is used twice; the second one is 1.1-2",)


def test_line_ends_of_windows_and_a_byte_order_mark_change_nothing():
    plain = shipped("ko").decode()
    other = parse(b"\xef\xbb\xbf" + plain.replace("\n", "\r\n").encode(), "ko")
    assert other.entries == parse(plain, "ko").entries


def test_a_document_without_numbers_has_named_entries():
    document = parse("# Runbook\n\n## Disk is full\n\n### Symptom\n```\nno space\n```\n", "runbook.md")
    assert document.title == "Runbook"
    assert "symptom" in [entry.id for entry in document.entries]
    assert parse("## Disk is full\nClean it.\n", "x").entries[0].id == "disk-is-full"


def test_html_is_text():
    document = parse(
        "### 1.1 A <b>bold</b>\n<details>\n<summary>x</summary>\n\n### 1.2 B\ny\n</details>\n", "x"
    )
    assert [entry.id for entry in document.entries] == ["1.1", "1.2"]


def test_control_sequences_in_a_document_do_not_reach_the_screen():
    entry = parse("### 1.1 A\x1b]52;c;ZXZpbA==\x07\nb\x1b[2Jc\n", "x").entries[0]
    assert (entry.title, entry.text) == ("A", "bc")


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\n\n",
        b"no heading at all",
        b"\xff\xfe\x00",
        b"###",
        b"### ",
        b"# only a title",
        b"```",
        b"~~~\n```\n",
        b"## 1.\n",
    ],
)
def test_nothing_in_a_document_is_an_exception(source):
    assert parse(source, "x").entries == ()


def test_cut_anywhere_the_guide_is_still_read():
    whole = shipped("ko")
    for cut in range(0, len(whole), 997):
        assert len(parse(whole[:cut], "x").entries) <= len(NUMBERED) + 2
