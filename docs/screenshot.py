"""Draw docs/screenshot.svg: the quota step of the demo's broken beginning, as the TUI shows it. `make screenshot`."""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path

from checks.steps import STEPS
from ecotui.app import EcotuiApp
from ecotui.demo.process import Demo, run_demo

SIZE = (120, 36)
TARGET = Path(__file__).with_name("screenshot.svg")
PATIENCE = 120.0
"""Seconds for all looks."""


async def draw(demo: Demo) -> str:
    """The screen as SVG, when every step has been looked at."""
    app = EcotuiApp(argparse.Namespace(project=str(demo.project), config=None, set=[]), demo.env)
    async with app.run_test(size=SIZE) as pilot:
        until = time.monotonic() + PATIENCE
        while app.project is None or len(app.project.rebuild.reports) < len(STEPS):
            if time.monotonic() > until:
                raise SystemExit("the looks did not end")
            await pilot.pause(0.1)
        await pilot.press("2")
        await pilot.pause(0.5)
        picture = app.export_screenshot(title="ecotui demo")
        app.project.close("left")
    return picture


def main() -> None:
    """Play the demo up to the quotas, and write the picture."""
    with run_demo() as demo:
        TARGET.write_text(asyncio.run(draw(demo)), encoding="utf-8")


if __name__ == "__main__":
    main()
