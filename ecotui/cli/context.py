"""Builds the CheckContext that the options of a command name."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from checks.context import CheckContext
from config.load import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from checks.context import CreatedResource, DeletedBucket
    from config.model import Settings


def check_context(args: argparse.Namespace) -> CheckContext:
    """The settings and the project that the options name. Raises SettingsError."""
    loaded = load_settings(project=args.project, file=args.config, overrides=args.set, env=os.environ)
    settings, project = loaded.settings, loaded.project
    return CheckContext(
        settings=settings,
        project=project,
        env=dict(os.environ),
        created_resources=lambda: _created_resources(settings, project),
        deleted_buckets=lambda since: _deleted_buckets(settings, since),
    )


def _created_resources(settings: Settings, project: Path) -> Iterable[CreatedResource]:
    """The resources that sessions of this project created; read only when a check needs them."""
    from config.folders import state_folder
    from ecotui.history.recorded_changes import find_created_resources
    from ecotui.session.store import SessionStore

    return find_created_resources(SessionStore(state_folder(settings, os.environ)), project)


def _deleted_buckets(settings: Settings, since: float) -> Iterable[DeletedBucket]:
    """The buckets that sessions on this machine deleted; read only when a check needs them."""
    from config.folders import state_folder
    from ecotui.history.recorded_changes import find_deleted_buckets
    from ecotui.session.store import SessionStore

    return find_deleted_buckets(SessionStore(state_folder(settings, os.environ)), since)
