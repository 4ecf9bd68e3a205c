"""Where this program keeps its own files and settings, by the XDG base directory specification.

Not by platformdirs where XDG applies: it reads the environment of this process, and what is asked here is the one of
the project; and it would move the sessions that people have on macOS.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from config.model import Settings


def state_folder(settings: Settings, env: Mapping[str, str]) -> Path:
    """The folder of sessions and plans: ECOTUI_STATE_DIR, else the settings, else $XDG_STATE_HOME/ecotui.

    It need not exist yet.
    """
    if named := env.get("ECOTUI_STATE_DIR") or settings.sessions.directory:
        return Path(named).expanduser().absolute()
    return _xdg_base(env, "XDG_STATE_HOME") or Path(env.get("HOME") or Path.home()) / ".local" / "state" / "ecotui"


def config_folder(env: Mapping[str, str]) -> Path | None:
    """The folder of the user's own settings, whether it exists or not; None where there is no home."""
    if base := _xdg_base(env, "XDG_CONFIG_HOME"):
        return base
    if sys.platform == "linux":
        return Path(env["HOME"]) / ".config" / "ecotui" if env.get("HOME") else None
    import platformdirs

    return Path(platformdirs.user_config_dir("ecotui"))


def _xdg_base(env: Mapping[str, str], variable: str) -> Path | None:
    """`ecotui` in the folder that a variable names. The specification: a relative path is to be ignored."""
    base = env.get(variable, "")
    return Path(base) / "ecotui" if base.startswith("/") else None
