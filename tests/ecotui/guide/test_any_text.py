"""Whatever a guide is made of: it is read without an error, and no word of it is lost."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from checks.sanitize import sanitize
from config.model import Settings
from ecotui.guide.cause import check_cause
from ecotui.guide.lint import lint_library
from ecotui.guide.reading.document import Document, parse_guide
from ecotui.guide.reading.library import GuideLibrary
from ecotui.guide.runbook.placeholders import PlaceholderValues
from ecotui.guide.runbook.runbook import runbook_for
from ecotui.guide.runbook.step import RunbookContext
from ecotui.guide.search import EntryIndex

LINES = st.one_of(
    st.sampled_from(
        [
            "# Title", "## 1. Chapter", "### 1.1. Entry", "### 1.1 Entry", "#### 문제", "#### Problem", "#### 해결 방법 1",
            "##### deep", "Underlined", "=====", "---", "```", "```bash", "~~~", "````", "    ```", "- ```", "> ```",
            "**원인**: so", "**커밋**: `x`", "**적용 파일**:", "- `a.tf`", "1. one", "   - two", "| a | b |", "|---|---|",
            "<details>", "<!-- x", "## 목차", "## Contents", "aws s3 ls $X <y>", "export A=b", "for x in y; do", "done", "",
            "", "\\", "$(", "'", '"',
        ]
    ),
    st.text(alphabet="#`~-=*|<>[]() \t1.가ㄱa:'\"$\\", max_size=12),
    st.text(max_size=20),
)  # fmt: skip
TEXTS = st.lists(LINES, max_size=40).map("\n".join)


def said(document: Document) -> str:
    """Everything that a reader can get to."""
    return "\n".join(
        [
            document.title,
            document.introduction,
            *(f"{one.chapter}\n{one.number} {one.title}\n{one.text}" for one in document.entries),
            *document.notes,
        ]
    )


@settings(max_examples=150, deadline=None, database=None, derandomize=True)
@given(TEXTS)
def test_no_word_of_a_document_is_lost(text: str) -> None:
    document = parse_guide(text, "x.md")
    # Marks of Markdown are no words.
    lost = set(re.findall(r"\w+", sanitize(text))) - set(re.findall(r"\w+", said(document)))
    assert not lost


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(TEXTS, st.text(max_size=8))
def test_every_parsed_document_can_be_searched_linted_and_followed(text: str, words: str) -> None:
    library = GuideLibrary((parse_guide(text, "x.md"),), {}, "en")
    lint_library(library)
    EntryIndex(library).search(words)
    for entry in library.entries:
        assert runbook_for(entry, check_cause(library, entry.id, {}), RunbookContext(Settings(), PlaceholderValues()))


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_document(source: bytes) -> None:
    assert parse_guide(source, "x.md").language in ("ko", "en")
