"""From the command line's options to the world that the checks look at."""

from __future__ import annotations

import argparse
import os

from checks.world import World
from config.load import load


def world(args: argparse.Namespace) -> World:
    """The settings and the project that the options name. Raises SettingsError."""
    loaded = load(project=args.project, file=args.config, overrides=args.set, env=os.environ)
    return World(settings=loaded.settings, project=loaded.project, env=dict(os.environ))
