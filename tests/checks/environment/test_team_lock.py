"""What the environment step says about the team's lock: green only for what was looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.tui import Bench

from checks.aws import lease
from checks.aws.lease import AcquiredLease, LeaseRecord
from checks.aws.object_store import ObjectStore, ObjectStoreError
from checks.context import CheckContext
from checks.environment.check import check_team_lock
from checks.finding import CheckState, Finding
from config import model
from screens.sessions.team import TeamSessionsScreen

ACCOUNT = "123456789012"
HANA = LeaseRecord(
    user="hana", host="bastion-2", terminal="pts/2", since="2026-11-23 14:03 UTC", session="s-1", seconds=60
)


def world(store: ObjectStore, env: dict[str, str], url: str = "s3://eco2-team/ecotui/prod") -> CheckContext:
    settings = model.Settings(aws=model.AwsSettings(region="ap-northeast-2"), sessions=model.SessionsSettings(team=url))
    made = CheckContext(settings=settings, project=Path("/p"), env=env)
    made.__dict__["aws"] = store._aws
    return made


def one(where: CheckContext) -> Finding:
    (found,) = check_team_lock(where)
    assert found.id == "environment.team"
    return found


def test_without_a_team_nothing_is_said(team_store: ObjectStore, aws_env: dict[str, str]) -> None:
    assert check_team_lock(world(team_store, aws_env, url="")) == ()


def test_who_works_there_is_named_and_blocks_and_who_left_does_not(
    team_store: ObjectStore, aws_env: dict[str, str]
) -> None:
    where = world(team_store, aws_env)
    assert one(where).state is CheckState.OK
    theirs = lease.acquire_lease(team_store, ACCOUNT, HANA)
    assert isinstance(theirs, AcquiredLease)
    blocked = one(where)
    assert blocked.state is CheckState.BLOCKED
    assert blocked.summary.startswith("hana@bastion-2 on pts/2, since 2026-11-23 14:03 UTC works in account")
    ours = one(world(team_store, {**aws_env, "ECOTUI_SESSION": "s-1"}))
    assert ours.state is CheckState.OK
    lease.release_lease(team_store, ACCOUNT, theirs)
    assert one(where).state is CheckState.OK


def test_a_lease_that_is_over_is_said_to_be(
    team_store: ObjectStore, aws_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lease.acquire_lease(team_store, ACCOUNT, HANA)
    monkeypatch.setattr(lease.LeaseSnapshot, "seconds_left", 0.0)
    found = one(world(team_store, aws_env))
    assert found.state is CheckState.OK
    assert "is over" in found.summary


def test_what_could_not_be_looked_at_is_unknown_and_names_the_action(
    team_store: ObjectStore, aws_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = one(world(team_store, aws_env, url="s3://nobodys-bucket/x"))
    assert missing.state is CheckState.UNKNOWN
    assert "no bucket nobodys-bucket" in missing.summary

    def denied(self: ObjectStore, key: str) -> Any:
        raise ObjectStoreError("Not allowed to call s3:GetObject.", ("s3:GetObject",))

    monkeypatch.setattr(ObjectStore, "read", denied)
    found = one(world(team_store, aws_env))
    assert found.state is CheckState.UNKNOWN
    assert found.denied == ("s3:GetObject",)


# -- the screen ----------------------------------------------------------------------------------------------------

THEIRS = [
    {
        "id": "20260102-030405-abcdef", "host": "bastion-2", "here": False, "project": "eco2 [/x]",
        "by": "hana@bastion-2 on pts/2", "started": "2026-01-02T03:04:05Z", "ended": "2026-01-02T04:04:05Z",
        "outcome": "rebuilt", "steps": {"quota": "ok", "apply": "ok"},
    },
    {
        "id": "20260101-030405-abcdef", "host": "here", "here": True, "project": "에코 재구축",
        "by": "minsu@here", "started": "2026-01-01T03:04:05Z", "ended": None, "outcome": "open", "steps": {},
    },
]  # fmt: skip


def answering(bench: Bench, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = bench.home / "ecotui-stand-in"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr("screens.sessions.team.sys.executable", str(program))
    (bench.project / "ecotui.yaml").write_text("project: eco2\nsessions: {team: 's3://eco2-team/x'}\n")
    # No keeper: what it does is held elsewhere.
    monkeypatch.setattr("ecotui.team.lease_client.LeaseClient._start_agent", lambda self: None)


async def test_the_sessions_of_other_machines_are_listed_and_marked(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.dumps({"schema": "ecotui.sessions.team/1", "sessions": THEIRS}, ensure_ascii=False)
    words = f"-P -m ecotui --project {bench.project} sessions list --team --json"
    answering(bench, monkeypatch, f"[ \"$*\" = '{words}' ] || exit 9\ncat <<'EOT'\n{document}\nEOT")
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        await bench.settled(pilot)
        await pilot.press("S")
        assert isinstance(app.screen, TeamSessionsScreen)
        await bench.until(pilot, lambda: "1 of other machines" in bench.text(pilot), "the list")
        text = bench.text(pilot)
        (row,) = (line for line in text.splitlines() if "eco2 [/x]" in line)
        assert row.startswith("↗")
        assert "에코 재구축" in text
        assert "on bastion-2, where its log is" in text
        await pilot.press("j")
        assert "on this machine: s opens it" in bench.text(pilot)
        await pilot.press("escape")


async def test_a_team_that_cannot_be_reached_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(bench, monkeypatch, "echo 'ecotui sessions: AWS cannot be reached' >&2; exit 1")
    app = bench.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await bench.settled(pilot)
        await pilot.press("S")
        await bench.until(pilot, lambda: "AWS cannot be reached" in bench.text(pilot), "the trouble")


async def test_without_the_team_s_lock_nothing_is_changed_until_its_finding_is_let_pass(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ecotui.team.lease_client import LeaseClient, LeaseStatus

    answering(bench, monkeypatch, "exit 1")
    away = LeaseStatus(state="unreachable", message="AWS cannot be reached: http://127.0.0.1:9.")
    monkeypatch.setattr(LeaseClient, "_read_status", lambda self: away)
    monkeypatch.setattr("screens.main.locks.LOCK_POLL_SECONDS", 0.05)
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await bench.settled(pilot)
        await bench.until(pilot, lambda: "could not be checked" in bench.notices(pilot), "the word")
        await bench.until(pilot, lambda: "team's lock: could not be checked" in bench.text(pilot), "the top line")
        await pilot.press("2", "f")
        assert app.screen is screen
        assert bench.started == []
        assert screen.project is not None
        desk = screen.project
        desk.rebuild = desk.rebuild.with_override("environment.team", "S3 is down, asked hana")
        await pilot.press("f")
        await pilot.pause()
        await pilot.press("enter")
        await bench.until(pilot, lambda: bench.started, "the request")
