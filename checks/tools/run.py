"""Runs a command that only reads, and waits for its output; bounded in time and memory.

The child has no terminal, no standard input of ours and a process session of its own, so that it can neither prompt
nor be hit by the operator's Ctrl-C. What runs long or changes something runs under the supervisor.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.sanitize import one_line, sanitize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

CHUNK_BYTES = 65_536
"""Bytes a read: the capacity of a pipe on Linux."""
KILL_GRACE_SECONDS = 1.0
"""Seconds between asking a command that takes too long to end, and killing it."""


class CommandError(Exception):
    """A command could not run, or failed. `explain` says why, and what to do."""

    def explain(self) -> str:
        return str(self)


class CommandNotFound(CommandError):
    """There is no such command on PATH."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)

    def explain(self) -> str:
        return f"{self.name} is not installed, or not on PATH: install it, or put its folder on PATH"


class CommandTimeout(CommandError):
    """The command did not end in time, and was killed with everything that it had started."""

    def __init__(self, argv: Sequence[str], timeout: float, stderr: str = "") -> None:
        self.argv = tuple(argv)
        self.timeout = timeout
        self.stderr = stderr
        """Its output on standard error until then, sanitised."""
        super().__init__(argv, timeout)

    def explain(self) -> str:
        output = f"; its last output: {last_line(self.stderr)}" if last_line(self.stderr) else ""
        return f"no answer from `{one_line(shlex.join(self.argv), limit=80)}` in {self.timeout:g} s{output}"


