"""From the command line's options to the world that the checks look at."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from checks.context import World
from config.load import load

if TYPE_CHECKING:
    from pathlib import Path

    from checks.remembered import Deleted, Made
    from config.model import Settings


def world(args: argparse.Namespace) -> World:
    """The settings and the project that the options name. Raises SettingsError."""
    loaded = load(project=args.project, file=args.config, overrides=args.set, env=os.environ)
    settings, project = loaded.settings, loaded.project
    return World(
        settings=settings,
        project=project,
        env=dict(os.environ),
        made=lambda: _made(settings, project),
        deleted=lambda since: _deleted(settings, since),
    )


def _made(settings: Settings, project: Path) -> Iterable[Made]:
    """What the sessions of this project saw being made; read when a look asks for it."""
    from ecotui.history.made import made
    from ecotui.session.store import Store, root

    return made(Store(root(settings, os.environ)), project)


def _deleted(settings: Settings, since: float) -> Iterable[Deleted]:
    """The buckets that sessions on this machine saw go; read when a look asks for it."""
    from ecotui.history.created import deleted
    from ecotui.session.store import Store, root

    return deleted(Store(root(settings, os.environ)), since)
