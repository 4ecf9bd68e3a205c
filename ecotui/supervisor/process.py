"""What the supervisor does: start the command, drain its output, pass interrupts on, record the end."""

from __future__ import annotations

import base64
import errno
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
from ecotui.redact.redactor import Redactor, Stream
from ecotui.session import SessionError
from ecotui.session.hash_chain import Chain
from ecotui.session.private_files import open_file, plainly, read_bytes, replace_file, write_all
from ecotui.supervisor import paths as names
from ecotui.supervisor.output_file import Output

BLOCK = 1 << 18
"""Bytes a read."""
PIPE = 1 << 20
"""Bytes that the pipe is asked to hold; Linux lets everybody have that much (/proc/sys/fs/pipe-max-size)."""
LINGER = 2.0
"""Seconds that output is still waited for when the command is over but something that it left holds the pipe."""
SECOND = 1.0
"""Seconds between the first and the second signal of a force that no interrupt went before."""


class Supervisor:
    """One task, one command."""

    def __init__(self, task: dict[str, Any]) -> None:
        """Take the task; whatever is wrong with the folder shows here, before the starter goes away."""
        self.task = task
        self.folder = Path(task["folder"])
        self.started = float(task["started"])
        self.alive = int(task["alive"])
        os.set_inheritable(self.alive, False)
        redactor = Redactor(read_bytes(Path(task["salt"])), env=task["env"], secrets=task["secrets"])
        self.redactor = redactor
        self.stream = Stream(redactor)
        log = open_file(self.folder / names.OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        times = open_file(self.folder / names.TIMES, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.output = Output(log, int(task["output_limit"]), times=times)
        reserve = open_file(self.folder / names.RESERVE, os.O_WRONLY | os.O_CREAT)
        write_all(reserve, b" " * names.RECORD_SIZE)
        self.reserve = reserve
        self.pid = 0
        self.asked = False
        """Whether an interrupt was passed on."""
        self.forced_at: float | None = None
        self.second_at: float | None = None
        self.killed = False
        self.code: int | None = None
        self.wake, self.waker = os.pipe()
        for fd in (self.wake, self.waker):
            os.set_blocking(fd, False)

    def run(self) -> None:
        """Until the command is over and its end is recorded. Never raises."""
        signal.set_wakeup_fd(self.waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD):
            signal.signal(number, _noted)
        self._tell_process()
        message = ""
        try:
            source = self._start()
        except OSError as error:
            message = self.redactor.redact(sanitize(self._cannot(error)))
            self.output.write(message + "\n")
        else:
            self._tell_process()
            self._follow(source)
        self.output.write(self.stream.close())
        self._record(message)

    def _tell_process(self) -> None:
        told: dict[str, Any] = {"supervisor": os.getpid(), "child": self.pid or None}
        if self.pid:
            told["child_started"] = names.started_at(self.pid)
        try:
            replace_file(self.folder / names.PROCESS, json.dumps(told).encode())
        except OSError as error:
            self._complain("cannot say which process this is", error)

    def _start(self) -> int:
        """Start the command; where its output can be read. Raises OSError."""
        argv: list[str] = self.task["argv"]
        env: dict[str, str] = {**self.task["env"], names.MARK: str(self.folder)}
        os.chdir(self.task["cwd"])
        program = _program(argv[0], env.get("PATH", os.defpath))
        output, write_end = os.pipe()
        enlarge = getattr(fcntl, "F_SETPIPE_SZ", None)
        if enlarge is not None:
            with suppress(OSError):
                fcntl.fcntl(output, enlarge, PIPE)
        input_end = self._input()
        try:
            self.pid = os.posix_spawn(
                program,
                argv,
                env,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, input_end, 0),
                    (os.POSIX_SPAWN_DUP2, write_end, 1),
                    (os.POSIX_SPAWN_DUP2, write_end, 2),
                ],
                setpgroup=0,
                setsigmask=[],
                setsigdef=[
                    signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2,
                    signal.SIGCHLD,
                ],
            )  # fmt: skip
        except OSError:
            os.close(output)
            raise
        finally:
            os.close(write_end)
            os.close(input_end)
        os.chdir("/")
        return output

    def _input(self) -> int:
        """A file to read the command's input from: nothing, or the bytes given, in memory only."""
        given = self.task.pop("stdin")
        if given is None:
            return os.open(os.devnull, os.O_RDONLY)
        data = base64.b64decode(given)
        if hasattr(os, "memfd_create"):
            fd = os.memfd_create("input", os.MFD_CLOEXEC)
            write_all(fd, data)
            os.lseek(fd, 0, os.SEEK_SET)
            return fd
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        write_all(write_end, data)
        os.close(write_end)
        return read_end

    def _cannot(self, error: OSError) -> str:
        """Why the command could not be started, in plain words."""
        name = self.task["argv"][0]
        if error.filename == self.task["cwd"]:
            return f"could not start {name}: the folder {self.task['cwd']}: {plainly(error)}"
        if error.errno == errno.ENOENT:
            return f"could not start {name}: there is no such command here or on PATH"
        if error.errno == errno.EACCES:
            return f"could not start {name}: it is not executable"
        if error.errno == errno.ENOEXEC:
            return f"could not start {name}: it is no program that this machine can run (a script without #! line?)"
        return f"could not start {name}: {plainly(error)}"

    def _follow(self, source: int) -> None:
        """Drain the output until the command is over and says nothing more."""
        poll = select.poll()
        poll.register(self.wake, select.POLLIN)
        poll.register(source, select.POLLIN)
        open_source, quiet_since = True, 0.0
        while open_source or self.code is None:
            ready = dict(poll.poll(self._patience(quiet_since)))
            if self.wake in ready:
                self._signals()
            if self.code is None:
                self._reap()
                self._press()
                quiet_since = time.monotonic()
            if source in ready:
                data = os.read(source, BLOCK)
                if data:
                    self.output.write(self.stream.feed(data))
                    quiet_since = time.monotonic()
                else:
                    poll.unregister(source)
                    open_source = False
            elif self.code is not None and time.monotonic() - quiet_since >= LINGER:
                break
        os.close(source)

    def _patience(self, quiet_since: float) -> int:
        """Milliseconds until something has to be done without being asked; -1: never."""
        now = time.monotonic()
        if self.code is not None:
            return max(int((quiet_since + LINGER - now) * 1000), 0) + 1
        due = [moment for moment in (self.second_at, self._kill_at()) if moment is not None]
        return max(int((min(due) - now) * 1000), 0) + 1 if due else -1

    def _kill_at(self) -> float | None:
        if self.forced_at is None or self.killed:
            return None
        return self.forced_at + float(self.task["grace"])

    def _signals(self) -> None:
        """Act on the signals that came in."""
        try:
            came = os.read(self.wake, 512)
        except BlockingIOError:
            return
        self._reap()
        if self.code is not None:
            return
        if signal.SIGUSR1 in came:
            self._force()
        elif set(came) & {signal.SIGINT, signal.SIGTERM, signal.SIGUSR2}:
            direct = signal.SIGUSR2 not in came
            self._ask(by="a signal to the supervisor" if direct else "the operator")

    def _ask(self, by: str) -> None:
        if self.asked:
            return
        self.asked = True
        self._log({"type": "interrupt-sent", "command": self.folder.name, "by": by})
        self._send(signal.SIGINT)

    def _force(self) -> None:
        if self.forced_at is not None:
            return
        self.forced_at = time.monotonic()
        self._log(
            {"type": "interrupt-sent", "command": self.folder.name, "force": True, "by": "the operator"}
        )
        if not self.asked:
            self.asked = True
            self.second_at = self.forced_at + SECOND
        self._send(signal.SIGINT)

    def _press(self) -> None:
        """What a force does later: the second signal, and the kill."""
        now = time.monotonic()
        if self.second_at is not None and now >= self.second_at:
            self.second_at = None
            self._send(signal.SIGINT)
        kill_at = self._kill_at()
        if kill_at is not None and now >= kill_at:
            self.killed = True
            self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        """To the command and all that it started, as a terminal would."""
        if self.code is not None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _reap(self) -> None:
        if self.code is None:
            pid, state = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(state)

    def _record(self, message: str) -> None:
        """Log the end, then write the record: who sees the record finds the event in the log."""
        number = -self.code if self.code is not None and self.code < 0 else None
        ended = time.time()
        record: dict[str, Any] = {
            "exit_code": self.code if number is None else None,
            "signal": number,
            "started": self.started,
            "ended": ended,
            "outcome": self._outcome(),
            "lost_bytes": self.output.lost,
            "message": message or self.output.trouble,
        }
        self._log(
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
            os.pwrite(self.reserve, json.dumps(record).encode().ljust(names.RECORD_SIZE), 0)
            os.fsync(self.reserve)
            (self.folder / names.RESERVE).replace(self.folder / names.EXIT)
        except OSError as error:
            self._complain("cannot record the end", error)

    def _outcome(self) -> str:
        if self.code is None:
            return "could-not-start"
        if self.code == 0:
            return "succeeded"
        if self.killed or (self.code < 0 and not self.asked):
            return "killed"
        return "interrupted" if self.asked else "failed"

    def _log(self, event: dict[str, Any]) -> None:
        try:
            chain = Chain(Path(self.task["events"]))
            chain.append(json.dumps(self.redactor.redact_all(event)).encode(), sync=True)
            chain.close()
        except (SessionError, OSError) as error:
            self._complain("cannot write to the session log", error)

    def _complain(self, doing: str, error: Exception) -> None:
        why = plainly(error) if isinstance(error, OSError) else str(error)
        with suppress(OSError):
            os.write(2, f"{doing}: {why}\n".encode())


def _noted(number: int, frame: object) -> None:
    """The signal's number is in the wake-up pipe by now; the loop acts on it."""


def _program(name: str, path: str) -> str:
    """Where the command is. Raises OSError, as exec would."""
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
