"""Runs checks in a child process: boto3 and its memory stay out of ours, and a check that hangs is ended whole."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from checks.finding import Report
from checks.sanitize import one_line, sanitize
from ecotui import exit_codes
from ecotui.stream import CheckProgress, ProgressCallback, StepReport, decode_message

CHECK_TIMEOUT = 180.0
"""Seconds for all checks together. Each query in them has a limit of its own, far below this."""
MAX_REPORT_BYTES = 64 << 20
"""Bytes of one report: 5,000 nodes with their conditions are about 10 MB."""
MAX_STDERR_BYTES = 64 << 10
"""Bytes of the child's error output that are kept."""
_CHECK_EXIT_CODES = (exit_codes.OK, exit_codes.BLOCKED, exit_codes.WARNINGS)
"""Blocked and warnings are answers, not failures."""


class CheckFailed(Exception):
    """The checks could not be run, or broke off. `raw_output` is the child's error output, sanitised."""

    def __init__(self, message: str, raw_output: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.raw_output = raw_output


async def run_checks(
    steps: Sequence[str] = (),
    *,
    options: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    timeout: float = CHECK_TIMEOUT,  # noqa: ASYNC109 - the child must be ended by us, with all that it started
    argv: Sequence[str] | None = None,
    on_progress: ProgressCallback | None = None,
) -> AsyncIterator[Report]:
    """The reports of the steps (all of them by default), each as soon as it is there.

    `options` are those of every command (`--project`, ...); `argv` replaces the whole command. When the caller stops
    iterating, the child is ended with everything that it started. Raises CheckFailed.
    """
    child = await _start_child(argv or _check_argv(steps, options), env)
    assert child.stdout is not None and child.stderr is not None
    stderr = asyncio.create_task(_read_stderr(child.stderr))
    deadline = asyncio.get_running_loop().time() + timeout
    missing = set(steps)
    try:
        while line := await _read_line(child.stdout, deadline, timeout):
            message = _decode_line(line)
            if isinstance(message, StepReport):
                missing.discard(message.report.step)
                yield message.report
            elif on_progress is not None:
                on_progress(message)
        try:
            code = await asyncio.wait_for(child.wait(), 10)
            errors = await asyncio.wait_for(stderr, 10)
        except TimeoutError:
            raise CheckFailed("the checks gave their reports, but did not end") from None
        _raise_unless_complete(code, errors, missing)
    finally:
        stderr.cancel()
        await _end_child(child)


def run_checks_sync(
    steps: Sequence[str] = (),
    *,
    options: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    timeout: float = CHECK_TIMEOUT,
    argv: Sequence[str] | None = None,
) -> list[Report]:
    """All reports, for a caller without an event loop. Raises CheckFailed."""

    async def collect() -> list[Report]:
        return [one async for one in run_checks(steps, options=options, env=env, timeout=timeout, argv=argv)]

    return asyncio.run(collect())


def _check_argv(steps: Sequence[str], options: Sequence[str]) -> list[str]:
    # -P: the project's own folders (config/, checks/) must not be taken for ours.
    return [sys.executable, "-P", "-m", "ecotui", "check", "--stream", *options, *steps]


async def _start_child(argv: Sequence[str], env: Mapping[str, str] | None) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=None if env is None else dict(env),
            start_new_session=True,
            limit=MAX_REPORT_BYTES,
        )
    except OSError as error:
        raise CheckFailed(f"the checks could not be started: {error.strerror}") from error


async def _read_line(stream: asyncio.StreamReader, deadline: float, timeout: float) -> bytes:  # noqa: ASYNC109
    """The next line; empty at the end. Raises CheckFailed."""
    left = deadline - asyncio.get_running_loop().time()
    try:
        return await asyncio.wait_for(stream.readline(), max(left, 0.001))
    except TimeoutError:
        raise CheckFailed(f"the checks did not end within {timeout:.0f} s, and were stopped") from None
    except ValueError:
        raise CheckFailed("the checks gave a report that is too long") from None


async def _read_stderr(stream: asyncio.StreamReader) -> bytes:
    kept = b""
    while part := await stream.read(1 << 16):
        kept = (kept + part)[-MAX_STDERR_BYTES:]
    return kept


def _decode_line(line: bytes) -> StepReport | CheckProgress:
    try:
        message = decode_message(line)
        if isinstance(message, StepReport | CheckProgress):
            return message
        detail = f"a {type(message).__name__} is not expected here"
    except msgspec.DecodeError as error:
        detail = str(error)
    raise CheckFailed("the checks gave a report that cannot be read", f"{detail}\n{sanitize(line, limit=2000)}")


def _raise_unless_complete(code: int, stderr: bytes, missing: set[str]) -> None:
    """Raises CheckFailed unless the child ended as a check does, with a report for every step."""
    raw = sanitize(stderr)
    if code < 0:
        raise CheckFailed(f"the checks were ended by {_signal_name(-code)}", raw)
    if code not in _CHECK_EXIT_CODES:
        lines = raw.strip().splitlines()
        why = one_line(lines[0].removeprefix("ecotui: ")) if lines else f"exit code {code}"
        raise CheckFailed(f"the checks failed: {why}", raw)
    if missing:
        raise CheckFailed(f"the checks gave no report for {', '.join(sorted(missing))}", raw)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


async def _end_child(child: asyncio.subprocess.Process) -> None:
    """Kill the child with everything that it started, and wait for it."""
    # Only while it is ours, so that its process group is its own.
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    # Leaving the program cancels more than once; asyncio complains about a child that nobody waited for.
    for _ in range(3):
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await asyncio.shield(asyncio.wait_for(child.wait(), 5))
            break
    # Close its pipes now: the garbage collector would close them after the event loop.
    if (transport := getattr(child, "_transport", None)) is not None:
        for number in (1, 2):
            if (pipe := transport.get_pipe_transport(number)) is not None:
                pipe.close()
