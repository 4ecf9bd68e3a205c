"""Measure everything in one run, in the demo's world, and print it beside the targets."""

from __future__ import annotations

import os
import sys

from ecotui.demo.process import DemoError, run_demo

from . import appending, asking, cleaning, flood, guide, painting, redaction, reviewing, sessions
from .table import show

PARTS = ("paint", "check", "flood", "review", "sessions", "redaction", "guide", "cleanup")
SMALL = "--small"
"""The sessions in a twentieth of their size, the cleanup in a tenth: a quick look whether the part works."""


def main(wanted: list[str]) -> int:
    """Exit 0 when every target is met, 1 otherwise."""
    small, wanted = SMALL in wanted, [word for word in wanted if word != SMALL]
    unknown = set(wanted) - set(PARTS)
    if unknown:
        print(
            f"there is no part {', '.join(sorted(unknown))}; the parts are {', '.join(PARTS)}",
            file=sys.stderr,
        )
        return 2
    chosen = wanted or list(PARTS)
    rows, notes = [], []
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}", flush=True)
    if "redaction" in chosen:
        rows += redaction.measure()
        if chosen == ["redaction"]:
            show(rows)
            return 0 if all(row.met for row in rows) else 1
    if "sessions" in chosen:
        rows += sessions.measure(0.05 if small else 1.0)
        rows += appending.measure()
        if chosen == ["sessions"]:
            show(rows)
            return 0 if all(row.met for row in rows) else 1
    if "guide" in chosen:
        rows += guide.measure()
        if chosen == ["guide"]:
            show(rows)
            return 0 if all(row.met for row in rows) else 1
    if "cleanup" in chosen:
        rows += cleaning.measure(small)
        if chosen == ["cleanup"]:
            show(rows)
            return 0 if all(row.met for row in rows) else 1
    try:
        with run_demo() as demo:
            notes += [f"{name} is a {kind}" for name, kind in demo.tools.items() if kind != "real"]
            if "paint" in chosen:
                rows += painting.measure(demo.env, demo.project)
            if "check" in chosen:
                measured, said = asking.measure(demo.env, demo.project)
                rows += measured
                notes += said
            if "flood" in chosen:
                rows += flood.measure(demo.env, demo.project)
            if "review" in chosen:
                rows += reviewing.measure(demo.env, demo.project)
    except DemoError as error:
        print(f"the demo's world is needed: {error}", file=sys.stderr)
        return 1
    show(rows)
    for note in notes:
        print(note)
    return 0 if all(row.met for row in rows) else 1


sys.exit(main(sys.argv[1:]))
