"""Finds the terraform folders of a project. Nothing is run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_EXCLUDED_FOLDERS = frozenset({"node_modules", "venv", "vendor", "__pycache__", "site-packages"})
MAX_FOLDER_DEPTH = 5
MAX_FOLDERS = 5_000
"""Folders that are searched at most: about a tenth of a second."""


def list_configuration_files(folder: Path) -> tuple[Path, ...]:
    """The files that terraform would read there, sorted; none for a folder that cannot be read.

    Names that start with a dot or end with `~` are ignored, as terraform does.
    """
    try:
        return tuple(sorted(at for at in folder.iterdir() if _is_configuration(at.name) and at.is_file()))
    except OSError:
        return ()


def find_terraform_folders(project: Path) -> tuple[Path, ...]:
    """The folders below (and including) the project that contain terraform files, the one with most of them first.

    Modules called from elsewhere (a folder under `modules/`) come last: they are not where terraform is run.
    """
    counted: list[tuple[bool, int, int, str, Path]] = []
    for folder, names in _walk_folders(project):
        count = sum(1 for name in names if _is_configuration(name))
        if count:
            parts = folder.relative_to(project).parts
            counted.append(("modules" in parts, -count, len(parts), str(folder), folder))
    return tuple(entry[-1] for entry in sorted(counted))


def _is_configuration(name: str) -> bool:
    return name.endswith((".tf", ".tf.json")) and not name.startswith((".", "#"))


def _walk_folders(project: Path) -> Iterator[tuple[Path, list[str]]]:
    """Folders and the names of their files, without hidden folders, links and other people's code."""
    for number, (here, folders, names) in enumerate(os.walk(project)):
        if number >= MAX_FOLDERS:
            return
        folder = Path(here)
        is_deep = len(folder.relative_to(project).parts) >= MAX_FOLDER_DEPTH
        folders[:] = (
            []
            if is_deep
            else sorted(name for name in folders if not name.startswith(".") and name not in _EXCLUDED_FOLDERS)
        )
        yield folder, names
