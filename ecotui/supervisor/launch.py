"""Starts a command under a supervisor of its own."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets as randomness
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from checks.secret_names import is_secret_variable
from ecotui.session import SessionError, events
from ecotui.session.log import SALT_NAME, make_commands_folder
from ecotui.session.private_files import (
    describe_os_error,
    make_private_folder,
    open_private_file,
    raise_session_error,
    replace_atomically,
)
from ecotui.supervisor import paths
from ecotui.supervisor.commands import Command, DeploymentTarget, write_command

if TYPE_CHECKING:
    from ecotui.session.log import Session

SUPERVISOR_START_TIMEOUT = 20.0
"""Seconds for the supervisor to start; it needs 0.1 on an idle machine."""
FORCED_KILL_GRACE_SECONDS = 10.0
"""Seconds between a forced interrupt and the kill; terraform needs a moment to write its state."""
MAX_OUTPUT_BYTES = 2 << 30
"""Bytes of output that are kept."""


def start_command(
    session: Session,
    argv: Sequence[str],
    *,
    step: str,
    title: str,
    cwd: Path,
    env: Mapping[str, str],
    secrets: Collection[str] = (),
    stdin: bytes | None = None,
    target: DeploymentTarget | None = None,
    grace: float = FORCED_KILL_GRACE_SECONDS,
    output_limit: int = MAX_OUTPUT_BYTES,
) -> Command:
    """Start a command that goes on without us. An argv[0] of `ecotui` means this program.

    `secrets` names the variables whose values are secret; `stdin` is the command's input, and is kept nowhere; `target`
    is recorded beside the command. `grace` and `output_limit`: seconds, bytes.
    Returns when the supervisor runs; a command that cannot be started ends with `could-not-start`.
    Raises SessionError when the session cannot be written, or no supervisor could be started.
    """
    session.add_secrets(env, secrets)
    started = time.time()
    folder = _make_command_folder(make_commands_folder(session), step, started)
    mask = session.redactor.redact
    command = Command(
        folder.name,
        folder,
        step,
        mask(title),
        tuple(map(mask, argv)),
        started,
        mask(str(cwd)),
        target or DeploymentTarget(),
    )
    with raise_session_error("cannot write to", folder):
        write_command(command, with_target=target is not None, redact=mask)
        alive_fd = open_private_file(folder / paths.ALIVE_LOCK_FILE, os.O_RDWR | os.O_CREAT)
    try:
        # Locked before anybody can read it; the supervisor inherits the lock, and its death alone frees it.
        fcntl.flock(alive_fd, fcntl.LOCK_EX)
        session.append(_started_event(command, argv, cwd))
        task = {
            **_describe_task(session, argv, env, stdin),
            "folder": str(folder),
            "alive": alive_fd,
            "step": step,
            "cwd": str(cwd),
            "secrets": sorted(secrets),
            "started": started,
            "grace": grace,
            "output_limit": output_limit,
        }
        _start_supervisor(task, folder, alive_fd)
    except SessionError as error:
        _record_start_failure(command, error)
        raise
    finally:
        os.close(alive_fd)
    return command


def _started_event(command: Command, argv: Sequence[str], cwd: Path) -> events.CommandStarted:
    return events.CommandStarted(
        command=command.id,
        step=command.step,
        title=command.title,
        argv=tuple(argv),
        cwd=str(cwd),
        account=command.target.account,
        region=command.target.region,
    )


def _describe_task(
    session: Session, argv: Sequence[str], env: Mapping[str, str], stdin: bytes | None
) -> dict[str, object]:
    """The part of the supervisor's task that is not on the disk, and where it finds the rest."""
    return {
        "events": str(session.events_path),
        "salt": str(session.folder / SALT_NAME),
        "argv": _resolve_argv(argv),
        "env": dict(env),
        "stdin": None if stdin is None else base64.b64encode(stdin).decode(),
        "began": time.monotonic(),  # the same clock for every process of a machine, and nobody sets it
    }


def _record_start_failure(command: Command, error: SessionError) -> None:
    record = {
        "outcome": "could-not-start",
        "started": command.started,
        "ended": time.time(),
        "message": str(error),
    }
    with suppress(OSError):
        replace_atomically(command.folder / paths.EXIT_FILE, json.dumps(record).encode())


def _make_command_folder(parent: Path, step: str, started_at: float) -> Path:
    at = time.strftime("%H%M%S", time.gmtime(started_at))
    name = "".join(character if character.isalnum() else "-" for character in step)[:20]
    return make_private_folder(parent / f"{at}-{name}-{randomness.token_hex(3)}", exist_ok=False)


def _resolve_argv(argv: Sequence[str]) -> list[str]:
    """What to run. -P: the project's own folders (config/, checks/) must not be taken for ours."""
    if argv[0] == "ecotui":
        return [sys.executable, "-P", "-m", "ecotui", *argv[1:]]
    return list(argv)


def _start_supervisor(task: dict[str, object], folder: Path, alive_fd: int) -> None:
    """Start the supervisor and give it its task through a pipe: no secret in a file, nor in `ps`."""
    env = {name: value for name, value in os.environ.items() if not is_secret_variable(name)}
    with raise_session_error("cannot write to", folder):
        log_fd = open_private_file(folder / paths.SUPERVISOR_LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        first = subprocess.Popen(
            [sys.executable, "-P", "-m", "ecotui.supervisor"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log_fd,
            cwd="/",
            env=env,
            pass_fds=(alive_fd,),
            start_new_session=True,
        )
    except OSError as error:
        raise SessionError(f"cannot start the supervisor: {describe_os_error(error)}") from error
    finally:
        os.close(log_fd)
    try:
        # It reads its task, forks, and the first process ends: nobody of ours has to wait for the second.
        first.communicate(json.dumps(task).encode("utf-8", "surrogateescape"), timeout=SUPERVISOR_START_TIMEOUT)
    except subprocess.TimeoutExpired:
        first.kill()
        first.wait()
        raise SessionError(f"the supervisor did not start within {SUPERVISOR_START_TIMEOUT:.0f} s") from None
    if first.returncode != 0:
        lines = (folder / paths.SUPERVISOR_LOG).read_text("utf-8", "replace").strip().splitlines()
        raise SessionError(f"the supervisor did not start: {lines[-1] if lines else f'exit {first.returncode}'}")
