"""What two sessions have in common and what not, and how long the steps take over many."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from checks.finding import CheckState, Finding, Report
from config.model import AwsSettings, Settings
from ecotui.cli import main
from ecotui.history.compare import compare_sessions
from ecotui.history.durations import StepDurations, read_step_durations
from ecotui.session import events, hash_chain
from ecotui.session.index import SessionIndex
from ecotui.session.log import Session
from ecotui.session.query import SessionQuery, parse_query
from ecotui.session.store import SessionStore

BEGIN = 1_764_000_000.0


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SessionStore:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ECOTUI_STATE_DIR", str(tmp_path / "state"))
    return SessionStore(tmp_path / "state")


def rebuilt(
    store: SessionStore,
    *,
    region: str = "ap-northeast-2",
    terraform: str = "1.11.4",
    seconds: float = 60.0,
    failed: bool = False,
    vpc: int = 2,
) -> Session:
    settings = Settings(project="eco2", aws=AwsSettings(region=region))
    session = store.create(project="eco2", folder=store.root, settings=settings, env={"USER": "kim"})
    tools = [{"name": "terraform", "version": terraform}, {"name": "gh", "version": "2.23.0"}]
    found = Finding(id="environment.terraform", step="environment", state=CheckState.OK, title="t", summary="s")
    report = Report(step="environment", findings=(found,), started=1.0, seconds=0.1, detail={"tools": tools})
    session.append(events.CheckReported(report=report))
    argv = ("terraform", "apply", "-json", "plan")
    folder = session.commands_folder / "one"
    folder.mkdir(parents=True, mode=0o700)
    session.commands_folder.chmod(0o700)
    (folder / "command.json").write_text(
        json.dumps({"step": "apply", "title": "Apply", "argv": argv, "cwd": "/", "started": BEGIN})
    )
    hook = {"resource": {"addr": "aws_vpc.main"}, "action": "create", "elapsed_seconds": vpc}
    (folder / "output.log").write_text(
        json.dumps({"type": "apply_complete", "hook": hook}, separators=(",", ":")) + "\n"
    )
    log = hash_chain.HashChain(session.events_path)
    outcome = "failed" if failed else "succeeded"
    for event, at in (
        (events.CommandStarted(command="one", step="apply", title="Apply", argv=argv, cwd="/"), BEGIN),
        (
            events.CommandEnded(command="in", step="apply", seconds=seconds / 2, outcome="succeeded"),
            BEGIN + seconds - 1,
        ),
        (events.CommandEnded(command="one", step="apply", seconds=seconds, outcome=outcome), BEGIN + seconds),
    ):
        log.append(msgspec.json.encode(event), sync=False, timestamp=at)
    log.close()
    session.end("failed" if failed else "done")
    session.close()
    return session


def test_times_failures_tools_and_settings_are_compared_side_by_side(store: SessionStore) -> None:
    one = rebuilt(store)
    other = rebuilt(store, region="eu-west-1", terraform="1.12.0", seconds=90, failed=True, vpc=12)
    found = compare_sessions(one, other)
    told = {
        section.title: {row.label: (row.before, row.after, row.change_seconds) for row in section.changed_rows}
        for section in found.sections
    }
    assert told["Steps, duration of their commands"] == {"Apply": ("1 min", "1 min 30 s", 30.0)}
    assert told["Resources, largest differences first"]["create aws_vpc.main"] == ("2.0 s", "12 s", 10.0)
    assert told["Tools"] == {"terraform": ("1.11.4", "1.12.0", None)}
    assert told["Settings"] == {"aws.region": ('"ap-northeast-2"', '"eu-west-1"', None)}
    assert told["Failures"] == {"apply: Apply: failed": ("", "1×", None)}
    assert told["Session"]["outcome"] == ("done", "failed", None)
    assert [row.label for row in found.differences] == ["apply: Apply"]


def test_the_shape_of_a_comparison_is_the_promised_one_and_more(
    store: SessionStore, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = rebuilt(store), rebuilt(store, failed=True)
    assert main(["sessions", "compare", one.id, other.id, "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (document["before"], document["after"]) == (one.id, other.id)
    assert document["differences"] == [{"what": "apply: Apply", "before": "succeeded", "after": "failed"}]
    assert [side["took"] for side in document["sessions"]] == [{"apply": 60.0}, {"apply": 60.0}]
    assert {section["title"] for section in document["sections"]} >= {"Failures", "Tools", "Settings"}
    assert main(["sessions", "compare", one.id, other.id]) == 0
    out = capsys.readouterr().out
    assert "apply: Apply: failed" in out
    assert "terraform" not in out  # the same in both
    assert main(["sessions", "compare", one.id, other.id, "--all"]) == 0
    assert "1.11.4" in capsys.readouterr().out


def test_a_session_begins_with_its_settings_and_their_digest(store: SessionStore) -> None:
    one, other = rebuilt(store), rebuilt(store, region="eu-west-1")
    first, second = (next(iter(session.read_records())).event for session in (one, other))
    assert isinstance(first, events.SessionStarted)
    assert isinstance(second, events.SessionStarted)
    assert first.settings["aws.region"] == '"ap-northeast-2"'
    assert first.settings.get("project") == '"eco2"'
    assert "aws.timeout" not in first.settings  # as the model has it
    assert first.digest
    assert first.digest != second.digest


def test_what_runs_within_another_command_is_not_counted_twice(store: SessionStore) -> None:
    session = rebuilt(store, seconds=90)
    assert store.list_summaries()[0].took == {"apply": 90.0}
    # Counted again from the events it is the same; so it is when a process that has the session open goes on.
    (session.folder / "summary.json").unlink()
    session.append(events.NoteAdded(text="later"))
    assert store.list_summaries()[0].took == {"apply": 90.0}


def test_what_supervisors_logged_meanwhile_is_in_the_summary_of_who_goes_on(store: SessionStore) -> None:
    session = store.create(project="p", folder=Path("/p"), env={})
    session.append(events.NoteAdded(text="first"))
    log = hash_chain.HashChain(session.events_path)
    ended = events.CommandEnded(command="one", step="apply", seconds=5.0, outcome="succeeded")
    log.append(msgspec.json.encode(ended), sync=False)
    log.close()
    session.append(events.NoteAdded(text="second"))
    summary = store.list_summaries()[0]
    assert summary.took == {"apply": 5.0}
    assert summary.notes == ["first", "second"]


def test_the_usual_time_of_a_step_is_that_of_the_sessions_that_went_well(store: SessionStore) -> None:
    for seconds in (10, 20, 30, 40):
        rebuilt(store, seconds=seconds)
    (apply,) = read_step_durations(SessionIndex(store), SessionQuery(project="eco2"))
    assert (apply.step, len(apply.samples)) == ("apply", 4)
    assert apply.median == 25
    assert apply.quartiles == (17.5, 32.5)
    assert sorted(apply.sparkline(10)) == sorted("▂▄▆█") or len(apply.sparkline(10)) == 4
    assert read_step_durations(SessionIndex(store), SessionQuery(project="other")) == ()
    assert isinstance(apply, StepDurations)


def test_sessions_of_an_older_ecotui_are_counted_once_for_their_times(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session = rebuilt(store, seconds=42)
    path = session.folder / "summary.json"
    session.append(events.NoteAdded(text="a summary"))
    plain = json.loads(path.read_bytes())
    del plain["took"]
    path.write_text(json.dumps(plain))
    os.utime(store.folder, (1e9, 1e9))
    index = SessionIndex(store)
    assert index.find_summaries()[0].took is None
    assert index.find_summaries(with_step_times=True)[0].took == {"apply": 42.0}
    monkeypatch.setattr("ecotui.session.index.summarize_events", lambda folder: pytest.fail("counted twice"))
    assert index.find_summaries(with_step_times=True)[0].took == {"apply": 42.0}
    assert main(["sessions", "durations"]) == 0
    assert "42 s" in capsys.readouterr().out
    assert main(["sessions", "durations", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "ecotui.sessions.durations/1"
    assert document["steps"][0]["median_s"] == 42.0


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", {}),
        ("seoul Slow", {"text": "seoul Slow"}),
        ("#handover @kim", {"tag": "handover", "operator": "kim"}),
        ("quota:blocked project:eco", {"step": "quota:blocked", "project": "eco"}),
        ("outcome:failed by:lee", {"outcome": "failed", "operator": "lee"}),
        ("since:7d", {"since": 10_000_000.0 - 7 * 86_400}),
        ("since:", {}),
        ("http://x", {"text": "http://x"}),
    ],
)
def test_what_is_typed_to_find_sessions_is_understood(text: str, wanted: dict[str, Any]) -> None:
    found = parse_query(text, now=10_000_000.0)
    assert found.query == SessionQuery(allow_partial=True, **wanted)
    assert not found.problem


def test_an_incomplete_date_is_reported_and_left_out() -> None:
    found = parse_query("since:2026-1 slow")
    assert "2026-05-01" in found.problem
    assert found.query == SessionQuery(allow_partial=True, text="slow")


def test_earlier_events_are_read_piece_by_piece_without_gap_or_repetition(store: SessionStore) -> None:
    session = store.create(project="p", folder=Path("/p"), env={})
    log = hash_chain.HashChain(session.events_path)
    log.append_all([b'{"type":"noted","text":"%d"}' % number for number in range(5_000)], sync=False)
    log.append(b'{"type":"overridden","finding":"a.b","reason":"r"}', sync=False)
    log.close()
    with session.events_path.open("ab") as stream:
        stream.write(b"torn\n")
    told, place = session.read_records_before(None, 700)
    while place:
        earlier, place = session.read_records_before(place, 700)
        told = earlier + told
    assert told == list(session.read_records())
    decided: list[events.EventRecord] = []
    place = None  # type: ignore[assignment]
    while place != 0:
        earlier, place = session.read_records_before(place, 700, (b'"type":"overridden"',))
        decided = earlier + decided
    assert [type(one.event) for one in decided] == [events.FindingOverridden]
