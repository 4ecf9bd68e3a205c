"""Text from outside: what may reach a terminal or a file, and what may not."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.sanitize import one_line, sanitize

HOSTILE = {
    "clipboard": b"\x1b]52;c;ZXZpbA==\x07",
    "title": b"\x1b]0;owned\x1b\\",
    "link": b"\x1b]8;;http://evil\x07",
    "device control": b"\x1bP1$rq\x1b\\",
    "application command": b"\x1b_Gf=100;AAAA\x1b\\",
    "colour": b"\x1b[31;1m",
    "clear": b"\x1b[2J\x1b[H",
    "reset": b"\x1bc",
    "charset": b"\x1b(0",
    "eight-bit control": "\x9b31m".encode(),
    "eight-bit clipboard": "\x9d52;c;ZXZpbA==\x9c".encode(),
    "bell and backspace": b"\x07\x08\x08",
    "right to left": "\u202e".encode(),
    "zero width": "\u200b\ufeff".encode(),
    "tags": "\U000e0041\U000e007f".encode(),
    "line separator": "\u2028".encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_sequence_leaves_only_the_text_around_it(name: str) -> None:
    assert sanitize(b"before" + HOSTILE[name] + b"after") == "beforeafter"


@pytest.mark.parametrize("opening", [b"\x1b]0;", b"\x1bP", b"\x1b_", b"\x1b^", b"\x1bX"])
def test_an_open_control_string_swallows_no_further_line(opening: bytes) -> None:
    assert sanitize(opening + b"swallowed\nkept\n") == "\nkept\n"


def test_a_carriage_return_starts_the_line_anew() -> None:
    assert sanitize(b"10%\r50%\r100%\r\nnext\r\n") == "100%\nnext\n"


def test_invalid_utf8_and_lone_surrogates_can_still_be_encoded() -> None:
    assert sanitize(b"a\xff\xfeb") == "a\ufffd\ufffdb"
    assert sanitize("name\udcff").encode() == "name\ufffd".encode()


def test_korean_boxes_emoji_and_tabs_stay() -> None:
    text = "│ 오류: 할당량\tL-1216C47A\n👩‍💻"
    assert sanitize(text) == text
    assert sanitize(text.encode()) == text


def test_a_cut_is_said() -> None:
    assert sanitize(b"x" * 20, limit=5) == "xxxxx… (15 more characters)"


def test_one_line_folds_and_ends_with_an_ellipsis() -> None:
    assert one_line("a\n\n  b\tc") == "a b c"
    assert len(one_line("word " * 200, limit=50)) == 50
    assert one_line("word " * 200, limit=50).endswith("…")


@given(st.text(alphabet=st.one_of(st.sampled_from("\x1b[]P_\\;\x07\r\n\x9b\x9c0m"), st.characters())))
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    safe = sanitize(text)
    assert not any(ord(sign) < 32 and sign not in "\n\t" for sign in safe)
    assert not any(0x7F <= ord(sign) <= 0x9F for sign in safe)
    safe.encode()
    assert sanitize(safe) == safe


@given(st.text(alphabet=string.printable.replace("\r", "").replace("\x0b", "").replace("\x0c", "")))
def test_plain_text_is_not_touched(text: str) -> None:
    assert sanitize(text) == text
    assert sanitize(text.encode()) == text
