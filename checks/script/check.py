"""The team's rebuild and cleanup scripts: their command, file, required variables, and analysis. Runs nothing."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import field

from checks.context import CheckContext
from checks.finding import FrozenStruct
from checks.sanitize import one_line
from checks.script.analysis import MAX_SCRIPT_CHARACTERS, ScriptAnalysis, analyze_script

REBUILD_SCRIPT_PATHS = ("scripts/cluster/auto-rebuild.sh", "scripts/auto-rebuild.sh", "auto-rebuild.sh")
"""Where the reference project keeps its rebuild script, and other usual paths."""
CLEANUP_SCRIPT_PATHS = (
    "scripts/maintenance/destroy-with-cleanup.sh",
    "scripts/destroy-with-cleanup.sh",
    "destroy-with-cleanup.sh",
)
"""The same of the cleanup script."""


class ScriptCheck(FrozenStruct, frozen=True):
    """A script, and whether it can run."""

    argv: tuple[str, ...] = ()
    """The command to run; empty when there is no script."""
    file: str = ""
    """Relative to the project where it is inside it; empty for a command found on PATH."""
    missing: tuple[str, ...] = ()
    """Required variables that are not set."""
    trouble: str = ""
    """Why it cannot run; empty when it can."""
    analysis: ScriptAnalysis = field(default=ScriptAnalysis(), name="reading")


def check_cleanup_script(context: CheckContext) -> ScriptCheck:
    """The script of `cleanup.command`, or the one at a usual path. Never raises; runs nothing."""
    cleanup = context.settings.cleanup
    return _check_script(context, "cleanup.command", cleanup.command, CLEANUP_SCRIPT_PATHS, cleanup.variables)


def check_rebuild_script(context: CheckContext) -> ScriptCheck:
    """The script of `rebuild.command`, or the one at a usual path. Never raises; runs nothing."""
    rebuild = context.settings.rebuild
    variables = rebuild.variables or tuple(one.name for one in context.settings.environment.variables if one.required)
    return _check_script(context, "rebuild.command", rebuild.command, REBUILD_SCRIPT_PATHS, variables)


def _check_script(
    context: CheckContext,
    key: str,
    command: tuple[str, ...],
    usual_paths: tuple[str, ...],
    required_variables: tuple[str, ...],
) -> ScriptCheck:
    command = command or next(((path,) for path in usual_paths if (context.project / path).is_file()), ())
    if not command:
        return ScriptCheck(trouble=f"no script is set ({key}), and there is none at {usual_paths[0]}")
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
    name = str(file.relative_to(context.project)) if file.is_relative_to(context.project) else str(file)
    analysis = analyze_script(name, lambda path: read_script(context.project, path))
    return ScriptCheck(argv=argv, file=name, missing=missing, analysis=analysis)


def _script_file(project: Path, word: str) -> Path | None:
    """The file behind the first word; None for a bare name, which PATH finds, and for what is not there."""
    if "/" not in word and not (project / word).is_file():
        return None
    path = (project / Path(word).expanduser()).absolute()
    return path if path.is_file() else None


def read_script(project: Path, relative_path: str) -> str | None:
    """A script's text; None when it cannot be read, or is no script by its size."""
    path = project / relative_path
    try:
        if path.stat().st_size > 4 * MAX_SCRIPT_CHARACTERS:
            return None
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return None
