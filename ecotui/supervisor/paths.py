"""The files of a command's folder: what the supervisor writes, and everybody reads. Imports little."""

from __future__ import annotations

import os

COMMAND_FILE = "command.json"
"""What was asked: step, title, argv, cwd; never the environment."""
OUTPUT_LOG = "output.log"
"""What the command said, sanitised and redacted."""
OUTPUT_TIMES_FILE = "output.times"
"""When each part of the output was written (`ecotui.supervisor.output_times`)."""
EXIT_FILE = "exit.json"
"""How it ended. It is there if and only if the supervisor saw the end."""
EXIT_RESERVE_FILE = ".exit.reserve"
"""Room on the disk for the exit record, taken at the start: a full disk must not lose how a command ended."""
PROCESS_FILE = "process.json"
"""Who runs it: the supervisor's and the child's process ids, with their start times."""
ALIVE_LOCK_FILE = "alive"
"""Locked (flock) for as long as the supervisor lives."""
SUPERVISOR_LOG = "supervisor.log"
"""What the supervisor itself complained about; usually empty."""

COMMAND_FOLDER_VARIABLE = "ECOTUI_COMMAND"
"""In the command's environment: the folder that it was started for."""
EXIT_RECORD_SIZE = 4096
"""Bytes of the exit record, padded: what the reserve holds."""


def process_identity(pid: int) -> str | None:
    """A mark that, with the pid, names one process for ever: boot id and start time. None when it is gone.

    A zombie is gone: nobody is at work there any more.
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
    """The same where there is no /proc (macOS); the second is the grain there."""
    if os.path.isdir("/proc/self"):  # noqa: PTH112 - as above
        return None
    import subprocess

    try:
        asked = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    state, _, since = asked.stdout.strip().partition(" ")
    return since.strip() if state and not state.startswith("Z") else None


def find_process_by_folder(folder: object) -> int | None:
    """The process that was started for this folder, by the mark in its environment; None where it cannot be told.

    For the moment between a start and its being written down: a supervisor that is killed in there leaves a command
    that no file names. Reads /proc, which only Linux has.
    """
    mark = os.fsencode(f"{COMMAND_FOLDER_VARIABLE}={folder}")
    try:
        pids = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208 - as above
    except OSError:
        return None
    for pid in pids:
        try:
            # What it started in turn has the mark too; the command itself leads its process group.
            if os.getpgid(pid) != pid:
                continue
            with open(f"/proc/{pid}/environ", "rb") as stream:  # noqa: PTH123 - as above
                if mark in stream.read().split(b"\0"):
                    return pid
        except OSError:
            continue
    return None
