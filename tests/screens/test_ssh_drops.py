"""The line drops under an operator who works over SSH: a real sshd on loopback, a real client, and both ends cut."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest
from support import ROOT
from support.tui import SETTINGS

from ecotui.session.store import SessionStore
from ecotui.supervisor.commands import list_commands, list_running_commands, read_command_status, send_interrupt

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
FOUND = bool(SSHD and shutil.which("ssh") and shutil.which("ssh-keygen") and Path("/proc/self").exists())
if not FOUND and os.environ.get("ECOTUI_REQUIRE_REAL") == "1":
    raise RuntimeError("ECOTUI_REQUIRE_REAL=1, and there is no sshd here: apt-get install openssh-server")
pytestmark = [pytest.mark.real, pytest.mark.skipif(not FOUND, reason="needs sshd, ssh and /proc")]

TICKER = "import time\nfor n in range(10_000):\n    print('tick', n, flush=True)\n    time.sleep(0.1)\n"
BEGIN = """
import sys
from pathlib import Path
from config.load import load_settings
from ecotui.project import OpenProject, process_environment
env = process_environment()
project = OpenProject.open(load_settings(Path(sys.argv[1]), None, env=env), env)
project.start_command("apply", "Long work", (sys.executable, "-c", sys.argv[2]))
project.close("left")
"""


@dataclass
class Server:
    port: int
    folder: Path

    def login(self, *command: str) -> pexpect.spawn[str]:
        """`ssh -tt` with a command, as an operator's terminal runs it."""
        return pexpect.spawn(
            "ssh",
            [
                "-tt", "-F", "none", "-p", str(self.port), "-i", str(self.folder / "user"),
                "-o", f"UserKnownHostsFile={self.folder / 'known'}", "-o", "StrictHostKeyChecking=accept-new",
                "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR", f"{getpass.getuser()}@127.0.0.1",
                shlex.join(command),
            ],
            dimensions=(30, 110),
            encoding="utf-8",
            timeout=60,
        )  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True, timeout=30
        )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host'}\nPidFile none\nStrictModes no\n"
        f"AuthorizedKeysFile {folder / 'user.pub'}\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "UsePAM no\nPermitRootLogin yes\nPrintMotd no\nPrintLastLog no\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where a privileged sshd locks itself in
    assert SSHD
    daemon = subprocess.Popen(
        [SSHD, "-D", "-e", "-f", str(folder / "config")],
        stderr=(folder / "log").open("wb"),
        start_new_session=True,
    )
    until(lambda: answers(port), lambda: (folder / "log").read_text())
    yield Server(port, folder)
    daemon.terminate()
    daemon.wait(10)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(holds: Callable[[], object], why: Callable[[], object] = lambda: "") -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, why()
        time.sleep(0.05)


def processes(mark: str) -> dict[int, str]:
    """The processes with this in their environment, and what they are."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found


def ancestors(pid: int) -> list[int]:
    """The processes above one, nearest first."""
    found = []
    while pid > 1:
        # proc(5): the name in brackets may hold anything; the parent is the second field after it.
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        found.append(pid)
    return found


def busy(pid: int) -> int:
    """Ticks of the clock (a hundredth of a second) that a process has computed for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def sessions_of_sshd(pid: int) -> list[int]:
    named = [one for one in ancestors(pid) if "sshd" in Path(f"/proc/{one}/comm").read_text()]
    return named[:-1]  # the last is the daemon, which serves everybody


@pytest.mark.parametrize("cut", ["the client is killed", "the server's end is killed"])
def test_the_line_drops_and_the_work_goes_on_to_be_found_again(server: Server, tmp_path: Path, cut: str) -> None:
    home, project, state = (tmp_path / name for name in ("home", "eco2", "state"))
    for folder in (home, project):
        folder.mkdir()
    (project / "ecotui.yaml").write_text(SETTINGS)
    mark = f"ECOTUI_STATE_DIR={state}"
    env = (
        "env", "-i", f"HOME={home}", f"PATH={home}", "TERM=xterm-256color", "LANG=C.UTF-8", mark,
        f"PYTHONPATH={ROOT}", "AWS_EC2_METADATA_DISABLED=true",
    )  # fmt: skip
    ecotui = (sys.executable, "-P", "-m", "ecotui", "-C", str(project))
    both = shlex.join((sys.executable, "-P", "-c", BEGIN, str(project), TICKER)) + " && exec " + shlex.join(ecotui)
    line = server.login(*env, "/bin/sh", "-c", both)
    shelf, command = SessionStore(state), None
    try:
        line.expect(r"tick \d+")  # the TUI stands, and shows what the command says
        (command,) = list_running_commands(shelf.open_latest())
        (tui,) = (pid for pid, words in processes(mark).items() if "-m ecotui -C" in words)
        if cut == "the client is killed":
            line.kill(signal.SIGKILL)
        else:
            for pid in sessions_of_sshd(tui):
                os.kill(pid, signal.SIGKILL)
        until(lambda: tui not in processes(mark), lambda: processes(mark))
        # What is left is the supervisor and its command, and nothing that spins.
        until(lambda: len(processes(mark)) == 2, lambda: processes(mark))
        left = processes(mark)
        assert sum("ecotui.supervisor" in words for words in left.values()) == 1
        before = {pid: busy(pid) for pid in left}
        said = (command.folder / "output.log").stat().st_size
        time.sleep(0.5)
        assert all(busy(pid) - before[pid] <= 20 for pid in left)  # of the 50 that a spinning one takes
        assert (command.folder / "output.log").stat().st_size > said
        assert read_command_status(command.folder).state == "running"
        # The next login finds it, where it is by now.
        again = server.login(*env, *ecotui)
        seen = (command.folder / "output.log").read_text().splitlines()[-1]
        again.expect("Long work")
        again.expect(rf"tick (?:{seen.partition(' ')[2]}|\d{{2,}})")
        assert shelf.session_ids() == [shelf.open_latest().id]
        again.send("q")
        again.expect(pexpect.EOF)
        again.close()
        assert again.exitstatus == 0
    finally:
        for one in list_commands(shelf.open_latest()) if shelf.session_ids() else ():
            send_interrupt(one.folder, force=True)
        line.close(force=True)
    assert command is not None
    until(lambda: processes(mark) == {}, lambda: processes(mark))
    assert read_command_status(command.folder).outcome == "interrupted"
    assert shelf.open_latest().verify().is_intact
