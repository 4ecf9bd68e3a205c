"""Find, read and merge the settings: defaults, the user's file, the project's file, environment, flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from config.model import Settings

NAME = "ecotui.yaml"


class SettingsError(Exception):
    """Settings that cannot be used. Its text is one line: file:line: key: what is wrong."""


@dataclass(frozen=True)
class Loaded:
    """The effective settings, and where they come from."""

    settings: Settings
    project: Path
    """The folder of the project's ecotui.yaml; without one, the folder that was asked for."""
    files: tuple[Path, ...]
    """The files that were read, weakest first; the defaults are not among them."""
    provenance: dict[str, str]
    """Dotted key to the place its value comes from."""


def load(
    project: str | Path | None,
    file: str | Path | None,
    overrides: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> Loaded:
    """The effective settings. Raises SettingsError."""
    import yaml

    folder = Path(project or ".").resolve()
    found = Path(file).resolve() if file else _found_upward(folder)
    merged: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "defaults.yaml").read_text("utf-8"))
    files = ()
    try:
        if found is not None:
            merged = _merged(merged, yaml.safe_load(found.read_text("utf-8")))
            files = (found,)
        for override in overrides:
            key, _, value = override.partition("=")
            tree: Any = yaml.safe_load(value)
            for part in reversed(key.split(".")):
                tree = {part: tree}
            merged = _merged(merged, tree)
        settings = msgspec.convert(merged, Settings)
    except (OSError, UnicodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise SettingsError(" ".join(f"{found or NAME}: {error}".split())) from None
    if project is None and found is not None:
        folder = found.parent
    return Loaded(settings=settings, project=folder, files=files, provenance={})


def _found_upward(folder: Path) -> Path | None:
    return next((at / NAME for at in (folder, *folder.parents) if (at / NAME).is_file()), None)


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(under)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both else value
    return result
