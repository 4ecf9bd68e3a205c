"""An open project with canned reports for the tests of the TUI: no child process checks or runs anything."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from checks.finding import (
    Report,
)
from config.load import load_settings
from ecotui.app import EcotuiApp
from ecotui.project import OpenProject
from ecotui.session.events import CheckReported
from ecotui.session.lock import LockHolder, read_lock_holder
from ecotui.session.log import Session
from ecotui.session.store import SessionStore
from ecotui.stream import CheckProgress
from ecotui.supervisor import Command
from screens.main.screen import MainScreen
from support.reports import STARTED, blocked_reports

SETTINGS = """\
project: eco2
aws: {region: ap-northeast-2, account: "123456789012", account_name: eco2-prod}
environment:
  variables:
    - {name: GITHUB_TOKEN, secret: true, required: false, purpose: image pulls from ghcr.io}
"""


class Bench:
    """Opens one temporary project and apps on it; its checks and commands are canned."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.project = folder / "eco2"
        self.state = folder / "state"
        self.home.mkdir(parents=True)
        self.project.mkdir()
        (self.project / "ecotui.yaml").write_text(SETTINGS)
        self.env = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "ECOTUI_STATE_DIR": str(self.state),
            "ECOTUI_THEME": "dark",
            "LANG": "en_US.UTF-8",
            "TZ": "UTC",
        }
        self.reports: dict[str, Report | Exception] = dict(blocked_reports())
        self.checked_steps: list[tuple[str, ...]] = []
        """The steps of each round of checks, in order."""
        self.check_messages: dict[str, str] = {}
        """What the check of each step says when it starts."""
        self.checks_answer = asyncio.Event()
        self.checks_answer.set()
        """Cleared: checks start and do not answer."""
        self.started: list[tuple[str, ...]] = []
        """The argv of each command that was started."""
        self.stdin: list[bytes | None] = []
        self._alive: dict[str, int] = {}

    # -- what is opened ------------------------------------------------------------------------------------------

    def open_project(self) -> OpenProject:
        return OpenProject.open(load_settings(self.project, None, env=self.env), self.env)

    def app(self, **env: str) -> EcotuiApp:
        options = argparse.Namespace(project=str(self.project), config=None, set=[])
        app = EcotuiApp(options, {**self.env, **env})
        app.animation_level = "none"
        return app

    def past_session(self, world: Mapping[str, Report], outcome: str = "", folder: Path | None = None) -> Session:
        """A session as an earlier ecotui left it; without an outcome it is still open."""
        loaded = load_settings(self.project, None, env=self.env)
        session = SessionStore(self.state).create(
            project="eco2", folder=folder or loaded.project, settings=loaded.settings, env=self.env
        )
        for one in world.values():
            session.append(CheckReported(report=one))
        if outcome:
            session.end(outcome)
        session.close()
        return session

    # -- stand-ins -----------------------------------------------------------------------------------------------

    async def run_checks(
        self,
        steps: Sequence[str] = (),
        on_progress: Callable[[CheckProgress], None] = lambda progress: None,
        **_: object,
    ) -> AsyncIterator[Report]:
        self.checked_steps.append(tuple(steps))
        for step, text in self.check_messages.items():
            on_progress(CheckProgress(step=step, text=text))
        await self.checks_answer.wait()
        for step in steps or tuple(self.reports):
            answer = self.reports[step]
            if isinstance(answer, Exception):
                raise answer
            yield answer

    def start_command(
        self,
        session: Session,
        argv: Sequence[str],
        *,
        step: str,
        title: str,
        stdin: bytes | None = None,
        **_: object,
    ) -> Command:
        """A command's folder as the supervisor makes it; it runs until `end` is called."""
        self.started.append(tuple(argv))
        self.stdin.append(stdin)
        number = len(self.started)
        folder = session.folder / "commands" / f"16000{number}-{step}-{number:06}"
        folder.mkdir(parents=True, mode=0o700)
        begun = time.time()
        (folder / "command.json").write_text(
            json.dumps({"step": step, "title": title, "argv": list(argv), "cwd": "/", "started": begun})
        )
        (folder / "output.log").write_text("")
        self._alive[folder.name] = os.open(folder / "alive", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._alive[folder.name], fcntl.LOCK_EX)
        return Command(folder.name, folder, step, title, tuple(argv), begun)

    def write_output(self, command: Command, *lines: str) -> None:
        """Append lines to the output of a command."""
        with (command.folder / "output.log").open("a") as stream:
            stream.writelines(f"{line}\n" for line in lines)

    def end_command(self, command: Command, code: int = 0) -> None:
        """Write the exit record of a command."""
        outcome = "succeeded" if code == 0 else "failed"
        record = {"outcome": outcome, "exit_code": code, "started": command.started, "ended": time.time()}
        (command.folder / "exit.json").write_text(json.dumps(record))
        os.close(self._alive.pop(command.id))

    def close(self) -> None:
        for fd in self._alive.values():
            with suppress(OSError):
                os.close(fd)

    # -- waiting -------------------------------------------------------------------------------------------------

    def text(self, pilot: Pilot[Any]) -> str:
        """The text on the screen, line by line."""
        strips = pilot.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)

    def notices(self, pilot: Pilot[Any]) -> str:
        """The notifications that are still shown."""
        return "\n".join(f"{notice.title} {notice.message}" for notice in pilot.app._notifications)

    async def settled(self, pilot: Pilot[Any]) -> MainScreen:
        """Wait until the project is open, all checks have ended and the panel is mounted; returns the main screen."""
        screen = pilot.app.screen_stack[0]
        assert isinstance(screen, MainScreen)
        await self.until(
            pilot,
            lambda: (
                screen.project is not None
                and bool(self.checked_steps)
                and not screen.project.rebuild.active_checks
                and bool(screen.query(".step-panel"))
            ),
            "the checks to end",
        )
        await pilot.pause()
        return screen

    async def until(self, pilot: Pilot[Any], holds: Callable[[], object], what: str = "it") -> None:
        """Wait for something to hold; fails after ten seconds."""
        deadline = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            await pilot.pause(0.01)
        await pilot.pause()

    def ready(self, *keys: str) -> Callable[[Pilot[Any]], Any]:
        """For a snapshot: wait for the checks, press keys, and leave nothing that blinks."""

        async def prepare(pilot: Pilot[Any]) -> None:
            await self.settled(pilot)
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
            for field in pilot.app.screen.query(Input):
                field.cursor_blink = False
            pilot.app.clear_notifications()
            await pilot.pause()

        return prepare


