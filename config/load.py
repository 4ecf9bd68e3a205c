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

SETTINGS_FILE_NAME = "ecotui.yaml"
DEFAULTS_FILE = Path(__file__).with_name("defaults.yaml")

__all__ = [
    "SETTINGS_FILE_NAME",
    "LoadedSettings",
    "SettingsError",
    "find_project_file",
    "load_settings",
    "user_settings_file",
    "validate_settings_text",
]


@dataclass(frozen=True)
class LoadedSettings:
    """The effective settings, and where they come from."""

    settings: Settings
    project: Path
    """The folder of the project's ecotui.yaml, or the folder that was asked for."""
    files: tuple[Path, ...]
    """The files that were read, weakest first; the defaults are not among them."""
    provenance: dict[str, str]
    """Dotted key to the place its value comes from: `default`, `ecotui.yaml:3`, `ECOTUI_AWS_REGION`, `--set`."""


def load_settings(
    project: str | Path | None,
    file: str | Path | None,
    overrides: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> LoadedSettings:
    """The effective settings.

    `project` is the folder to start from (default: the current one), `file` a settings file instead of the one found
    upward (default: $ECOTUI_CONFIG). Raises SettingsError.
    """
    from config import overrides as single

    env = os.environ if env is None else env
    folder = _start_folder(project)
    named = file or env.get("ECOTUI_CONFIG") or None
    own = Path(named).expanduser().absolute() if named else find_project_file(folder)
    users = user_settings_file(env)
    files = [users] if users is not None and _path_exists(users) and not _is_same_file(users, own) else []
    if own is not None:
        files.append(own)

    merged, origins = _read_file(DEFAULTS_FILE, "defaults.yaml")
    origins = dict.fromkeys(origins, "default")
    for path in files:
        plain, places = _read_file(path, _display_path(path))
        _merge_source(merged, origins, plain, places)
    for key, value, label in single.settings_from_environment(env):
        single.apply_setting(merged, origins, key, value, label)
    for text in overrides:
        single.apply_setting(merged, origins, *single.parse_set_option(text))
    settings = _convert_and_validate(merged, origins)

    if project is None and own is not None:
        folder = own.parent
    return LoadedSettings(settings, folder, tuple(files), _list_provenance(origins))


def validate_settings_text(text: str, label: str) -> Settings:
    """The settings that a text makes over the defaults alone. Raises SettingsError."""
    merged, origins = _read_file(DEFAULTS_FILE, "defaults.yaml")
    _merge_source(merged, origins, *_decode_settings_text(text, label))
    return _convert_and_validate(merged, origins)


def find_project_file(folder: Path) -> Path | None:
    """The nearest ecotui.yaml in this folder or above it; None without one. Raises SettingsError.

    A file that somebody else left in a folder that everybody may write to, such as /tmp, is refused when it was only
    found on the way up: settings name commands that are run.
    """
    for at in (folder, *folder.parents):
        found = at / SETTINGS_FILE_NAME
        if not _path_exists(found):
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


def user_settings_file(env: Mapping[str, str]) -> Path | None:
    """The user's own settings, whether they exist or not: ecotui/ecotui.yaml under $XDG_CONFIG_HOME or its like."""
    base = env.get("XDG_CONFIG_HOME", "")
    if Path(base).is_absolute():
        return Path(base) / "ecotui" / SETTINGS_FILE_NAME
    if sys.platform == "linux":
        home = env.get("HOME", "")
        return Path(home) / ".config" / "ecotui" / SETTINGS_FILE_NAME if home else None
    import platformdirs

    return Path(platformdirs.user_config_dir("ecotui")) / SETTINGS_FILE_NAME


def _start_folder(project: str | Path | None) -> Path:
    if project is None:
        try:
            return Path.cwd()
        except OSError:
            raise SettingsError("the current folder does not exist any more; change to another one") from None
    folder = Path(project).expanduser().absolute()
    if not folder.is_dir():
        raise SettingsError(str(project), "is not a folder" if _path_exists(folder) else "there is no such folder")
    return folder.resolve()


def _path_exists(path: Path) -> bool:
    """Also true for what is there but cannot be read: that is an error, not an absence."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _is_same_file(one: Path, other: Path | None) -> bool:
    return other is not None and one.resolve() == other.resolve()


def _display_path(path: Path) -> str:
    """The path as it is said in messages: relative where that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def _read_file(path: Path, label: str) -> tuple[dict[str, Any], dict[str, str]]:
    from config.yaml_tree import read_settings_text

    return _decode_settings_text(read_settings_text(path, label), label)


def _decode_settings_text(text: str, label: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The plain data of a settings text, and where each key of it stands."""
    from config.schema import SettingsDecoder, settings_schema
    from config.yaml_tree import parse_yaml

    node = parse_yaml(text, label)
    if node is None:
        raise SettingsError(label, "holds no settings; run `ecotui init --force` to write some, or remove the file")
    shape = SettingsDecoder(label)
    return shape.decode_section(node, settings_schema()), shape.origins


def _merge_source(
    under: dict[str, Any],
    origins: dict[str, str],
    over: dict[str, Any],
    places: dict[str, str],
    path: str = "",
) -> None:
    """Lay one source over the others, in place."""
    from config.schema import iter_leaf_fields

    whole = {".".join(keys) for keys, _ in iter_leaf_fields()}
    for name, value in over.items():
        key = f"{path}.{name}" if path else name
        if key not in whole and isinstance(value, dict) and isinstance(under.get(name), dict):
            _merge_source(under[name], origins, value, places, key)
            continue
        under[name] = value
        for old in [known for known in origins if _is_key_within(known, key)]:
            del origins[old]
        origins.update({known: place for known, place in places.items() if _is_key_within(known, key)})


def _is_key_within(key: str, container: str) -> bool:
    return key == container or key.startswith((f"{container}.", f"{container}["))


def _convert_and_validate(merged: dict[str, Any], origins: dict[str, str]) -> Settings:
    import msgspec

    from config.validation import find_setting_problems

    settings = msgspec.convert(merged, Settings)
    for key, problem in find_setting_problems(settings):
        raise SettingsError(_find_origin(origins, key), key, problem)
    return settings


def _find_origin(origins: dict[str, str], key: str) -> str:
    """Where a key comes from, or the list or section around it."""
    while key and key not in origins:
        key = key[: max(key.rfind("."), key.rfind("["), 0)]
    return origins.get(key, "")


def _list_provenance(origins: dict[str, str]) -> dict[str, str]:
    from config.schema import iter_leaf_fields

    return {(key := ".".join(path)): origins.get(key, "default") for path, _ in iter_leaf_fields()}
