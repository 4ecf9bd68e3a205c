"""An operator without hands, as a process of its own: opens the desk in a demo's world and goes on from where its log stands.

Run with a file that describes the demo; prints what `ecotui demo --auto --json` prints.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from config.load import load_settings
from ecotui.demo.process import Demo
from ecotui.demo.unattended import run_unattended
from ecotui.project import OpenProject


def main(file: str) -> int:
    told: dict[str, Any] = json.loads(Path(file).read_text())
    paths = {name: Path(told[name]) for name in ("root", "project", "sessions")}
    demo = Demo(**{**told, **paths, "process": None})
    desk = OpenProject.open(load_settings(demo.project, None, env=demo.env), demo.env)
    return run_unattended(demo, json=True, keep=demo.root, open_project=desk)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
