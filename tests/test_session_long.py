"""Long logs and big outputs: read from the end, searched in blocks, added to in batches."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecotui.session import SessionError, chain, events, searching
from ecotui.session.store import Store


def test_a_batch_is_in_the_chain_and_others_follow_it(tmp_path: Path) -> None:
    session = Store(tmp_path).create(project="p", folder=Path("/p"), env={})
    log = chain.Chain(session.events_file)
    assert log.extend([b'{"type":"noted","text":"a"}'] * 500, sync=False) == 501
    session.append(events.Noted(text="after"))
    verdict = session.verify()
    assert verdict.whole
    assert verdict.events == 502
    log.close()


def test_the_end_of_a_log_is_the_same_as_the_end_of_the_whole(tmp_path: Path) -> None:
    session = Store(tmp_path).create(project="p", folder=Path("/p"), env={})
    log = chain.Chain(session.events_file)
    log.extend([b'{"type":"noted","text":"%d"}' % number for number in range(6_000)], sync=False)
    log.close()
    with session.events_file.open("ab") as stream:
        stream.write(b'{"v":1,"n":60')  # torn
    every = list(session.records())
    for count in (0, 1, 2_500, 6_001, 9_999):
        assert session.newest(count) == (every[-count:] if count else [])


def test_words_are_found_across_the_blocks_and_once_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "output.log"
    path.write_bytes(b"first error line\n" + b"x" * 90 + b"\nERROR and error\nlast Error")
    for size in (1, 7, 16, 64, 4096):
        monkeypatch.setattr(searching, "BLOCK", size)
        found = [hit.text for hit in searching.find(path, "error")]
        assert found == ["first error line", "ERROR and error", "last Error"]
    assert list(searching.find(path, "")) == []


def test_a_link_in_the_place_of_an_output_is_not_searched(tmp_path: Path) -> None:
    (tmp_path / "aim").write_text("error")
    (tmp_path / "output.log").symlink_to(tmp_path / "aim")
    with pytest.raises(SessionError, match="links are not followed"):
        list(searching.find(tmp_path / "output.log", "error"))
