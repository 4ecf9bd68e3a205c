"""Draw the pictures of the documentation: the demo's screens as SVG, into docs/pictures. `make screenshot`."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from textual.pilot import Pilot

from checks.steps import STEPS
from ecotui.app import EcotuiApp
from ecotui.demo.process import Demo, run_demo

SIZE = (120, 36)
FOLDER = Path(__file__).parent / "pictures"
PATIENCE_SECONDS = 180.0
"""For all checks together."""

PICTURES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("environment", ("1",)),
    ("quota", ("2",)),
    ("cleanup", ("4",)),
    ("nodes", ("7",)),
    ("guide", ("2", "g")),
    ("runbook", ("w",)),
    ("sessions", ("escape", "escape", "s")),
    ("session", ("enter",)),
    ("plan", ("escape", "escape", "5", "p")),
)
"""Name of a picture, and the keys that lead to it from the one before."""


async def draw(demo: Demo) -> dict[str, str]:
    """Name to SVG, drawn one after the other when every step has been checked."""
    app = EcotuiApp(argparse.Namespace(project=str(demo.project), config=None, set=[]), demo.env)
    pictures: dict[str, str] = {}
    async with app.run_test(size=SIZE) as pilot:
        await _until_checked(app, pilot)
        for name, keys in PICTURES:
            for key in keys:
                await pilot.press(key)
                await pilot.pause(0.6)
            pictures[name] = app.export_screenshot(title="ecotui demo")
        if app.project is not None:
            app.project.close("left")
    return pictures


async def _until_checked(app: EcotuiApp, pilot: Pilot[object]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while app.project is None or len(app.project.rebuild.reports) < len(STEPS):
        if time.monotonic() > until:
            raise SystemExit("the checks did not end")
        await pilot.pause(0.1)


def _anonymize(picture: str, demo: Demo) -> str:
    """Without the folder, the user and the host of the machine that drew it; also where a column cut the folder."""
    text = picture.replace(str(demo.project), "/srv/eco2").replace(str(demo.root), "/srv")
    text = re.sub(rf"{re.escape(tempfile.gettempdir())}/ecotui-d[^<&]*", "/srv/eco2", text)
    return text.replace(f"{getpass.getuser()}@{socket.gethostname()}", "kim@bastion")


def main() -> None:
    """Start the demo, make a plan, draw every picture, and write them."""
    FOLDER.mkdir(exist_ok=True)
    with run_demo() as demo:
        # Ends with 3: the forecast of the demo's plan is blocked, and that is what its picture shows.
        plan = [sys.executable, "-P", "-m", "ecotui", "plan"]
        subprocess.run(plan, cwd=demo.project, env=demo.env, stdout=subprocess.DEVNULL, check=False)
        for name, picture in asyncio.run(draw(demo)).items():
            text = _anonymize(picture, demo)
            (FOLDER / f"{name}.svg").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
