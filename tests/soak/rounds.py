"""The rounds of the soak. Writers are forked, so that a round costs milliseconds and the kill falls anywhere in it."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from ecotui.session import SessionError, events
from ecotui.session.log import Session
from ecotui.session.store import SessionStore
from ecotui.supervisor import paths as names
from ecotui.supervisor import read_command_status, record_lost_commands, start_command

from . import holders

T = TypeVar("T")

LIMIT = 15.0
"""Seconds that are waited for a process to be seen dead; reached only when something is wrong."""


@dataclass
class Told:
    """What a soak gave."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def hold(self, true: object, fault: str) -> None:
        if not true:
            self.faults.append(fault)


def soak(folder: Path, *, rounds: int, seed: int) -> Told:
    """So many rounds. Of twelve, seven kill a writer, one cuts the file, one fills the disk, one kills under a supervisor,
    one lets two operators take over from one another, and one lets two machines want the same account."""
    told, chance = Told(), random.Random(seed)
    shelf = SessionStore(folder / "state")
    session = shelf.create(project="soak", folder=folder, env={})
    acknowledged: dict[str, set[str]] = {session.id: set()}
    for number in range(rounds):
        if number % 12 == 0 and number:  # a long log makes the later rounds slow, and proves nothing more
            session = shelf.create(project="soak", folder=folder, env={})
            acknowledged[session.id] = set()
        match number % 12:
            case 7:
                _cut(told, chance, folder)
            case 8:
                acknowledged[session.id] |= _full(session, told, number)
            case 9:
                _supervised(session, told, chance, number)
            case 10:
                _wanted_by_two(told, number, *holders.project(folder / f"project-{number}", chance))
            case 11:
                _wanted_by_two(told, number, *holders.account(folder / f"account-{number}", chance))
            case _:
                acknowledged[session.id] |= _killed(session, told, chance, number)
        _check(session, acknowledged[session.id], told, f"round {number}")
    told.counts["events acknowledged"] = sum(map(len, acknowledged.values()))
    return told


def _wanted_by_two(told: Told, number: int, faults: list[str], done: Counter[str]) -> None:
    told.faults += [f"round {number}: {fault}" for fault in faults]
    told.counts += done


def _check(session: Session, acknowledged: set[str], told: Told, where: str) -> None:
    verdict = Session(session.folder, {}).verify()
    told.hold(verdict.is_intact, f"{where}: the chain is broken at line {verdict.broken_line}: {verdict.reason}")
    notes = [record.event.text for record in session.read_records() if isinstance(record.event, events.NoteAdded)]
    lost = acknowledged - set(notes)
    told.hold(not lost, f"{where}: {len(lost)} acknowledged events are lost, such as {min(lost, default='')}")
    told.hold(len(notes) == len(set(notes)), f"{where}: an event is there twice")
    told.counts["checks of the whole log"] += 1


def _writer(folder: Path, name: str, prepare: Callable[[], None]) -> tuple[int, int]:
    """A process that appends until it is killed or refused, and writes a line for each event that was acknowledged."""
    ours, theirs = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        os.close(theirs)
        return pid, ours
    with suppress(BaseException):
        os.close(ours)
        prepare()
        session = Session(folder, {})
        for n in range(100_000):
            event: events.AnyEvent = events.NoteAdded(text=f"{name} {n}")
            if n % 7 == 3:
                session.append(events.TagChanged(tag=f"{name} {n}"))  # rewrites the summary too
            session.append(event)
            os.write(theirs, f"{name} {n}\n".encode())
    os._exit(0)


def _said(fd: int) -> set[str]:
    with os.fdopen(fd, "rb") as stream:
        return {line.decode().strip() for line in stream if line.endswith(b"\n")}


def _killed(session: Session, told: Told, chance: random.Random, number: int) -> set[str]:
    """Two writers on one log, one with its clock set back, both killed in the middle."""
    back = chance.uniform(0, 1e6)
    clock = time.time

    def set_back() -> None:
        time.time = lambda: clock() - back

    writers = [_writer(session.folder, f"{number}a", lambda: None), _writer(session.folder, f"{number}b", set_back)]
    time.sleep(chance.uniform(0, 0.015))
    for pid, _ in writers:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    told.counts["writers killed with -9 (half of them with the clock set back)"] += 2
    return set().union(*(_said(fd) for _, fd in writers))


