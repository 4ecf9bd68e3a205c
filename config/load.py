"""Find, read and merge the settings, each source over the one before it:

defaults.yaml, the user's file, the project's ecotui.yaml (found upward from the folder), `ECOTUI_...` variables, `--set`.
Sections are merged key by key; lists, and the map `cleanup.tags`, are replaced whole.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.errors import SettingsError
from config.model import Settings

NAME = "ecotui.yaml"
DEFAULTS = Path(__file__).with_name("defaults.yaml")

__all__ = ["NAME", "Loaded", "SettingsError", "load", "project_file", "user_file", "validated"]


@dataclass(frozen=True)
class Loaded:
    """The effective settings, and where they come from."""

    settings: Settings
    project: Path
    """The folder of the project's ecotui.yaml, or the folder that was asked for."""
    files: tuple[Path, ...]
    """The files that were read, weakest first; the defaults are not among them."""
    provenance: dict[str, str]
    """Dotted key to the place its value comes from: `default`, `ecotui.yaml:3`, `ECOTUI_AWS_REGION`, `--set`."""


def load(
    project: str | Path | None,
    file: str | Path | None,
    overrides: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> Loaded:
    """The effective settings.

    `project` is the folder to start from (default: the current one), `file` a settings file instead of the one found
    upward (default: $ECOTUI_CONFIG). Raises SettingsError.
    """
    from config import overrides as single

    env = os.environ if env is None else env
    folder = _folder(project)
    named = file or env.get("ECOTUI_CONFIG") or None
    own = Path(named).expanduser().absolute() if named else project_file(folder)
    users = user_file(env)
    files = [users] if users is not None and _exists(users) and not _same(users, own) else []
    if own is not None:
        files.append(own)

    merged, origins = _read(DEFAULTS, "defaults.yaml")
    origins = dict.fromkeys(origins, "default")
    for path in files:
        plain, places = _read(path, _label(path))
        _merge(merged, origins, plain, places)
    for key, value, label in single.from_environment(env):
        single.apply(merged, origins, key, value, label)
    for text in overrides:
        single.apply(merged, origins, *single.from_flag(text))
    settings = _checked(merged, origins)

    if project is None and own is not None:
        folder = own.parent
    return Loaded(settings, folder, tuple(files), _provenance(origins))


def validated(text: str, label: str) -> Settings:
    """The settings that a text makes over the defaults alone. Raises SettingsError."""
    merged, origins = _read(DEFAULTS, "defaults.yaml")
    _merge(merged, origins, *_shaped(text, label))
    return _checked(merged, origins)


def project_file(folder: Path) -> Path | None:
    """The nearest ecotui.yaml in this folder or above it; None without one. Raises SettingsError.

    A file that somebody else left in a folder that everybody may write to, such as /tmp, is refused when it was only
    found on the way up: settings name commands that are run.
    """
    for at in (folder, *folder.parents):
        found = at / NAME
        if not _exists(found):
            continue
        if at != folder:
            try:
                owner, mode = found.stat().st_uid, at.stat().st_mode
            except OSError:
                return found  # reading it says what is wrong
            if owner not in (0, os.geteuid()) and mode & stat.S_IWOTH:
                raise SettingsError(
                    str(found),
                    "belongs to another user, in a folder anybody may write to; name it with --config to use it",
                )
        return found
    return None


def user_file(env: Mapping[str, str]) -> Path | None:
    """The user's own settings, whether they exist or not: ecotui/ecotui.yaml under $XDG_CONFIG_HOME or its like."""
    base = env.get("XDG_CONFIG_HOME", "")
    if Path(base).is_absolute():
        return Path(base) / "ecotui" / NAME
    if sys.platform == "linux":
        home = env.get("HOME", "")
        return Path(home) / ".config" / "ecotui" / NAME if home else None
    import platformdirs

    return Path(platformdirs.user_config_dir("ecotui")) / NAME


def _folder(project: str | Path | None) -> Path:
    if project is None:
        try:
            return Path.cwd()
        except OSError:
            raise SettingsError("the current folder does not exist any more; change to another one") from None
    folder = Path(project).expanduser().absolute()
    if not folder.is_dir():
        raise SettingsError(str(project), "is not a folder" if _exists(folder) else "there is no such folder")
    return folder.resolve()


def _exists(path: Path) -> bool:
    """Also true for what is there but cannot be read: that is an error, not an absence."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _same(one: Path, other: Path | None) -> bool:
    return other is not None and one.resolve() == other.resolve()


def _label(path: Path) -> str:
    """The path as it is said in messages: relative where that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def _read(path: Path, label: str) -> tuple[dict[str, Any], dict[str, str]]:
    from config.yaml_tree import read

    return _shaped(read(path, label), label)


def _shaped(text: str, label: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The plain data of a settings text, and where each key of it stands."""
    from config.schema import Shape, model
    from config.yaml_tree import parse

    node = parse(text, label)
    if node is None:
        raise SettingsError(
            label, "holds no settings; run `ecotui init --force` to write some, or remove the file"
        )
    shape = Shape(label)
    return shape.section(node, model()), shape.origins


def _merge(
    under: dict[str, Any],
    origins: dict[str, str],
    over: dict[str, Any],
    places: dict[str, str],
    path: str = "",
) -> None:
    """Lay one source over the others, in place."""
    from config.schema import leaves

    whole = {".".join(keys) for keys, _ in leaves()}
    for name, value in over.items():
        key = f"{path}.{name}" if path else name
        if key not in whole and isinstance(value, dict) and isinstance(under.get(name), dict):
            _merge(under[name], origins, value, places, key)
            continue
        under[name] = value
        for old in [known for known in origins if _within(known, key)]:
            del origins[old]
        origins.update({known: place for known, place in places.items() if _within(known, key)})


def _within(key: str, whole: str) -> bool:
    return key == whole or key.startswith((f"{whole}.", f"{whole}["))


def _checked(merged: dict[str, Any], origins: dict[str, str]) -> Settings:
    import msgspec

    from config.validation import problems

    settings = msgspec.convert(merged, Settings)
    for key, problem in problems(settings):
        raise SettingsError(_origin(origins, key), key, problem)
    return settings


def _origin(origins: dict[str, str], key: str) -> str:
    """Where a key comes from, or the list or section around it."""
    while key and key not in origins:
        key = key[: max(key.rfind("."), key.rfind("["), 0)]
    return origins.get(key, "")


def _provenance(origins: dict[str, str]) -> dict[str, str]:
    from config.schema import leaves

    return {(key := ".".join(path)): origins.get(key, "default") for path, _ in leaves()}
