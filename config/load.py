"""Find, read and merge the settings, each source over the one before it:

defaults.yaml, the user's file, the project's ecotui.yaml (found upward from the folder), `ECOTUI_...` variables, `--set`.
Sections are merged key by key; lists, and the map `cleanup.tags`, are replaced whole.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.errors import SettingsError
from config.folders import config_folder
from config.model import Settings

if TYPE_CHECKING:
    from config.yaml_tree import YamlMark

SETTINGS_FILE_NAME = "ecotui.yaml"
DEFAULTS_FILE = Path(__file__).with_name("defaults.yaml")

__all__ = [
    "SETTINGS_FILE_NAME",
    "LoadedSettings",
    "SettingsError",
    "find_project_file",
    "load_settings",
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
    """Dotted key to where its value comes from: `default`, `ecotui.yaml:3`, `ECOTUI_AWS_REGION`, `--set`."""


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
    from config.overrides import apply_setting, parse_set_option, settings_from_environment

    env = os.environ if env is None else env
    folder = _start_folder(project)
    named = file or env.get("ECOTUI_CONFIG") or None
    own = Path(named).expanduser().absolute() if named else find_project_file(folder)
    folder_of_user = config_folder(env)
    users = folder_of_user / SETTINGS_FILE_NAME if folder_of_user else None
    files = [users] if users is not None and _path_exists(users) and not _is_same_file(users, own) else []
    if own is not None:
        files.append(own)

    merged, origins = _read_file(DEFAULTS_FILE, "defaults.yaml")
    origins = dict.fromkeys(origins, "default")
    marks: dict[str, YamlMark] = {}
    for path in files:
        _merge_source(merged, origins, *_read_file(path, _display_path(path)))
    for key, value, label in (*settings_from_environment(env), *map(parse_set_option, overrides)):
        marks |= apply_setting(merged, origins, key, value, label).marks
    settings = _convert_and_validate(merged, origins, marks)

    if project is None and own is not None:
        folder = own.parent
    return LoadedSettings(settings, folder, tuple(files), _list_provenance(origins))


def validate_settings_text(text: str, label: str) -> Settings:
    """The settings that a text makes over the defaults alone. Raises SettingsError."""
    merged, origins = _read_file(DEFAULTS_FILE, "defaults.yaml")
    _merge_source(merged, origins, *_decode_settings_text(text, label))
    return _convert_and_validate(merged, origins, {})


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
                return found  # the error comes when it is read
            if owner not in (0, os.geteuid()) and mode & stat.S_IWOTH:
                raise SettingsError(
                    str(found),
                    "belongs to another user, in a folder anybody may write to; name it with --config to use it",
                )
        return found
    return None


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
    """The path for messages: relative to the current folder where it is inside it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def _read_file(path: Path, label: str) -> tuple[dict[str, Any], dict[str, str]]:
    from config.yaml_tree import read_settings_text

    return _decode_settings_text(read_settings_text(path, label), label)


def _decode_settings_text(text: str, label: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The plain data of a settings text, every value of its type, and where each is. Raises SettingsError."""
    from config.schema import convert_settings, split_commands
    from config.yaml_tree import parse_yaml

    document = parse_yaml(text, label)
    if document is None:
        raise SettingsError(label, "holds no settings; run `ecotui init --force` to write some, or remove the file")
    data = document.data
    origins = {path: f"{label}:{mark.line}" for path, mark in document.marks.items()}
    if isinstance(data, dict):
        # A section whose keys are all commented out.
        data = {key: value for key, value in data.items() if value is not None or not _is_section(key)}
    split_commands(data, origins)
    convert_settings(data, origins, document.marks)
    return data, origins


def _is_section(key: str) -> bool:
    from msgspec.inspect import StructType

    from config.schema import field_for_key

    field = field_for_key(key)
    return field is not None and isinstance(field.type, StructType)


def _merge_source(
    under: dict[str, Any],
    origins: dict[str, str],
    over: dict[str, Any],
    over_origins: dict[str, str],
    path: str = "",
) -> None:
    """Lay one source over the others, in place."""
    from config.schema import is_key_within

    for name, value in over.items():
        key = f"{path}.{name}" if path else name
        if not path and _is_section(key):
            _merge_source(under.setdefault(name, {}), origins, value, over_origins, key)
            continue
        under[name] = value
        for old in [known for known in origins if is_key_within(known, key)]:
            del origins[old]
        origins.update({known: origin for known, origin in over_origins.items() if is_key_within(known, key)})


def _convert_and_validate(merged: dict[str, Any], origins: dict[str, str], marks: Mapping[str, YamlMark]) -> Settings:
    from config.schema import convert_settings, find_origin, find_setting_problems, split_commands

    split_commands(merged, origins)
    settings = convert_settings(merged, origins, marks)
    for key, problem in find_setting_problems(settings):
        raise SettingsError(find_origin(origins, key), key, problem)
    return settings


def _list_provenance(origins: dict[str, str]) -> dict[str, str]:
    from config.schema import iter_leaf_fields

    return {(key := ".".join(path)): origins.get(key, "default") for path, _ in iter_leaf_fields()}
