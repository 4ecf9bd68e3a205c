"""The `--wait` of quota, cloudfront and nodes: plain lines for a log, or a line of JSON a second for a screen."""

from __future__ import annotations

import sys
from collections.abc import Callable

from checks import polling
from checks.aws.errors import aws_error_types
from checks.context import CheckContext
from checks.duration import format_duration
from checks.polling import PollClock, PollOutcome, PollResult, PollTick, poll_until_done
from ecotui import exit_codes
from ecotui.stream import WaitProgress, encode_message

_COUNTDOWN_SECONDS = 60.0
"""Seconds between two lines of the countdown in a log."""


def wait_until_done(
    command: str,
    context: CheckContext,
    poll_once: Callable[[], PollResult],
    *,
    interval: float,
    limit: float,
    progress: bool,
    clock: PollClock | None = None,
) -> int:
    """Poll every `interval` seconds, for at most `limit` seconds, and print each result on stdout.

    `progress`: one line of JSON a second, for a screen. Waits through throttling and lost connections of AWS. Exit
    code: 0 done; 3 failed, timed out, or refused by AWS.
    """
    try:
        end = poll_until_done(
            poll_once,
            interval=interval,
            timeout=limit,
            on_tick=_print_json_line if progress else _CountdownPrinter(limit),
            clock=clock or polling.SYSTEM_CLOCK,
            explain_transient=lambda error: _explain_transient(context, error),
        )
    except aws_error_types() as error:
        return print_aws_error(command, context, error)
    if end.outcome is PollOutcome.DONE:
        return exit_codes.OK
    if end.outcome is PollOutcome.TIMEOUT:
        print(f"Stopped waiting after {format_duration(end.elapsed)}: {end.result.text}", file=sys.stderr, flush=True)
    return exit_codes.BLOCKED


def print_aws_error(command: str, context: CheckContext, error: Exception) -> int:
    """Print what AWS refused and what to do, and return the exit code."""
    explained = context.aws.explain(error)
    print(f"ecotui {command}: {explained.summary}", file=sys.stderr)
    for fix in explained.fixes:
        print(f"  → {fix.title}: {fix.command}", file=sys.stderr)
    return exit_codes.BLOCKED


def _explain_transient(context: CheckContext, error: Exception) -> str | None:
    """What is said of an error that may pass; None for any other."""
    if not isinstance(error, aws_error_types()):
        return None
    explained = context.aws.explain(error)
    return explained.summary if explained.is_transient else None


def _print_json_line(tick: PollTick) -> None:
    message = WaitProgress(
        status=tick.result.status,
        verdict=tick.result.outcome.value,
        text=tick.result.text,
        elapsed=round(tick.elapsed, 1),
        next_poll_in=round(tick.next_poll_in, 1),
        looks=tick.poll_count,
        data=tick.result.data,
    )
    print(encode_message(message).decode(), flush=True)


class _CountdownPrinter:
    """Prints a line after each poll, and one a minute until the next."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._last_output = 0.0

    def __call__(self, tick: PollTick) -> None:
        if tick.is_poll:
            self._last_output = tick.elapsed
            rest = f" Next check in {format_duration(tick.next_poll_in)}." if tick.next_poll_in else ""
            print(f"[{format_duration(tick.elapsed)}] {tick.result.text}{rest}", flush=True)
        elif tick.elapsed - self._last_output >= _COUNTDOWN_SECONDS:
            self._last_output = tick.elapsed
            print(
                f"[{format_duration(tick.elapsed)}] next check in {format_duration(tick.next_poll_in)}; waiting ends after "
                f"{format_duration(self._limit)}.",
                flush=True,
            )
