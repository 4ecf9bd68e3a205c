"""How a waiting command speaks: plain lines for a log, or a JSON line a second for a screen that follows."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from checks.duration import span
from checks.polling import REAL, Clock, Moment, Sight, Verdict, wait
from ecotui import exit_codes

_EVERY = 60.0
"""Seconds between two lines of the countdown in a log."""


def follow(
    look: Callable[[], Sight],
    *,
    poll: float,
    limit: float,
    progress: bool,
    passing: Callable[[Exception], str | None],
    clock: Clock = REAL,
) -> int:
    """Wait and say so on stdout. Exit code: 0 done, 3 failed or timed out."""
    ended = wait(
        look,
        poll=poll,
        limit=limit,
        say=_json_lines if progress else _Lines(limit),
        clock=clock,
        passing=passing,
    )
    if ended.verdict is Verdict.DONE:
        return exit_codes.OK
    if ended.verdict is Verdict.TIMEOUT:
        print(f"Stopped waiting after {span(ended.elapsed)}: {ended.sight.text}", file=sys.stderr, flush=True)
    return exit_codes.BLOCKED


def _json_lines(moment: Moment) -> None:
    line = {
        "status": moment.sight.status,
        "verdict": moment.sight.verdict.value,
        "text": moment.sight.text,
        "elapsed": round(moment.elapsed, 1),
        "next_poll_in": round(moment.next_poll_in, 1),
        "looks": moment.looks,
        **moment.sight.data,
    }
    print(json.dumps(line, ensure_ascii=False), flush=True)


class _Lines:
    """A line after each look, and one a minute until the next."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._said = 0.0

    def __call__(self, moment: Moment) -> None:
        if moment.looked:
            self._said = moment.elapsed
            rest = f" Next look in {span(moment.next_poll_in)}." if moment.next_poll_in else ""
            print(f"[{span(moment.elapsed)}] {moment.sight.text}{rest}", flush=True)
        elif moment.elapsed - self._said >= _EVERY:
            self._said = moment.elapsed
            print(
                f"[{span(moment.elapsed)}] next look in {span(moment.next_poll_in)}; waiting ends after "
                f"{span(self._limit)}.",
                flush=True,
            )
