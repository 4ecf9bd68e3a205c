"""Rounds in which two want the same: a project on one machine, an account on two. Never do both have it at once.

Each process writes down, while it has it, at which moments it knew so. What lies between the first and the last of these of
one holding must not meet another one's: all read one clock.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest import mock

from checks.aws import lease
from checks.aws.lease import LeaseRecord
from checks.context import CheckContext
from config.load import LoadedSettings, load_settings
from config.model import SessionsSettings, Settings
from ecotui.project import OpenProject
from ecotui.session import SessionError, events
from ecotui.session.log import Session
from ecotui.team import lease_agent, lease_client
from ecotui.team.lease_agent import LeaseAgent
from ecotui.team.lease_client import seconds_since_boot

from .store import FileStore

ACCOUNT = "123456789012"
LEASE = 0.3
"""Seconds; a keeper renews four times in it."""
STIRS = 5
"""Times in a round that something happens to somebody."""


class Diary:
    """Moments at which somebody knew that it had the one thing, in a file that a kill does not take away."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self) -> Callable[[float, str], None]:
        """To write with: the moment, and the name of the holding."""
        fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        return lambda at, holding: os.write(fd, f"{at:.6f} {holding}\n".encode()) and None

    def holdings(self) -> dict[str, tuple[float, float]]:
        """Each holding with the first and last moment of it."""
        found: dict[str, tuple[float, float]] = {}
        for line in self._path.read_text().splitlines() if self._path.exists() else ():
            at, holding = float(line.split()[0]), line.split()[1]
            first, last = found.get(holding, (at, at))
            found[holding] = (min(first, at), max(last, at))
        return found

    def faults(self) -> Iterator[str]:
        rows = sorted((first, last, holding) for holding, (first, last) in self.holdings().items())
        latest = (0.0, "")
        for first, last, holding in rows:
            if first < latest[0]:
                yield f"{holding} and {latest[1]} held it at once, for {latest[0] - first:.3f} s"
            latest = max(latest, (last, holding))


def _forked(work: Callable[[], object]) -> int:
    """A process of its own that works until it is killed."""
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    with suppress(BaseException):
        work()
    os._exit(0)


