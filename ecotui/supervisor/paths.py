"""The files of a command's folder, and how to tell its processes apart from others. Imports little."""

from __future__ import annotations

import os

COMMAND_FILE = "command.json"
"""The request: step, title, argv, cwd; never the environment."""
OUTPUT_LOG = "output.log"
"""The command's output, sanitised and redacted."""
OUTPUT_TIMES_FILE = "output.times"
"""The times of the parts of the output (`ecotui.supervisor.output_times`)."""
EXIT_FILE = "exit.json"
"""How it ended. It exists if and only if the end was recorded."""
EXIT_RESERVE_FILE = ".exit.reserve"
"""Room on the disk for the exit record, taken at the start: a full disk must not lose how a command ended."""
PROCESS_FILE = "process.json"
"""The process ids of the supervisor and of the command, with their start times."""
ALIVE_LOCK_FILE = "alive"
"""Locked (flock) for as long as the supervisor lives."""
SUPERVISOR_LOG = "supervisor.log"
"""Errors of the supervisor itself; usually empty."""

COMMAND_FOLDER_VARIABLE = "ECOTUI_COMMAND"
"""A variable in the command's environment: its folder."""
EXIT_RECORD_SIZE = 4096
"""Bytes of the exit record, padded: what the reserve holds."""


def process_identity(pid: int) -> str | None:
    """Boot id and start time, which identify one process for ever together with its pid. None when it is gone.

    A zombie is gone: it does no work any more.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:  # noqa: PTH123 - no pathlib here, it costs start time
            # proc(5): the name in brackets may hold anything; after it come state (3) and, as 22, the start time.
            fields = stream.read().rpartition(b")")[2].split()
        with open("/proc/sys/kernel/random/boot_id") as stream:  # noqa: PTH123 - as above
            boot = stream.read().strip()
    except OSError:
        return _process_identity_by_ps(pid)
    return None if fields[0] in (b"Z", b"X") else f"{boot}:{fields[19].decode()}"


def _process_identity_by_ps(pid: int) -> str | None:
    """The same where there is no /proc (macOS), to the second."""
    if os.path.isdir("/proc/self"):  # noqa: PTH112 - as above
        return None
    import subprocess

    try:
        ps = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    state, _, since = ps.stdout.strip().partition(" ")
    return since.strip() if state and not state.startswith("Z") else None


def find_process_by_folder(folder: object) -> int | None:
    """The process that was started for this folder, by its environment; None where there is none.

    For the time between a start and the record of it: a supervisor that is killed in there leaves a command that no
    file names. Reads /proc, which only Linux has.
    """
    mark = os.fsencode(f"{COMMAND_FOLDER_VARIABLE}={folder}")
    try:
        pids = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208 - as above
    except OSError:
        return None
    for pid in pids:
        try:
            # Its own children have the variable too; the command itself leads its process group.
            if os.getpgid(pid) != pid:
                continue
            with open(f"/proc/{pid}/environ", "rb") as stream:  # noqa: PTH123 - as above
                if mark in stream.read().split(b"\0"):
                    return pid
        except OSError:
            continue
    return None
