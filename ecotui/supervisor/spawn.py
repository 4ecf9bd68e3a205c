"""Starts a program with its output in one file, and says in plain words why one could not be started. Imports little."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Mapping, Sequence
from functools import partial

from ecotui.session.private_files import describe_os_error

_RESET_SIGNALS = (
    signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD,
)  # fmt: skip


def spawn(
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: str,
    *,
    stdin_fd: int,
    output_fd: int,
    new_group: bool,
) -> int:
    """Start a program in `cwd`; its process id. Leaves this process in `/`. Raises OSError.

    With `new_group` it leads a process group of its own, and dies of a hang-up as usual. Without, it stays in ours and
    handles SIGHUP as we do.
    """
    os.chdir(cwd)
    start = partial(
        os.posix_spawn,
        find_program(argv[0], env.get("PATH", os.defpath)),
        list(argv),
        env,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, stdin_fd, 0),
            (os.POSIX_SPAWN_DUP2, output_fd, 1),
            (os.POSIX_SPAWN_DUP2, output_fd, 2),
        ],
        setsigmask=[],
    )
    pid = (
        start(setsigdef=[*_RESET_SIGNALS, signal.SIGHUP], setpgroup=0) if new_group else start(setsigdef=_RESET_SIGNALS)
    )
    os.chdir("/")
    return pid


def find_program(name: str, path: str) -> str:
    """Where the program is. Raises OSError, as exec would."""
    if "/" in name:
        return name
    refused = False
    for folder in path.split(os.pathsep):
        candidate = f"{folder or '.'}/{name}"
        if os.path.isfile(candidate):  # noqa: PTH113 - no pathlib here, it costs start time
            if os.access(candidate, os.X_OK):
                return candidate
            refused = True
    number = errno.EACCES if refused else errno.ENOENT
    raise OSError(number, os.strerror(number), name)


def explain_start_error(name: str, cwd: str, error: OSError) -> str:
    """Why the program could not be started, for a person."""
    if error.filename == cwd:
        return f"could not start {name}: the folder {cwd}: {describe_os_error(error)}"
    if error.errno == errno.ENOENT:
        return f"could not start {name}: there is no such command here or on PATH"
    if error.errno == errno.EACCES:
        return f"could not start {name}: it is not executable"
    if error.errno == errno.ENOEXEC:
        return f"could not start {name}: it is no program that this machine can run (a script without #! line?)"
    return f"could not start {name}: {describe_os_error(error)}"
