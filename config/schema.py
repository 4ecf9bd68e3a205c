"""Converts plain data to the settings model; an error names file, line and key, and says what is wrong."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from config.errors import SettingsError, quote_value
from config.model import SHIPPED_GUIDE, Settings
from config.yaml_tree import YamlMark


@cache
def settings_schema() -> inspect.StructType:
    """The settings model, as msgspec sees it."""
    described = inspect.type_info(Settings)
    assert isinstance(described, inspect.StructType)
    return described


def iter_leaf_fields(
    struct: inspect.StructType | None = None, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], inspect.Field]]:
    """Every key with a value, with its path; the keys inside the items of lists are not among them."""
    for field in (struct or settings_schema()).fields:
        if isinstance(field.type, inspect.StructType):
            yield from iter_leaf_fields(field.type, (*path, field.name))
        else:
            yield (*path, field.name), field


def field_for_key(key: str) -> inspect.Field | None:
    """The field of a dotted key; the items of a list have the key of the list: `nodes.groups.count`."""
    kind: inspect.Type = settings_schema()
    found: inspect.Field | None = None
    for part in key.split("."):
        section = item_type(kind)
        if not isinstance(section, inspect.StructType):
            return None
        found = next((field for field in section.fields if field.name == part), None)
        if found is None:
            return None
        kind = found.type
    return found


def plain_type(kind: inspect.Type) -> inspect.Type:
    """The type without the constraints and messages of the model."""
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def item_type(kind: inspect.Type) -> inspect.Type:
    """The type of a list's items; of everything else the type itself."""
    kind = plain_type(kind)
    return plain_type(kind.item_type) if isinstance(kind, inspect.VarTupleType) else kind


def describe_type(kind: inspect.Type) -> str:
    """What a value of this type is called in a message."""
    match plain_type(kind):
        case inspect.StrType():
            return "text"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return "a whole number"
        case inspect.FloatType():
            return "a number"
        case inspect.UnionType(types=types):
            return " or ".join(describe_type(one) for one in types)
        case inspect.NoneType():
            return "null"
        case inspect.TupleType(item_types=items):
            return f"a list of {len(items)} whole numbers"
        case inspect.VarTupleType(item_type=item):
            inner = {"text": "texts", "a section": "sections"}.get(describe_type(item), f"{describe_type(item)} each")
            return f"a list of {inner}"
        case inspect.DictType():
            return "a map of names to texts"
        case _:
            return "a section"


