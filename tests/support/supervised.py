"""Commands under the supervisor, and how they went."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ecotui.session.log import Session
from ecotui.session.store import SessionStore
from ecotui.supervisor import Command, list_running_commands, read_command_status, start_command
from ecotui.supervisor import paths as names

ENV = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}


@contextlib.contextmanager
def supervised(folder: Path) -> Iterator[Session]:
    """A session, of which nothing runs on when the test is over."""
    session = SessionStore(folder / "state").create(project="p", folder=folder, env={})
    yield session
    for command in list_running_commands(session):
        for pid in filter(None, json.loads((command.folder / names.PROCESS_FILE).read_bytes()).values()):
            if isinstance(pid, int):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def until(true: Callable[[], Any], seconds: float = 15.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not happen in time")


def begun(session: Session, *argv: str, **options: Any) -> Command:
    options = {"step": "apply", "title": "Test", "cwd": Path("/"), "env": ENV} | options
    return start_command(session, argv, **options)


def python(session: Session, program: str, *words: str, **options: Any) -> Command:
    return begun(session, sys.executable, "-c", textwrap.dedent(program), *words, **options)


def outcome(command: Command) -> str:
    until(lambda: read_command_status(command.folder).state == "exited")
    return read_command_status(command.folder).outcome


def said(command: Command) -> str:
    return (command.folder / names.OUTPUT_LOG).read_text()


def process_of(command: Command) -> dict[str, Any]:
    """Who the supervisor and its child are; `child` is 0 until that was written down."""
    try:
        found: dict[str, Any] = json.loads((command.folder / names.PROCESS_FILE).read_bytes())
    except FileNotFoundError:
        return {"child": 0, "supervisor": 0}
    return found
