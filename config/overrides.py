"""Settings from the environment and from `--set key=value`.

A variable is the key in capitals with its dots as underscores: `aws.region` is ECOTUI_AWS_REGION (two underscores are
taken as well: ECOTUI_AWS__REGION). An empty variable counts as not set. Values are YAML: `[repo, "read:org"]` is a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from msgspec import inspect

from config.errors import SettingsError, quote_value
from config.schema import did_you_mean, is_key_within, iter_leaf_fields, plain_type, settings_schema
from config.yaml_tree import YamlDocument, YamlMark, parse_yaml

VARIABLE_PREFIX = "ECOTUI_"
PROGRAM_VARIABLES = frozenset({"ECOTUI_CONFIG", "ECOTUI_DEBUG", "ECOTUI_SESSION", "ECOTUI_STATE_DIR"})
"""Variables of the program itself."""


@cache
def setting_variables() -> dict[str, str]:
    """Every variable that is a setting, with its dotted key."""
    return {VARIABLE_PREFIX + "_".join(path).upper(): ".".join(path) for path, _ in iter_leaf_fields()}


def settings_from_environment(env: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """(key, value, variable) of each setting in the environment. Raises SettingsError for a misspelt one."""
    from difflib import get_close_matches

    known = setting_variables()
    sections = tuple(
        f"{VARIABLE_PREFIX}{field.name.upper()}_"
        for field in settings_schema().fields
        if isinstance(field.type, inspect.StructType)
    )
    for name in sorted(env):
        if not name.startswith(VARIABLE_PREFIX) or name in PROGRAM_VARIABLES or not env[name]:
            continue
        key = known.get(re.sub("__+", "_", name))
        if key is not None:
            yield key, env[name], name
        elif name.startswith(sections):
            near = get_close_matches(name, list(known), n=1, cutoff=0.6)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SettingsError(name, f"no setting belongs to this variable{hint}")


def parse_set_option(text: str) -> tuple[str, str, str]:
    """(key, value, label) of one `--set`. Raises SettingsError."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise SettingsError("--set", f"expected KEY=VALUE, got {quote_value(text)}")
    return key.strip(), value, "--set"


def apply_setting(merged: dict[str, Any], origins: dict[str, str], key: str, value: str, label: str) -> YamlDocument:
    """Set one value in the merged data, in place; returns the value with its marks. Raises SettingsError."""
    parts = [part for part in re.split(r"\.|\[(\d+)\]\.?", key) if part]
    if not parts:
        raise SettingsError(label, f"{quote_value(key)} names no setting")
    data: Any = merged
    kind: inspect.Type = settings_schema()
    path = ""
    for number, part in enumerate(parts, start=1):
        section = plain_type(kind)
        kind, step, path = _descend(section, data, part, path, label)
        if number < len(parts):
            if isinstance(data, dict) and isinstance(section, inspect.StructType | inspect.DictType):
                data = data.setdefault(step, {})
            else:
                data = data[step]
    parsed = parse_yaml(value, label) if value.strip() else None
    document = parsed or YamlDocument(None, {"": YamlMark(1, value.strip())})
    marks = {_join(path, inner): mark for inner, mark in document.marks.items()}
    given = _as_text(document.data, kind, "", document.marks)
    is_section = isinstance(kind, inspect.StructType)
    if is_section and isinstance(given, dict):
        data.setdefault(step, {}).update(given)
    else:
        data[step] = given
    # The keys of a section that are not given stay where they come from; a list or a map is replaced whole.
    replaced = [known for known in marks if known != path] if is_section else [path]
    for old in [known for known in origins if any(is_key_within(known, one) for one in replaced)]:
        del origins[old]
    whole = path.partition("[")[0]
    if whole != path:
        origins[whole] = f"{origins.get(whole, 'default').removesuffix(f', changed by {label}')}, changed by {label}"
    origins.update(dict.fromkeys(marks, label))
    return YamlDocument(given, marks)


def _as_text(value: Any, kind: inspect.Type, path: str, marks: Mapping[str, YamlMark]) -> Any:
    """What reads like a number or is empty, as the text that it is, where the model wants text."""
    match plain_type(kind):
        case inspect.StrType() if not isinstance(value, (dict, list)):
            return marks[path].text
        case inspect.VarTupleType(item_type=item) if isinstance(value, list):
            return [_as_text(one, item, f"{path}[{index}]", marks) for index, one in enumerate(value)]
        case inspect.StructType(fields=fields) if isinstance(value, dict):
            types = {field.name: field.type for field in fields}
            return {
                name: _as_text(one, types[name], _join(path, name), marks) if name in types else one
                for name, one in value.items()
            }
        case inspect.DictType(value_type=inner) if isinstance(value, dict):
            return {name: _as_text(one, inner, _join(path, name), marks) for name, one in value.items()}
    return value


def _join(path: str, inner: str) -> str:
    return f"{path}{'' if not path or not inner or inner.startswith('[') else '.'}{inner}"


def _descend(kind: inspect.Type, at: Any, part: str, path: str, label: str) -> tuple[inspect.Type, Any, str]:
    """One step down a dotted key: the type there, the index into the data, and the key so far."""
    match kind:
        case inspect.StructType():
            key = f"{path}.{part}" if path else part
            field = next((field for field in kind.fields if field.name == part), None)
            if field is None:
                known = [field.name for field in kind.fields]
                near = did_you_mean(part, known) or f"; known are {', '.join(known)}"
                raise SettingsError(label, key, f"unknown key{near}")
            return field.type, part, key
        case inspect.VarTupleType(item_type=item):
            key = f"{path}[{part}]"
            if not part.isdecimal() or int(part) >= len(at):
                raise SettingsError(label, key, f"the list has {len(at)} items, counted from 0")
            return item, int(part), key
        case inspect.TupleType(item_types=items):
            key = f"{path}[{part}]"
            if not part.isdecimal() or int(part) >= len(items):
                raise SettingsError(label, key, f"the list has {len(items)} items, counted from 0")
            return items[int(part)], int(part), key
        case inspect.DictType(value_type=value):
            return value, part, f"{path}.{part}"
        case _:
            raise SettingsError(label, f"{path}.{part}", f"unknown key; {path!r} has no keys of its own")
