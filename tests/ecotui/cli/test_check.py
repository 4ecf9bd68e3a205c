"""`ecotui check` in a broken world, from outside: its exit codes and its JSON are a public contract."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from checks.finding import CheckState, Finding, Fix, Report, RunCommand
from checks.steps import STEPS, STEPS_BY_ID, RebuildStep
from ecotui.cli import main
from ecotui.stream import CheckProgress, StepReport, decode_message

Ran = subprocess.CompletedProcess[str]
FINDING = {"id", "step", "state", "title", "summary", "facts", "guide", "fixes"}
FIX = {"id", "title", "command", "changes", "risk", "recommended"}


@pytest.fixture
def dead_endpoint() -> str:
    """An address at which nobody listens: the port was ours a moment ago."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def broken_world(tmp_path: Path, dead_endpoint: str) -> dict[str, str]:
    """An operator's environment in which nothing works: no credentials, no network, no login."""
    return {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "ECOTUI_STATE_DIR": str(tmp_path / "state"),
        "AWS_ENDPOINT_URL": dead_endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HTTPS_PROXY": dead_endpoint,
        "NO_PROXY": "127.0.0.1",
    }


@pytest.fixture
def ecotui(tmp_path: Path, broken_world: Mapping[str, str]) -> Callable[..., Ran]:
    project = tmp_path / "project"
    project.mkdir()

    def run(*argv: str, **extra: str) -> Ran:
        return subprocess.run(
            [sys.executable, "-P", "-m", "ecotui", *argv],
            cwd=project,
            env={**broken_world, **extra},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    return run


def findings(ran: Ran) -> list[dict[str, Any]]:
    document = json.loads(ran.stdout)
    assert set(document) == {"schema", "findings"}
    assert document["schema"] == "ecotui.check/1"
    return list(document["findings"])


def test_a_broken_world_blocks_and_names_what_is_in_the_way(ecotui: Callable[..., Ran]) -> None:
    ran = ecotui("check", "--json")
    found = findings(ran)
    assert ran.returncode == 3, ran.stderr
    assert {one["step"] for one in found} == set(STEPS_BY_ID)
    by_id = {one["id"]: one for one in found}
    assert by_id["environment.credentials"]["state"] == "blocked"
    assert "credentials" in by_id["environment.credentials"]["summary"]
    assert by_id["github.login"]["state"] == "blocked"
    assert by_id["environment.variable.GITHUB_USERNAME"]["state"] == "blocked"


def test_nothing_is_green_that_could_not_be_looked_at(ecotui: Callable[..., Ran]) -> None:
    ran = ecotui("check", "--json", "quota", "cleanup", "cloudfront", "nodes")
    assert ran.returncode == 3
    assert [one for one in findings(ran) if one["state"] == "ok"] == []


def test_every_finding_has_the_keys_of_the_contract(ecotui: Callable[..., Ran]) -> None:
    for one in findings(ecotui("check", "--json")):
        assert set(one) == FINDING
        assert re.fullmatch(rf"{one['step']}(\.[\w:/@*+-]+)+", one["id"]), one["id"]
        assert one["state"] in set(CheckState)
        assert "\n" not in one["summary"] and one["summary"].strip()
        assert all(set(fact) == {"label", "value"} for fact in one["facts"])
        assert all(re.fullmatch(r"\d+(\.\d+)?", entry) for entry in one["guide"])
        for fix in one["fixes"]:
            assert set(fix) == FIX
            assert fix["risk"] in ("reads", "changes", "costs", "destroys")
            assert "\n" not in fix["title"]


def test_what_a_dead_endpoint_hides_is_unknown_and_says_so(ecotui: Callable[..., Ran], dead_endpoint: str) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"}
    ran = ecotui("check", "--json", "--set", "aws.timeout=2", "cloudfront", **keys)
    (found,) = findings(ran)
    assert ran.returncode == 3
    assert found["state"] == "unknown"
    assert dead_endpoint.removeprefix("http://") in found["summary"] + json.dumps(found["facts"])


def test_the_streamed_reports_are_one_a_line_and_cover_the_steps_asked_for(
    ecotui: Callable[..., Ran],
) -> None:
    ran = ecotui("check", "--stream", "github", "apply")
    assert ran.returncode == 3
    messages = [decode_message(line) for line in ran.stdout.splitlines()]
    assert sorted(one.report.step for one in messages if isinstance(one, StepReport)) == ["apply", "github"]
    assert {one.step for one in messages if isinstance(one, CheckProgress)} <= {"github", "apply"}


def test_plain_output_carries_a_sign_and_the_ids(ecotui: Callable[..., Ran]) -> None:
    ran = ecotui("check", "github", "apply")
    assert ran.returncode == 3
    assert ran.stdout.startswith("✗ GitHub  blocked")
    assert "[github.login]" in ran.stdout
    assert "\x1b" not in ran.stdout


def test_an_unknown_step_is_a_usage_error_that_lists_the_steps(ecotui: Callable[..., Ran]) -> None:
    ran = ecotui("check", "qouta")
    assert ran.returncode == 2
    assert "'qouta'" in ran.stderr
    assert all(step in ran.stderr for step in STEPS_BY_ID)
    assert ran.stdout == ""


def test_settings_that_cannot_be_used_are_one_line_and_exit_2(ecotui: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "project" / "ecotui.yaml").write_text("aws:\n  regoin: eu-west-1\n", encoding="utf-8")
    ran = ecotui("check")
    assert ran.returncode == 2
    assert "ecotui.yaml:2" in ran.stderr and "regoin" in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1


def _step(state: CheckState) -> RebuildStep:
    """The github step, with a look that finds one thing in this state."""

    class Canned(RebuildStep):
        def check(self, context: object) -> Report:
            fix = Fix(id="login", title="Log in", action=RunCommand(argv=("gh", "auth", "login")), changes="the login")
            seen = Finding(
                id="github.login",
                step="github",
                state=state,
                title="GitHub",
                summary="as it is",
                fixes=(fix,),
            )
            return Report(step="github", findings=(seen,), started=0.0, seconds=0.1)

    return Canned("github", "GitHub", "", "")


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (CheckState.OK, 0),
        (CheckState.SKIPPED, 0),
        (CheckState.WARN, 4),
        (CheckState.UNKNOWN, 3),
        (CheckState.BLOCKED, 3),
    ],
)
def test_the_exit_code_tells_the_worst_state(
    state: CheckState,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setitem(STEPS_BY_ID, "github", _step(state))
    assert main(["-C", str(tmp_path), "check", "--json", "github"]) == code
    (found,) = json.loads(capsys.readouterr().out)["findings"]
    assert found == {
        "id": "github.login",
        "step": "github",
        "state": state.value,
        "title": "GitHub",
        "summary": "as it is",
        "facts": [],
        "guide": [],
        "fixes": [
            {
                "id": "login",
                "title": "Log in",
                "command": "gh auth login",
                "changes": "the login",
                "risk": "reads",
                "recommended": False,
            }
        ],
    }


def test_a_look_that_breaks_is_unknown_and_leaves_the_others_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(STEPS_BY_ID, "github", _step(CheckState.OK))
    monkeypatch.setitem(STEPS_BY_ID, "apply", RebuildStep("apply", "Apply", "", "checks.there_is_no_such_module"))
    assert main(["-C", str(tmp_path), "check", "--json", "github", "apply"]) == 3
    by_id = {one["id"]: one for one in json.loads(capsys.readouterr().out)["findings"]}
    assert by_id["github.login"]["state"] == "ok"
    assert by_id["apply.look"]["state"] == "unknown"
    assert "there_is_no_such_module" in by_id["apply.look"]["summary"]


def test_the_steps_of_the_design_are_there_in_its_order() -> None:
    assert [step.id for step in STEPS] == [
        "environment",
        "quota",
        "github",
        "cleanup",
        "apply",
        "cloudfront",
        "nodes",
    ]
