"""The first paint, the memory, and the rest, beside those of a Textual app that shows one Static."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .table import Row
from .terminal import opened

STATIC = (sys.executable, "-P", str(Path(__file__).with_name("one_static.py")))
ECOTUI = (sys.executable, "-P", "-m", "ecotui")
RUNS = 9
IDLE = 10.0
"""Seconds of looking on."""


@dataclass
class Rest:
    """What a program uses when nothing happens."""

    peak: int
    written: int
    cpu: float


def measure(env: Mapping[str, str], project: Path) -> list[Row]:
    """In the demo's world: ecotui has everything to show that it ever shows."""
    plain, ours = [], []
    for _ in range(RUNS + 1):  # alternating, so that a busy moment of the machine hits both
        plain.append(_first_paint(STATIC, b"one static", env, project))
        ours.append(_first_paint(ECOTUI, b"Environment", env, project))
    # The first of each fills the caches of the disk.
    paint, paint_ours = statistics.median(plain[1:]), statistics.median(ours[1:])
    rest, rest_ours = _rest(STATIC, b"one static", env, project), _rest(ECOTUI, b"Environment", env, project)
    return [
        Row(
            "first paint, the steps in sight",
            f"{paint_ours * 1000:.0f} ms",
            f"one Static: {paint * 1000:.0f} ms (median of {RUNS})",
            paint_ours / paint,
            1.3,
        ),
        Row(
            "peak memory, everything looked at, at rest",
            f"{rest_ours.peak / 1e6:.0f} MB",
            f"one Static: {rest.peak / 1e6:.0f} MB",
            rest_ours.peak / rest.peak,
            1.5,
        ),
        Row(
            f"bytes to the terminal in {IDLE:.0f} s at rest",
            str(rest_ours.written),
            f"one Static: {rest.written}",
            float(rest_ours.written),
            0,
            unit="",
        ),
        Row(
            f"CPU in {IDLE:.0f} s at rest",
            f"{rest_ours.cpu * 1000:.1f} ms",
            f"one Static: {rest.cpu * 1000:.1f} ms",
            rest_ours.cpu / rest.cpu if rest.cpu else 0.0,
            1.5,
        ),
    ]


def _first_paint(argv: Sequence[str], mark: bytes, env: Mapping[str, str], project: Path) -> float:
    with opened(argv, env, project) as terminal:
        return terminal.until(mark)


def _rest(argv: Sequence[str], mark: bytes, env: Mapping[str, str], project: Path) -> Rest:
    with opened(argv, env, project) as terminal:
        terminal.until(mark)
        terminal.quiet(8)  # until the looks are in, and what they said has gone
        cpu = terminal.cpu
        written = terminal.count(IDLE)
        return Rest(peak=terminal.peak, written=written, cpu=terminal.cpu - cpu)
