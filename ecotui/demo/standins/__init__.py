"""Stand-ins for terraform, kubectl and gh, used by the demo where the real tool is missing."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

NAMES = ("terraform", "kubectl", "gh")


def install(folder: Path, names: Collection[str]) -> None:
    """Write a launcher for each of `names` into `folder`, a folder that is to stand first on PATH."""
    raise NotImplementedError
