"""Stand-ins for terraform, kubectl and gh, used by the demo where the real tool is missing.

They do what ecotui asks of the real ones and nothing more, and talk to loopback only.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Collection
from pathlib import Path

FAKE_NAMES = ("terraform", "kubectl", "gh")
VERSION_NOTICE = "a stand-in for {name}, for ecotui's demo only"
"""Said by each in its version output."""


def write_launchers(folder: Path, names: Collection[str]) -> None:
    """Write a launcher for each of `names` into `folder`, a folder that is to stand first on PATH.

    Raises ValueError for a tool that has no stand-in.
    """
    unknown = sorted(set(names) - set(FAKE_NAMES))
    if unknown:
        raise ValueError(f"no stand-in for {', '.join(unknown)}")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    source = Path(__file__).resolve().parents[3]
    for name in names:
        launcher = folder / name
        # -P: a folder of the operator's project must not be taken for one of Python's modules.
        launcher.write_text(
            "#!/bin/sh\n"
            f"PYTHONPATH={shlex.quote(str(source))}${{PYTHONPATH:+:$PYTHONPATH}} "
            f'exec {shlex.quote(sys.executable)} -P -m {__name__}.{name} "$@"\n',
            encoding="utf-8",
        )
        launcher.chmod(0o755)
