"""Commands that are asked, or made, to stop; and what happens when their supervisor is gone."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.supervised import begun, outcome, process_of, python, said, supervised, until

from ecotui.session import events
from ecotui.session.log import Session
from ecotui.supervisor import list_running_commands, read_command_status, record_lost_commands, send_interrupt
from ecotui.supervisor import paths as names

COUNTING = """
    import signal, sys, time
    came = []
    def note(number, frame):
        came.append(number)
        print("signal", signal.Signals(number).name, len(came), flush=True)
        if len(came) == int(sys.argv[1]):
            sys.exit(5)
    signal.signal(signal.SIGINT, note)
    signal.signal(signal.SIGTERM, note)
    print("ready", flush=True)
    while True:
        time.sleep(0.05)
"""


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with supervised(tmp_path) as session:
        yield session


def test_many_requests_send_one_interrupt_to_the_command(session: Session) -> None:
    command = python(session, COUNTING, "2")
    until(lambda: "ready" in said(command))
    supervisor = until(lambda: process_of(command)["supervisor"])
    for _ in range(3):
        assert send_interrupt(command.folder)
    os.kill(supervisor, signal.SIGINT)
    os.kill(supervisor, signal.SIGTERM)
    until(lambda: "SIGINT 1" in said(command))
    time.sleep(0.3)
    assert said(command) == "ready\nsignal SIGINT 1\n"
    assert send_interrupt(command.folder, force=True)
    assert outcome(command) == "interrupted"
    assert said(command) == "ready\nsignal SIGINT 1\nsignal SIGINT 2\n"
    sent = [r.event for r in session.read_records() if isinstance(r.event, events.InterruptSent)]
    assert [event.force for event in sent] == [False, True]


def test_a_term_to_the_supervisor_is_one_interrupt_to_the_command(session: Session) -> None:
    command = python(session, COUNTING, "1")
    until(lambda: "ready" in said(command))
    os.kill(until(lambda: process_of(command)["supervisor"]), signal.SIGTERM)
    assert outcome(command) == "interrupted"
    assert read_command_status(command.folder).exit_code == 5
    assert said(command) == "ready\nsignal SIGINT 1\n"


def test_a_command_that_ignores_interrupts_is_killed_with_all_that_it_started(session: Session) -> None:
    command = begun(session, "sh", "-c", "trap '' INT; sh -c 'echo $$; sleep 60' & wait; sleep 60", grace=0.2)
    grandchild = int(until(lambda: said(command).strip()))
    assert send_interrupt(command.folder, force=True)
    assert outcome(command) == "killed"
    assert read_command_status(command.folder).signal == signal.SIGKILL
    until(lambda: names.process_identity(grandchild) is None)


def test_a_killed_supervisor_is_seen_as_lost_and_its_command_can_still_be_stopped(session: Session) -> None:
    command = begun(session, "sleep", "60")
    process = until(lambda: (p := process_of(command))["child"] and p)
    os.kill(process["supervisor"], signal.SIGKILL)
    until(lambda: read_command_status(command.folder).state == "lost")
    now = read_command_status(command.folder)
    assert now.pid == process["child"]
    assert str(now.pid) in now.message
    assert [other.id for other in list_running_commands(session)] == [command.id]
    assert record_lost_commands(session) == []
    assert send_interrupt(command.folder)
    until(lambda: read_command_status(command.folder).pid is None)
    assert read_command_status(command.folder).state == "lost"
    assert list_running_commands(session) == []
    assert not send_interrupt(command.folder)
    assert [other.id for other in record_lost_commands(session)] == [command.id]
    assert record_lost_commands(session) == []
    last = [record.event for record in session.read_records()][-1]
    assert last == events.CommandEnded(command=command.id, step="apply", outcome="lost")
    assert read_command_status(command.folder).outcome == "lost"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_command_whose_supervisor_died_before_it_could_name_it_is_found(session: Session) -> None:
    command = begun(session, "sh", "-c", "sleep 60 & wait")
    process = until(lambda: (p := process_of(command))["child"] and p)
    os.kill(process["supervisor"], signal.SIGKILL)
    until(lambda: read_command_status(command.folder).state == "lost")
    (command.folder / names.PROCESS_FILE).write_text(json.dumps({"supervisor": process["supervisor"], "child": None}))
    assert read_command_status(command.folder).pid == process["child"]
    assert record_lost_commands(session) == []
    assert send_interrupt(command.folder)
    os.killpg(process["child"], signal.SIGKILL)
    until(lambda: read_command_status(command.folder).pid is None)
    assert [other.id for other in record_lost_commands(session)] == [command.id]


def test_a_process_id_that_was_given_to_another_is_not_taken_for_the_command(session: Session) -> None:
    command = begun(session, "true")
    outcome(command)
    (command.folder / names.EXIT_FILE).unlink()
    stranger = {"supervisor": 1, "child": os.getpid(), "child_started": "another boot:1"}
    (command.folder / names.PROCESS_FILE).write_text(json.dumps(stranger))
    until(lambda: read_command_status(command.folder).state == "lost")
    assert read_command_status(command.folder).pid is None
    assert not send_interrupt(command.folder)
