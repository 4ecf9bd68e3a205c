"""Where this program keeps its own files, by the XDG base directory specification."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from config.model import Settings


def state_folder(settings: Settings, env: Mapping[str, str]) -> Path:
    """The folder of sessions and plans: ECOTUI_STATE_DIR, else the settings, else $XDG_STATE_HOME/ecotui.

    It need not exist yet.
    """
    if named := env.get("ECOTUI_STATE_DIR") or settings.sessions.directory:
        return Path(named).expanduser().absolute()
    # The specification: a relative path is to be ignored.
    base = env.get("XDG_STATE_HOME", "")
    if not base.startswith("/"):
        base = f"{env.get('HOME') or Path.home()}/.local/state"
    return Path(base) / "ecotui"
