"""Reads a YAML text as plain data and the line of each value, bounded so that no file can do harm or take long.

The size, the depth and the number of values are bounded before anything is built; aliases count with all that they
stand for; tags, second documents and keys given twice are refused.
"""

from __future__ import annotations

import copy
import math
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.errors import SettingsError, quote_value

MAX_SETTINGS_BYTES = 256 * 1024
"""Bytes. The defaults with every key explained are under 10 KiB."""
MAX_YAML_DEPTH = 12
"""Levels. The deepest key of the model, an item of a list of a group, is at level 5."""
MAX_YAML_VALUES = 20_000
MAX_NUMBER = 10**12
"""A number beyond it, or none at all (`.inf`, `.nan`), is read as infinity, which no setting accepts."""

_SCALAR_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float"))
_TEXT_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "timestamp", "value", "merge"))


@dataclass(frozen=True, slots=True)
class YamlMark:
    """Where a value is, and how it is written."""

    line: int
    """Of its key, or of the value itself where it has none; from 1."""
    text: str = ""
    """A scalar without its quotes."""


@dataclass(frozen=True)
class YamlDocument:
    data: Any
    """Plain data; every key is text."""
    marks: dict[str, YamlMark] = field(default_factory=dict)
    """By path: `nodes.groups[0].name`; the whole has the path "". What an alias stands for has only the alias's mark."""


