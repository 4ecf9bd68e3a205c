"""What a session records at its start: the project's commit, and the settings in force. None of it is secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from checks.tools import git
from config.model import Settings
from ecotui.session import events

MAX_VALUE_CHARS = 400
"""Characters of one setting's value that are recorded."""


class Provenance(NamedTuple):
    """The fields of the same names in `SessionStarted`."""

    commit: str = ""
    branch: str = ""
    dirty: bool | None = None
    settings: dict[str, str] = {}  # noqa: RUF012 - never changed
    digest: str = ""


def collect_provenance(folder: Path, settings: Settings | None, env: Mapping[str, str]) -> Provenance:
    """Read all of it, once, when a session starts. Never raises."""
    head = git.read_repository(folder, env)
    if settings is None:
        return Provenance(*head)
    changed = changed_settings(settings)
    digest = sha256(msgspec.json.encode(sorted(changed.items()))).hexdigest()[:16]
    return Provenance(*head, changed, digest)


def session_resumed_event(
    folder: Path, env: Mapping[str, str], by: str, *, skip_git_status: bool = False
) -> events.SessionResumed:
    """The event of a session that is resumed, with the project's current commit. Never raises.

    `skip_git_status`: do not run git to find out whether files were changed, for callers that cannot wait.
    """
    from ecotui.version import version

    head = git.read_head(folder) if skip_git_status else git.read_repository(folder, env)
    return events.SessionResumed(by=by, version=version(), **head._asdict())


def changed_settings(settings: Settings) -> dict[str, str]:
    """Dotted key to value, as JSON, of all settings that differ from their defaults.

    The settings hold no secrets: variables are there by name only.
    """
    defaults = dict(_flatten_settings("", msgspec.to_builtins(Settings())))
    return {
        key: value for key, value in _flatten_settings("", msgspec.to_builtins(settings)) if defaults.get(key) != value
    }


def _flatten_settings(key: str, plain: Any) -> Iterator[tuple[str, str]]:
    if isinstance(plain, dict) and plain:
        for name, value in plain.items():
            yield from _flatten_settings(f"{key}.{name}" if key else str(name), value)
        return
    text = msgspec.json.encode(plain).decode()
    yield key, text if len(text) <= MAX_VALUE_CHARS else f"{text[: MAX_VALUE_CHARS - 1]}…"
