"""The supervisor: starts one command, drains its output, passes interrupts on, records the end."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from checks.sanitize import sanitize
from ecotui.redact.redactor import RedactingStream, Redactor
from ecotui.session import SessionError
from ecotui.session.hash_chain import HashChain
from ecotui.session.private_files import (
    describe_os_error,
    open_private_file,
    read_bytes,
    replace_atomically,
    write_fully,
)
from ecotui.supervisor import paths
from ecotui.supervisor.output_file import OutputFile
from ecotui.supervisor.spawn import explain_start_error, spawn

PIPE_READ_SIZE = 1 << 18
"""Bytes a read."""
PIPE_SIZE = 1 << 20
"""Bytes that the pipe is asked to hold; Linux lets everybody have that much (/proc/sys/fs/pipe-max-size)."""
OUTPUT_LINGER_SECONDS = 2.0
"""Seconds to wait for output after the end of the command, while a process that it left has the pipe open."""
SECOND_SIGNAL_DELAY = 1.0
"""Seconds between the first and the second signal of a forced stop without an interrupt before it."""


class Supervisor:
    """One task, one command."""

    def __init__(self, task: dict[str, Any]) -> None:
        """Open the files of the task. Whatever is wrong with the folder shows here, while the starter still waits."""
        self.task = task
        self.folder = Path(task["folder"])
        self.started_at = float(task["started"])
        self.alive_fd = int(task["alive"])
        os.set_inheritable(self.alive_fd, False)
        redactor = Redactor(read_bytes(Path(task["salt"])), env=task["env"], secrets=task["secrets"])
        self.redactor = redactor
        self.redaction_stream = RedactingStream(redactor)
        log = open_private_file(self.folder / paths.OUTPUT_LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        times = open_private_file(self.folder / paths.OUTPUT_TIMES_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.output = OutputFile(log, int(task["output_limit"]), times_fd=times)
        reserve = open_private_file(self.folder / paths.EXIT_RESERVE_FILE, os.O_WRONLY | os.O_CREAT)
        write_fully(reserve, b" " * paths.EXIT_RECORD_SIZE)
        self.reserve_fd = reserve
        self.pid = 0
        self.interrupt_sent = False
        """Whether an interrupt was passed on."""
        self.forced_at: float | None = None
        self.second_signal_at: float | None = None
        self.kill_sent = False
        self.exit_code: int | None = None
        self.wakeup_fd, self.wakeup_write_fd = os.pipe()
        for fd in (self.wakeup_fd, self.wakeup_write_fd):
            os.set_blocking(fd, False)

    def run(self) -> None:
        """Until the command is over and its end is recorded. Never raises."""
        signal.set_wakeup_fd(self.wakeup_write_fd, warn_on_full_buffer=False)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD):
            signal.signal(number, _ignore_signal)
        self._write_process_file()
        message = ""
        try:
            source = self._spawn()
        except OSError as error:
            message = self.redactor.redact(sanitize(explain_start_error(self.task["argv"][0], self.task["cwd"], error)))
            self.output.write(message + "\n")
        else:
            self._write_process_file()
            self._drain_output(source)
        self.output.write(self.redaction_stream.close())
        self._record_end(message)

    def _write_process_file(self) -> None:
        plain: dict[str, Any] = {"supervisor": os.getpid(), "child": self.pid or None}
        if self.pid:
            plain["child_started"] = paths.process_identity(self.pid)
        try:
            replace_atomically(self.folder / paths.PROCESS_FILE, json.dumps(plain).encode())
        except OSError as error:
            self._log_error("cannot write down the process ids", error)

    def _spawn(self) -> int:
        """Start the command; the end of the pipe to read its output from. Raises OSError."""
        output, write_end = os.pipe()
        enlarge = getattr(fcntl, "F_SETPIPE_SZ", None)
        if enlarge is not None:
            with suppress(OSError):
                fcntl.fcntl(output, enlarge, PIPE_SIZE)
        input_end = self._open_stdin()
        try:
            self.pid = spawn(
                self.task["argv"],
                {**self.task["env"], paths.COMMAND_FOLDER_VARIABLE: str(self.folder)},
                self.task["cwd"],
                stdin_fd=input_end,
                output_fd=write_end,
                new_group=True,
            )
        except OSError:
            os.close(output)
            raise
        finally:
            os.close(write_end)
            os.close(input_end)
        return output

    def _open_stdin(self) -> int:
        """The command's input: empty, or the bytes of the task, in memory only."""
        given = self.task.pop("stdin")
        if given is None:
            return os.open(os.devnull, os.O_RDONLY)
        data = base64.b64decode(given)
        if hasattr(os, "memfd_create"):
            fd = os.memfd_create("input", os.MFD_CLOEXEC)
            write_fully(fd, data)
            os.lseek(fd, 0, os.SEEK_SET)
            return fd
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        write_fully(write_end, data)
        os.close(write_end)
        return read_end

    def _drain_output(self, output_fd: int) -> None:
        """Drain the output until the command is over and its output has ended."""
        poll = select.poll()
        poll.register(self.wakeup_fd, select.POLLIN)
        poll.register(output_fd, select.POLLIN)
        open_source, quiet_since = True, 0.0
        while open_source or self.exit_code is None:
            ready = dict(poll.poll(self._poll_timeout(quiet_since)))
            if self.wakeup_fd in ready:
                self._handle_signals()
            if self.exit_code is None:
                self._reap()
                self._escalate()
                quiet_since = time.monotonic()
            if output_fd in ready:
                data = os.read(output_fd, PIPE_READ_SIZE)
                if data:
                    self.output.write(self.redaction_stream.feed(data))
                    quiet_since = time.monotonic()
                else:
                    poll.unregister(output_fd)
                    open_source = False
            elif self.exit_code is not None and time.monotonic() - quiet_since >= OUTPUT_LINGER_SECONDS:
                break
        os.close(output_fd)

    def _poll_timeout(self, quiet_since: float) -> int:
        """Milliseconds until the next action that no event triggers; -1: none."""
        now = time.monotonic()
        if self.exit_code is not None:
            return max(int((quiet_since + OUTPUT_LINGER_SECONDS - now) * 1000), 0) + 1
        due = [at for at in (self.second_signal_at, self._kill_at()) if at is not None]
        return max(int((min(due) - now) * 1000), 0) + 1 if due else -1

    def _kill_at(self) -> float | None:
        if self.forced_at is None or self.kill_sent:
            return None
        return self.forced_at + float(self.task["grace"])

    def _handle_signals(self) -> None:
        """Act on the signals that were received."""
        try:
            received = os.read(self.wakeup_fd, 512)
        except BlockingIOError:
            return
        self._reap()
        if self.exit_code is not None:
            return
        if signal.SIGUSR1 in received:
            self._force_stop()
        elif set(received) & {signal.SIGINT, signal.SIGTERM, signal.SIGUSR2}:
            direct = signal.SIGUSR2 not in received
            self._interrupt_once(by="a signal to the supervisor" if direct else "the operator")

    def _interrupt_once(self, by: str) -> None:
        if self.interrupt_sent:
            return
        self.interrupt_sent = True
        self._log_event({"type": "interrupt-sent", "command": self.folder.name, "by": by})
        self._send_signal(signal.SIGINT)

    def _force_stop(self) -> None:
        if self.forced_at is not None:
            return
        self.forced_at = time.monotonic()
        self._log_event({"type": "interrupt-sent", "command": self.folder.name, "force": True, "by": "the operator"})
        if not self.interrupt_sent:
            self.interrupt_sent = True
            self.second_signal_at = self.forced_at + SECOND_SIGNAL_DELAY
        self._send_signal(signal.SIGINT)

    def _escalate(self) -> None:
        """The later part of a forced stop: the second signal, and the kill."""
        now = time.monotonic()
        if self.second_signal_at is not None and now >= self.second_signal_at:
            self.second_signal_at = None
            self._send_signal(signal.SIGINT)
        kill_at = self._kill_at()
        if kill_at is not None and now >= kill_at:
            self.kill_sent = True
            self._send_signal(signal.SIGKILL)

    def _send_signal(self, number: int) -> None:
        """To the command and everything that it started, as a terminal would."""
        if self.exit_code is not None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _reap(self) -> None:
        if self.exit_code is None:
            pid, state = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.exit_code = os.waitstatus_to_exitcode(state)

    def _record_end(self, message: str) -> None:
        """Log the end, then write the record: a reader of the record finds the event in the log."""
        number = -self.exit_code if self.exit_code is not None and self.exit_code < 0 else None
        ended = time.time()
        record: dict[str, Any] = {
            "exit_code": self.exit_code if number is None else None,
            "signal": number,
            "started": self.started_at,
            "ended": ended,
            "outcome": self._outcome(),
            "lost_bytes": self.output.lost_bytes,
            "message": message or self.output.error,
        }
        self._log_event(
            {
                "type": "command-ended",
                "command": self.folder.name,
                "step": self.task["step"],
                "exit_code": record["exit_code"],
                "signal": number,
                "seconds": round(time.monotonic() - float(self.task["began"]), 3),
                "outcome": record["outcome"],
            }
        )
        try:
            os.pwrite(self.reserve_fd, json.dumps(record).encode().ljust(paths.EXIT_RECORD_SIZE), 0)
            os.fsync(self.reserve_fd)
            (self.folder / paths.EXIT_RESERVE_FILE).replace(self.folder / paths.EXIT_FILE)
        except OSError as error:
            self._log_error("cannot record the end", error)

    def _outcome(self) -> str:
        if self.exit_code is None:
            return "could-not-start"
        if self.exit_code == 0:
            return "succeeded"
        if self.kill_sent or (self.exit_code < 0 and not self.interrupt_sent):
            return "killed"
        return "interrupted" if self.interrupt_sent else "failed"

    def _log_event(self, event: dict[str, Any]) -> None:
        try:
            chain = HashChain(Path(self.task["events"]))
            chain.append(json.dumps(self.redactor.redact_values(event)).encode(), sync=True)
            chain.close()
        except (SessionError, OSError) as error:
            self._log_error("cannot write to the session log", error)

    def _log_error(self, failure: str, error: Exception) -> None:
        why = describe_os_error(error) if isinstance(error, OSError) else str(error)
        with suppress(OSError):
            os.write(2, f"{failure}: {why}\n".encode())


def _ignore_signal(number: int, frame: object) -> None:
    """The signal's number is in the wake-up pipe; the loop acts on it."""
