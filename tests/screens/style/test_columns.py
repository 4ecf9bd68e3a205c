"""Text in columns, measured in cells: what is Korean lines up with what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.content import Content

from screens.style.columns import hanging_indent, pad_cells, render_bar, render_table, wrap_text

TEXTS = st.text(alphabet=st.sampled_from("ab 가나 다-é漢🙂"), max_size=200)


def widths(content: Content) -> list[int]:
    return [cell_len(line) for line in content.plain.split("\n")]


@given(TEXTS, st.integers(8, 60))
def test_no_line_is_wider_than_the_room(text: str, width: int) -> None:
    assert all(cell_len(line) <= width for line in wrap_text(text, width))


@given(TEXTS, st.integers(8, 60))
def test_wrapping_loses_no_letter(text: str, width: int) -> None:
    assert "".join(wrap_text(text, width)).replace(" ", "") == text.replace(" ", "")


def test_a_korean_word_that_is_too_long_is_cut_between_letters() -> None:
    assert wrap_text("가나다라마바사", 9) == ["가나다라", "마바사"]


def test_line_breaks_in_the_text_stay() -> None:
    assert wrap_text("one\n\ntwo", 20) == ["one", "", "two"]


def test_further_lines_hang_below_the_first() -> None:
    text = hanging_indent(Content("이름: "), "하나 둘 셋 넷 다섯", 16).plain.split("\n")
    assert len(text) > 1
    assert text[0].startswith("이름: 하나")
    assert all(line.startswith(" " * 6) and line[6] != " " for line in text[1:])


def test_an_empty_text_is_one_line() -> None:
    assert hanging_indent(Content("✓ "), "", 20).plain == "✓ "


@pytest.mark.parametrize("text", ["abc", "가나다", "", "가나다라마바사아자차카타파하"])
@pytest.mark.parametrize("right", [True, False])
def test_padding_gives_exactly_the_width(text: str, right: bool) -> None:
    assert pad_cells(Content(text), 12, right=right).cell_length == 12


def test_columns_of_korean_and_english_line_up() -> None:
    rows = [["클러스터", "1", "하나"], ["node", "13", "two"]]
    lines = render_table(["name", "count", "note"], rows, 60, right=frozenset({1})).plain.split("\n")
    ends = [
        cell_len(line[: line.index(mark) + len(mark)]) for line, mark in zip(lines, ("count", " 1", "13"), strict=True)
    ]
    assert len(set(ends)) == 1
    starts = [cell_len(line[: line.index(mark)]) for line, mark in zip(lines, ("note", "하나", "two"), strict=True)]
    assert len(set(starts)) == 1


def test_the_last_column_takes_what_is_left() -> None:
    content = render_table(["a", "b"], [["x", "y" * 200], ["가", "나" * 200]], 40)
    assert max(widths(content)) <= 40
    assert "…" in content.plain


def test_a_table_without_rows_is_its_head() -> None:
    assert render_table(["a", "b"], [], 40).plain.split() == ["a", "b"]


def test_text_in_a_table_is_no_markup() -> None:
    assert "[/x] [b]" in render_table(["a"], [["[/x] [b]"]], 40).plain


@pytest.mark.parametrize(("share", "full"), [(-1, 0), (0, 0), (0.5, 5), (1, 10), (7, 10)])
def test_a_bar_is_always_as_wide_as_it_was_asked_for(share: float, full: int) -> None:
    drawn = render_bar(share, 10, "")
    assert drawn.cell_length == 10
    assert drawn.plain.count("━") == full
