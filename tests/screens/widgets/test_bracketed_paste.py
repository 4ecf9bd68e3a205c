"""What a terminal sends when something is pasted."""

from __future__ import annotations

import inspect
import time

from textual import events
from textual.drivers.linux_driver import LinuxDriver

from screens.widgets.bracketed_paste import PASTE_END, PASTE_START, BracketedPasteParser


def told(*pieces: str) -> list[str]:
    parser = BracketedPasteParser()
    found = []
    for piece in pieces:
        for event in parser.feed(piece):
            found.append(event.text if isinstance(event, events.Paste) else getattr(event, "key", "?"))
    return found


def test_a_paste_with_colour_codes_is_one_event_and_no_keys() -> None:
    text = "\x1b[31m│ Error (x)\x1b[0m\r오류\x1b(B\r"
    assert told(f"{PASTE_START}{text}{PASTE_END}") == [text]


def test_keys_around_a_paste_stay_keys() -> None:
    assert told(f"a{PASTE_START}one{PASTE_END}b\x1b[A{PASTE_START}two{PASTE_END}") == ["a", "one", "b", "up", "two"]


def test_a_paste_in_pieces_is_told_at_its_end_wherever_it_was_cut() -> None:
    whole = f"{PASTE_START}one\x1b[0m two{PASTE_END}"
    for cut in range(len(PASTE_START), len(whole)):
        assert told(whole[:cut], whole[cut:]) == ["one\x1b[0m two"]
    assert told(PASTE_START, *"one", *PASTE_END, "x") == ["one", "x"]


def test_a_paste_of_5_mb_is_read_at_once() -> None:
    text = "still fine, 아직 괜찮음\r" * 230_000
    data = f"{PASTE_START}{text}{PASTE_END}"
    begun = time.process_time()
    assert told(*(data[at : at + 4096] for at in range(0, len(data), 4096))) == [text]
    assert time.process_time() - begun < 2


def test_textuals_reader_still_makes_its_parser_by_the_name_that_is_replaced() -> None:
    assert "XTermParser(" in inspect.getsource(LinuxDriver.run_input_thread)
