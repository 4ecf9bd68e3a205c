"""Whether the team's script can run here: its file, its variables, and what its text says that it does."""

from __future__ import annotations

import os
from pathlib import Path

from checks.context import CheckContext
from checks.finding import FrozenStruct
from checks.sanitize import one_line
from checks.script.analysis import MAX_SCRIPT_CHARACTERS, ScriptAnalysis, analyze_script

REBUILD_SCRIPT_PATHS = ("scripts/cluster/auto-rebuild.sh", "scripts/auto-rebuild.sh", "auto-rebuild.sh")
"""Where the reference project keeps it, and where others would look for it."""


class ScriptCheck(FrozenStruct, frozen=True):
    """The script as it is now."""

    argv: tuple[str, ...] = ()
    """What would be run; empty when there is no script."""
    file: str = ""
    """Relative to the project where it lies in it; empty for a command found on PATH."""
    missing: tuple[str, ...] = ()
    """Required variables that are not set."""
    trouble: str = ""
    """Why it cannot run; empty when it can."""
    reading: ScriptAnalysis = ScriptAnalysis()


CLEANUP_SCRIPT_PATHS = (
    "scripts/maintenance/destroy-with-cleanup.sh",
    "scripts/destroy-with-cleanup.sh",
    "destroy-with-cleanup.sh",
)
"""The same of the script that cleans up."""


def check_cleanup_script(context: CheckContext) -> ScriptCheck:
    """The same of the script that cleans up (`cleanup.command`); without one `argv` is empty."""
    told = context.settings.cleanup
    command = told.command or _conventional_command(context.project, CLEANUP_SCRIPT_PATHS)
    if not command:
        return ScriptCheck(
            trouble=f"no script is set (cleanup.command), and there is none at {CLEANUP_SCRIPT_PATHS[0]}"
        )
    return _check_script(context, command, told.variables)


def check_rebuild_script(context: CheckContext) -> ScriptCheck:
    """The script that the settings name, or the one at a conventional place. Never raises; runs nothing."""
    command = context.settings.rebuild.command or _conventional_command(context.project)
    if not command:
        return ScriptCheck(
            trouble=f"no script is set (rebuild.command), and there is none at {REBUILD_SCRIPT_PATHS[0]}"
        )
    return _check_script(context, command, _required_variables(context))


def _check_script(context: CheckContext, command: tuple[str, ...], required_variables: tuple[str, ...]) -> ScriptCheck:
    missing = tuple(name for name in required_variables if not context.env.get(name))
    file = _script_file(context.project, command[0])
    if file is None:
        trouble = f"{one_line(command[0])} does not exist in {context.project}" if "/" in command[0] else ""
        return ScriptCheck(argv=command, missing=missing, trouble=trouble)
    try:
        file.read_bytes()[:1]
    except OSError as error:
        return ScriptCheck(argv=command, missing=missing, trouble=f"{file} cannot be read: {error.strerror}")
    # As people start it by hand: what is not executable goes to bash.
    argv = (str(file), *command[1:]) if os.access(file, os.X_OK) else ("bash", str(file), *command[1:])
    reading = analyze_script(_display_path(context.project, file), lambda at: read_script(context.project, at))
    return ScriptCheck(argv=argv, file=_display_path(context.project, file), missing=missing, reading=reading)


def _conventional_command(project: Path, paths: tuple[str, ...] = REBUILD_SCRIPT_PATHS) -> tuple[str, ...]:
    return next(((one,) for one in paths if (project / one).is_file()), ())


def _required_variables(context: CheckContext) -> tuple[str, ...]:
    if context.settings.rebuild.variables:
        return context.settings.rebuild.variables
    return tuple(one.name for one in context.settings.environment.variables if one.required)


def _script_file(project: Path, word: str) -> Path | None:
    """The file behind the first word; None for a bare name, which PATH finds, and for what is not there."""
    if "/" not in word and not (project / word).is_file():
        return None
    path = (project / Path(word).expanduser()).absolute()
    return path if path.is_file() else None


def _display_path(project: Path, file: Path) -> str:
    return str(file.relative_to(project)) if file.is_relative_to(project) else str(file)


def read_script(project: Path, relative_path: str) -> str | None:
    """A script's text; None when it cannot be read, or is no script by its size."""
    path = project / relative_path
    try:
        if path.stat().st_size > 4 * MAX_SCRIPT_CHARACTERS:
            return None
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return None