def read_settings_text(path: Path, label: str) -> str:
    """The text of a settings file. Raises SettingsError for anything that is not a small UTF-8 text file."""
    try:
        # Without O_NONBLOCK a named pipe with no writer would be waited for, for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SettingsError(label, f"cannot be read: {error.strerror}") from None
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise SettingsError(label, "is a folder, not a settings file")
        if not stat.S_ISREG(mode):
            raise SettingsError(label, "is not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            data = stream.read(MAX_SETTINGS_BYTES + 1)
    except OSError as error:
        raise SettingsError(label, f"cannot be read: {error.strerror}") from None
    finally:
        os.close(descriptor)
    if len(data) > MAX_SETTINGS_BYTES:
        raise SettingsError(
            label, f"is larger than {MAX_SETTINGS_BYTES // 1024} KiB, which no settings file is; nothing was read"
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SettingsError(label, "is UTF-16 text; save it as UTF-8")
    if b"\0" in data:
        raise SettingsError(label, "is a binary file, not YAML text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsError(
            f"{label}:{line}", f"byte 0x{data[error.start]:02x} is not UTF-8 text; save the file as UTF-8"
        ) from None


def parse_yaml(text: str, label: str) -> YamlDocument | None:
    """The data of a YAML text; None when it holds nothing. Raises SettingsError with the line."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _DocumentBuilder(yaml.parse(text, Loader=loader), label).build()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{label}:{mark.line + 1}" if mark else label
        raise SettingsError(where, _explain_yaml_error(error, text, mark.line if mark else None)) from None
    except yaml.YAMLError as error:
        # A sign that YAML does not allow, such as an escape: the reader gives a position, not a line.
        position = getattr(error, "position", None)
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else None
        where = f"{label}:{line}" if line else label
        raise SettingsError(where, "holds a control character, which YAML does not allow") from None


def _explain_yaml_error(error: Any, text: str, line: int | None) -> str:
    """What is wrong with the YAML, in words that help."""
    lines = text.splitlines()
    written = lines[line] if line is not None and line < len(lines) else ""
    indentation = written[: len(written) - len(written.lstrip())]
    if "\t" in indentation:
        return "a tab is used for indentation; YAML wants spaces"
    problem = (error.problem or "cannot be parsed").replace("'\\t'", "a tab")
    context = f" {error.context}" if error.context else ""
    return f"is not valid YAML: {problem}{context}"


class _DocumentBuilder:
    """Builds the data from YAML's events, counting as it goes."""

    def __init__(self, events: Iterator[Any], label: str) -> None:
        import yaml

        self._yaml = yaml
        self._events = events
        self._label = label
        self._anchors: dict[str, tuple[Any, int]] = {}
        """The value of each anchor, and how many values it stands for."""
        self._value_count = 0
        self._scalars = yaml.SafeLoader("")
        self._marks: dict[str, YamlMark] = {}

    def build(self) -> YamlDocument | None:
        yaml = self._yaml
        data: Any = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._error(event, "a second YAML document starts here; settings are one document")
                data = self._value(next(self._events), 0, "")
        return None if data is None else YamlDocument(data, self._marks)

    def _error(self, event: Any, problem: str) -> SettingsError:
        return SettingsError(f"{self._label}:{event.start_mark.line + 1}", problem)

    def _count(self, event: Any, size: int) -> None:
        self._value_count += size
        if self._value_count > MAX_YAML_VALUES:
            raise self._error(event, f"more than {MAX_YAML_VALUES} values, aliases counted with what they stand for")

    def _value(self, event: Any, depth: int, path: str, line: int = 0) -> Any:
        yaml = self._yaml
        if depth > MAX_YAML_DEPTH:
            raise self._error(event, f"nested more than {MAX_YAML_DEPTH} levels deep")
        line = line or event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise self._error(event, f"the alias *{event.anchor} has no anchor before it")
            value, size = self._anchors[event.anchor]
            self._count(event, size)
            self._marks[path] = YamlMark(line, value if isinstance(value, str) else "")
            return copy.deepcopy(value)
        self._count(event, 1)
        before = self._value_count
        self._marks[path] = YamlMark(line, event.value if isinstance(event, yaml.ScalarEvent) else "")
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._refuse_custom_tag(event, "tag:yaml.org,2002:seq")
            value = []
            while not isinstance(inner := next(self._events), yaml.SequenceEndEvent):
                value.append(self._value(inner, depth + 1, f"{path}[{len(value)}]"))
        else:
            value = self._mapping(event, depth, path)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._value_count - before + 1)
        return value

    def _mapping(self, event: Any, depth: int, path: str) -> dict[str, Any]:
        yaml = self._yaml
        self._refuse_custom_tag(event, "tag:yaml.org,2002:map")
        entries: dict[str, Any] = {}
        lines: dict[str, int] = {}
        while not isinstance(inner := next(self._events), yaml.MappingEndEvent):
            if not isinstance(inner, yaml.ScalarEvent):
                # Of an alias, too, nobody means the name of a setting.
                self._value(inner, depth + 1, path)
                raise self._error(inner, "a key has to be a plain word")
            self._count(inner, 1)
            self._scalar(inner)
            key, line = inner.value, inner.start_mark.line + 1
            if key in entries:
                raise self._error(inner, f"the key {quote_value(key)} is given twice, first in line {lines[key]}")
            lines[key] = line
            entries[key] = self._value(next(self._events), depth + 1, f"{path}.{key}" if path else key, line)
        return entries

    def _refuse_custom_tag(self, event: Any, default_tag: str) -> None:
        if event.tag not in (None, "!", default_tag):
            raise self._error(event, f"the tag {quote_value(event.tag)} is not allowed in settings")

    def _scalar(self, event: Any) -> Any:
        yaml = self._yaml
        tag = event.tag
        if tag in (None, "!"):
            tag = self._scalars.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]
        if tag in _TEXT_TAGS:
            return event.value
        if tag not in _SCALAR_TAGS:
            raise self._error(event, f"the tag {quote_value(tag)} is not allowed in settings")
        try:
            value = self._scalars.construct_object(yaml.ScalarNode(tag, event.value))
        except (ValueError, KeyError, yaml.YAMLError):
            raise self._error(event, f"{quote_value(event.value)} is not a number that can be used") from None
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return math.inf if is_number and not abs(value) <= MAX_NUMBER else value
