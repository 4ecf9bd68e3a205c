"""The whole rebuild in the demo, cut off at each step and resumed: real terraform, kubectl and gh, to 13 nodes.

Then its session is reviewed, compared with an earlier one and handed over.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

from checks.finding import CheckState
from config.load import load_settings
from ecotui import check_runner
from ecotui.demo.process import Demo, run_demo
from ecotui.demo.provider_mirror import find_mirror
from ecotui.project import OpenProject
from ecotui.session import events
from ecotui.session.log import Session
from ecotui.session.store import SessionStore

# One worker for all of it: the run takes a minute and a half.
pytestmark = [pytest.mark.real, pytest.mark.world, pytest.mark.xdist_group("auto"), pytest.mark.timeout(300)]

CUTS = {
    "environment": "Checking everything",
    "quota": "Wait for the approval: ",
    "github": "Add read:org to the login: ",
    "cleanup": "Delete what was approved: ",
    "apply": "Apply the plan: ",
    "cloudfront": "Checking CloudFront",
    "nodes": "Checking Nodes",
}
"""What is said when a step is about to do something: there the operator's process is killed."""
Played = tuple[dict[str, Any], str, Path]


def need(thing: object, what: str) -> None:
    """Without it there is nothing to test; on the CI machine that is a failure."""
    if not thing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{what} is not on this machine")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The document, what was told on the way, and the home that was kept."""
    for name in ("terraform", "kubectl", "gh"):
        need(shutil.which(name), name)
    need(find_mirror(), "a mirror of the AWS provider")
    home = tmp_path_factory.mktemp("demo") / "home"
    with run_demo(keep=home, speed=20) as demo:
        _the_shift_before(demo)
        told = _rebuild(demo)
    yield json.loads(told[1]), told[0], home


def _the_shift_before(demo: Demo) -> None:
    """An earlier session: somebody looked at the quotas, and left."""
    desk = OpenProject.open(load_settings(demo.project, None, env=demo.env), demo.env)
    for report in check_runner.run_checks_sync(["quota"], options=desk.child_options(), env=desk.child_env()):
        desk.record_report(report)
        desk.override_finding(report.findings[0], "the increase was asked for by phone")
    desk.close("left")
    time.sleep(1.1)  # ids are made by the second, and the order of two sessions by their ids


def _rebuild(demo: Demo) -> tuple[str, str]:
    """Processes go on one after the other, each killed at another step; what the last one said and printed."""
    described = {**dataclasses.asdict(dataclasses.replace(demo, process=None)), "process": None}
    file = demo.root / "demo.json"
    file.write_text(json.dumps(described, default=str))
    said, cuts = "", dict(CUTS)
    for _ in range(len(CUTS) + 1):
        child = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "support" / "resume_demo.py"), str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=demo.project,
            env={**demo.env, "PYTHONPATH": str(ROOT)},
        )
        assert child.stderr is not None
        assert child.stdout is not None
        for line in child.stderr:
            said += line
            cut = next((step for step, mark in cuts.items() if mark in line), None)
            if cut is not None:
                del cuts[cut]
                _once_it_runs(demo, cut)
                child.kill()
                said += f"--- cut off at {cut}\n"
                break
        if cut is None:
            break
        child.communicate()
    assert child.wait() == 0, said[-4000:]
    assert not cuts, said
    return said, child.stdout.read()


def _once_it_runs(demo: Demo, step: str) -> None:
    """Wait until the command that was announced is under way: from then on it does not need its operator."""
    if not CUTS[step].endswith(": "):
        return
    title = CUTS[step].removesuffix(": ")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for told in demo.sessions.glob(f"sessions/*/commands/*-{step}-*/command.json"):
            if json.loads(told.read_text())["title"] == title and told.with_name("process.json").exists():
                return
        time.sleep(0.02)
    pytest.fail(f"{title} was not started")


def _session(played: Played) -> Session:
    folder = Path(played[0]["session"]["folder"])
    return SessionStore(folder.parent.parent).open(folder.name)


