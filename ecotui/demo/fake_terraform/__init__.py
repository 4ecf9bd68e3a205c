"""A fake terraform for machines without the real one. It knows one project, the demo's, and creates it through boto3.

Its plan is a recording of the real terraform's (`plan.json`, made by `record_plan.py`). It talks to loopback only.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

VERSION_NOTICE = "a stand-in for terraform, for ecotui's demo only"
"""Part of what its `version` prints."""


def write_launcher(folder: Path) -> None:
    """Write an executable `terraform` that runs the fake into `folder`, which has to come first on PATH."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    source = Path(__file__).resolve().parents[2]
    launcher = folder / "terraform"
    # -P: a folder of the operator's project must not be taken for one of Python's modules.
    launcher.write_text(
        "#!/bin/sh\n"
        f"PYTHONPATH={shlex.quote(str(source))}${{PYTHONPATH:+:$PYTHONPATH}} "
        f'exec {shlex.quote(sys.executable)} -P -m {__name__} "$@"\n',
        encoding="utf-8",
    )
    launcher.chmod(0o755)
