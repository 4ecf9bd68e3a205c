"""How a waiting command speaks: plain lines for a log, or a JSON line a second for a screen that follows."""

from __future__ import annotations

import sys
from collections.abc import Callable

from checks.duration import format_duration
from checks.polling import SYSTEM_CLOCK, PollClock, PollOutcome, PollResult, PollTick, poll_until_done
from ecotui import exit_codes
from ecotui.stream import WaitProgress, encode_message

_COUNTDOWN_SECONDS = 60.0
"""Seconds between two lines of the countdown in a log."""


def wait_and_report(
    poll_once: Callable[[], PollResult],
    *,
    interval: float,
    limit: float,
    progress: bool,
    explain_transient: Callable[[Exception], str | None],
    clock: PollClock = SYSTEM_CLOCK,
) -> int:
    """Wait and say so on stdout. Exit code: 0 done, 3 failed or timed out."""
    ended = poll_until_done(
        poll_once,
        interval=interval,
        timeout=limit,
        on_tick=_print_json_line if progress else _CountdownPrinter(limit),
        clock=clock,
        explain_transient=explain_transient,
    )
    if ended.outcome is PollOutcome.DONE:
        return exit_codes.OK
    if ended.outcome is PollOutcome.TIMEOUT:
        print(
            f"Stopped waiting after {format_duration(ended.elapsed)}: {ended.result.text}", file=sys.stderr, flush=True
        )
    return exit_codes.BLOCKED


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
    """A line after each look, and one a minute until the next."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._last_output = 0.0

    def __call__(self, tick: PollTick) -> None:
        if tick.is_poll:
            self._last_output = tick.elapsed
            rest = f" Next look in {format_duration(tick.next_poll_in)}." if tick.next_poll_in else ""
            print(f"[{format_duration(tick.elapsed)}] {tick.result.text}{rest}", flush=True)
        elif tick.elapsed - self._last_output >= _COUNTDOWN_SECONDS:
            self._last_output = tick.elapsed
            print(
                f"[{format_duration(tick.elapsed)}] next look in {format_duration(tick.next_poll_in)}; waiting ends after "
                f"{format_duration(self._limit)}.",
                flush=True,
            )
