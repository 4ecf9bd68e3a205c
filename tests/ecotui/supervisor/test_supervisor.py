"""A supervised command outlives whoever started it, is interrupted once, and its end is always known or known lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.supervised import ENV, begun, outcome, process_of, python, said, supervised, until

from ecotui.session import SessionError, events
from ecotui.session.log import Session
from ecotui.supervisor import list_running_commands, read_command_status, send_interrupt
from ecotui.supervisor import paths as names


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with supervised(tmp_path) as session:
        yield session


def test_a_command_is_run_and_its_end_recorded(session: Session, tmp_path: Path) -> None:
    command = begun(session, "sh", "-c", "echo out; echo err >&2; pwd; exit 7", cwd=tmp_path)
    assert outcome(command) == "failed"
    now = read_command_status(command.folder)
    assert (now.exit_code, now.signal, now.lost_bytes) == (7, None, 0)
    assert now.started is not None
    assert now.ended is not None
    assert now.started <= now.ended
    assert said(command) == f"out\nerr\n{tmp_path}\n"
    log = [record.event for record in session.read_records()][1:]
    assert [type(event) for event in log] == [events.CommandStarted, events.CommandEnded]
    ended = log[-1]
    assert isinstance(ended, events.CommandEnded)
    assert (ended.command, ended.step, ended.exit_code, ended.outcome) == (command.id, "apply", 7, "failed")
    assert session.verify().is_intact
    assert list_running_commands(session) == []


def test_it_is_running_from_the_moment_it_is_started(session: Session) -> None:
    command = begun(session, "sleep", "30")
    assert read_command_status(command.folder).state == "running"
    assert [other.id for other in list_running_commands(session)] == [command.id]
    found = list_running_commands(session)[0]
    assert (found.step, found.title, found.argv) == ("apply", "Test", ("sleep", "30"))
    assert send_interrupt(command.folder)
    assert outcome(command) == "interrupted"
    assert not send_interrupt(command.folder)


def test_input_is_given_to_the_command_and_kept_nowhere(session: Session) -> None:
    command = begun(session, "wc", "-c", stdin=b"pasted-token-value")
    assert outcome(command) == "succeeded"
    assert said(command).strip() == "18"
    _nowhere(session, b"pasted-token-value")


def test_without_input_a_command_reads_the_end_at_once(session: Session) -> None:
    command = begun(session, "cat")
    assert outcome(command) == "succeeded"
    assert said(command) == ""


def _nowhere(session: Session, secret: bytes) -> None:
    for path in session.folder.parent.parent.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), path


def test_a_token_that_the_command_prints_is_nowhere_under_the_state_folder(session: Session) -> None:
    token, named = "ghp_" + "q7W2" * 9, "plain looking value"
    command = python(
        session,
        """
        import os, sys, time
        token, named = os.environ["GH_TOKEN"], os.environ["FAVOURITE"]
        print("whole", token, named)
        for sign in token:  # as slowly as can be
            sys.stdout.write(sign); sys.stdout.flush()
        print()
        sys.stderr.write("https://me:" + token + "@github.com/x\\n")
        print(token[:10] + "\\033[31m" + token[10:])
        """,
        env=ENV | {"GH_TOKEN": token, "FAVOURITE": named},
        secrets=["FAVOURITE"],
        title=f"with {token}",
    )
    assert outcome(command) == "succeeded"
    assert said(command).count("«secret:") == 5
    _nowhere(session, token.encode())
    _nowhere(session, b"q7W2q7W2q7W2")
    _nowhere(session, named.encode())


def test_a_word_of_the_command_line_that_is_a_secret_is_not_kept(session: Session) -> None:
    command = begun(session, "echo", "a-secret-value-here", env=ENV | {"MY_TOKEN": "a-secret-value-here"})
    assert outcome(command) == "succeeded"
    assert command.argv[1].startswith("«secret:")
    _nowhere(session, b"a-secret-value-here")


def test_no_secret_is_in_the_command_line_or_environment_of_the_supervisor(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_OWN_TOKEN", "value-of-our-own")
    command = begun(session, "sleep", "30", env=ENV | {"MY_TOKEN": "value-of-the-child"})
    pid = until(lambda: read_command_status(command.folder).pid and process_of(command)["supervisor"])
    for name in ("cmdline", "environ"):
        content = Path(f"/proc/{pid}/{name}").read_bytes()
        assert b"value-of" not in content
    send_interrupt(command.folder)
    assert outcome(command) == "interrupted"


def test_escape_sequences_never_reach_the_output_file(session: Session) -> None:
    command = python(
        session,
        r"""
        import sys
        out = sys.stdout.buffer
        out.write(b"\x1b[31mred\x1b[0m\n\x1b]52;c;ZXZpbA==\x07clip\n\x1bPdevice\nnext\n\x9b31m\xff\x00bell\x07\n")
        out.flush()
        for byte in b"\x1b[1mslow\x1b[0m\n":
            out.write(bytes([byte])); out.flush()
        """,
    )
    assert outcome(command) == "succeeded"
    data = (command.folder / names.OUTPUT_LOG).read_bytes()
    assert b"\x1b" not in data
    assert not any(byte < 32 and byte != 10 for byte in data)
    lines = data.decode().splitlines()
    assert lines[:4] == ["red", "clip", "", "next"]
    assert lines[-1] == "slow"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["no-such-command-at-all"], "no such command"),
        (["/etc/passwd"], "not executable"),
        (["/"], "not executable"),
        (["./script"], "no program that this machine can run"),
    ],
)
def test_a_command_that_cannot_be_started_records_why(
    session: Session, tmp_path: Path, argv: list[str], words: str
) -> None:
    script = tmp_path / "script"
    script.write_text("echo no interpreter line\n")
    script.chmod(0o755)
    command = begun(session, *argv, cwd=tmp_path)
    assert outcome(command) == "could-not-start"
    assert words in said(command)
    assert words in read_command_status(command.folder).message
    assert "Traceback" not in (command.folder / names.SUPERVISOR_LOG).read_text()


def test_a_folder_that_is_gone_is_named(session: Session, tmp_path: Path) -> None:
    command = begun(session, "true", cwd=tmp_path / "gone")
    assert outcome(command) == "could-not-start"
    assert "the folder" in said(command)


def test_the_command_goes_on_when_its_starter_is_killed_and_the_terminal_hangs_up(
    session: Session, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    program = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from ecotui.session.log import Session
        from ecotui.supervisor import start_command
        session = Session(Path(sys.argv[1]), {})
        command = start_command(session, ["sh", "-c", 'while [ ! -e "$0" ]; do sleep 0.05; done; echo went on', sys.argv[2]],
            step="apply", title="t", cwd=Path("/"), env={"PATH": "/usr/bin:/bin"})
        print(command.folder, flush=True)
        time.sleep(60)
        """
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program, str(session.folder), str(go)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert starter.stdout is not None
    folder = Path(starter.stdout.readline().strip())
    known = folder / names.PROCESS_FILE
    process = until(lambda: known.exists() and (p := json.loads(known.read_bytes()))["child"] and p)
    os.killpg(starter.pid, signal.SIGHUP)
    os.kill(process["supervisor"], signal.SIGHUP)
    starter.kill()
    starter.communicate()
    assert read_command_status(folder).state == "running"
    go.write_text("")
    until(lambda: read_command_status(folder).state == "exited")
    assert read_command_status(folder).outcome == "succeeded"
    assert (folder / names.OUTPUT_LOG).read_text() == "went on\n"


