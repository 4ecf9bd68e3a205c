"""What a guide, an overlay or a text to diagnose may hold, and no more than that happens."""

import io
import time

import pytest

from config.model import GuideSettings, Settings
from ecotui.guide.lint import lint_library
from ecotui.guide.matching.matcher import Diagnosis, diagnose
from ecotui.guide.reading.derived_signatures import derive_signatures
from ecotui.guide.reading.document import parse_guide
from ecotui.guide.reading.library import GuideLibrary, Overlay, Signature, load_shipped_library, open_library

KNOWN = "Error: creating S3 Bucket (b): BucketAlreadyOwnedByYou"
ENTRY = "### {0}. Entry {0}\n\n#### Problem\n```\nError: the ledger {0} of the cluster is torn apart\n```\n\n#### Fix\n```bash\nmake it\n```\n\n"


def found(source: str | bytes, text: str) -> list[str]:
    document = parse_guide(source, "own.md")
    overlays = {entry.id: Overlay(signatures=derive_signatures(entry)) for entry in document.entries}
    return [match.entry for match in diagnose(GuideLibrary((document,), overlays, "en"), text)]


TORN = "Error: the ledger a7 of the cluster is torn apart"


@pytest.mark.parametrize(
    ("what", "source"),
    [
        ("a number twice", "# G\n## 1. A\n" + ENTRY.format("1.1") + ENTRY.format("1.1").replace("ledger", "other")),
        ("no fix", "# G\n### 1.1. A\n#### Problem\n```\nError: the ledger 1.1 of the cluster is torn apart\n```\n"),
        ("no headings of parts", "# G\n### 1.1. A\n```\nError: the ledger 1.1 of the cluster is torn apart\n```\n"),
        ("an unclosed fence", "# G\n### 1.1. A\n#### Problem\n```\nError: the ledger 1.1 of the cluster is torn apart\n"),
        ("HTML", "# G\n### 1.1. A\n#### Problem\n<details><summary>x</summary>\n\n```\nError: the ledger <b> of the cluster is torn apart\n```\n</details>\n"),
        ("line ends of Windows", ("# G\n" + ENTRY.format("1.1")).replace("\n", "\r\n")),
        ("a byte order mark", b"\xef\xbb\xbf# G\n" + ENTRY.format("1.1").encode()),
        ("control sequences", "# G\n### 1.1. A\n#### Problem\n```\n\x1b[31mError:\x1b[0m the ledger 1.1 of the cluster is torn apart\x1b]0;x\x07\n```\n"),
        ("broken UTF-8", b"# G \xff\xfe\n" + ENTRY.format("1.1").encode()),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)  # fmt: skip
def test_an_entry_of_a_document_with_faults_is_still_found_by_its_error(what, source):
    assert found(source, TORN)[:1] == ["1.1"], what


def test_a_document_of_twenty_megabytes_is_read_and_its_entries_are_found(tmp_path):
    filler = "Words of a runbook that somebody wrote at night.\n" * 4_000
    text = "# G\n## 1. A\n" + "".join(
        ENTRY.format(f"1.{number}").replace("ledger", f"ledger{'abcdefghij'[number % 10] * 3}") + filler
        for number in range(1, 103)
    )
    assert len(text) > 20_000_000
    (tmp_path / "big.md").write_text(text)
    begun = time.perf_counter()
    library = open_library(Settings(guide=GuideSettings(documents=("big.md",))), tmp_path, {})
    matches = diagnose(library, "Error: the ledgerddd 5 of the cluster is torn apart")
    # Some seconds on a machine that others use too.
    assert time.perf_counter() - begun < 30
    assert {match.entry for match in matches} == {f"1.{number}" for number in range(3, 103, 10)}


@pytest.mark.parametrize(
    "pattern",
    [
        "(x+x+)+y",
        "(x|xx)+y",
        "(x*)*y",
        "(.*a){20}z",
        "(x|x)*y",
        "((x+)+)+y",
        "x*x*x*x*x*y",
        "(?:x{1,9}){1,9}y",
        "(?s:.*)*zz",
    ],
)
def test_a_pattern_that_takes_too_long_ends_and_the_others_still_match(pattern):
    slow = Signature(anchor="slowly", match=f"slowly {pattern}")
    quick = Signature(anchor="BucketAlreadyOwnedByYou", match="BucketAlreadyOwnedByYou")
    library = GuideLibrary(
        load_shipped_library("en").documents,
        {"1.1": Overlay(signatures=(slow,)), "4.2": Overlay(signatures=(quick,))},
        "en",
    )
    diagnosis = Diagnosis(library)
    begun = time.perf_counter()
    diagnosis.read(io.BytesIO((f"slowly {'x' * 26} y z\n" * 20 + KNOWN + "\n").encode()))
    assert time.perf_counter() - begun < 20
    assert [match.entry for match in diagnosis.matches] == ["4.2"]


@pytest.mark.parametrize(
    "pattern", ["a.{0,300}b", "(a|b)c+", "x+ y+", r"\S+ is \S+", "(?>.{0,200}?a)", "(red|green)*x"]
)
def test_lint_has_no_remark_on_an_ordinary_pattern(pattern):
    assert slow_pattern_remarks(pattern) == []


@pytest.mark.parametrize("pattern", ["(x+x+)+y", "(x*)*y", "((x+)+)+y", "(?:x{1,9}){1,9}y", r"(\(x+)*z"])
def test_lint_names_a_pattern_that_repeats_a_repeat(pattern):
    assert len(slow_pattern_remarks(pattern)) == 1


def slow_pattern_remarks(pattern):
    overlays = {"1.1": Overlay(signatures=(Signature(anchor="x", match=pattern),))}
    remarks = lint_library(GuideLibrary(load_shipped_library("en").documents, overlays, "en"))
    return [remark for remark in remarks if "too long" in remark.text]


HOSTILE = [
    "\x1b]52;c;cm0gLXJmIC8=\x07",
    "\x1b]0;owned\x1b\\",
    "\x1bc\x1b[2J\x1b[H",
    "\x1b[?1049h\x1b[?25l",
    "\x1bP1$r0m\x1b\\",
    "\x9b31m\x9d0;x\x9c",
    "\u202eevil\u202c\u200b\ufeff",
    "\x00\x08\x08\x7f",
    "[/x][bold red]not markup[/]",
    "%s%n{}{0}\\x1b",
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=repr)
def test_hostile_sequences_neither_hide_an_error_nor_come_out_again(hostile):
    library = load_shipped_library("en")
    for text in (f"{hostile}{KNOWN}{hostile}\n", f"{hostile}\n{KNOWN}: {hostile} more\n{hostile}\n"):
        (match,) = diagnose(library, text)
        assert match.entry == "4.2"
        assert not {sign for sign in match.excerpt if sign < " " or "\x7f" <= sign <= "\x9f"}
        assert not set("\u202e\u200b\ufeff") & set(match.excerpt)


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[" * 50_000 + KNOWN,
        '{"a":' * 50_000 + f"\n{KNOWN}",
        "│" * 200_000 + f"\n{KNOWN}",
        "\r".join(["10%"] * 50_000) + f"\n{KNOWN}",
        "가" * 200_000 + f"\n{KNOWN}",
        "scope missing required " * 20_000 + f"\n{KNOWN}",
        'resource named "' * 20_000 + f"\n{KNOWN}",
        "\n" * 100_000 + KNOWN,
        "EntityAlreadyExists IAM policy " * 10_000 + f"\n{KNOWN}",
    ],
    ids=["escapes", "braces", "boxes", "carriage", "hangul", "scopes", "quotes", "empty", "anchors"],
)
def test_text_made_to_be_slow_is_read_in_time(text):
    begun = time.perf_counter()
    assert "4.2" in [match.entry for match in diagnose(load_shipped_library("en"), text)]
    assert time.perf_counter() - begun < 10