async def submit_text(pilot: Pilot[Any], text: str) -> None:
    """Fill the input of the open dialog, and submit it."""
    pilot.app.screen.query_one(Input).value = text
    await pilot.press("enter")
    await pilot.pause()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A project, a home and a state folder of their own; checks and commands are canned."""
    made = Bench(tmp_path)
    for name in ("ECOTUI_SESSION", "ECOTUI_DEMO", "SSH_CONNECTION", "COLORFGBG", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "ECOTUI_STATE_DIR", "TZ", "LANG"):
        monkeypatch.setenv(name, made.env[name])
    time.tzset()
    monkeypatch.setattr("ecotui.check_runner.run_checks", made.run_checks)
    monkeypatch.setattr("ecotui.project.start_command", made.start_command)
    yield made
    made.close()
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def app(bench: Bench) -> EcotuiApp:
    """The app on the bench; it runs where a test asks for `pilot` or `screen`, too."""
    return bench.app()


@pytest.fixture
async def pilot(app: EcotuiApp, request: pytest.FixtureRequest) -> AsyncIterator[Pilot[int]]:
    """The running app, in 120x36 cells or in what `parametrize(..., indirect=True)` gives. Nothing was awaited yet."""
    async with app.run_test(size=getattr(request, "param", (120, 36))) as pilot:
        yield pilot


@pytest.fixture
async def screen(bench: Bench, pilot: Pilot[int]) -> MainScreen:
    """The main screen, when all steps were checked."""
    return await bench.settled(pilot)


@pytest.fixture
def frozen_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events happen at fixed times, by a fixed operator, in sessions of fixed ids: for what shows a log."""
    seconds = iter(range(1_000_000))
    ids = iter(range(1_000_000))

    class Clock:
        """`time`, with a clock that is moved by being read."""

        def __getattr__(self, name: str) -> Any:
            return getattr(time, name)

        def time(self) -> float:
            return STARTED + next(seconds)

        def gmtime(self, *_: float) -> time.struct_time:
            return time.gmtime(STARTED)

        def strftime(self, form: str, at: Any = None) -> str:
            return time.strftime(form, at or time.gmtime(STARTED))

    class Randomness:
        def token_hex(self, count: int) -> str:
            return f"{next(ids):0{2 * count}x}"

    monkeypatch.setattr("ecotui.session.log.time", Clock())
    monkeypatch.setattr("ecotui.session.store.time", Clock())
    monkeypatch.setattr("ecotui.session.store.secrets", Randomness())
    monkeypatch.setattr("ecotui.session.store.describe_operator", lambda *_: "operator@bastion on pts/1")
    monkeypatch.setattr("ecotui.project.describe_operator", lambda *_: "operator@bastion on pts/1")


@pytest.fixture
def someone_else(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[LockHolder]:
    """Another operator works on the project."""
    monkeypatch.setattr("ecotui.session.lock._user_name", lambda *_: "hana")
    monkeypatch.setattr("ecotui.session.lock.terminal_name", lambda *_: "pts/7")
    other = bench.open_project()
    assert other.lock.is_held
    holder = read_lock_holder(bench.state, bench.project)
    assert holder is not None
    yield holder
    other.lock.release()
