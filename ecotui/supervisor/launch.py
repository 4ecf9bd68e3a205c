"""Start a command under a supervisor of its own."""

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
from ecotui.supervisor import paths as names
from ecotui.supervisor.commands import TARGET_FIELDS, Command, DeploymentTarget

if TYPE_CHECKING:
    from ecotui.session.log import Session

SUPERVISOR_START_TIMEOUT = 20.0
"""Seconds for the supervisor to take over; it needs 0.1 on an idle machine."""
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

    `secrets` names the variables whose values are secret; `stdin` is given to the command and kept nowhere; `place` is
    written down beside the command, for whoever asks later what was done where.
    Returns when the supervisor has taken over; a command that cannot be started ends with `could-not-start`.
    Raises SessionError when the session cannot be written, or no supervisor could be started.
    """
    session.add_secrets(env, secrets)
    mask = session.redactor.redact
    shown, title = tuple(mask(word) for word in argv), mask(title)
    started = time.time()
    folder = _make_command_folder(make_commands_folder(session), step, started)
    with raise_session_error("cannot write to", folder):
        spoken = {"step": step, "title": title, "argv": shown, "cwd": mask(str(cwd)), "started": started}
        if target is not None:
            spoken["place"] = {name: mask(str(getattr(target, name))) for name in TARGET_FIELDS}
        replace_atomically(
            folder / names.COMMAND_FILE, json.dumps(spoken, ensure_ascii=False).encode("utf-8", "replace")
        )
        alive = open_private_file(folder / names.ALIVE_LOCK_FILE, os.O_RDWR | os.O_CREAT)
    try:
        # Locked before anybody can look; the supervisor inherits the lock, and its death alone frees it.
        fcntl.flock(alive, fcntl.LOCK_EX)
        session.append(
            events.CommandStarted(
                command=folder.name,
                step=step,
                title=title,
                argv=tuple(argv),
                cwd=str(cwd),
                account=target.account if target else "",
                region=target.region if target else "",
            )
        )
        spec = {
            "folder": str(folder),
            "events": str(session.events_path),
            "salt": str(session.folder / SALT_NAME),
            "alive": alive,
            "step": step,
            "argv": _resolve_argv(argv),
            "cwd": str(cwd),
            "env": dict(env),
            "secrets": sorted(secrets),
            "stdin": None if stdin is None else base64.b64encode(stdin).decode(),
            "started": started,
            "began": time.monotonic(),  # the same clock for every process of a machine, and nobody sets it
            "grace": grace,
            "output_limit": output_limit,
        }
        _start_supervisor(spec, folder, alive)
    except SessionError as error:
        record = {
            "outcome": "could-not-start",
            "started": started,
            "ended": time.time(),
            "message": str(error),
        }
        with suppress(OSError):
            replace_atomically(folder / names.EXIT_FILE, json.dumps(record).encode())
        raise
    finally:
        os.close(alive)
    return Command(folder.name, folder, step, title, shown, started, str(cwd), target or DeploymentTarget())


def _make_command_folder(parent: Path, step: str, started_at: float) -> Path:
    moment = time.strftime("%H%M%S", time.gmtime(started_at))
    kind = "".join(sign if sign.isalnum() else "-" for sign in step)[:20]
    return make_private_folder(parent / f"{moment}-{kind}-{randomness.token_hex(3)}", exist_ok=False)


def _resolve_argv(argv: Sequence[str]) -> list[str]:
    """The words to run. -P: the project's own folders (config/, checks/) must not be taken for ours."""
    if argv[0] == "ecotui":
        return [sys.executable, "-P", "-m", "ecotui", *argv[1:]]
    return list(argv)


def _start_supervisor(spec: dict[str, object], folder: Path, alive_fd: int) -> None:
    """Start the supervisor and give it its task through a pipe: no secret in a file, nor in `ps`."""
    env = {name: value for name, value in os.environ.items() if not is_secret_variable(name)}
    with raise_session_error("cannot write to", folder):
        trouble = open_private_file(folder / names.SUPERVISOR_LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        first = subprocess.Popen(
            [sys.executable, "-P", "-m", "ecotui.supervisor"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=trouble,
            cwd="/",
            env=env,
            pass_fds=(alive_fd,),
            start_new_session=True,
        )
    except OSError as error:
        raise SessionError(f"cannot start the supervisor: {describe_os_error(error)}") from error
    finally:
        os.close(trouble)
    try:
        # It reads its task, forks, and the first process ends: nobody of ours has to wait for the second.
        first.communicate(json.dumps(spec).encode("utf-8", "surrogateescape"), timeout=SUPERVISOR_START_TIMEOUT)
    except subprocess.TimeoutExpired:
        first.kill()
        first.wait()
        raise SessionError(f"the supervisor did not take over within {SUPERVISOR_START_TIMEOUT:.0f} s") from None
    if first.returncode != 0:
        said = (folder / names.SUPERVISOR_LOG).read_text("utf-8", "replace").strip().splitlines()
        raise SessionError(f"the supervisor did not start: {said[-1] if said else f'exit {first.returncode}'}")
