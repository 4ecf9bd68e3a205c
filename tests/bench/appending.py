"""Events in bulk, put into the log from the app's own event loop: how many a second, and how long the screen waits."""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from ecotui.session import events

from .table import Row

FRAME = 1 / 60
"""Seconds between two frames of the screen."""
FRAMES = 60


def measure(each: int = 2_000) -> list[Row]:
    """`each`: events a frame."""
    with tempfile.TemporaryDirectory() as name:
        count, seconds, waited = asyncio.run(_run(Path(name), each))
    return [
        Row(
            "events put from the app, until all are in the file",
            f"{count / seconds:,.0f} a second",
            f"{each:,} a frame",
            count / seconds,
            100_000,
            at_least=True,
            unit=" a second",
        ),
        Row("  meanwhile the screen waits", f"{waited * 1000:.0f} ms", "at most", waited, 0.1, unit=" s"),
    ]


async def _nothing(*_: Any, **__: Any) -> AsyncIterator[Any]:
    for nothing in ():
        yield nothing


async def _run(root: Path, each: int) -> tuple[int, float, float]:
    """How many events, the seconds until all were in the file, and the longest that the loop was held up."""
    import ecotui.check_runner
    from ecotui.app import EcotuiApp

    (root / "project").mkdir()
    (root / "project" / "ecotui.yaml").write_text("project: bench\n")
    env = {"HOME": str(root), "PATH": os.environ["PATH"], "ECOTUI_STATE_DIR": str(root / "state")}
    options = argparse.Namespace(project=str(root / "project"), config=None, set=[])
    before = ecotui.check_runner.run_checks
    ecotui.check_runner.run_checks = _nothing
    app = EcotuiApp(options, env)
    try:
        async with app.run_test(size=(120, 36)) as pilot:
            while app.project is None:
                await pilot.pause(0.05)
            await pilot.pause(0.5)
            session = app.project.session
            waited, going = 0.0, True

            async def watch() -> None:
                nonlocal waited
                while going:
                    began = time.perf_counter()
                    await asyncio.sleep(0.002)
                    waited = max(waited, time.perf_counter() - began - 0.002)

            watching = asyncio.create_task(watch())
            began = time.perf_counter()
            for frame in range(FRAMES):
                for number in range(each):
                    session.append_later(events.RunbookStepTicked(entry="3.1", step=f"{frame}.{number}"))
                await asyncio.sleep(max(began + (frame + 1) * FRAME - time.perf_counter(), 0))
            await asyncio.to_thread(session.flush)
            seconds = time.perf_counter() - began
            going = False
            await watching
            verdict = session.verify()
            if not verdict.is_intact or verdict.event_count < FRAMES * each:
                raise RuntimeError(f"{verdict.event_count} of {FRAMES * each} events are in the log")
            app.project.close("left")
    finally:
        ecotui.check_runner.run_checks = before
    return FRAMES * each, seconds, waited
