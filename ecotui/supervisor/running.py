"""A command that is followed: under a supervisor, or, where this process runs under one already, as its plain child.

A supervised `ecotui apply` needs no second supervisor for terraform. The one it has passes an interrupt to the whole
process group, terraform included, exactly once.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from checks.sanitize import sanitize
from ecotui.redact.redactor import RedactingStream
from ecotui.session import SessionError
from ecotui.session.private_files import raise_session_error
from ecotui.supervisor.commands import (
    Command,
    CommandStatus,
    DeploymentTarget,
    read_command,
    read_command_status,
    send_interrupt,
    write_command,
)
from ecotui.supervisor.launch import start_command
from ecotui.supervisor.paths import COMMAND_FOLDER_VARIABLE, OUTPUT_LOG
from ecotui.supervisor.spawn import explain_start_error, spawn
from ecotui.supervisor.tail import Tail

if TYPE_CHECKING:
    from ecotui.session.log import Session

MAX_LINE_BYTES = 1 << 20
"""Bytes of a line that are given out: terraform's JSON lines are read whole."""
_READ_SIZE = 1 << 18
"""Bytes a read of a child's output."""
_FREE_UNREAD_SIZE = 16 << 20
"""Bytes of a child's output that are read before their memory is given back."""
_LOG_QUIET_SECONDS = 0.25
"""Seconds without a new byte after which a log is taken for complete."""
_LOG_TIMEOUT_SECONDS = 3.0
_PUNCH_HOLE_KEEP_SIZE = 0x01 | 0x02
"""FALLOC_FL_KEEP_SIZE and FALLOC_FL_PUNCH_HOLE (linux/falloc.h)."""


class RunningCommand(Protocol):
    """A command and its output, as a follower sees them."""

    command: Command
    ends_with_us: bool
    """Whether nobody but us reads its output: then it is followed to its end, whatever happens to ours."""

    def start(self) -> None:
        """Start it, where it was not started yet. Called once, when Ctrl-C is handled."""
        ...

    def status(self) -> CommandStatus: ...

    def read_lines(self, limit: int) -> list[str]:
        """The next whole lines, redacted; empty when there are none yet, or no more."""
        ...

    def interrupt(self, *, force: bool) -> None:
        """Pass an interrupt of ours on, where nobody else does."""
        ...

    def wait_for_log(self) -> None:
        """Wait until its log holds all that was read."""
        ...


def run_child(
    session: Session,
    argv: Sequence[str],
    *,
    step: str,
    title: str,
    cwd: Path,
    env: Mapping[str, str],
    secrets: Collection[str] = (),
    target: DeploymentTarget | None = None,
    needs_log: bool = False,
) -> RunningCommand:
    """The command, to be followed: as our plain child where we run under a supervisor, else under one of its own.

    With `needs_log` it gets one of its own in any case: for a caller that does not pass all of its output on.
    Raises SessionError when the session cannot be written, or no supervisor could be started.
    """
    own = None if needs_log else own_command()
    if own is None:
        return SupervisedCommand(
            start_command(session, argv, step=step, title=title, cwd=cwd, env=env, secrets=secrets, target=target)
        )
    session.add_secrets(env, secrets)
    if target is not None:
        own = replace(own, target=target)
        with raise_session_error("cannot write to", own.folder):
            write_command(own, with_target=True, redact=session.redactor.redact)
    own = replace(own, title=session.redactor.redact(title))
    return ChildCommand(own, argv, cwd, env, RedactingStream(session.redactor))


def own_command() -> Command | None:
    """The supervised command that this process is; None where it is none, or only a part of one (a script's)."""
    folder = os.environ.get(COMMAND_FOLDER_VARIABLE)
    if not folder or os.getpgrp() != os.getpid():  # a command leads its process group, and what it starts does not
        return None
    command = read_command(Path(folder))
    return command if command is not None and command.argv[:1] == ("ecotui",) else None


class SupervisedCommand:
    """A command under a supervisor of its own: it goes on without us."""

    ends_with_us = False

    def __init__(self, command: Command) -> None:
        self.command = command
        self._tail = Tail(command.folder, max_line_bytes=MAX_LINE_BYTES)

    def start(self) -> None:
        pass

    def status(self) -> CommandStatus:
        return read_command_status(self.command.folder)

    def read_lines(self, limit: int) -> list[str]:
        return self._tail.read(limit)

    def interrupt(self, *, force: bool) -> None:
        send_interrupt(self.command.folder, force=force)

    def wait_for_log(self) -> None:
        pass


