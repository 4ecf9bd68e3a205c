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

TICK = 1.0
"""Seconds between two words of the countdown."""


class Verdict(StrEnum):
    GOING = "going"
    DONE = "done"
    FAILED = "failed"
    """It will never come: a request that was denied."""
    TIMEOUT = "timeout"
    """Not given by a look: the time allowed is over."""


@dataclass(frozen=True)
class Clock:
    """Seconds that only go forward, and a sleep that can be interrupted by Ctrl-C."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


REAL = Clock()


@dataclass(frozen=True)
class Sight:
    """What one look saw."""

    verdict: Verdict
    text: str
    """One plain line: where it stands."""
    status: str = ""
    """The world's own word for it: `CASE_OPENED`, `InProgress`."""
    data: dict[str, Any] = field(default_factory=dict)
    """More for a screen, as plain values."""


@dataclass(frozen=True)
class Moment:
    """Said once after each look, and every second until the next."""

    sight: Sight
    elapsed: float
    next_poll_in: float
    """Seconds; 0 when there is no further look."""
    looked: bool
    """True right after a look, False in a countdown."""
    looks: int
    """Looks so far, those that got no answer included."""


@dataclass(frozen=True)
class Ended:
    verdict: Verdict
    sight: Sight
    elapsed: float
    looks: int


def wait(
    look: Callable[[], Sight],
    *,
    poll: float,
    limit: float,
    say: Callable[[Moment], None],
    clock: Clock = REAL,
    passing: Callable[[Exception], str | None] = lambda error: None,
) -> Ended:
    """Look every `poll` seconds until a look says done or failed, or `limit` seconds are over.

    An error of a look for which `passing` has words (throttled, no network) is waited out with those words; any other
    is raised. KeyboardInterrupt goes through. The look itself is never cut short, and the last one is made at the limit.
    """
    started = clock.now()
    looks = 0
    last = Sight(Verdict.GOING, "")
    while True:
        looks += 1
        try:
            last = look()
        except Exception as error:
            words = passing(error)
            if words is None:
                raise
            last = Sight(Verdict.GOING, f"{words} Waiting goes on.", last.status, last.data)
        elapsed = clock.now() - started
        if last.verdict is not Verdict.GOING or elapsed >= limit:
            verdict = Verdict.TIMEOUT if last.verdict is Verdict.GOING else last.verdict
            say(Moment(last, elapsed, 0.0, True, looks))
            return Ended(verdict, last, elapsed, looks)
        until = min(clock.now() + max(poll, 0.1), started + limit)
        looked = True
        while (left := until - clock.now()) > 0:
            say(Moment(last, clock.now() - started, left, looked, looks))
            looked = False
            clock.sleep(min(TICK, left))