def _killed(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


# -- one project, two operators on one machine -----------------------------------------------------------------------


def project(session_of: Path, chance: random.Random) -> tuple[list[str], Counter[str]]:
    """Two operators take over from one another, and are killed in it. Gives the faults, and what was done."""
    (session_of / "eco2").mkdir(parents=True)
    (session_of / "eco2" / "ecotui.yaml").write_text("project: eco2\n")
    env = {"HOME": str(session_of), "PATH": os.environ["PATH"], "ECOTUI_STATE_DIR": str(session_of / "state")}
    loaded = load_settings(session_of / "eco2", None, env=env)
    diary, done = Diary(session_of / "diary"), Counter[str]()

    def begin() -> int:
        seed = chance.random()
        return _forked(lambda: _operate(loaded, env, diary, random.Random(seed)))

    operators = [begin(), begin()]
    for _ in range(STIRS):
        time.sleep(chance.uniform(0.02, 0.12))
        which = chance.randrange(2)
        _killed(operators[which])
        done["operators killed with -9 while they release the lock"] += 1
        operators[which] = begin()
    time.sleep(0.15)
    for pid in operators:
        _killed(pid)
    faults = [f"writers: {fault}" for fault in diary.faults()]
    last = OpenProject.open(loaded, env)
    if not last.lock.is_held:
        faults.append(f"writers: all are dead, and {last.lock.holder} is said to hold the project")
    log = Session(last.session.folder, {})
    if not (verdict := log.verify()).is_intact:
        faults.append(f"writers: the chain is broken at line {verdict.broken_line}: {verdict.reason}")
    granted = (one.event for one in log.read_records() if isinstance(one.event, events.HandoffAnswered))
    done["handoffs, granted or refused"] = sum(1 for _ in granted)
    done["times that a project was held"] = len(diary.holdings())
    last.close("left")
    return faults, done


def _operate(loaded: LoadedSettings, env: dict[str, str], diary: Diary, chance: random.Random) -> None:
    write, nth = diary.open(), 0
    desk = OpenProject.open(loaded, env)
    while True:
        if desk.lock.is_held:
            nth += 1
            for _ in range(chance.randrange(1, 40)):
                write(seconds_since_boot(), f"{os.getpid()}-{nth}")
                desk.session.append(events.NoteAdded(text=f"{os.getpid()} {nth}"))
                if (question := desk.lock.incoming_request()) is not None:
                    write(seconds_since_boot(), f"{os.getpid()}-{nth}")
                    desk.answer_handoff(desk.lock, question, granted=chance.random() < 0.7)
                    break
            continue
        desk.request_handoff(desk.lock)
        until = seconds_since_boot() + chance.uniform(0.005, 0.1)
        while seconds_since_boot() < until and not desk.lock.is_held:
            with suppress(SessionError):
                if desk.lock.read_answer() or desk.lock.is_free:
                    desk.acquire_lock()
            time.sleep(0.001)


# -- one account, two machines -----------------------------------------------------------------------------------------


def account(folder: Path, chance: random.Random) -> tuple[list[str], Counter[str]]:
    """A keeper and an operator on each of two machines; keepers are killed, stopped for longer than a lease, asked to let
    go, and their operators killed. Gives the faults, and what was done."""
    folder.mkdir()
    store, diary, done = FileStore(folder / "s3"), Diary(folder / "diary"), Counter[str]()
    machines = [_Machine(folder / name, folder / "s3", diary) for name in ("one", "two")]
    for one in machines:
        one.begin()
    for _ in range(STIRS):
        for one in machines:
            time.sleep(chance.uniform(0.01, 0.1))
            one.tend()
        one = chance.choice(machines)
        match chance.randrange(4):
            case 0:
                _killed(one.keeper)
                one.keep()
                done["lease agents killed with -9"] += 1
            case 1:
                os.kill(one.keeper, signal.SIGSTOP)
                time.sleep(chance.uniform(0.2, 3.0) * LEASE)
                os.kill(one.keeper, signal.SIGCONT)
                done["lease agents stopped, for up to three leases"] += 1
            case 2:
                _killed(one.operator)
                time.sleep(chance.uniform(0.0, 0.1))
                one.operate()
                done["operators killed with -9 while they use the lease"] += 1
            case _:
                one.yield_to("the other one")
                done["lease agents asked to release"] += 1
    faults = []
    _killed(machines[0].operator)
    _killed(machines[0].keeper)
    if not machines[1].gets_it(15):  # a lease and its slack, and a busy machine
        faults.append("leases: one machine died, and the other one never got the lock")
    _killed(machines[1].operator)
    if not _ends(machines[1].keeper, 15):
        faults.append("leases: nobody has a seat, and the keeper does not end")
    seen = lease.read_lease(store, ACCOUNT)  # type: ignore[arg-type]
    if seen is None or not seen.is_available:
        faults.append(f"leases: nobody needs the lock, and it was not let go: {seen}")
    done["times that an account was held"] = len(diary.holdings())
    return [*(f"leases: {fault}" for fault in diary.faults()), *faults], done


def _ends(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return True
        time.sleep(0.01)
    _killed(pid)
    return False


class _Machine:
    """A state folder, its keeper and its operator."""

    def __init__(self, folder: Path, shared: Path, diary: Diary) -> None:
        self._folder, self._shared, self._diary = folder, shared, diary
        (folder / "eco2").mkdir(parents=True)
        (folder / "state").mkdir(mode=0o700)
        self._place = lease_client.project_lock_path(folder / "state", folder / "eco2").with_suffix(".team")
        self.keeper = self.operator = 0

    def begin(self) -> None:
        self.operate()
        while not self._place.exists() or not any((self._place / lease_client.CLIENTS_FOLDER).glob("*")):
            time.sleep(0.002)
        self.keep()

    def keep(self) -> None:
        self.keeper = _forked(self._keep)

    def operate(self) -> None:
        self.operator = _forked(self._operate)

    def tend(self) -> None:
        """Start the keeper again where it ended, as a seat does."""
        if self.keeper and os.waitpid(self.keeper, os.WNOHANG)[0]:
            self.keep()

    def gets_it(self, seconds: float) -> bool:
        """Whether it is held here within so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.tend()
            if (word := lease_client.read_lease_status(self._place)) is not None and word.is_held:
                return True
            time.sleep(0.01)
        return False

    def yield_to(self, other: str) -> None:
        word = lease_client.read_lease_status(self._place)
        if word is not None and word.is_held:
            lease_client.replace_atomically(
                self._place / lease_client.HANDOFF_ANSWER_FILE, b'{"of": "%s", "yield": true}' % word.claim.encode()
            )

    def _keep(self) -> None:
        settings = Settings(project="eco2", sessions=SessionsSettings(team="s3://soak/soak", lease=2))
        world = CheckContext(settings=settings, project=self._folder / "eco2", env={})
        claim = LeaseRecord(user=self._folder.name, host="soak", seconds=LEASE)
        one = LeaseAgent(self._place, world, claim)
        one._object_store, one._account, one._has_caught_up = FileStore(self._shared), ACCOUNT, True  # type: ignore[assignment]
        with _quick():
            one.run()

    def _operate(self) -> None:
        write = self._diary.open()
        _seat = lease_client.open_lease_client(self._folder / "state", self._folder / "eco2", (), {})
        while True:
            asked = seconds_since_boot()
            word = lease_client.read_lease_status(self._place)
            read = seconds_since_boot()
            if word is not None and word.is_held:
                # It was so at some moment between the two: the later one begins a holding, the earlier one goes on.
                write(asked if word.claim in self._known else read, f"{self._folder.name}:{word.claim}")
                self._known.add(word.claim)
            time.sleep(0.001)

    _known: set[str] = set()  # noqa: RUF012 - of the one process that operates


@contextmanager
def _quick() -> Iterator[Any]:
    with mock.patch.multiple(lease_agent, POLL_INTERVAL=0.005, MAX_RETRY_INTERVAL=0.05, OTHER_AGENT_TIMEOUT=0.2):
        yield
