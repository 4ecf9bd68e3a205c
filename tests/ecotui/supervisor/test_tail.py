"""Reading on in an output while it is written."""

from __future__ import annotations

from pathlib import Path

from ecotui.supervisor import Tail
from ecotui.supervisor import paths as names


def test_the_tail_goes_on_where_it_stopped(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    assert tail.read() == []
    log = tmp_path / names.OUTPUT_LOG
    log.write_text("one\ntwo\nthr")
    assert tail.read() == ["one", "two"]
    assert tail.read() == []
    with log.open("a") as stream:
        stream.write("ee\nfour\nfive\n")
    assert tail.read(2) == ["three", "four"]
    assert tail.read(2) == ["five"]


def test_the_tail_jumps_to_the_end_and_says_how_much_it_skipped(tmp_path: Path) -> None:
    log = tmp_path / names.OUTPUT_LOG
    log.write_text("".join(f"line {number} {'x' * (number % 50)}\n" for number in range(50_000)))
    tail = Tail(tmp_path)
    tail.seek_end(3)
    assert [line.split()[1] for line in tail.read()] == ["49997", "49998", "49999"]
    tail = Tail(tmp_path)
    assert len(tail.read(100)) == 100
    assert tail.skip_to_end(10) == 50_000 - 110
    assert len(tail.read(100)) == 10
    assert tail.skip_to_end(10) == 0
    tail.seek_end(1_000_000)
    assert len(tail.read(1_000_000)) == 50_000


def test_the_tail_cuts_a_line_that_is_too_long_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / names.OUTPUT_LOG).write_bytes(b"x" * 10_000_000 + b"\nnext\n")
    first, second = Tail(tmp_path).read()
    assert len(first) < 10_000
    assert first.endswith("more bytes)")
    assert second == "next"
    assert len(Tail(tmp_path, max_line_bytes=1 << 25).read()[0]) == 10_000_000
