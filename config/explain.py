"""What each setting means, read from the model itself: the text under a field is its documentation."""

from __future__ import annotations

import ast
import inspect as source
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from config import model
from config.errors import SettingsError
from config.overrides import setting_variables
from config.schema import describe_type, did_you_mean, field_for_key, item_type, iter_leaf_fields


@dataclass(frozen=True)
class SettingInfo:
    """A key of the settings, for people."""

    key: str
    type: str
    meaning: str
    default: Any
    """Of the model, not of defaults.yaml; None where the key has to be given."""
    variable: str
    """The environment variable that sets it; empty for keys inside the items of a list."""
    keys: tuple[str, ...] = ()
    """For a section, or a list of sections: the keys in it."""


def describe_setting(key: str) -> SettingInfo:
    """What a dotted key means: of a value, a section, or a key inside the items of a list. Raises SettingsError."""
    field = field_for_key(key)
    if field is None:
        known = [".".join(path) for path, _ in iter_leaf_fields()]
        names = [*known, *dict.fromkeys(one.partition(".")[0] for one in known)]
        ends = [one for one in known if one.rpartition(".")[2] == key]
        near = f"; did you mean {ends[0]!r}?" if ends else did_you_mean(key, names)
        raise SettingsError(key, f"no setting has this name{near}")
    inner = item_type(field.type)
    keys = tuple(one.name for one in inner.fields) if isinstance(inner, inspect.StructType) else ()
    variable = next((name for name, known in setting_variables().items() if known == key), "")
    return SettingInfo(key, describe_type(field.type), _documentation_for(key), _default_value(field), variable, keys)


def _default_value(field: inspect.Field) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return msgspec.to_builtins(field.default)
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.to_builtins(field.default_factory())
    return None


def _documentation_for(key: str) -> str:
    """The text under the field, or of the class where the field is a section without one."""
    section, _, name = key.rpartition(".")
    texts = _field_docstrings()
    holder, field = field_for_key(section), field_for_key(key)
    text = texts.get((_class_name(holder) if holder else "Settings", name), "")
    return text or texts.get((_class_name(field), ""), "")


def _class_name(field: inspect.Field | None) -> str:
    """The class of a section or of the items of a list; empty for a value."""
    kind = item_type(field.type) if field else None
    return kind.cls.__name__ if isinstance(kind, inspect.StructType) else ""


@cache
def _field_docstrings() -> dict[tuple[str, str], str]:
    """(class, field) to the text under the field; (class, "") to the text of the class."""
    found: dict[tuple[str, str], str] = {}
    for node in ast.parse(source.getsource(model)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        found[node.name, ""] = _fold_whitespace(ast.get_docstring(node) or "")
        for field, below in zip(node.body, [*node.body[1:], None], strict=True):
            if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
                continue
            match below:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    found[node.name, field.target.id] = _fold_whitespace(text)
    return found


def _fold_whitespace(text: str) -> str:
    return " ".join(text.split())
