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

from ecotui.redact.redactor import looks_secret
from ecotui.session import SessionError, events
from ecotui.session.log import SALT, new_commands_folder
from ecotui.session.private_files import explained, make_folder, open_file, plainly, replace_file
from ecotui.supervisor import paths as names
from ecotui.supervisor.commands import PLACE, Command, Place

if TYPE_CHECKING:
    from ecotui.session.log import Session

HANDOVER = 20.0
"""Seconds for the supervisor to take over; it needs 0.1 on an idle machine."""
GRACE = 10.0
"""Seconds between a forced interrupt and the kill; terraform needs a moment to write its state."""
OUTPUT_LIMIT = 2 << 30
"""Bytes of output that are kept."""


def start(
    session: Session,
    argv: Sequence[str],
    *,
    step: str,
    title: str,
    cwd: Path,
    env: Mapping[str, str],
    secrets: Collection[str] = (),
    stdin: bytes | None = None,
    place: Place | None = None,
    grace: float = GRACE,
    output_limit: int = OUTPUT_LIMIT,
) -> Command:
    """Start a command that goes on without us. An argv[0] of `ecotui` means this program.

    `secrets` names the variables whose values are secret; `stdin` is given to the command and kept nowhere; `place` is
    written down beside the command, for whoever asks later what was done where.
    Returns when the supervisor has taken over; a command that cannot be started ends with `could-not-start`.
    Raises SessionError when the session cannot be written, or no supervisor could be started.
    """
    session.learn(env, secrets)
    mask = session.redactor.redact
    shown, title = tuple(mask(word) for word in argv), mask(title)
    started = time.time()
    folder = _folder(new_commands_folder(session), step, started)
    with explained("cannot write to", folder):
        spoken = {"step": step, "title": title, "argv": shown, "cwd": mask(str(cwd)), "started": started}
        if place is not None:
            spoken["place"] = {name: mask(str(getattr(place, name))) for name in PLACE}
        replace_file(
            folder / names.COMMAND, json.dumps(spoken, ensure_ascii=False).encode("utf-8", "replace")
        )
        alive = open_file(folder / names.ALIVE, os.O_RDWR | os.O_CREAT)
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
                account=place.account if place else "",
                region=place.region if place else "",
            )
        )
        spec = {
            "folder": str(folder),
            "events": str(session.events_file),
            "salt": str(session.folder / SALT),
            "alive": alive,
            "step": step,
            "argv": _program(argv),
            "cwd": str(cwd),
            "env": dict(env),
            "secrets": sorted(secrets),
            "stdin": None if stdin is None else base64.b64encode(stdin).decode(),
            "started": started,
            "began": time.monotonic(),  # the same clock for every process of a machine, and nobody sets it
            "grace": grace,
            "output_limit": output_limit,
        }
        _hand_over(spec, folder, alive)
    except SessionError as error:
        record = {
            "outcome": "could-not-start",
            "started": started,
            "ended": time.time(),
            "message": str(error),
        }
        with suppress(OSError):
            replace_file(folder / names.EXIT, json.dumps(record).encode())
        raise
    finally:
        os.close(alive)
    return Command(folder.name, folder, step, title, shown, started, str(cwd), place or Place())


def _folder(parent: Path, step: str, started: float) -> Path:
    moment = time.strftime("%H%M%S", time.gmtime(started))
    kind = "".join(sign if sign.isalnum() else "-" for sign in step)[:20]
    return make_folder(parent / f"{moment}-{kind}-{randomness.token_hex(3)}", exist_ok=False)


def _program(argv: Sequence[str]) -> list[str]:
    """The words to run. -P: the project's own folders (config/, checks/) must not be taken for ours."""
    if argv[0] == "ecotui":
        return [sys.executable, "-P", "-m", "ecotui", *argv[1:]]
    return list(argv)


def _hand_over(spec: dict[str, object], folder: Path, alive: int) -> None:
    """Start the supervisor and give it its task through a pipe: no secret in a file, nor in `ps`."""
    env = {name: value for name, value in os.environ.items() if not looks_secret(name)}
    with explained("cannot write to", folder):
        trouble = open_file(folder / names.TROUBLE, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        first = subprocess.Popen(
            [sys.executable, "-P", "-m", "ecotui.supervisor"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=trouble,
            cwd="/",
            env=env,
            pass_fds=(alive,),
            start_new_session=True,
        )
    except OSError as error:
        raise SessionError(f"cannot start the supervisor: {plainly(error)}") from error
    finally:
        os.close(trouble)
    try:
        # It reads its task, forks, and the first process ends: nobody of ours has to wait for the second.
        first.communicate(json.dumps(spec).encode("utf-8", "surrogateescape"), timeout=HANDOVER)
    except subprocess.TimeoutExpired:
        first.kill()
        first.wait()
        raise SessionError(f"the supervisor did not take over within {HANDOVER:.0f} s") from None
    if first.returncode != 0:
        said = (folder / names.TROUBLE).read_text("utf-8", "replace").strip().splitlines()
        raise SessionError(
            f"the supervisor did not start: {said[-1] if said else f'exit {first.returncode}'}"
        )
