"""How a command stands, told from its folder alone: anybody may ask, from any process, at any time."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ecotui.session import SessionError
from ecotui.session.private_files import is_locked, raise_session_error, read_bytes, replace_atomically
from ecotui.supervisor import paths as names

if TYPE_CHECKING:
    from ecotui.session.log import Session


@dataclass(frozen=True)
class DeploymentTarget:
    """Where in AWS a command works, and on which of terraform's states."""

    account: str = ""
    region: str = ""
    workspace: str = ""


@dataclass(frozen=True)
class Command:
    """A command under a supervisor."""

    id: str
    folder: Path
    step: str
    title: str
    argv: tuple[str, ...]
    """As it was asked for, redacted."""
    started: float
    """Seconds since the epoch."""
    cwd: str = ""
    target: DeploymentTarget = DeploymentTarget()
    """Empty where nobody said."""


@dataclass(frozen=True)
class CommandStatus:
    """How a command stands."""

    state: Literal["running", "exited", "lost"]
    """lost: its supervisor was killed, and nobody saw the end."""
    exit_code: int | None = None
    signal: int | None = None
    """The signal that ended the command, where one did."""
    started: float | None = None
    ended: float | None = None
    outcome: str = ""
    """succeeded, failed, interrupted, killed, could-not-start; `lost`; empty while it runs."""
    pid: int | None = None
    """The command's own process, where it is alive: also that of a lost one, which goes on unseen."""
    lost_bytes: int = 0
    """Output that could not be kept (full disk, or more than the limit)."""
    message: str = ""


TARGET_FIELDS = ("account", "region", "workspace")
"""The fields of `Place`, as they stand in command.json."""


def read_command(folder: Path) -> Command | None:
    """The command of a folder; None where that is not one."""
    plain = _read_json_object(folder / names.COMMAND_FILE)
    if plain is None:
        return None
    try:
        return Command(
            id=folder.name,
            folder=folder,
            step=str(plain["step"]),
            title=str(plain["title"]),
            argv=tuple(map(str, plain["argv"])),
            started=float(plain["started"]),
            cwd=str(plain.get("cwd", "")),
            target=DeploymentTarget(*(str((plain.get("place") or {}).get(one, "")) for one in TARGET_FIELDS)),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def record_target(folder: Path, target: DeploymentTarget, redact: Callable[[str], str]) -> None:
    """Write down where a command works, once it is certain. Raises SessionError."""
    plain = _read_json_object(folder / names.COMMAND_FILE) or {}
    plain["place"] = {name: redact(str(getattr(target, name))) for name in TARGET_FIELDS}
    with raise_session_error("cannot write to", folder):
        replace_atomically(
            folder / names.COMMAND_FILE, json.dumps(plain, ensure_ascii=False).encode("utf-8", "replace")
        )


def list_commands(session: Session) -> list[Command]:
    """All commands of a session, oldest first."""
    try:
        folders = sorted(path for path in session.commands_folder.iterdir() if not path.is_symlink())
    except OSError:
        return []
    found = (read_command(path) for path in folders)
    return sorted((command for command in found if command is not None), key=lambda command: command.started)


def list_running_commands(session: Session) -> list[Command]:
    """The commands that are still at work, also those whose supervisor was killed, oldest first."""
    at_work = []
    for command in list_commands(session):
        now = read_command_status(command.folder)
        if now.state == "running" or (now.state == "lost" and now.pid is not None):
            at_work.append(command)
    return at_work


def read_command_status(folder: Path) -> CommandStatus:
    """How the command of this folder stands. Whether a supervisor lives is told by its lock, never by its pid."""
    if (over := _read_exit_record(folder)) is not None:
        return over
    process = _read_json_object(folder / names.PROCESS_FILE) or {}
    started = _as_float((_read_json_object(folder / names.COMMAND_FILE) or {}).get("started"))
    pid = _live_child_pid(process)
    if is_locked(folder / names.ALIVE_LOCK_FILE):
        return CommandStatus("running", started=started, pid=pid)
    # It may have ended between the two questions.
    if (over := _read_exit_record(folder)) is not None:
        return over
    if pid is None and process and not process.get("child"):
        pid = names.find_process_by_folder(folder)
    message = "its supervisor was killed: nobody saw the end"
    if pid is not None:
        message = f"its supervisor was killed, and the command goes on unseen as process {pid}"
    return CommandStatus("lost", started=started, outcome="lost", pid=pid, message=message)


def send_interrupt(folder: Path, force: bool = False) -> bool:
    """Ask the command to stop, once however often this is called; with `force`, make it stop.

    `force` asks a second time (terraform gives up at once then) and kills the command's processes after a grace
    period. Of a lost command the processes are signalled directly. False when there is nothing to interrupt.
    """
    now = read_command_status(folder)
    process = _read_json_object(folder / names.PROCESS_FILE) or {}
    if now.state == "running":
        supervisor = process.get("supervisor")
        if not isinstance(supervisor, int):
            # It has only just been started: its number is there in a moment.
            deadline = time.monotonic() + 5
            while not isinstance(supervisor, int) and time.monotonic() < deadline:
                time.sleep(0.02)
                supervisor = (_read_json_object(folder / names.PROCESS_FILE) or {}).get("supervisor")
            if not isinstance(supervisor, int):
                return False
        return _send_signal(supervisor, signal.SIGUSR1 if force else signal.SIGUSR2)
    if now.state == "lost" and now.pid is not None:
        # The command leads its own process group. Nobody counts any more: a second call is a second signal.
        try:
            os.killpg(now.pid, signal.SIGKILL if force else signal.SIGINT)
        except (ProcessLookupError, PermissionError):
            return False
        return True
    return False


def record_lost_commands(session: Session) -> list[Command]:
    """Log the end of commands whose end nobody saw, and that are no longer at work. Raises SessionError."""
    from ecotui.session import events

    lost = []
    for command in list_commands(session):
        now = read_command_status(command.folder)
        if now.state != "lost" or now.pid is not None:
            continue
        record = {"outcome": "lost", "started": command.started, "ended": None, "message": now.message}
        try:
            replace_atomically(command.folder / names.EXIT_FILE, json.dumps(record).encode())
        except OSError as error:
            raise SessionError(f"cannot write to {command.folder}: {error.strerror}") from error
        session.append(events.CommandEnded(command=command.id, step=command.step, outcome="lost"))
        lost.append(command)
    return lost


def _send_signal(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _read_exit_record(folder: Path) -> CommandStatus | None:
    plain = _read_json_object(folder / names.EXIT_FILE)
    if plain is None:
        return None
    code, number = plain.get("exit_code"), plain.get("signal")
    lost = plain.get("lost_bytes", 0)
    return CommandStatus(
        "exited",
        exit_code=code if isinstance(code, int) else None,
        signal=number if isinstance(number, int) else None,
        started=_as_float(plain.get("started")),
        ended=_as_float(plain.get("ended")),
        outcome=str(plain.get("outcome", "")),
        lost_bytes=lost if isinstance(lost, int) else 0,
        message=str(plain.get("message", "")),
    )


def _live_child_pid(process: dict[str, Any]) -> int | None:
    """The command's process, if it is still the same one: a number alone may have been given to another since."""
    pid, mark = process.get("child"), process.get("child_started")
    if isinstance(pid, int) and isinstance(mark, str) and names.process_identity(pid) == mark:
        return pid
    return None


def _read_json_object(path: Path) -> dict[str, Any] | None:
    try:
        plain = json.loads(read_bytes(path, limit=1_000_000))
    except (OSError, ValueError, RecursionError):
        return None
    return plain if isinstance(plain, dict) else None


def _as_float(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