class CommandNotExecutable(CommandError):
    """The command is there but cannot be started: not executable, a wrong format, a missing interpreter or folder."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(name, reason)

    def explain(self) -> str:
        return f"{self.name} cannot be started: {self.reason}"


@dataclass(frozen=True)
class CommandResult:
    """The output and exit code of a command; what the code means is up to the caller."""

    argv: tuple[str, ...]
    exit_code: int
    """Negative: ended by that signal."""
    stdout: str
    """Sanitised; where it was longer than the limit, its beginning and its end."""
    stderr: str
    elapsed: float
    data: bytes = field(default=b"", repr=False)
    """Standard output as it came, for a decoder; never to be shown."""
    truncated: bool = False
    """Standard output was longer than the limit."""

    @property
    def ok(self) -> bool:
        return self.exit_code == 0

    @property
    def last_error(self) -> str:
        """The last line on standard error that is not blank: with most tools, the message."""
        return last_line(self.stderr)


def last_line(text: str) -> str:
    """The last line that is not blank, as one line of at most 300 characters."""
    return next((one_line(line) for line in reversed(text.splitlines()) if line.strip()), "")


class _BoundedBuffer:
    """The beginning and the end of a stream, never more than `limit` bytes of it."""

    def __init__(self, limit: int) -> None:
        self.total = 0
        self._room = limit // 2
        self._head: list[bytes] = []
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._tail_limit = limit - limit // 2

    def write(self, chunk: bytes) -> None:
        """Called by sh from its reader thread; an object with `write` and no encoding is given bytes."""
        self.total += len(chunk)
        if self._room:
            self._head.append(chunk[: self._room])
            chunk = chunk[self._room :]
            self._room -= len(self._head[-1])
        if chunk:
            self._tail.append(chunk)
            self._tail_size += len(chunk)
            while self._tail_size - len(self._tail[0]) >= self._tail_limit:
                self._tail_size -= len(self._tail.popleft())

    def parts(self) -> tuple[bytes, int, bytes]:
        """The beginning, how many bytes were left out after it, and the end."""
        head, tail = b"".join(self._head), b"".join(self._tail)[-self._tail_limit :]
        return head, self.total - len(head) - len(tail), tail

    def text(self) -> str:
        head, missing, tail = self.parts()
        if not missing:
            return sanitize(head + tail)
        return f"{sanitize(head)}\n… {missing} bytes left out …\n{sanitize(tail)}"


def run_command(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    timeout: float,
    stdin: str | None = None,
    limit: int = 8_000_000,
    text: bool = True,
) -> CommandResult:
    """Run a command that only reads, and return its output, whatever its exit code.

    `timeout` is in seconds; then the command and its whole process group are ended. `limit` is in bytes, for each of
    the two streams. `stdin` is for short texts and secrets (at most 60,000 bytes); without it the child reads an
    empty file. With `text=False` the result's `stdout` stays empty and only `data` is filled, for large JSON.

    Raises CommandNotFound, CommandNotExecutable, CommandTimeout. Safe to call from any thread.
    """
    import sh

    path = _resolve_command(argv[0], env, cwd)
    out, err = _BoundedBuffer(limit), _BoundedBuffer(limit)
    clock = time.perf_counter()
    stops = _stop_count[0]
    signals = _DeferredSignals()
    try:
        with _standard_input(stdin) as source:
            process = _start_process(sh, path, argv, env=env, cwd=cwd, source=source, out=out, err=err)
    except BaseException:
        signals.release()
        raise
    ended = _wait_for_exit(process, timeout, stops, signals)
    seconds = time.perf_counter() - clock
    if not ended:
        raise CommandTimeout(argv, timeout, err.text())
    head, missing, tail = out.parts()
    return CommandResult(
        argv=tuple(argv),
        exit_code=process.exit_code,
        stdout=out.text() if text else "",
        stderr=err.text(),
        elapsed=seconds,
        data=head + tail,
        truncated=missing > 0,
    )


def stop_all_commands() -> None:
    """Kill every command that still runs, in any thread: for a program that has to stop."""
    _stop_count[0] += 1  # first: a command that is starting right now finds it changed, and ends itself
    for group in tuple(_running_groups):
        _signal_group(group, signal.SIGKILL)


_running_groups: set[int] = set()
"""The process groups of the commands that run now."""
_stop_count = [0]
"""How often `stop_all_commands` was called."""
_exec_failures: dict[tuple[str, int, int], str] = {}
"""Files that the system refused to execute (path, time of change, size), and why. A refusal costs sh a few file
descriptors, which a poll of a broken tool would add up."""


def _resolve_command(name: str, env: Mapping[str, str], cwd: Path | None) -> str:
    """The absolute path of a command, looked up on the PATH that the child gets, not on ours."""
    if cwd is not None and not cwd.is_dir():
        raise CommandNotExecutable(name, f"the folder {one_line(str(cwd))} does not exist")
    search = env.get("PATH", os.defpath)
    if "/" in name:
        path = str((cwd or Path.cwd()) / Path(name).expanduser())
        found = path if os.access(path, os.X_OK) and not Path(path).is_dir() else None
        candidates = [path]
    else:
        found = shutil.which(name, path=search)
        candidates = [str(Path(folder or ".") / name) for folder in search.split(os.pathsep)]
    if found is None:
        blocked = next((path for path in candidates if Path(path).is_file()), None)
        if blocked is None:
            raise CommandNotFound(name)
        raise CommandNotExecutable(name, f"{blocked} is not executable: chmod +x {shlex.quote(blocked)}")
    found = str(Path(found).absolute())
    refusal = _exec_failures.get(_file_fingerprint(found))
    if refusal is not None:
        raise CommandNotExecutable(name, refusal)
    return found


def _file_fingerprint(path: str) -> tuple[str, int, int]:
    status = Path(path).stat()
    return path, status.st_mtime_ns, status.st_size


@contextmanager
def _standard_input(text: str | None) -> Iterator[Any]:
    """A file to read from: the null device, or a pipe with all of the text in it."""
    if text is None:
        with Path(os.devnull).open("rb") as nothing:
            yield nothing
        return
    data = text.encode()
    if len(data) > 60_000:
        raise ValueError(f"{len(data)} bytes are too many for the standard input of a query")
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as source:
        os.set_blocking(write_end, False)
        try:
            written = os.write(write_end, data)
        finally:
            os.close(write_end)
        if written < len(data):
            raise CommandError("the system gives pipes too little room for the standard input of a query")
        yield source


class _DeferredSignals:
    """Defers SIGINT and SIGTERM while a child is started: raised in between, they would leave a child that nobody
    knows of. Only the main thread receives signals; in any other this does nothing."""

    def __init__(self) -> None:
        self._received: list[tuple[int, FrameType | None]] = []
        self._original_handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if callable(handler):  # the system's own ways, to end or to ignore, raise nothing
                self._original_handlers[number] = handler
                signal.signal(number, self._defer)

    def _defer(self, number: int, frame: FrameType | None) -> None:
        self._received.append((number, frame))

    def release(self) -> None:
        """Restore the handlers and deliver the signals that came; raises what the handlers raise."""
        handlers, self._original_handlers = self._original_handlers, {}
        for number, handler in handlers.items():
            signal.signal(number, handler)
        received, self._received = self._received, []
        for number, frame in received:
            handlers[number](number, frame)


def _start_process(
    sh: Any,
    path: str,
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None,
    source: Any,
    out: _BoundedBuffer,
    err: _BoundedBuffer,
) -> Any:
    """Start the child; returns sh's process object."""
    try:
        return sh.Command(path)(
            *argv[1:],
            _bg=True,
            _bg_exc=False,
            _cwd=str(cwd) if cwd else None,
            _decode_errors="replace",
            _encoding="utf-8",
            # ssh, where kubectl is reached through it, must not open a window to ask for a passphrase.
            _env={**env, "SSH_ASKPASS_REQUIRE": "never"},
            _err=err,
            _err_bufsize=CHUNK_BYTES,
            _in=source,
            _new_session=True,
            _no_pipe=True,
            _out=out,
            _out_bufsize=CHUNK_BYTES,
            _tty_out=False,
        ).process
    except sh.ForkException as error:
        reason = _exec_failure_reason(str(error))
        _exec_failures[_file_fingerprint(path)] = reason
        raise CommandNotExecutable(argv[0], reason) from None
    except (OSError, TypeError, ValueError) as error:
        raise CommandNotExecutable(argv[0], one_line(str(error))) from error


