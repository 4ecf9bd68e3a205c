"""Look in a child process: boto3 and what it costs stay out of ours, and a look that hangs can be ended whole."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import IO

import msgspec

from checks.finding import Report
from checks.sanitize import one_line, sanitize

CHECK_TIMEOUT = 180.0
"""Seconds for all looks together. Each query in them has a limit of its own, far below this."""
MAX_REPORT_BYTES = 64 << 20
"""Bytes of one report: 5,000 nodes with their conditions are about 10 MB."""
MAX_STDERR_BYTES = 64 << 10
"""Bytes of the child's complaints that are kept."""
# `ecotui.exit_codes`, which is above this layer: blocked and warnings are answers, not failures.
_CHECK_EXIT_CODES = (0, 3, 4)

_report_decoder = msgspec.json.Decoder(Report)


class CheckProgress(msgspec.Struct, frozen=True, kw_only=True):
    """What a step is about to look at, in a few words; comes before its report."""

    saying: str
    step: str


_PROGRESS_PREFIX = b'{"saying":'
_progress_decoder = msgspec.json.Decoder(CheckProgress)
ProgressCallback = Callable[[CheckProgress], None]


def _ignore_progress(progress: CheckProgress) -> None:
    pass


class CheckFailed(Exception):
    """The look could not be made, or broke off. `raw` is what the child said, sanitised."""

    def __init__(self, message: str, raw_output: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.raw_output = raw_output


def _check_argv(steps: Sequence[str], options: Sequence[str]) -> list[str]:
    # -P: the project's own folders (config/, checks/) must not be taken for ours.
    return [sys.executable, "-P", "-m", "ecotui", "check", "--stream", *options, *steps]


async def run_checks(
    steps: Sequence[str] = (),
    *,
    options: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    timeout: float = CHECK_TIMEOUT,  # noqa: ASYNC109 - the child must be ended by us, with all that it started
    argv: Sequence[str] | None = None,
    on_progress: ProgressCallback = _ignore_progress,
) -> AsyncIterator[Report]:
    """The reports of the steps (all of them by default), each as soon as it is there.

    `options` are those of every command (`--project`, ...); `hear` is told what is being looked at meanwhile. When the caller stops listening, the child is ended
    with everything that it started. Raises LookFailed.
    """
    try:
        child = await asyncio.create_subprocess_exec(
            *(argv or _check_argv(steps, options)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=None if env is None else dict(env),
            start_new_session=True,
            limit=MAX_REPORT_BYTES,
        )
    except OSError as error:
        raise CheckFailed(f"the look could not be started: {error.strerror}") from error
    assert child.stdout is not None
    assert child.stderr is not None
    complaints = asyncio.create_task(_read_stderr(child.stderr))
    deadline = asyncio.get_running_loop().time() + timeout
    missing = set(steps)
    try:
        while True:
            try:
                left = deadline - asyncio.get_running_loop().time()
                line = await asyncio.wait_for(child.stdout.readline(), max(left, 0.001))
            except TimeoutError:
                raise CheckFailed(f"the look did not end within {timeout:.0f} s, and was ended") from None
            except ValueError:
                raise CheckFailed("the look gave an answer that is too long") from None
            if not line:
                break
            report = _parse_report(line, on_progress)
            if report is None:
                continue
            missing.discard(report.step)
            yield report
        try:
            code = await asyncio.wait_for(child.wait(), 10)
            said = await asyncio.wait_for(complaints, 10)
        except TimeoutError:
            raise CheckFailed("the look gave its answers, but did not end") from None
        _raise_unless_complete(code, said, missing)
    finally:
        _kill_process_group(child.pid, child.returncode is None)
        complaints.cancel()
        # Leaving the program cancels more than once; a child that nobody waited for is complained about.
        for _ in range(3):
            with contextlib.suppress(Exception, asyncio.CancelledError):
                await asyncio.shield(asyncio.wait_for(child.wait(), 5))
                break
        # Its pipes go now: left to be collected, they would complain of an event loop that is closed by then.
        if (transport := getattr(child, "_transport", None)) is not None:
            for number in (1, 2):
                if (pipe := transport.get_pipe_transport(number)) is not None:
                    pipe.close()


async def _read_stderr(stream: asyncio.StreamReader) -> bytes:
    kept = b""
    while part := await stream.read(1 << 16):
        kept = (kept + part)[-MAX_STDERR_BYTES:]
    return kept


def run_checks_sync(
    steps: Sequence[str] = (),
    *,
    options: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    timeout: float = CHECK_TIMEOUT,
    argv: Sequence[str] | None = None,
) -> Iterator[Report]:
    """The same for a caller without an event loop. Raises LookFailed."""
    try:
        child = subprocess.Popen(
            list(argv or _check_argv(steps, options)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=None if env is None else dict(env),
            start_new_session=True,
        )
    except OSError as error:
        raise CheckFailed(f"the look could not be started: {error.strerror}") from error
    assert child.stdout is not None
    assert child.stderr is not None
    kept: list[bytes] = [b""]
    late = threading.Event()

    def listen(stream: IO[bytes]) -> None:
        for part in iter(lambda: stream.read(1 << 16), b""):
            kept[0] = (kept[0] + part)[-MAX_STDERR_BYTES:]

    def end_late() -> None:
        late.set()
        _kill_process_group(child.pid, True)

    listener = threading.Thread(target=listen, args=(child.stderr,), daemon=True)
    listener.start()
    timer = threading.Timer(timeout, end_late)
    timer.daemon = True
    timer.start()
    missing = set(steps)
    try:
        for line in child.stdout:
            report = _parse_report(line, _ignore_progress)
            if report is None:
                continue
            missing.discard(report.step)
            yield report
        code = child.wait()
        listener.join(5)
        if late.is_set():
            raise CheckFailed(f"the look did not end within {timeout:.0f} s, and was ended")
        _raise_unless_complete(code, kept[0], missing)
    finally:
        timer.cancel()
        _kill_process_group(child.pid, child.poll() is None)
        child.wait()
        child.stdout.close()
        child.stderr.close()


def _parse_report(line: bytes, on_progress: ProgressCallback) -> Report | None:
    """The report of a line; None for one that only told what is being looked at."""
    try:
        if line.startswith(_PROGRESS_PREFIX):
            on_progress(_progress_decoder.decode(line))
            return None
        return _report_decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CheckFailed(
            "the look gave an answer that cannot be read", f"{error}\n{sanitize(line, limit=2000)}"
        ) from error


def _raise_unless_complete(code: int, stderr: bytes, missing: set[str]) -> None:
    """Raises LookFailed unless the child ended as one that looked, with an answer for every step."""
    raw = sanitize(stderr)
    if code < 0:
        raise CheckFailed(f"the look was ended by {_signal_name(-code)}", raw)
    if code not in _CHECK_EXIT_CODES:
        lines = raw.strip().splitlines()
        why = one_line(lines[0].removeprefix("ecotui: ")) if lines else f"exit code {code}"
        raise CheckFailed(f"the look failed: {why}", raw)
    if missing:
        raise CheckFailed(f"the look gave no answer for {', '.join(sorted(missing))}", raw)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _kill_process_group(pid: int, is_running: bool) -> None:
    """End the child's whole session group; only while the child is ours, so that its number is its own."""
    if is_running:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