class ChildCommand:
    """A command that is our child, in our process group.

    It writes into memory, not into a pipe: should we be killed, or our supervisor, terraform neither blocks nor dies of
    a broken pipe. It finishes, and saves its state. Nothing of it reaches a disk before it is redacted.
    """

    ends_with_us = True

    def __init__(
        self, command: Command, argv: Sequence[str], cwd: Path, env: Mapping[str, str], stream: RedactingStream
    ) -> None:
        self.command = command
        self._argv, self._cwd, self._env = tuple(argv), cwd, env
        self._stream = stream
        self._output_fd = _open_memory_file()
        self._read_bytes = 0
        self._freed_bytes = 0
        self._partial_line = ""
        self._lines: list[str] = []
        """Read, and not given out yet."""
        self._pid = 0
        self._exit_code: int | None = None
        self._start_error = ""
        self._is_drained = False
        self._is_interrupted = False

    def start(self) -> None:
        """Start it. An interrupt that comes in between reaches us only, or both: never the child twice."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # inherited by the child
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        before = Path.cwd()
        stdin = os.open(os.devnull, os.O_RDONLY)
        try:
            if signal.SIGINT in signal.sigpending():
                raise KeyboardInterrupt
            self._pid = spawn(
                self._argv, self._env, str(self._cwd), stdin_fd=stdin, output_fd=self._output_fd, new_group=False
            )
        except OSError as error:
            self._start_error = sanitize(explain_start_error(self._argv[0], str(self._cwd), error))
            self._lines.append(self._start_error)
        finally:
            os.close(stdin)
            os.chdir(before)
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def status(self) -> CommandStatus:
        if self._start_error:
            return CommandStatus("exited", outcome="could-not-start", message=self._start_error)
        if self._exit_code is None:
            pid, state = os.waitpid(self._pid, os.WNOHANG)
            if not pid:
                return CommandStatus("running", pid=self._pid)
            self._exit_code = os.waitstatus_to_exitcode(state)
        code = self._exit_code
        broken = "interrupted" if self._is_interrupted else "killed" if code < 0 else "failed"
        outcome = "succeeded" if code == 0 else broken
        return CommandStatus(
            "exited", exit_code=code if code >= 0 else None, signal=-code if code < 0 else None, outcome=outcome
        )

    def read_lines(self, limit: int) -> list[str]:
        while len(self._lines) < limit and (data := os.pread(self._output_fd, _READ_SIZE, self._read_bytes)):
            self._read_bytes += len(data)
            self._add_text(self._stream.feed(data))
        if not self._lines and self._exit_code is not None and not self._is_drained:
            self._is_drained = True
            self._add_text(self._stream.close())
        self._free_read_memory()
        given, self._lines = self._lines[:limit], self._lines[limit:]
        return given

    def interrupt(self, *, force: bool) -> None:
        """The signal that reached us reached the whole process group: nothing is sent."""
        self._is_interrupted = True

    def wait_for_log(self) -> None:
        """Our supervisor writes what we print, a moment later."""
        log, before = self.command.folder / OUTPUT_LOG, -1
        deadline = time.monotonic() + _LOG_TIMEOUT_SECONDS
        while (size := _file_size(log)) != before and time.monotonic() < deadline:
            before = size
            time.sleep(_LOG_QUIET_SECONDS)

    def _add_text(self, text: str) -> None:
        *lines, self._partial_line = (self._partial_line + text).split("\n")
        self._lines += lines
        if len(self._partial_line) > MAX_LINE_BYTES or (self._is_drained and self._partial_line):
            self._lines.append(self._partial_line)
            self._partial_line = ""

    def _free_read_memory(self) -> None:
        """Give back the memory of what was read; where that is not possible, it is kept until the end."""
        if self._read_bytes - self._freed_bytes < _FREE_UNREAD_SIZE:
            return
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).fallocate64(
                self._output_fd, _PUNCH_HOLE_KEEP_SIZE, ctypes.c_int64(0), ctypes.c_int64(self._read_bytes)
            )
        self._freed_bytes = self._read_bytes


def _file_size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return -1


def _open_memory_file() -> int:
    """A file without a name, in memory where the system can (Linux); to append to. Raises SessionError."""
    import fcntl
    import tempfile

    try:
        if hasattr(os, "memfd_create"):
            fd = os.memfd_create("output", os.MFD_CLOEXEC)
        else:
            with tempfile.TemporaryFile() as file:
                fd = os.dup(file.fileno())
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_APPEND)
    except OSError as error:
        raise SessionError(f"no room for the output of a command: {error.strerror}") from error
    return fd