def _ecotui(played: Played, *words: str) -> str:
    folder = Path(played[0]["session"]["folder"])
    done = subprocess.run(
        [sys.executable, "-P", "-m", "ecotui", "sessions", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "ECOTUI_STATE_DIR": str(folder.parent.parent)},
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rebuild_ends_with_thirteen_ready_nodes(played: Played) -> None:
    body, told, _ = played
    assert body["schema"] == "ecotui.demo/1"
    assert body["ok"] is True
    assert body["nodes"] == {"ready": 13, "expected": 13}
    assert body["tools"] == {"terraform": "real", "kubectl": "real", "gh": "real"}
    assert {step["id"]: step["state"] for step in body["steps"]} == dict.fromkeys(
        ("environment", "quota", "github", "cleanup", "apply", "cloudfront", "nodes"), "ok"
    )
    assert "lacks read:org" in told
    assert "16 allowed" in told


def test_it_was_cut_off_at_each_step_and_went_on_in_one_session(played: Played) -> None:
    told = played[1]
    assert [line.split()[-1] for line in told.splitlines() if line.startswith("---")] == list(CUTS)
    session = _session(played)
    records = list(session.read_records())
    assert sum(isinstance(one.event, events.SessionResumed) for one in records) == len(CUTS)
    started = [one.event for one in records if isinstance(one.event, events.CommandStarted)]
    ended = {one.event.command: one.event for one in records if isinstance(one.event, events.CommandEnded)}
    # Nothing was begun twice, and all that was cut off ended well without its operator.
    titles = [one.title for one in started]
    assert len(titles) == len(set(titles)), titles
    assert {one.command for one in started} == set(ended)
    assert {one.outcome for one in ended.values()} <= {"succeeded", "failed"}
    assert [one.title for one in started if ended[one.command].exit_code not in (0, 4)] == []
    assert len(SessionStore(session.folder.parent.parent).list_summaries()) == 2


def test_its_session_can_be_reviewed_and_its_chain_is_whole(played: Played) -> None:
    session = _session(played)
    assert session.folder.is_relative_to(played[2])
    assert "whole" in _ecotui(played, "verify", session.id)
    shown = _ecotui(played, "show", session.id)
    assert "terraform apply" in shown
    assert "session ended: done" in shown
    replay = json.loads(_ecotui(played, "replay", session.id, "--json"))
    assert replay["moments"][-1]["text"] == "session ended: done"
    assert any(one["bytes"] for one in replay["moments"])
    assert "Apply" in _ecotui(played, "durations")


def test_it_is_compared_with_the_shift_before(played: Played) -> None:
    session = _session(played)
    earlier = SessionStore(session.folder.parent.parent).list_summaries()[1]
    told = json.loads(_ecotui(played, "compare", earlier.id, session.id, "--json"))
    sections = {section["title"]: section["rows"] for section in told["sections"]}
    quota = next(row for row in sections["Steps, last check"] if row["what"] == "Quotas")
    assert (quota["before"], quota["after"]) == (CheckState.BLOCKED.value, CheckState.OK.value)
    assert told["sessions"][1]["took"]["apply"] > 0
    assert len(told["sessions"][1]["resources"]) > 40
    assert told["sessions"][1]["tools"]["terraform"]


def test_it_is_handed_over_as_one_page(played: Played, tmp_path: Path) -> None:
    session = _session(played)
    page = tmp_path / "handover.html"
    _ecotui(played, "export", session.id, "--format", "html", "--out", str(page))
    text = page.read_text()
    assert "http://" not in text
    assert "<script" not in text
    assert text.count("resumed by") >= len(CUTS)
    assert "aws_instance.node" in text
    # Every element that is opened is closed again.
    for name in ("table", "tr", "td", "details", "ol", "li", "div", "svg", "pre"):
        assert text.count(f"<{name}>") + text.count(f"<{name} ") == text.count(f"</{name}>"), name


async def test_it_is_reviewed_on_the_screen(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    from textual.app import App
    from textual.pilot import Pilot

    from screens.sessions.detail import SessionDetailScreen
    from screens.style.themes import THEMES

    session = _session(played)

    class Reviewing(App[None]):
        def on_mount(self) -> None:
            for theme in THEMES:
                self.register_theme(theme)
            self.theme = THEMES[0].name
            self.push_screen(SessionDetailScreen(session))

    def text(pilot: Pilot[None]) -> str:
        return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())

    async with Reviewing().run_test(size=(120, 36)) as pilot:
        deadline = time.monotonic() + 10
        while "session ended: done" not in text(pilot) and time.monotonic() < deadline:
            await pilot.pause(0.02)
        assert "✓✓✓✓✓✓✓" in text(pilot)
        assert "✓ checked nodes: ok" in text(pilot)


def test_terraform_built_all_and_no_secret_is_in_the_log(
    played: Played,
) -> None:
    body, _, home = played
    state = json.loads((home / "project" / "terraform" / "terraform.tfstate").read_text())
    nodes = [one for one in state["resources"] if (one["type"], one["name"]) == ("aws_instance", "node")]
    assert len(nodes[0]["instances"]) == 13
    looks = [
        finding["summary"]
        for line in (Path(body["session"]["folder"]) / "events.jsonl").read_text().splitlines()
        for finding in json.loads(line)["event"].get("report", {}).get("findings", ())
        if finding["id"] == "apply.changes"
    ]
    # The last look plans anew: what is applied does not drift.
    assert "nothing left to do" in looks[-1]
    token = next(
        line.split()[-1]
        for line in (home / ".github" / "gh" / "hosts.yml").read_text().splitlines()
        if "oauth_token" in line
    )
    for path in Path(body["session"]["folder"]).rglob("*"):
        if path.is_file():
            assert token not in path.read_text(errors="replace"), path


def test_nothing_runs_in_its_home_any_more(played: Played) -> None:
    _, _, home = played
    mark = f"ECOTUI_DEMO_HOME={home}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            assert mark not in (folder / "environ").read_bytes(), folder
        except OSError:
            continue
