"""The TUI in a real terminal (a pty): how it starts, how it fails, and that it leaves the terminal as it found it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pexpect
import pytest
from support import ROOT
from support.tui import Bench

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
"""xterm's control sequences: to the alternate screen, and back."""
SHOW_CURSOR = "\x1b[?25h"


class Terminal:
    def __init__(self, bench: Bench, *wrapper: str) -> None:
        env = {
            **bench.env,
            "TERM": "xterm-256color",
            "PYTHONPATH": str(ROOT),
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        command, *arguments = [*wrapper, sys.executable, "-P", "-m", "ecotui"]
        self.child = pexpect.spawn(
            command,
            arguments,
            cwd=str(bench.project),
            env=env,  # type: ignore[arg-type]
            dimensions=(30, 100),
            encoding="utf-8",
            timeout=60,
        )

    def rest(self) -> str:
        self.child.expect(pexpect.EOF)
        self.child.close()
        return self.child.before or ""


@pytest.fixture
def quiet_home(bench: Bench) -> Bench:
    """No tool is found: the first look must not depend on what is installed here."""
    bench.env["PATH"] = str(bench.home)
    return bench


@pytest.fixture
def terminal(quiet_home: Bench) -> Iterator[Terminal]:
    made = Terminal(quiet_home)
    yield made
    if made.child.isalive():
        made.child.kill(signal.SIGKILL)
    with suppress(OSError):
        made.child.close(force=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was_found(terminal: Terminal, number: signal.Signals) -> None:
    terminal.child.expect_exact(ENTER)
    terminal.child.expect("Environment")
    # The signal handlers are in place once the frame stands.
    time.sleep(0.3)
    terminal.child.kill(number)
    said = terminal.rest()
    assert LEAVE in said
    assert SHOW_CURSOR in said[said.index(LEAVE) - 200 :]
    assert "Traceback" not in said
    assert terminal.child.exitstatus == 128 + number


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads the list of processes")
def test_a_terminal_that_goes_without_a_signal_for_us_ends_the_tui_too(quiet_home: Bench) -> None:
    # Only the session's leader hears of the hang-up, and it waits for us, as `make` does.
    terminal = Terminal(quiet_home, "/bin/sh", "-c", 'trap : HUP; "$@"; exit 0', "sh")
    terminal.child.expect("Environment")
    time.sleep(0.3)
    [pid] = Path(f"/proc/{terminal.child.pid}/task/{terminal.child.pid}/children").read_text().split()
    os.close(terminal.child.fileno())
    deadline = time.monotonic() + 20
    while _running(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = not _running(pid)
    with suppress(OSError):
        os.kill(int(pid), signal.SIGKILL)
    with suppress(OSError):
        terminal.child.close(force=True)
    assert left


def test_going_on_without_having_stopped_begins_nothing_anew(terminal: Terminal) -> None:
    # A session that loses its terminal gets SIGHUP and then SIGCONT. Textual took that for coming back from Ctrl-Z, and
    # began to write once more, to nobody: the TUI could wait for ever to be rid of it.
    terminal.child.expect("Environment")
    time.sleep(0.5)
    terminal.child.kill(signal.SIGCONT)
    time.sleep(0.3)
    terminal.child.send("q")
    said = terminal.rest()
    assert ENTER not in said
    assert LEAVE in said
    assert terminal.child.exitstatus == 0


def test_q_leaves_with_success(terminal: Terminal) -> None:
    terminal.child.expect("Environment")
    time.sleep(0.5)
    terminal.child.send("q")
    said = terminal.rest()
    assert LEAVE in said
    assert terminal.child.exitstatus == 0


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ("proyect: eco2\n", "proyect"),
        ("aws: [a\n", "ecotui.yaml"),
        ("aws: {region: 3}\n", "aws.region"),
    ],
)
def test_settings_that_cannot_be_used_end_with_2_and_one_line(quiet_home: Bench, settings: str, complaint: str) -> None:
    (quiet_home.project / "ecotui.yaml").write_text(settings)
    terminal = Terminal(quiet_home)
    said = terminal.rest()
    assert terminal.child.exitstatus == 2
    after = said[said.index(LEAVE) + len(LEAVE) :] if LEAVE in said else said
    assert "Traceback" not in said
    lines = [line for line in after.splitlines() if "ecotui:" in line]
    assert len(lines) == 1
    assert complaint in lines[0]


def test_a_state_folder_that_cannot_be_made_ends_with_1_and_a_line(quiet_home: Bench) -> None:
    quiet_home.state.write_text("a file stands here")
    terminal = Terminal(quiet_home)
    said = terminal.rest()
    assert terminal.child.exitstatus == 1
    assert "ecotui: " in said
    assert "Traceback" not in said


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads the list of processes")
def test_the_looks_end_with_the_tui(terminal: Terminal) -> None:
    terminal.child.expect("Environment")
    time.sleep(0.5)
    terminal.child.kill(signal.SIGTERM)
    terminal.rest()
    project = str(terminal.child.cwd)
    commands = [_command(process) for process in Path("/proc").iterdir() if process.name.isdigit()]
    assert [command for command in commands if "--stream" in command and project in command] == []


def _running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
