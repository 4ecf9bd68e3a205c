"""Waiting for the world to become so: look, wait for the next look with a countdown, end in time. No threads.

Shared by everything that waits (a quota's approval, a distribution, nodes). Clock and sleep are given, so that a test
waits for hours in no time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

TICK_SECONDS = 1.0
"""Seconds between two words of the countdown."""


class PollOutcome(StrEnum):
    PENDING = "going"
    DONE = "done"
    FAILED = "failed"
    """It will never come: a request that was denied."""
    TIMEOUT = "timeout"
    """Not given by a look: the time allowed is over."""


@dataclass(frozen=True)
class PollClock:
    """Seconds that only go forward, and a sleep that can be interrupted by Ctrl-C."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


SYSTEM_CLOCK = PollClock()


@dataclass(frozen=True)
class PollResult:
    """What one look saw."""

    outcome: PollOutcome
    text: str
    """One plain line: where it stands."""
    status: str = ""
    """The world's own word for it: `CASE_OPENED`, `InProgress`."""
    data: dict[str, Any] = field(default_factory=dict)
    """More for a screen, as plain values."""


@dataclass(frozen=True)
class PollTick:
    """Said once after each look, and every second until the next."""

    result: PollResult
    elapsed: float
    next_poll_in: float
    """Seconds; 0 when there is no further look."""
    is_poll: bool
    """True right after a look, False in a countdown."""
    poll_count: int
    """Looks so far, those that got no answer included."""


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
    """Look every `poll` seconds until a look says done or failed, or `limit` seconds are over.

    An error of a look for which `passing` has words (throttled, no network) is waited out with those words; any other
    is raised. KeyboardInterrupt goes through. The look itself is never cut short, and the last one is made at the limit.
    """
    started = clock.now()
    looks = 0
    last = PollResult(PollOutcome.PENDING, "")
    while True:
        looks += 1
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
            on_tick(PollTick(last, elapsed, 0.0, True, looks))
            return PollEnd(verdict, last, elapsed, looks)
        until = min(clock.now() + max(interval, 0.1), started + timeout)
        looked = True
        while (left := until - clock.now()) > 0:
            on_tick(PollTick(last, clock.now() - started, left, looked, looks))
            looked = False
            clock.sleep(min(TICK_SECONDS, left))