def test_output_of_a_million_lines_is_kept_in_bounded_memory(session: Session) -> None:
    command = python(
        session,
        """
        import sys
        block = b"".join(b"line %d of the output\\n" % n for n in range(10_000))
        for _ in range(100):
            sys.stdout.buffer.write(block)
        sys.stdout.buffer.write(b"x" * 10_000_000)
        """,
    )
    peak = 0
    while read_command_status(command.folder).state == "running":
        try:
            told = Path(f"/proc/{process_of(command)['supervisor']}/status").read_text()
        except OSError:
            continue
        peak = max(peak, *(int(line.split()[1]) for line in told.splitlines() if line.startswith("VmHWM")), 0)
        time.sleep(0.02)
    assert read_command_status(command.folder).outcome == "succeeded"
    data = (command.folder / names.OUTPUT_LOG).read_bytes()
    assert data.count(b"\n") == 1_000_001
    assert len(data.splitlines()[-1]) == 10_000_000
    assert 0 < peak < 64_000  # kB


def test_output_beyond_the_limit_is_dropped_and_counted(session: Session) -> None:
    command = begun(session, "sh", "-c", "seq 100000; exit 4", output_limit=5_000)
    assert outcome(command) == "failed"
    now = read_command_status(command.folder)
    assert now.exit_code == 4
    assert now.lost_bytes > 500_000 - 300_000
    assert "5000 bytes" in said(command)
    assert (command.folder / names.OUTPUT_LOG).stat().st_size < 5_200


def test_a_process_left_with_the_output_open_does_not_delay_the_end(session: Session) -> None:
    command = begun(session, "sh", "-c", "sleep 30 & echo $!")
    assert outcome(command) == "succeeded"
    os.kill(int(said(command)), signal.SIGKILL)


def test_our_own_program_is_not_shadowed_by_folders_of_the_project(session: Session, tmp_path: Path) -> None:
    for name in ("config", "checks", "ecotui"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('shadowed')")
    command = begun(session, "ecotui", "--version", cwd=tmp_path)
    assert outcome(command) == "succeeded"
    assert said(command).startswith("ecotui ")
    assert command.argv == ("ecotui", "--version")


def test_a_session_that_cannot_be_written_starts_nothing(session: Session, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    session.close()
    session.events_path.unlink()
    session.events_path.mkdir()
    with pytest.raises(SessionError):
        begun(session, "touch", str(mark))
    time.sleep(0.2)
    assert not mark.exists()
    assert list_running_commands(session) == []


def test_the_supervisor_imports_nothing_heavy() -> None:
    program = """
        import sys
        import ecotui.supervisor.process
        heavy = {"textual", "rich", "boto3", "botocore", "yaml", "sh", "asyncio", "msgspec", "dataclasses", "subprocess", "typing_extensions"}
        print(sorted(heavy & set(sys.modules)))
    """
    told = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_a_full_disk_blocks_nothing_and_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ecotui.supervisor.output_file import OutputFile

    log = tmp_path / "output.log"
    fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    output = OutputFile(fd, 1_000_000)
    output.write("before\n")
    real = os.write

    def full(fd: int, data: bytes) -> int:
        real(fd, bytes(data)[:3])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", full)
        output.write("lost one\n")
        output.write("lost two\n")
    assert output.lost_bytes == 18
    assert "disk is full" in output.error
    output.write("after\n")
    text = log.read_text()
    assert text.startswith("before\n")
    assert "[ecotui: 18 bytes of output are missing here: the disk is full]" in text
    assert text.endswith("\nafter\n")
    os.close(fd)
