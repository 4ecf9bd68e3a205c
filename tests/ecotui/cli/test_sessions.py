"""`ecotui sessions`: past sessions, read without a terminal; the JSON shapes are a public contract."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from checks.finding import CheckState, Finding, Report
from ecotui.cli import main
from ecotui.session import events
from ecotui.session.log import Session
from ecotui.session.store import SessionStore
from ecotui.supervisor import read_command_status, start_command


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SessionStore:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ECOTUI_STATE_DIR", str(tmp_path / "state"))
    return SessionStore(tmp_path / "state")


def _session(store: SessionStore, state: CheckState = CheckState.BLOCKED, *, end: str | None = "done") -> Session:
    session = store.create(project="eco2", folder=Path("/p"), env={})
    finding = Finding(id="quota.vcpu", step="quota", state=state, title="vCPUs", summary="16 of 26 vCPUs")
    session.append(events.CheckReported(report=Report(step="quota", findings=(finding,), started=1.0, seconds=0.1)))
    session.append(events.FindingOverridden(finding="quota.vcpu", reason="asked for `more`"))
    if end is not None:
        session.end(end)
    session.close()
    return session


def _command(session: Session, *argv: str) -> str:
    command = start_command(session, argv, step="apply", title="Test", cwd=Path("/"), env={"PATH": os.environ["PATH"]})
    deadline = time.monotonic() + 15
    while read_command_status(command.folder).state == "running" and time.monotonic() < deadline:
        time.sleep(0.01)
    return command.id


def _json(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["sessions", *words, "--json"]) == code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_the_shape_of_the_list_is_the_promised_one(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert _json(capsys, "list") == {"schema": "ecotui.sessions/1", "sessions": []}
    session = _session(store)
    document = _json(capsys, "list")
    (listed,) = document["sessions"]
    assert list(listed) == ["id", "project", "started", "ended", "outcome", "steps"]
    assert listed["id"] == session.id
    assert (listed["project"], listed["outcome"], listed["steps"]) == ("eco2", "done", {"quota": "blocked"})
    assert time.strptime(listed["started"], "%Y-%m-%dT%H:%M:%SZ") <= time.strptime(
        listed["ended"], "%Y-%m-%dT%H:%M:%SZ"
    )


def test_the_list_is_what_one_gets_without_a_word(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions"]) == 0
    assert "no sessions" in capsys.readouterr().out
    session = _session(store, end=None)
    assert main(["sessions"]) == 0
    out = capsys.readouterr().out
    assert session.id in out
    assert "open" in out
    assert "quota:blocked" in out


def test_the_list_can_be_limited(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        _session(store)
    assert len(_json(capsys, "list", "--limit", "2")["sessions"]) == 2
    assert len(_json(capsys, "list", "--of", "another")["sessions"]) == 0
    assert len(_json(capsys, "list", "--of", "eco2", "--limit", "1")["sessions"]) == 1


def test_a_session_is_shown_as_a_timeline(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    session = _session(store, end=None)
    command = _command(session, "sh", "-c", "echo first; echo last; exit 3")
    assert main(["sessions", "show"]) == 0
    out = capsys.readouterr().out
    assert "checked quota: blocked (1 blocked)" in out
    assert "blocked: 16 of 26 vCPUs [quota.vcpu]" in out
    assert "reason: asked for `more`" in out
    assert f"apply: Test  [{command}]" in out
    assert "Test: failed, exit code 3" in out
    assert main(["sessions", "show", session.id[:-2], "--output", command[:-2]]) == 0
    assert capsys.readouterr().out == "first\nlast\n"
    assert main(["sessions", "show", "--output", command, "--lines", "1"]) == 0
    assert capsys.readouterr().out == "last\n"
    document = _json(capsys, "show")
    assert document["schema"] == "ecotui.sessions.show/1"
    assert [(one["id"], one["exit_code"], one["outcome"]) for one in document["commands"]] == [(command, 3, "failed")]
    assert document["events"][1]["event"]["type"] == "looked"


@pytest.mark.parametrize("words", [["show"], ["show", "2099"], ["verify"], ["export", "x/../y"]])
def test_a_session_that_is_not_there_is_one_clear_line(
    store: SessionStore, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert main(["sessions", *words]) == 1
    said = capsys.readouterr().err
    assert said.startswith("ecotui sessions: ")
    assert said.count("\n") == 1


def test_a_command_that_is_not_there_is_named_with_those_that_are(
    store: SessionStore, capsys: pytest.CaptureFixture[str]
) -> None:
    session = _session(store, end=None)
    command = _command(session, "true")
    assert main(["sessions", "show", "--output", "nothing"]) == 1
    assert command in capsys.readouterr().err


def test_a_log_that_was_changed_does_not_pass(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    session = _session(store)
    assert main(["sessions", "verify"]) == 0
    assert "whole: 4 events" in capsys.readouterr().out
    data = session.events_path.read_bytes()
    session.events_path.write_bytes(data.replace(b"16 of 26", b"26 of 26"))
    assert main(["sessions", "verify"]) == 3
    assert "broken at line 3" in capsys.readouterr().out
    (checked,) = _json(capsys, "verify", "--all", code=3)["sessions"]
    assert (checked["whole"], checked["broken_line"]) == (False, 3)


def test_two_sessions_are_compared(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = _session(store), _session(store, CheckState.OK)
    document = _json(capsys, "compare", before.id, after.id)
    assert document["differences"] == [
        {"what": "quota.vcpu", "before": "blocked: 16 of 26 vCPUs", "after": "ok: 16 of 26 vCPUs"}
    ]
    assert main(["sessions", "compare", before.id, before.id]) == 0
    assert "have the same results" in capsys.readouterr().out


def test_the_export_is_a_document_that_its_content_cannot_break(
    store: SessionStore, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    session = _session(store, end=None)
    _command(session, "sh", "-c", "echo '```'; echo '# no heading'; exit 1")
    out = tmp_path / "handover.md"
    assert main(["sessions", "export", session.id, "--out", str(out)]) == 0
    text = out.read_text()
    assert text.startswith(f"# eco2 {session.id}\n")
    assert "the chain is whole" in text
    assert "| quota | blocked |" in text
    assert "````\n```\n# no heading\n````" in text
    assert main(["sessions", "export", "--out", str(tmp_path / "no" / "where.md")]) == 1
    assert "cannot write" in capsys.readouterr().err


def test_pruning_lists_first_and_spares_the_newest_and_what_runs(
    store: SessionStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = _session(store)
    idle = _session(store, end=None)
    newest = _session(store)
    year = time.time() - 365 * 86_400
    for session in (old, idle, newest):
        summary = json.loads((session.folder / "summary.json").read_bytes())
        if summary["ended"]:
            summary["ended"] = year
        (session.folder / "summary.json").write_text(json.dumps(summary))
    # Renamed so that their order is sure.
    for number, session in enumerate((old, idle, newest)):
        moved = session.folder.with_name(f"2026010{number + 1}-000000-{session.id[-6:]}")
        session.folder.rename(moved)
        summary = json.loads((moved / "summary.json").read_bytes())
        summary["id"] = moved.name
        (moved / "summary.json").write_text(json.dumps(summary))
    ids = [summary.id for summary in store.list_summaries()]
    document = _json(capsys, "prune", "--days", "30")
    assert [one["id"] for one in document["sessions"]] == [ids[2]]
    assert document["removed"] is False
    assert len(store.list_summaries()) == 3
    assert main(["sessions", "prune", "--days", "30", "--yes"]) == 0
    assert [summary.id for summary in store.list_summaries()] == ids[:2]


def test_a_wrong_number_is_a_usage_error(store: SessionStore) -> None:
    assert main(["sessions", "list", "--limit", "many"]) == 2
    assert main(["sessions", "list", "--limit", "-1"]) == 2
    assert main(["sessions", "dance"]) == 2