def _cut(told: Told, chance: random.Random, folder: Path) -> None:
    """Power cut: the log ends at any byte of its last three events; it is read, and written to, all the same."""
    short = SessionStore(folder / "short").create(project="short", folder=folder, env={})
    for n in range(4):
        short.append(events.NoteAdded(text="한 " * chance.randrange(1, 9) + str(n)))
    short.close()
    data = short.events_path.read_bytes()
    lines = data.splitlines(keepends=True)
    begin = sum(map(len, lines[:-3]))
    copy = SessionStore(folder / "cut").create(project="cut", folder=folder, env={})
    copy.close()
    for at in range(begin, len(data) + 1):
        copy.events_path.write_bytes(data[:at])
        (copy.folder / "summary.json").unlink(missing_ok=True)
        again = Session(copy.folder, {})
        before = again.verify()
        kept = sum(1 for _ in again.read_records())
        again.append(events.NoteAdded(text="after the cut"))
        after = again.verify()
        last = list(again.read_records())[-1].event
        again.close()
        whole = data[:at].count(b"\n")
        told.hold(before.is_intact and after.is_intact, f"cut at byte {at}: the chain is broken")
        told.hold(
            before.event_count >= whole - before.torn_lines,
            f"cut at byte {at}: only {before.event_count} events are left",
        )
        told.hold(kept == before.event_count and after.event_count == kept + 1, f"cut at byte {at}: {kept}, {after}")
        told.hold(last == events.NoteAdded(text="after the cut"), f"cut at byte {at}: the new event is not the last")
        told.counts["cuts of the log at a byte of its last events"] += 1


def _full(session: Session, told: Told, number: int) -> set[str]:
    """The disk is full in the middle of an event: it is refused whole, and what was acknowledged stays."""
    room = session.events_path.stat().st_size + 1_500 + number % 300

    def fill() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    pid, fd = _writer(session.folder, f"{number}f", fill)
    said = _said(fd)
    os.waitpid(pid, 0)
    told.hold(session.events_path.read_bytes().endswith(b"\n"), f"round {number}: a full disk left half an event")
    last = sum(1 for _ in session.read_records())
    told.hold(last > 0, f"round {number}: nothing is left")
    told.counts["disks filled up in the middle of an event"] += 1
    return said


WORK = 'trap "" HUP; n=0; while [ $n -lt 200 ]; do echo "line $n"; n=$((n+1)); sleep 0.05; done'


def _supervised(session: Session, told: Told, chance: random.Random, number: int) -> None:
    """A command whose supervisor, or which itself, is killed: it is marked as what it is, and nothing goes on unnamed."""
    mark = f"soak-{os.getpid()}-{number}"
    env = {"PATH": os.environ["PATH"]}
    # `; exit` keeps the shell: it does not become its last command.
    command = start_command(
        session, ["sh", "-c", f"{WORK}; exit 0", mark], step="apply", title=mark, cwd=Path("/"), env=env
    )
    time.sleep(chance.choice((0, chance.uniform(0, 0.2))))
    victim = chance.choice(("supervisor", "command", "both"))
    process = json.loads(_until(lambda: _bytes(command.folder / names.PROCESS_FILE)) or b"{}")
    if victim != "supervisor" and not process.get("child"):
        process = _until(lambda: _with_child(command.folder)) or {}
    if victim != "command":
        os.kill(process["supervisor"], signal.SIGKILL)
    if victim != "supervisor" and process.get("child"):
        with suppress(ProcessLookupError):
            os.killpg(process["child"], signal.SIGKILL)
    told.counts[f"commands started, and killed: {victim}"] += 1
    wanted = "exited" if victim == "command" else "lost"
    _until(lambda: read_command_status(command.folder).state == wanted)
    now = read_command_status(command.folder)
    told.hold(now.state == wanted, f"round {number}: {victim} was killed, and it is said to be {now.state}")
    if victim == "command":
        told.hold((now.outcome, now.signal) == ("killed", 9), f"round {number}: {now}")
    alive = _alive(mark)
    told.hold(not alive or now.pid in alive, f"round {number}: {victim} killed, {alive} goes on unnamed: {now}")
    for pid in alive:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    _until(lambda: not _alive(mark) and read_command_status(command.folder).pid is None)
    with suppress(SessionError):
        record_lost_commands(session)
    ends = [
        record.event.outcome
        for record in session.read_records()
        if isinstance(record.event, events.CommandEnded) and record.event.command == command.id
    ]
    due = ["killed"] if victim == "command" else ["lost"]
    told.hold(ends == due, f"round {number}: {victim} killed, the log says {ends}, not {due}")


def _with_child(folder: Path) -> dict[str, int] | None:
    found: dict[str, int] = json.loads(_bytes(folder / names.PROCESS_FILE) or b"{}")
    return found if found.get("child") else None


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _alive(mark: str) -> list[int]:
    """Processes of this round's command, by the last word of their command line."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            words = (_bytes(Path(entry.path, "cmdline")) or b"").rstrip(b"\0").split(b"\0")
            if words[-1] == mark.encode():
                found.append(int(entry.name))
    return found


def _until(true: Callable[[], T]) -> T:
    deadline = time.monotonic() + LIMIT
    while not (found := true()) and time.monotonic() < deadline:
        time.sleep(0.005)
    return found