def _exec_failure_reason(traceback: str) -> str:
    """What is wrong with the file, by the traceback of sh's child."""
    message = last_line(traceback)
    if "Exec format error" in message:
        return "the file is not a program for this machine (exec format error)"
    if "FileNotFoundError" in message:
        return "the interpreter that its first line names is missing"
    if "PermissionError" in message:
        return "permission denied"
    return message.partition(": ")[2] or message


def _wait_for_exit(process: Any, timeout: float, stop_count: int, signals: _DeferredSignals) -> bool:
    """Wait for the child, started after `stop_count` calls of `stop_all_commands`. False when it took too long."""
    group = process.pgid
    expired = threading.Event()

    def terminate() -> None:
        expired.set()
        _signal_group(group, signal.SIGTERM)

    def kill() -> None:
        _signal_group(group, signal.SIGKILL)

    timers = [threading.Timer(timeout, terminate), threading.Timer(timeout + KILL_GRACE_SECONDS, kill)]
    _running_groups.add(group)
    if _stop_count[0] != stop_count:
        _signal_group(group, signal.SIGKILL)
    try:
        signals.release()
        for timer in timers:
            timer.daemon = True
            timer.start()
        # sh's own _timeout kills the leader only, and its wait(timeout) polls ten times a second; this one blocks.
        process.wait()
    finally:
        for timer in timers:
            timer.cancel()
        # Whatever is left of its group, or all of it when we are interrupted here.
        _signal_group(group, signal.SIGKILL)
        _running_groups.discard(group)
    return not expired.is_set()


def _signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
