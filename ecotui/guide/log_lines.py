"""Strips a log line of what tools put around a message: colours, boxes, time stamps, JSON, prefixes."""

from __future__ import annotations

import html
import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from checks.sanitize import sanitize

MAX_LINE_LENGTH = 200_000
"""Characters of one line that are read. JSON lines of terraform are far shorter."""

MAX_PREFIX_LENGTH = 120
"""Characters of the longest prefix that a log puts before a line."""

_BOX_CHARACTERS = re.compile("[\u2500-\u257f]+")
_TIMESTAMP = re.compile(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?Z?(?:\s+|$)")
_PLAIN_QUOTES = str.maketrans("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019\u201a\u201b", '"' * 6 + "'" * 4)
"""The quotes of word processors and chats."""
_ENTITY = re.compile("&(quot|apos|lt|gt|amp|nbsp|#\\d+|#x[0-9a-f]+);", re.I)
_DIGITS_AS_ZERO = str.maketrans("123456789", "000000000")
_HEADLINE = re.compile("(error|warning):", re.I)


def shared_prefix_length(line: str, other: str) -> int:
    """The length of the prefix that a log puts before both lines: digits may differ, words may not."""
    if line[:1] != other[:1] and not (line[:1].isdigit() and other[:1].isdigit()):
        return 0
    first, second = (text[:MAX_PREFIX_LENGTH].translate(_DIGITS_AS_ZERO) for text in (line, other))
    lengths = range(1, min(len(first), len(second)) + 1)
    # Bisection: most lines of a log have long prefixes in common.
    length = bisect_left(lengths, True, key=lambda length: first[:length] != second[:length])
    cut = other.rfind(" ", 0, max(length, 1)) + 1
    return 0 if _HEADLINE.search(other, 0, cut) else cut


class LogLine(NamedTuple):
    """One line of a log, ready to be matched."""

    text: str
    """The message."""
    width: int
    """Characters of the whole line."""
    ends_with_space: bool
    is_indented: bool

    @classmethod
    def parse(cls, line: str) -> LogLine:
        line = line.rstrip("\r")
        return cls(strip_decoration(line), len(line), line[-1:] == " ", line[:1] == " ")


EMPTY_LINE = LogLine("", 0, False, False)


def strip_decoration(line: str) -> str:
    """One line without colours, boxes, time stamps, JSON, and the quotes of chats and pages."""
    line = line[:MAX_LINE_LENGTH]
    if "\x1b" in line or not line.isprintable():
        line = sanitize(line).replace("\n", " ")
    line = _TIMESTAMP.sub("", line.strip())
    if line.startswith("{") and line.endswith("}"):
        # What only looks like JSON stays as it is.
        with suppress(ValueError, RecursionError):
            line = " ".join(_json_messages(json.loads(line)))
            if "\x1b" in line:
                line = sanitize(line)
    elif '\\"' in line or "\\n" in line:
        line = line.replace("\\n", " ").replace('\\"', '"')
    if not line.isascii():
        line = _BOX_CHARACTERS.sub(" ", line).translate(_PLAIN_QUOTES)
    if "&" in line and _ENTITY.search(line):
        line = html.unescape(line)
    return _TIMESTAMP.sub("", " ".join(line.split()))


def _json_messages(value: object) -> Iterator[str]:
    """The messages of a JSON object. Of terraform's stream and docker's log, those that a person would have read."""
    if isinstance(value, dict):
        if "@message" in value:
            yield str(value["@message"])
            diagnostic = value.get("diagnostic")
            if isinstance(diagnostic, dict):
                yield str(diagnostic.get("summary", ""))
                yield str(diagnostic.get("detail", ""))
            return
        if "log" in value and "stream" in value:
            value = {"log": value["log"]}
        for item in value.values():
            yield from _json_messages(item)
    elif isinstance(value, list):
        for item in value:
            yield from _json_messages(item)
    elif isinstance(value, str):
        if value.lstrip().startswith('{"'):
            # Docker's log of terraform's stream.
            with suppress(ValueError, RecursionError):
                yield from _json_messages(json.loads(value))
                return
        yield value