def did_you_mean(word: str, known: list[str]) -> str:
    """` did you mean ...?`, or nothing."""
    from difflib import get_close_matches

    close = get_close_matches(word.lower().replace("-", "_"), known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


_ERROR = re.compile(r"(?P<problem>.*?)(?: - at `(?:key in )?\$(?P<path>.*)`)?", re.DOTALL)
_FIELD_ERROR = re.compile(r"Object (contains unknown|missing required) field `(.*)`", re.DOTALL)
_PATH_PART = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
"""What msgspec's messages look like; tests/config holds the errors that are made of them."""


def convert_settings(data: Any, origins: Mapping[str, str], marks: Mapping[str, YamlMark]) -> Settings:
    """The settings of plain data. `origins` says where each value comes from, by path; `marks` how it is written.

    Raises SettingsError.
    """
    try:
        return msgspec.convert(data, Settings)
    except msgspec.ValidationError as error:
        found = _ERROR.fullmatch(str(error))
        assert found is not None
        value, kind, path = _follow_path(data, found["path"] or "")
        if field := _FIELD_ERROR.fullmatch(found["problem"]):
            name = field[2]
            if field[1] == "missing required":
                problem = f"the key {name!r} is missing"
            else:
                problem = f"unknown key{_other_key_hint(name, kind)}"
                path = f"{path}.{name}" if path else name
        else:
            text = marks[path].text if path in marks else str(value)
            problem = _explain(found["problem"], value, text, kind)
        raise SettingsError(find_origin(origins, path), path, problem) from None


def find_origin(origins: Mapping[str, str], key: str) -> str:
    """Where a key comes from, or the list or section around it."""
    while key and key not in origins:
        key = key[: max(key.rfind("."), key.rfind("["), 0)]
    return origins.get(key, "")


def is_key_within(key: str, container: str) -> bool:
    """Whether a key is the other one, or a part of its value."""
    return key == container or key.startswith((f"{container}.", f"{container}["))


def split_commands(data: Any, origins: Mapping[str, str]) -> None:
    """Replace commands that are one text by their words, in place. Raises SettingsError."""
    for path, _ in iter_leaf_fields():
        section = data.get(path[0]) if isinstance(data, dict) else None
        if path[-1] == "command" and isinstance(section, dict) and isinstance(section.get("command"), str):
            try:
                section["command"] = shlex.split(section["command"])
            except ValueError as error:
                key = ".".join(path)
                raise SettingsError(find_origin(origins, key), key, f"is not a command line: {error}") from None


def _follow_path(data: Any, path: str) -> tuple[Any, inspect.Type, str]:
    """The value at a path of msgspec's, its type, and the path as we write it."""
    value, key = data, ""
    kind: inspect.Type = settings_schema()
    for part in _PATH_PART.finditer(path):
        match plain_type(kind):
            case inspect.StructType(fields=fields):
                kind = next(field.type for field in fields if field.name == part[1])
                value, key = value[part[1]], f"{key}.{part[1]}" if key else part[1]
            case inspect.DictType(value_type=kind):
                # The message does not name the key of a map: its values are texts, and one is not.
                name = next(name for name, one in value.items() if not isinstance(one, str))
                value, key = value[name], f"{key}.{name}"
            case inspect.TupleType(item_types=types):
                kind = types[int(part[2])]
                value, key = value[int(part[2])], f"{key}[{part[2]}]"
            case inspect.VarTupleType(item_type=kind):
                value, key = value[int(part[2])], f"{key}[{part[2]}]"
    return value, kind, key


def _explain(message: str, value: Any, text: str, kind: inspect.Type) -> str:
    """What is wrong with a value of a known type, in our words."""
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    inner = plain_type(kinds[0])
    if value == math.inf and isinstance(inner, inspect.IntType | inspect.FloatType):
        return f"{quote_value(text)} is not a number that can be used"
    if "got `" not in message and not isinstance(plain_type(kind), inspect.TupleType):
        extra = next((one.extra for one in kinds if isinstance(one, inspect.Metadata) and one.extra), {})
        shown = f"{value:g}" if isinstance(value, (int, float)) else quote_value(str(value))
        return str(extra.get("problem", message)).format(value=shown)
    hint = ""
    if isinstance(inner, inspect.VarTupleType | inspect.TupleType):
        if isinstance(value, list):
            return f"expected {describe_type(kind)}, got {len(value)}"
        hint = "; write [] for none" if value is None else f"; write [{text}]" if isinstance(value, str) else ""
    elif value is None and not isinstance(inner, inspect.StructType):
        hint = "; leave the key out to keep the default"
    elif isinstance(inner, inspect.StrType) and not isinstance(value, (dict, list)):
        hint = f'; write it in quotes: "{text}"'
    expected = "a section with keys" if isinstance(inner, inspect.StructType) else describe_type(kind)
    return f"expected {expected}, got {_describe_value(value, text)}{hint}"


def _other_key_hint(name: str, section: inspect.Type) -> str:
    """What was meant by an unknown key."""
    section = plain_type(section)
    known = [field.name for field in section.fields] if isinstance(section, inspect.StructType) else []
    if hint := did_you_mean(name, known):
        return hint
    elsewhere = [".".join(path) for path, _ in iter_leaf_fields() if path[-1] == name]
    return f"; did you mean {elsewhere[0]!r}?" if elsewhere else f"; known are {', '.join(known)}"


def _describe_value(value: Any, text: str) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return text
        case int() | float():
            return f"the number {text}"
        case str():
            return f"the text {quote_value(value)}"
        case list():
            return "a list"
        case _:
            return "a section with keys"


SettingProblem = tuple[str, str]
"""The dotted key, and what is wrong with its value."""


def find_setting_problems(settings: Settings) -> Iterator[SettingProblem]:
    """Everything that is wrong with settings whose values are right one by one, in the order of the model."""
    environment = settings.environment
    yield from _require_unique("environment.tools", "name", (tool.name for tool in environment.tools))
    yield from _require_unique("environment.variables", "name", (variable.name for variable in environment.variables))
    yield from _require_unique("quota.limits", "code", (limit.code for limit in settings.quota.limits))
    for key, command in (
        ("terraform.command", settings.terraform.command),
        ("kubectl.command", settings.kubectl.command),
    ):
        if not command[0].strip():
            yield key, "the command is empty"
    yield from _require_unique("nodes.groups", "name", (group.name for group in settings.nodes.groups))
    low, high = settings.cloudfront.normal_minutes
    if low >= high:
        yield "cloudfront.normal_minutes", f"expected [low, high] with low below high, got [{low}, {high}]"
    guide = settings.guide
    if guide.overlay == SHIPPED_GUIDE and SHIPPED_GUIDE in (guide.documents or (SHIPPED_GUIDE,)):
        yield "guide.overlay", f"{SHIPPED_GUIDE} has its overlay already; it is for your own version of that guide"
    for section, stages in (("rebuild", settings.rebuild.stages), ("cleanup", settings.cleanup.stages)):
        for index, stage in enumerate(stages):
            try:
                re.compile(stage)
            except re.error as error:
                yield f"{section}.stages[{index}]", f"is no regular expression: {error}"


def _require_unique(key: str, field: str, names: Iterable[str]) -> Iterator[SettingProblem]:
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        if name in first:
            yield f"{key}[{index}].{field}", f"{quote_value(name)} is given twice, first in {key}[{first[name]}]"
        first.setdefault(name, index)
