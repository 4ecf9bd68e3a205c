"""The status of a command, read from its folder alone: by any process, at any time."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ecotui.session import SessionError
from ecotui.session.private_files import is_locked, read_bytes, replace_atomically
from ecotui.supervisor import paths

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
    """As it was requested, redacted."""
    started: float
    """Seconds since the epoch."""
    cwd: str = ""
    target: DeploymentTarget = DeploymentTarget()
    """Empty where it is not known."""


@dataclass(frozen=True)
class CommandStatus:
    """The status of a command."""

    state: Literal["running", "exited", "lost"]
    """lost: its supervisor was killed before the end was recorded."""
    exit_code: int | None = None
    signal: int | None = None
    """The signal that ended the command, where one did."""
    started: float | None = None
    ended: float | None = None
    outcome: str = ""
    """succeeded, failed, interrupted, killed, could-not-start; `lost`; empty while it runs."""
    pid: int | None = None
    """The command's own process, where it is alive: also that of a lost one, which still runs."""
    lost_bytes: int = 0
    """Output that could not be kept (full disk, or more than the limit)."""
    message: str = ""


def read_command(folder: Path) -> Command | None:
    """The command of a folder; None where that is not one."""
    plain = _read_json_object(folder / paths.COMMAND_FILE)
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
            target=DeploymentTarget(
                *(str((plain.get("place") or {}).get(field.name, "")) for field in fields(DeploymentTarget))
            ),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def write_command(command: Command, *, with_target: bool, redact: Callable[[str], str]) -> None:
    """Write down what a command is and, where that is certain, where it works. Raises OSError."""
    plain: dict[str, Any] = {"step": command.step, "title": command.title, "argv": command.argv, "cwd": command.cwd}
    plain["started"] = command.started
    if with_target:
        plain["place"] = {name: redact(value) for name, value in vars(command.target).items()}
    replace_atomically(
        command.folder / paths.COMMAND_FILE, json.dumps(plain, ensure_ascii=False).encode("utf-8", "replace")
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
    """The commands that still run, also those whose supervisor was killed, oldest first."""
    running = []
    for command in list_commands(session):
        status = read_command_status(command.folder)
        if status.state == "running" or (status.state == "lost" and status.pid is not None):
            running.append(command)
    return running


def read_command_status(folder: Path) -> CommandStatus:
    """The status of the command of this folder. The supervisor lives while its lock is held, whatever its pid says."""
    if (ended := _read_exit_record(folder)) is not None:
        return ended
    process = _read_json_object(folder / paths.PROCESS_FILE) or {}
    started = _as_float((_read_json_object(folder / paths.COMMAND_FILE) or {}).get("started"))
    pid = _live_child_pid(process)
    if is_locked(folder / paths.ALIVE_LOCK_FILE):
        return CommandStatus("running", started=started, pid=pid)
    # It may have ended in between.
    if (ended := _read_exit_record(folder)) is not None:
        return ended
    if pid is None and process and not process.get("child"):
        pid = paths.find_process_by_folder(folder)
    message = "its supervisor was killed before the end was recorded"
    if pid is not None:
        message = f"its supervisor was killed; the command still runs as process {pid}"
    return CommandStatus("lost", started=started, outcome="lost", pid=pid, message=message)


def send_interrupt(folder: Path, force: bool = False) -> bool:
    """Ask the command to stop, once however often this is called; with `force`, make it stop.

    `force` sends a second interrupt (terraform then stops at once) and kills the command's processes after a grace
    period. The processes of a lost command get the signal directly. False when there is nothing to interrupt.
    """
    now = read_command_status(folder)
    process = _read_json_object(folder / paths.PROCESS_FILE) or {}
    if now.state == "running":
        supervisor = process.get("supervisor")
        if not isinstance(supervisor, int):
            # It has only just been started.
            deadline = time.monotonic() + 5
            while not isinstance(supervisor, int) and time.monotonic() < deadline:
                time.sleep(0.02)
                supervisor = (_read_json_object(folder / paths.PROCESS_FILE) or {}).get("supervisor")
            if not isinstance(supervisor, int):
                return False
        return _send_signal(supervisor, signal.SIGUSR1 if force else signal.SIGUSR2)
    if now.state == "lost" and now.pid is not None:
        # The command leads its own process group. Nothing counts any more: a second call is a second signal.
        try:
            os.killpg(now.pid, signal.SIGKILL if force else signal.SIGINT)
        except (ProcessLookupError, PermissionError):
            return False
        return True
    return False


def record_lost_commands(session: Session) -> list[Command]:
    """Log the end of commands that are lost, and no longer run. Raises SessionError."""
    from ecotui.session import events

    lost = []
    for command in list_commands(session):
        now = read_command_status(command.folder)
        if now.state != "lost" or now.pid is not None:
            continue
        record = {"outcome": "lost", "started": command.started, "ended": None, "message": now.message}
        try:
            replace_atomically(command.folder / paths.EXIT_FILE, json.dumps(record).encode())
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
    plain = _read_json_object(folder / paths.EXIT_FILE)
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
    """The command's process, where it is still the same one: its number may have been given to another since."""
    pid, mark = process.get("child"), process.get("child_started")
    if isinstance(pid, int) and isinstance(mark, str) and paths.process_identity(pid) == mark:
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
