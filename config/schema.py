"""Holds a YAML tree against the settings model: every key known, every value of its type, every line remembered."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

from msgspec import inspect

from config.errors import SettingsError, quote_value
from config.model import Settings
from config.yaml_tree import YamlNode

_LARGEST_NUMBER = 10**12


@cache
def settings_schema() -> inspect.StructType:
    """The settings model, as msgspec sees it."""
    described = inspect.type_info(Settings)
    assert isinstance(described, inspect.StructType)
    return described


def iter_leaf_fields(
    struct: inspect.StructType | None = None, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], inspect.Field]]:
    """Every key that holds a value, with its path; the keys inside the items of lists are not among them."""
    for field in (struct or settings_schema()).fields:
        if isinstance(field.type, inspect.StructType):
            yield from iter_leaf_fields(field.type, (*path, field.name))
        else:
            yield (*path, field.name), field


def field_for_key(key: str) -> inspect.Field | None:
    """The field behind a dotted key; the items of a list have the key of the list: `nodes.groups.count`."""
    kind: Any = settings_schema()
    found: inspect.Field | None = None
    for part in key.split("."):
        if isinstance(kind, inspect.VarTupleType):
            kind = kind.item_type
        if not isinstance(kind, inspect.StructType):
            return None
        found = next((field for field in kind.fields if field.name == part), None)
        if found is None:
            return None
        kind = found.type
    return found


def describe_type(kind: inspect.Type) -> str:
    """What a value of this type is called in a message."""
    match kind:
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


class SettingsDecoder:
    """Turns the tree of one source into plain data for the model, and keeps where each value stands."""

    def __init__(self, source: str, *, lines: bool = True, loose: bool = False) -> None:
        self._source = source
        self._lines = lines
        self._loose = loose
        """On the command line and in the environment, what looks like a number may be meant as text."""
        self.origins: dict[str, str] = {}

    def decode_section(self, node: YamlNode, struct: inspect.StructType, key: str = "") -> dict[str, Any]:
        """A mapping against a section of the model. Raises SettingsError."""
        if not isinstance(node.value, dict):
            raise self.error(node.line, key, f"expected a section with keys, got {_describe_value(node)}")
        fields = {field.name: field for field in struct.fields}
        plain: dict[str, Any] = {}
        for name, inner in node.value.items():
            path = f"{key}.{name}" if key else name
            if name not in fields:
                raise self.error(
                    node.key_lines.get(name, node.line), path, self._unknown_key_problem(name, key, list(fields))
                )
            kind = fields[name].type
            if inner.value is None and isinstance(kind, inspect.StructType):
                continue  # a section whose keys are all commented out
            plain[name] = self.decode_value(inner, kind, path, node.key_lines.get(name))
        for field in struct.fields:
            if field.required and field.name not in plain:
                raise self.error(node.line, key, f"the key {field.name!r} is missing")
        return plain

    def decode_value(self, node: YamlNode, kind: inspect.Type, key: str, line: int | None = None) -> Any:
        """One value against its type. Raises SettingsError."""
        if not isinstance(kind, inspect.StructType):
            self.origins[key] = self.location(line or node.line)
        match kind:
            case inspect.StructType():
                return self.decode_section(node, kind, key)
            case inspect.VarTupleType(item_type=item):
                if isinstance(node.value, str) and key.rpartition(".")[2] == "command":
                    return self._split_command(node, key)
                items = self._require_items(node, kind, key)
                return [self.decode_value(one, item, f"{key}[{at}]") for at, one in enumerate(items)]
            case inspect.TupleType(item_types=types):
                items = self._require_items(node, kind, key)
                if len(items) != len(types):
                    raise self.error(node.line, key, f"expected {describe_type(kind)}, got {len(items)}")
                pairs = zip(items, types, strict=True)
                return [self.decode_value(one, item, f"{key}[{at}]") for at, (one, item) in enumerate(pairs)]
            case inspect.DictType(value_type=value):
                if not isinstance(node.value, dict):
                    raise self.error(node.line, key, f"expected {describe_type(kind)}, got {_describe_value(node)}")
                return {name: self.decode_value(one, value, f"{key}.{name}") for name, one in node.value.items()}
        return self._decode_scalar(node, kind, key)

    def _require_items(self, node: YamlNode, kind: inspect.Type, key: str) -> list[YamlNode]:
        if isinstance(node.value, list):
            return node.value
        hint = ""
        if node.value is None:
            hint = "; write [] for none"
        elif isinstance(node.value, str):
            hint = f"; write [{node.text}]"
        raise self.error(node.line, key, f"expected {describe_type(kind)}, got {_describe_value(node)}{hint}")

    def _split_command(self, node: YamlNode, key: str) -> list[str]:
        try:
            return shlex.split(node.value)
        except ValueError as error:
            raise self.error(node.line, key, f"is not a command line: {error}") from None

    def _decode_scalar(self, node: YamlNode, kind: inspect.Type, key: str) -> Any:
        value = node.value
        kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
        for one in kinds:
            match one:
                case inspect.NoneType() if value is None:
                    return None
                case inspect.StrType() if isinstance(value, str):
                    return value
                case inspect.StrType() if self._loose and not isinstance(value, (dict, list)):
                    return node.text
                case inspect.BoolType() if isinstance(value, bool):
                    return value
                case inspect.IntType() if isinstance(value, int) and not isinstance(value, bool):
                    return self._require_bounded(node, key, value)
                case inspect.FloatType() if isinstance(value, (int, float)) and not isinstance(value, bool):
                    return float(self._require_bounded(node, key, value))
        hint = ""
        if value is None:
            hint = "; leave the key out to keep the default"
        elif isinstance(kinds[0], inspect.StrType) and not isinstance(value, (dict, list)):
            hint = f'; write it in quotes: "{node.text}"'
        raise self.error(node.line, key, f"expected {describe_type(kind)}, got {_describe_value(node)}{hint}")

    def _require_bounded(self, node: YamlNode, key: str, number: float) -> float:
        if not math.isfinite(number) or abs(number) > _LARGEST_NUMBER:
            raise self.error(node.line, key, f"{quote_value(node.text)} is not a number that can be used")
        return number

    def location(self, line: int) -> str:
        return f"{self._source}:{line}" if self._lines else self._source

    def error(self, line: int, key: str, problem: str) -> SettingsError:
        return SettingsError(self.location(line), key, problem)

    def _unknown_key_problem(self, name: str, section: str, known: list[str]) -> str:
        hint = did_you_mean(name, known)
        if not hint:
            elsewhere = [".".join(path) for path, _ in iter_leaf_fields() if path[-1] == name]
            hint = f"; did you mean {elsewhere[0]!r}?" if elsewhere else f"; known are {', '.join(known)}"
        return f"unknown key{hint}"


def _describe_value(node: YamlNode) -> str:
    match node.value:
        case None:
            return "nothing"
        case bool():
            return node.text
        case int() | float():
            return f"the number {node.text}"
        case str():
            return f"the text {quote_value(node.text)}"
        case list():
            return "a list"
        case _:
            return "a section with keys"
