"""Reading a guide as a team writes it."""

import re
from importlib import resources

import pytest

from ecotui.guide.reading.document import fenced_blocks, parse_guide
from ecotui.guide.reading.sections import SectionKind, exact_section_kind

NUMBERED = ["1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "2.1", "2.2", "3.1", "3.2", "4.1", "4.2", "5.1"]
NUMBERED += ["6.1", "6.2", "7.1", "7.2", "7.3"]


def shipped(language: str) -> bytes:
    return (resources.files("config") / "guide" / f"eco2.{language}.md").read_bytes()


@pytest.fixture(params=["ko", "en"])
def document(request: pytest.FixtureRequest):
    return parse_guide(shipped(request.param), request.param)


def test_every_entry_of_the_guide_is_found(document):
    assert [entry.id for entry in document.entries] == [*NUMBERED, "8", "9"]
    assert document.language == document.name
    assert document.notes == ()


def test_the_table_of_contents_is_no_entry(document):
    assert not [entry for entry in document.entries if "목차" in entry.title or "Contents" in entry.title]


def test_both_languages_have_the_same_structure():
    korean, english = parse_guide(shipped("ko"), "ko"), parse_guide(shipped("en"), "en")
    for one, other in zip(korean.entries, english.entries, strict=True):
        assert [p.kind for p in one.sections] == [p.kind for p in other.sections], one.id
        assert [language for language, _ in fenced_blocks(one.text)] == [
            language for language, _ in fenced_blocks(other.text)
        ]
        assert one.error_texts == other.error_texts, one.id
        # Tables with as many rows, links to the same places, as many items of lists.
        for marks in (r"^\|", r"\]\(http", r"https?://\S+", r"^\s*(?:[-*]|\d+\.)\s", r"`[^`\n]+`"):
            assert len(re.findall(marks, one.text, re.M)) == len(re.findall(marks, other.text, re.M)), one.id


def test_the_translation_changes_no_command():
    """Commands without their comments and messages are the same in both languages."""

    def commands(language: str) -> list[str]:
        text = shipped(language).decode()
        bodies = "\n".join(body for mark, body in fenced_blocks(text) if mark in ("bash", "hcl"))
        lines = (line.split("#")[0].split("echo")[0].rstrip() for line in bodies.splitlines())
        return [line for line in lines if line]

    assert commands("ko") == commands("en")


def test_the_translation_has_no_korean_left():
    assert not [character for character in shipped("en").decode() if "\uac00" <= character <= "\ud7a3"]


def test_problem_cause_check_and_fix_are_distinguished(document):
    parts = {entry.id: [section.kind for section in entry.sections] for entry in document.entries}
    assert parts["1.1"] == [
        SectionKind.PROBLEM,
        SectionKind.CAUSE,
        SectionKind.FIX,
        SectionKind.FILES,
        SectionKind.COMMIT,
    ]
    assert parts["3.2"] == [SectionKind.PROBLEM, SectionKind.CAUSE, SectionKind.CHECK, SectionKind.FIX]
    assert parts["5.1"].count(SectionKind.FIX) == 3
    assert parts["6.1"][0] is SectionKind.PROBLEM


def test_error_texts_are_those_of_the_problem_only(document):
    entry = next(entry for entry in document.entries if entry.id == "3.1")
    assert len(entry.error_texts) == 1
    assert entry.error_texts[0].startswith("Error: creating EC2 Instance: VcpuLimitExceeded")


def test_a_table_stays_in_its_entry(document):
    entry = next(entry for entry in document.entries if entry.id == "3.1")
    assert "| Master | 1 | t3a.large | 2 | 2 |" in entry.text


def test_a_heading_inside_a_fence_is_no_entry():
    document = parse_guide("## 1. A\n\n### 1.1 B\n```bash\n## 2. not a chapter\n### 2.1 no\n```\nend\n", "x")
    assert [entry.id for entry in document.entries] == ["1.1"]
    assert "## 2. not a chapter" in document.entries[0].text


def test_an_unclosed_fence_ends_before_the_next_heading_with_a_note():
    document = parse_guide("### 1.1 A\n```\nError: x\n### 1.2 B\ntext\n", "x")
    assert [(entry.id, entry.text) for entry in document.entries] == [
        ("1.1", "```\nError: x"),
        ("1.2", "text"),
    ]
    assert document.notes == ("line 2: a fenced block is never closed; it was taken to end at line 4",)
    last = parse_guide("### 1.1 A\ntext\n```\nError: x\n", "x")
    assert "Error: x" in last.entries[0].text
    assert "with the document" in last.notes[0]


def test_a_fence_that_was_forgotten_to_close_does_not_turn_the_later_ones_inside_out():
    text = "### 1.1 A\n#### Problem\n```\nError: x\n\n#### Fix\n```bash\nrun it\n```\n\n### 1.2 B\n#### Problem\n```\nError: y\n```\n"
    document = parse_guide(text, "x")
    assert [entry.id for entry in document.entries] == ["1.1", "1.2"]
    assert [entry.error_texts for entry in document.entries] == [("Error: x",), ("Error: y",)]
    assert [passage.kind for passage in document.entries[0].sections] == [SectionKind.PROBLEM, SectionKind.FIX]


def test_comments_of_a_shell_do_not_end_a_fence():
    text = "### 1.1 A\n```bash\n# one\n\n## 2. two\n### three\nls\n```\nafter\n"
    (entry,) = parse_guide(text, "x").entries
    assert list(fenced_blocks(entry.text)) == [("bash", "# one\n\n## 2. two\n### three\nls")]


def test_a_fence_in_a_list_is_a_fence():
    (entry,) = parse_guide("### 1.1 A\n1. do\n    ```bash\n    ls\n      -l\n    ```\n2. more\n", "x").entries
    assert list(fenced_blocks(entry.text)) == [("bash", "ls\n  -l")]
    assert list(fenced_blocks("say ```x``` here\n```x```\n")) == []


def test_a_number_used_twice_has_a_note_and_both_entries_remain():
    document = parse_guide("### 1.1 A\none\n\n### 1.1 B\ntwo\n", "x")
    assert [(entry.id, entry.title) for entry in document.entries] == [("1.1", "A"), ("1.1-2", "B")]
    assert document.notes == ("line 4: 1.1 is used twice; the second one is 1.1-2",)


def test_line_ends_of_windows_and_a_byte_order_mark_change_nothing():
    plain = shipped("ko").decode()
    other = parse_guide(b"\xef\xbb\xbf" + plain.replace("\n", "\r\n").encode(), "ko")
    assert other.entries == parse_guide(plain, "ko").entries


def test_a_document_without_numbers_has_named_entries():
    text = "# Runbook\n\n## Disk is full\n\n### Symptom\n```\nno space left on it\n```\n### Resolution\nClean it.\n\n## Clock is off\nSet it.\n"
    document = parse_guide(text, "runbook.md")
    assert document.title == "Runbook"
    assert [entry.id for entry in document.entries] == ["disk-is-full", "clock-is-off"]
    assert [passage.kind for passage in document.entries[0].sections] == [SectionKind.PROBLEM, SectionKind.FIX]


def test_a_document_that_is_one_problem_is_one_entry():
    text = "# NAT gateway has no route\n\nSeen in March.\n\n## 증상\n```\nno route to host at all\n```\n## 원인\nx\n## 해결 방법 1\ny\n## 해결 방법 2: z\nz\n"
    (entry,) = parse_guide(text, "nat.md").entries
    assert (entry.id, entry.title, entry.line) == ("nat-gateway-has-no-route", "NAT gateway has no route", 1)
    assert [passage.kind for passage in entry.sections] == [
        SectionKind.OTHER,
        SectionKind.PROBLEM,
        SectionKind.CAUSE,
        SectionKind.FIX,
        SectionKind.FIX,
    ]
    assert entry.error_texts == ("no route to host at all",)
    nameless = parse_guide("## Symptom\nx\n## Fix\ny\n", "disk.md").entries
    assert [(one.id, one.title) for one in nameless] == [("disk-md", "disk.md")]


def test_a_text_without_a_heading_is_one_entry():
    (entry,) = parse_guide("Restart the node.\n\nThen look again.\n", "notes.md").entries
    assert (entry.title, entry.text) == ("notes.md", "Restart the node.\n\nThen look again.")


@pytest.mark.parametrize(
    ("title", "part"),
    [
        ("문제", SectionKind.PROBLEM),
        ("📌 증상", SectionKind.PROBLEM),
        ("에러 메시지", SectionKind.PROBLEM),
        ("Symptoms", SectionKind.PROBLEM),
        ("1. Problem", SectionKind.PROBLEM),
        ("Error: VcpuLimitExceeded", None),
        ("7.3. 문제 발생 시 대응 순서", None),
        ("4. Problems Running the Scripts", None),
        ("근본 원인 분석", SectionKind.CAUSE),
        ("Root cause", SectionKind.CAUSE),
        ("Why it happens", SectionKind.CAUSE),
        ("확인 방법", SectionKind.CHECK),
        ("How to verify", SectionKind.CHECK),
        ("해결 방법 2: 인스턴스 타입 다운그레이드 (임시)", SectionKind.FIX),
        ("조치 사항", SectionKind.FIX),
        ("방법 ②", SectionKind.FIX),
        ("Fix 1: Request a higher vCPU limit (recommended)", SectionKind.FIX),
        ("Solution #2", SectionKind.FIX),
        ("Option A - by hand", SectionKind.FIX),
        ("Workaround (temporary)", SectionKind.FIX),
        ("Fixing DNS", None),
        ("Options of the CLI", None),
        ("적용 파일", SectionKind.FILES),
        ("Files changed", SectionKind.FILES),
        ("커밋", SectionKind.COMMIT),
    ],
)
def test_headings_of_sections_are_distinguished_from_those_of_entries(title, part):
    assert exact_section_kind(title) is part


def test_labels_in_bold_announce_parts_and_files_and_commit_end_with_their_lines():
    text = "### 1.1 A\n**증상**: it stops\n\n**해결:**\n1. stop\n\n**Files changed**:\n- `a.tf`\n- `b.tf`\n\nThen run:\n```bash\nls\n```\n\n**Commit**: `fix: x`\n"
    (entry,) = parse_guide(text, "x").entries
    assert [(one.kind, one.text) for one in entry.sections] == [
        (SectionKind.PROBLEM, "it stops"),
        (SectionKind.FIX, "1. stop"),
        (SectionKind.FILES, "- `a.tf`\n- `b.tf`"),
        (SectionKind.FIX, "Then run:\n```bash\nls\n```"),
        (SectionKind.COMMIT, "`fix: x`"),
    ]
    assert entry.text_of_sections(SectionKind.COMMIT) == "`fix: x`"


def test_chapters_of_the_first_level_underlined_headings_and_deeper_numbers_are_read():
    text = "Network\n=======\n\n1.1 No route\n-----------\ntext\n\n# Disk\n\n## 2.1 Full\na\n#### 2.1.1 Very full\nb\n#### Notes\nc\n"
    document = parse_guide(text, "x.md")
    assert [(one.id, one.chapter) for one in document.entries] == [
        ("1.1", "Network"),
        ("2.1", "Disk"),
        ("2.1.1", "Disk"),
    ]
    assert "#### Notes" in document.entries[2].text


def test_numbers_of_one_level_stand_in_their_chapter():
    document = parse_guide("## 1. Terraform\n\n## 1.1 One\na\n\n## 1.2. Two\nb\n\n## 2. Alone\nc\n", "x")
    assert [(one.id, one.chapter) for one in document.entries] == [
        ("1.1", "1. Terraform"),
        ("1.2", "1. Terraform"),
        ("2", "2. Alone"),
    ]
    assert document.notes == ()


def test_the_text_before_the_entries_is_the_introduction(document):
    assert document.introduction.startswith("# Troubleshooting Guide")
    assert "](#1-terraform" in document.introduction
    assert parse_guide("---\ntitle: x\ntags: [a]\n---\n# T\n## 1. A\ntext\n", "x").entries[0].id == "1"


def test_other_encodings_than_utf8_are_read_with_a_note():
    text = "### 1.1 디스크\n꽉 찼습니다\n"
    for code, said in (("cp949", "949"), ("utf-16", "UTF-16")):
        document = parse_guide(text.encode(code), "x")
        assert [(one.title, one.text) for one in document.entries] == [("디스크", "꽉 찼습니다")]
        assert said in document.notes[0]
    torn = parse_guide(text.encode()[:-2], "x")
    assert torn.entries[0].title == "디스크"


def test_html_is_text():
    document = parse_guide("### 1.1 A <b>bold</b>\n<details>\n<summary>x</summary>\n\n### 1.2 B\ny\n</details>\n", "x")
    assert [entry.id for entry in document.entries] == ["1.1", "1.2"]


def test_control_sequences_in_a_document_do_not_reach_the_screen():
    entry = parse_guide("### 1.1 A\x1b]52;c;ZXZpbA==\x07\nb\x1b[2Jc\n", "x").entries[0]
    assert (entry.title, entry.text) == ("A", "bc")


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\n\n",
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
    assert parse_guide(source, "x").entries == ()


def test_cut_anywhere_the_guide_is_still_read():
    whole = shipped("ko")
    for cut in range(0, len(whole), 997):
        assert len(parse_guide(whole[:cut], "x").entries) <= len(NUMBERED) + 2
