"""Exports of a session: the page needs no other file, and a strict export names no machine, account or person."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from ecotui.cli import main
from ecotui.history.anonymize import Anonymizer, mask_for_export
from ecotui.history.asciicast import export_asciicast
from ecotui.history.export import html as export_html
from ecotui.session import events, hash_chain
from ecotui.session.log import Session
from ecotui.session.store import SessionStore

SAID = (
    "<script>alert(1)</script> at 10:20:30",
    "arn:aws:iam::123456789012:role/x in 123456789012 from 10.1.2.3 and fe80::1",
    "ghp_" + "a1B2" * 9,
)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ECOTUI_STATE_DIR", str(tmp_path / "state"))
    session = SessionStore(tmp_path / "state").create(
        project="eco2", folder=Path("/home/minji/p"), env={"USER": "minji"}
    )
    now = time.time()
    log = hash_chain.HashChain(session.events_path)
    started = events.CommandStarted(command="one", step="apply", title="Apply", argv=("sh",), cwd="/home/minji")
    ended = events.CommandEnded(command="one", step="apply", exit_code=1, seconds=9.0, outcome="failed")
    for event, at in ((started, now + 1), (ended, now + 10)):
        log.append(msgspec.json.encode(event), sync=False, timestamp=at)
    log.close()
    folder = session.commands_folder / "one"
    folder.mkdir(parents=True)
    (folder / "output.log").write_text("\n".join(SAID) + "\n")
    return session


def _output(command: str, lines: int) -> Sequence[str]:
    return SAID


def test_the_page_is_self_contained_and_its_content_cannot_break_it(session: Session) -> None:
    page = export_html.export_html(session, _output, mask_for_export(session, anonymize=False))
    assert "<script" not in page
    assert "http://" not in page
    assert "https://" not in page
    assert "ghp_" not in page
    assert "123456789012" in page
    assert page.count('<rect class="blocked"') == 1
    assert '<details id="one" open>' in page


def test_a_strict_export_names_no_account_address_or_person(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    for form in ("md", "html", "json", "cast"):
        assert main(["sessions", "export", session.id, "--format", form, "--strict"]) == 0
        text = capsys.readouterr().out
        for gone in ("123456789012", "minji", "10.1.2.3", "fe80::1", "arn:aws", "ghp_"):
            assert gone not in text, (form, gone)
        assert "10:20:30" in text


def test_the_same_thing_has_the_same_word_throughout(session: Session) -> None:
    strict = Anonymizer(session.read_records())
    assert strict("10.0.0.1 10.0.0.2 10.0.0.1 version 1.2.3") == "«ip:1» «ip:2» «ip:1» version 1.2.3"


def test_the_recording_has_its_lines_within_the_time_of_the_command(session: Session) -> None:
    header, *rows = map(json.loads, export_asciicast(session, mask_for_export(session, anonymize=False)).splitlines())
    assert header["version"] == 2
    times = [row[0] for row in rows]
    assert times == sorted(times)
    assert times[-1] - times[0] == pytest.approx(9.0)
    assert all(row[1] == "o" for row in rows)


def test_words_are_found_in_the_outputs(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", "search", "ALERT", session.id]) == 0
    assert capsys.readouterr().out == f"one  {SAID[0]}\n"
    assert main(["sessions", "search", "nothing like it"]) == 0
    assert "No output" in capsys.readouterr().out


def test_a_long_log_is_exported_from_its_end_with_all_decisions_and_says_so(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ecotui.history.export.model.MAX_EXPORTED_EVENTS", 50)
    session.append(events.FindingOverridden(finding="quota.vcpu", reason="asked by phone"))
    log = hash_chain.HashChain(session.events_path)
    log.append_all([b'{"type":"variable-set","name":"V%d"}' % number for number in range(20)], sync=False)
    log.append_all([b'{"type":"reattached","by":"kim %d"}' % number for number in range(200)], sync=False)
    log.close()
    page = export_html.export_html(session, _output, mask_for_export(session, anonymize=False))
    assert page.count("resumed by kim") == 50
    assert "The first 174 events are left out here" in page
    assert page.count("asked by phone") == 1
    assert main(["sessions", "export", session.id]) == 0
    text = capsys.readouterr().out
    assert "The first 174 events are left out here" in text
    assert "asked by phone" in text
