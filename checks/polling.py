"""Polls until a condition holds: check, count down to the next check, stop at a time limit. No threads.

Used by every `--wait` (quotas, distributions, nodes). Clock and sleep are parameters: a test waits for hours in no time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

TICK_SECONDS = 1.0
"""Seconds between two ticks of the countdown."""


class PollOutcome(StrEnum):
    PENDING = "going"
    DONE = "done"
    FAILED = "failed"
    """It will never be done: a request that was denied."""
    TIMEOUT = "timeout"
    """The time limit is over; no poll returns this."""


@dataclass(frozen=True)
class PollClock:
    """Seconds that only go forward, and a sleep that can be interrupted by Ctrl-C."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


SYSTEM_CLOCK = PollClock()


@dataclass(frozen=True)
class PollResult:
    """The result of one poll."""

    outcome: PollOutcome
    text: str
    """One plain line: where it stands."""
    status: str = ""
    """The status as AWS or Kubernetes names it: `CASE_OPENED`, `InProgress`."""
    data: dict[str, Any] = field(default_factory=dict)
    """More for a screen, as plain values."""


@dataclass(frozen=True)
class PollTick:
    """Emitted after each poll, and every second until the next."""

    result: PollResult
    elapsed: float
    next_poll_in: float
    """Seconds; 0 when there is no further poll."""
    is_poll: bool
    """True right after a poll, False in the countdown."""
    poll_count: int
    """Polls so far, including those that failed."""


@dataclass(frozen=True)
class PollEnd:
    outcome: PollOutcome
    result: PollResult
    elapsed: float
    poll_count: int


def poll_until_done(
    check: Callable[[], PollResult],
    *,
    interval: float,
    timeout: float,
    on_tick: Callable[[PollTick], None],
    clock: PollClock = SYSTEM_CLOCK,
    explain_transient: Callable[[Exception], str | None] = lambda error: None,
) -> PollEnd:
    """Call `check` every `interval` seconds until it is done or has failed, or `timeout` seconds are over.

    Waits through an error that `explain_transient` has words for (throttled, no network); raises any other.
    KeyboardInterrupt goes through. A poll is never cut short, and the last one is made at the time limit.
    """
    started = clock.now()
    polls = 0
    last = PollResult(PollOutcome.PENDING, "")
    while True:
        polls += 1
        try:
            last = check()
        except Exception as error:
            words = explain_transient(error)
            if words is None:
                raise
            last = PollResult(PollOutcome.PENDING, f"{words} Waiting goes on.", last.status, last.data)
        elapsed = clock.now() - started
        if last.outcome is not PollOutcome.PENDING or elapsed >= timeout:
            verdict = PollOutcome.TIMEOUT if last.outcome is PollOutcome.PENDING else last.outcome
            on_tick(PollTick(last, elapsed, 0.0, True, polls))
            return PollEnd(verdict, last, elapsed, polls)
        until = min(clock.now() + max(interval, 0.1), started + timeout)
        is_poll = True
        while (left := until - clock.now()) > 0:
            on_tick(PollTick(last, clock.now() - started, left, is_poll, polls))
            is_poll = False
            clock.sleep(min(TICK_SECONDS, left))
