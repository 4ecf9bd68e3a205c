"""The demo seen from the process that owns it: start the world, wait until it is ready, leave nothing behind."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecotui.demo.environment import HOME_VARIABLE

_START_TIMEOUT_SECONDS = 360.0
"""Seconds for the world to be ready; a few on this machine, minutes where terraform has to download a provider."""
_EXIT_TIMEOUT_SECONDS = 10.0
_SWEEP_TIMEOUT_SECONDS = 5.0


class DemoError(Exception):
    """The demo cannot run; the message says why, in one line."""


@dataclass(frozen=True)
class Demo:
    """A world that is ready."""

    root: Path
    env: dict[str, str]
    """The whole environment for whatever runs in this world."""
    project: Path
    sessions: Path
    tools: dict[str, str]
    notes: list[str]
    token: str
    """A GitHub token with every scope, to paste."""
    account: str
    start_seconds: float
    """How long the start took."""
    process: subprocess.Popen[str]

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None


def unavailable_reason() -> str:
    """Why the demo cannot run here, in one line with what to install; empty when it can."""
    missing = [name for name in ("moto", "flask", "flask_cors") if importlib.util.find_spec(name) is None]
    if not missing:
        return ""
    return "the demo needs moto's server, which is not installed: pip install 'ecotui[demo]'"


@contextlib.contextmanager
def run_demo(
    *, keep: Path | None = None, speed: float = 1.0, report: Callable[[str], None] = lambda text: None
) -> Iterator[Demo]:
    """A world for the length of a `with`. Raises DemoError.

    `keep` is an empty or new folder for the home, which then stays; without it the home is temporary and goes.
    """
    if trouble := unavailable_reason():
        raise DemoError(trouble)
    root = keep.absolute() if keep else Path(tempfile.mkdtemp(prefix="ecotui-demo-"))
    argv = [sys.executable, "-P", "-m", "ecotui.demo.server", "--home", str(root), "--speed", f"{speed:g}"]
    process = subprocess.Popen(
        [*argv, *([] if keep else ["--temporary"])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        # Ctrl-C in the terminal is for the TUI; the world ends when our end of its standard input closes.
        start_new_session=True,
        env={**os.environ, HOME_VARIABLE: str(root)},
    )
    try:
        ready = _wait_until_ready(process, report)
        yield Demo(
            root=root,
            env=ready["env"],
            project=Path(ready["project"]),
            sessions=Path(ready["sessions"]),
            tools=ready["tools"],
            notes=ready["notes"],
            token=ready["token"],
            account=ready["account"],
            start_seconds=ready["seconds"],
            process=process,
        )
    finally:
        with _ignore_signals():
            _interrupt_commands(root)
            stop_demo_processes(root, exclude={process.pid})
            _stop_server(process)
            if keep is None:
                shutil.rmtree(root, ignore_errors=True)


def save_sessions(demo: Demo) -> Path | None:
    """Move the sessions out of a temporary home, so that they can be reviewed afterwards; None when there are none."""
    sessions = demo.sessions / "sessions"
    if not sessions.is_dir() or not any(sessions.iterdir()):
        return None
    kept = Path(tempfile.mkdtemp(prefix="ecotui-demo-sessions-"))
    shutil.move(str(sessions), kept / "sessions")
    return kept


def _interrupt_commands(root: Path) -> None:
    """Interrupt the commands under a supervisor: the way for systems without /proc, where `sweep` finds nothing."""
    if Path("/proc/self/environ").exists():
        return
    from ecotui import supervisor
    from ecotui.demo.home import DemoHome
    from ecotui.session import SessionError
    from ecotui.session.store import SessionStore

    with contextlib.suppress(SessionError, OSError):
        shelf = SessionStore(DemoHome(root).sessions)
        for summary in shelf.list_summaries():
            for command in supervisor.list_running_commands(shelf.open(summary.id)):
                supervisor.send_interrupt(command.folder, force=True)


def stop_demo_processes(root: Path, *, exclude: set[int]) -> list[int]:
    """End what still runs in a demo's home: commands outlive the TUI on purpose, but not the demo.

    Processes are known by the demo's home in their environment, which is this demo's alone. Asks them with SIGINT as
    terraform likes it, then kills. Returns the process ids that were found.
    """
    from checks.tools.processes import find_processes_by_environment

    exclude = exclude | {os.getpid()}
    found = find_processes_by_environment(HOME_VARIABLE, str(root)) - exclude
    for process in found:
        with contextlib.suppress(OSError):
            os.kill(process, signal.SIGINT)
    until = time.monotonic() + _SWEEP_TIMEOUT_SECONDS
    while (left := find_processes_by_environment(HOME_VARIABLE, str(root)) - exclude) and time.monotonic() < until:
        time.sleep(0.1)
    for process in left:
        with contextlib.suppress(OSError):
            os.kill(process, signal.SIGKILL)
    return sorted(found)


def _wait_until_ready(process: subprocess.Popen[str], report: Callable[[str], None]) -> dict[str, Any]:
    assert process.stdout is not None
    with _kill_after_timeout(process):
        for text in process.stdout:
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if line.get("ready"):
                return dict(line)
            if "failed" in line:
                raise DemoError(f"the demo's world did not start: {line['failed']}")
            if "doing" in line:
                report(line["doing"])
    raise DemoError(f"the demo's world ended before it was ready (exit {process.wait()})")


@contextlib.contextmanager
def _kill_after_timeout(process: subprocess.Popen[str]) -> Iterator[None]:
    import threading

    timer = threading.Timer(_START_TIMEOUT_SECONDS, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _stop_server(process: subprocess.Popen[str]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    try:
        process.wait(_EXIT_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def _ignore_signals() -> Iterator[None]:
    """No second Ctrl-C interrupts the tidying up; it has limits of its own."""
    if not _is_main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_main_thread() -> bool:
    import threading

    return threading.current_thread() is threading.main_thread()
