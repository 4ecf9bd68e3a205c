"""An `ecotui apply` under the supervisor runs terraform as its plain child: one log, one interrupt, no second supervisor."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT
from support.supervised import outcome, process_of, said, supervised, until

from checks.apply import plan_store
from checks.apply.forecast.model import Forecast, SavedReview
from checks.apply.plan.model import ChangeAction, Plan, ResourceChange
from ecotui.history.apply_streams import is_apply_stream
from ecotui.history.current_apply import find_current_apply
from ecotui.session import events
from ecotui.session.log import Session
from ecotui.session.store import SessionStore
from ecotui.supervisor import Command, list_running_commands, read_command_status, send_interrupt, start_command
from ecotui.supervisor.commands import list_commands

TERRAFORM = """\
import json, os, signal, sys, time
from pathlib import Path
here = Path(sys.argv[0]).resolve().parent.parent
if sys.argv[1] == "state":
    print(json.dumps({"version": 4, "serial": 1, "lineage": "a", "resources": []}))
    sys.exit()
if sys.argv[1] != "apply":
    print("{}")
    sys.exit()
came = []
signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
(here / "hangup").write_text(str(signal.getsignal(signal.SIGHUP)))
print(json.dumps({"type": "apply_start", "@message": "x: Creating with ghp_" + "q7W2" * 9,
    "hook": {"resource": {"addr": "terraform_data.x"}, "action": "create"}}), flush=True)
while not came and not (here / "go").exists():
    time.sleep(0.02)
for _ in range(40):
    print("still writing", flush=True)
    time.sleep(0.02)
(here / "saved").write_text(str(len(came)))
print("the last line, without an end", end="", flush=True)
sys.exit(len(came))
"""


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with supervised(tmp_path) as session:
        yield session


@pytest.fixture
def apply(session: Session, tmp_path: Path) -> Command:
    """An apply of a reviewed plan, as the TUI starts it."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "terraform"
    program.write_text(f"#!{sys.executable}\n{TERRAFORM}")
    program.chmod(0o755)
    (tmp_path / "tf" / ".terraform").mkdir(parents=True)
    (tmp_path / "ecotui.yaml").write_text("project: p\nterraform: {directory: tf}\n")
    (tmp_path / plan_store.PLAN_FILE).write_bytes(b"PK")
    change = ResourceChange(
        address="terraform_data.x", type="terraform_data", action=ChangeAction.CREATE, actions=("create",)
    )
    review = SavedReview(
        plan_sha256=hashlib.sha256(b"PK").hexdigest(),
        created_at=0,
        folder=str(tmp_path / "tf"),
        workspace="",
        plan=Plan(terraform="1.11.4", format="1.2", changes=(change,)),
        forecast=Forecast(),
    )
    plan_store.write_review(tmp_path, review)
    words = ("--yes", "--plan", str(tmp_path / plan_store.PLAN_FILE), "--progress", "--project", str(tmp_path))
    command = start_command(
        session,
        ("ecotui", "apply", *words),
        step="apply",
        title="Apply the reviewed plan",
        cwd=tmp_path,
        env={
            "HOME": str(tmp_path),
            "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "ECOTUI_SESSION": session.id,
            "ECOTUI_STATE_DIR": str(session.folder.parent.parent),
        },
    )
    until(lambda: "apply_start" in said(command), 30)
    return command


def test_terraform_is_a_plain_child_and_its_stream_is_in_the_one_log(
    apply: Command, session: Session, tmp_path: Path
) -> None:
    assert [one.id for one in list_commands(session)] == [apply.id]
    (tmp_path / "go").touch()
    assert outcome(apply) == "succeeded"
    log = said(apply)
    assert "the last line, without an end\n" in log
    assert '"type":"ecotui"' in log
    assert "q7W2q7W2" not in log
    assert (tmp_path / "hangup").read_text() == str(signal.SIG_IGN)
    assert not (tmp_path / plan_store.PLAN_FILE).exists()
    assert (apply.folder / "timeline.csv").exists()
    started = [one.event for one in session.read_records() if isinstance(one.event, events.CommandStarted)]
    assert [one.title for one in started] == ["Apply the reviewed plan"]
    found = find_current_apply(SessionStore(session.folder.parent.parent), tmp_path)
    assert found is not None
    assert found.command.target.workspace == "default"
    assert found.plan is not None


def test_an_interrupt_reaches_terraform_once(apply: Command, tmp_path: Path) -> None:
    assert send_interrupt(apply.folder)
    assert send_interrupt(apply.folder)
    assert outcome(apply) == "interrupted"
    assert (tmp_path / "saved").read_text() == "1"
    assert "Interrupted: terraform finishes what it has begun" in said(apply)
    assert read_command_status(apply.folder).exit_code == 130


def test_a_forced_stop_reaches_terraform_a_second_time(apply: Command, tmp_path: Path) -> None:
    assert send_interrupt(apply.folder)
    until(lambda: "Interrupted: terraform finishes" in said(apply))
    assert send_interrupt(apply.folder, force=True)
    assert outcome(apply) == "interrupted"
    assert (tmp_path / "saved").read_text() == "2"
    assert "Stopping by force" in said(apply)


def test_a_killed_supervisor_leaves_terraform_running_to_its_end(
    apply: Command, session: Session, tmp_path: Path
) -> None:
    os.kill(process_of(apply)["supervisor"], signal.SIGKILL)
    until(lambda: read_command_status(apply.folder).state == "lost")
    assert [one.id for one in list_running_commands(session)] == [apply.id]
    (tmp_path / "go").touch()
    until(lambda: read_command_status(apply.folder).pid is None)
    assert (tmp_path / "saved").read_text() == "0"


def test_a_killed_supervisor_leaves_a_command_that_can_be_interrupted(apply: Command, tmp_path: Path) -> None:
    os.kill(process_of(apply)["supervisor"], signal.SIGKILL)
    until(lambda: read_command_status(apply.folder).state == "lost")
    assert send_interrupt(apply.folder)
    until(lambda: read_command_status(apply.folder).pid is None)
    assert (tmp_path / "saved").read_text() == "1"


def test_terraform_saves_its_state_although_the_command_that_runs_it_is_killed(apply: Command, tmp_path: Path) -> None:
    os.kill(process_of(apply)["child"], signal.SIGKILL)
    assert outcome(apply) == "killed"
    (tmp_path / "go").touch()
    until((tmp_path / "saved").exists)
    assert (tmp_path / "saved").read_text() == "0"


def test_an_apply_of_an_earlier_version_is_not_counted_beside_its_terraform(apply: Command, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    outcome(apply)
    file = apply.folder / "command.json"
    plain = json.loads(file.read_text())
    assert is_apply_stream(apply) is False  # as it was started
    del plain["place"]
    file.write_text(json.dumps(plain))
    found = find_current_apply(SessionStore(apply.folder.parent.parent.parent.parent), tmp_path)
    assert found is None
