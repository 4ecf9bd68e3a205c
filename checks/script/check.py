"""Whether the team's script can run here: its file, its variables, and what its text says that it does."""

from __future__ import annotations

import os
from pathlib import Path

from checks.context import World
from checks.finding import Value
from checks.sanitize import one_line
from checks.script.analysis import LARGEST, Reading, read

CONVENTIONAL = ("scripts/cluster/auto-rebuild.sh", "scripts/auto-rebuild.sh", "auto-rebuild.sh")
"""Where the reference project keeps it, and where others would look for it."""


class Standing(Value, frozen=True):
    """The script as it is now."""

    argv: tuple[str, ...] = ()
    """What would be run; empty when there is no script."""
    file: str = ""
    """Relative to the project where it lies in it; empty for a command found on PATH."""
    missing: tuple[str, ...] = ()
    """Required variables that are not set."""
    trouble: str = ""
    """Why it cannot run; empty when it can."""
    reading: Reading = Reading()


CLEANUP = (
    "scripts/maintenance/destroy-with-cleanup.sh",
    "scripts/destroy-with-cleanup.sh",
    "destroy-with-cleanup.sh",
)
"""The same of the script that cleans up."""


def look_cleanup(world: World) -> Standing:
    """The same of the script that cleans up (`cleanup.command`); without one `argv` is empty."""
    told = world.settings.cleanup
    command = told.command or _conventional(world.project, CLEANUP)
    if not command:
        return Standing(trouble=f"no script is set (cleanup.command), and there is none at {CLEANUP[0]}")
    return _stands(world, command, told.variables)


def look(world: World) -> Standing:
    """The script that the settings name, or the one at a conventional place. Never raises; runs nothing."""
    command = world.settings.rebuild.command or _conventional(world.project)
    if not command:
        return Standing(trouble=f"no script is set (rebuild.command), and there is none at {CONVENTIONAL[0]}")
    return _stands(world, command, _required(world))


def _stands(world: World, command: tuple[str, ...], required: tuple[str, ...]) -> Standing:
    missing = tuple(name for name in required if not world.env.get(name))
    file = _file(world.project, command[0])
    if file is None:
        trouble = f"{one_line(command[0])} does not exist in {world.project}" if "/" in command[0] else ""
        return Standing(argv=command, missing=missing, trouble=trouble)
    try:
        file.read_bytes()[:1]
    except OSError as error:
        return Standing(argv=command, missing=missing, trouble=f"{file} cannot be read: {error.strerror}")
    # As people start it by hand: what is not executable goes to bash.
    argv = (str(file), *command[1:]) if os.access(file, os.X_OK) else ("bash", str(file), *command[1:])
    reading = read(_told(world.project, file), lambda at: text_of(world.project, at))
    return Standing(argv=argv, file=_told(world.project, file), missing=missing, reading=reading)


def _conventional(project: Path, places: tuple[str, ...] = CONVENTIONAL) -> tuple[str, ...]:
    return next(((one,) for one in places if (project / one).is_file()), ())


def _required(world: World) -> tuple[str, ...]:
    if world.settings.rebuild.variables:
        return world.settings.rebuild.variables
    return tuple(one.name for one in world.settings.environment.variables if one.required)


def _file(project: Path, word: str) -> Path | None:
    """The file behind the first word; None for a bare name, which PATH finds, and for what is not there."""
    if "/" not in word and not (project / word).is_file():
        return None
    path = (project / Path(word).expanduser()).absolute()
    return path if path.is_file() else None


def _told(project: Path, file: Path) -> str:
    return str(file.relative_to(project)) if file.is_relative_to(project) else str(file)


def text_of(project: Path, at: str) -> str | None:
    """A script's text; None when it cannot be read, or is no script by its size."""
    path = project / at
    try:
        if path.stat().st_size > 4 * LARGEST:
            return None
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return None
