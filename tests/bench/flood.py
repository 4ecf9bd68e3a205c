"""A step's command that writes a million lines: how long, how much memory, and whether the keys are answered."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from config.folders import state_folder
from config.load import load_settings
from ecotui.session.store import SessionStore
from ecotui.supervisor import read_command_status, start_command
from ecotui.supervisor.paths import PROCESS_FILE

from .painting import ECOTUI
from .table import Row
from .terminal import opened, peak_memory

LINES = 1_000_000
WRITE = f"""
for n in range({LINES}):
    print(n, "aws_instance.api[%d]: Still creating... [%ds elapsed]" % (n % 6, n))
"""
IDLE_COMMAND = "import time; time.sleep(600)"


def measure(env: Mapping[str, str], project: Path) -> list[Row]:
    """The command alone, then followed by the TUI while keys are pressed."""
    import subprocess

    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", WRITE], stdout=subprocess.DEVNULL, check=True)
    bare = time.perf_counter() - begun
    alone, peak, _, _ = _run(env, project, watched=False)
    watched, _, answers, tui = _run(env, project, watched=True)
    return [
        Row(
            f"{LINES:,} lines through the supervisor",
            f"{alone:.1f} s, {LINES / alone:,.0f} lines/s",
            f"to /dev/null: {bare:.1f} s",
            alone,
            60,
            unit=" s",
        ),
        Row("  the supervisor's peak memory", f"{peak / 1e6:.0f} MB", "", peak / 1e6, 100, unit=" MB"),
        Row(
            "  a key is answered by the TUI meanwhile",
            f"{statistics.median(answers) * 1000:.0f} ms (median of {len(answers)})",
            f"slowest {max(answers) * 1000:.0f} ms; the command took {watched:.1f} s",
            max(answers),
            1.0,
            unit=" s",
        ),
        Row("  the TUI's peak memory meanwhile", f"{tui / 1e6:.0f} MB", "", tui / 1e6, 150, unit=" MB"),
    ]


def _run(env: Mapping[str, str], project: Path, *, watched: bool) -> tuple[float, int, list[float], int]:
    """Seconds of the command, peak memory of its supervisor, seconds of each answered key, peak of the TUI."""
    settings = load_settings(project, None, env=env).settings
    session = SessionStore(state_folder(settings, env)).create(
        project=settings.project, folder=project, settings=settings
    )
    # Another command keeps the session open, so that the TUI comes back to it before the flood begins.
    keeper = start_command(
        session, (sys.executable, "-c", IDLE_COMMAND), step="nodes", title="wait", cwd=project, env=dict(env)
    )
    answers: list[float] = []
    tui = 0
    try:
        flood = start_command(
            session,
            (sys.executable, "-c", WRITE if not watched else f"import time; time.sleep(6)\n{WRITE}"),
            step="apply",
            title="a million lines",
            cwd=project,
            env=dict(env),
        )
        begun = time.perf_counter()
        peak = 0
        if watched:
            with opened(ECOTUI, env, project) as terminal:
                terminal.until(b"million lines")
                terminal.count(5 - (time.perf_counter() - begun))
                while read_command_status(flood.folder).state == "running":
                    before = len(terminal.seen)
                    terminal.press(b"?")
                    answers.append(terminal.until(b"Shift-Tab", start=before, limit=30))
                    terminal.press(b"\x1b")
                    terminal.count(0.3)
                tui = terminal.peak
        else:
            while read_command_status(flood.folder).state == "running":
                peak = max(peak, _supervisor_peak(flood.folder))
                time.sleep(0.05)
        now = read_command_status(flood.folder)
        return (now.ended or time.time()) - (now.started or 0) - (6 if watched else 0), peak, answers, tui
    finally:
        from ecotui.supervisor import send_interrupt

        send_interrupt(keeper.folder, force=True)
        session.end("left")


def _supervisor_peak(folder: Path) -> int:
    import json

    try:
        return peak_memory(json.loads((folder / PROCESS_FILE).read_bytes())["supervisor"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0
