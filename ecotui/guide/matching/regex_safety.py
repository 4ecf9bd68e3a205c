"""What can be told of a pattern before it is tried: whether it may run for ever, and what it cannot do without."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

MIN_WIDE_REPEAT = 8
"""Times from which on a repeat counts as one that may go on for long."""

MAX_OPEN_REPEATS = 3
"""Wide repeats that may follow one another in one pattern: the time of a search grows with the text to that power."""

_REPEAT_OPS = ("MAX_REPEAT", "MIN_REPEAT")


@lru_cache(maxsize=4096)
def has_catastrophic_backtracking(pattern: str) -> bool:
    """Whether a text can be made for which a search does not end in time.

    Once begun, a search of `re` cannot be stopped from another thread. A repeat within which a choice is left, as in
    `(x+)+` or `(x|xx)+`, can double its time with each letter; many wide repeats in a row, as in `.*a.*b.*c.*d`, multiply
    theirs.
    """
    try:
        tree = _parse_pattern(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return _has_ambiguous_repeat(tree, inside=False) or _count_open_repeats(tree) > MAX_OPEN_REPEATS


@lru_cache(maxsize=4096)
def count_open_repeats(pattern: str) -> int:
    """How many wide repeats a search may have to try against one another: its time grows with the text to that power."""
    return _count_open_repeats(_parse_pattern(pattern))


def _has_ambiguous_repeat(tree: Any, *, inside: bool) -> bool:
    """Whether within a wide repeat the same text can be taken in several ways."""
    for op, value in tree:
        name = str(op)
        if name in _REPEAT_OPS:
            least, most, part = value
            if (inside and least != most) or _has_ambiguous_repeat(part, inside=inside or most >= MIN_WIDE_REPEAT):
                return True
        elif name == "BRANCH":
            heads = [str(way[0]) if way else "" for way in value[1]]
            alike = len(set(heads)) < len(heads) or not all(head.startswith("(LITERAL,") for head in heads)
            if (inside and alike) or any(_has_ambiguous_repeat(way, inside=inside) for way in value[1]):
                return True
        elif (part := _inner_pattern(name, value)) is not None and _has_ambiguous_repeat(part, inside=inside):
            return True
    return False


def _count_open_repeats(tree: Any) -> int:
    count = 0
    behind = [*tree[1:], None] if len(tree) else []
    for (op, value), then in zip(tree, behind, strict=True):
        name = str(op)
        if name in _REPEAT_OPS:
            if value[1] < MIN_WIDE_REPEAT:
                count += value[1] * _count_open_repeats(value[2])
            elif then is None or str(then[0]) != "LITERAL" or _may_match(value[2], chr(then[1])):
                # `\s+word` ends where the word begins: nothing is left to try.
                count += 1
        elif name == "BRANCH":
            count += max((_count_open_repeats(way) for way in value[1]), default=0)
        elif name != "ATOMIC_GROUP" and (part := _inner_pattern(name, value)) is not None:
            # What an atomic group has taken is never tried again.
            count += _count_open_repeats(part)
    return count


_CATEGORY_PATTERNS = {"SPACE": r"\s", "DIGIT": r"\d", "WORD": r"\w"}


def _may_match(subpattern: Any, character: str) -> bool:
    """Whether a part of one sign may be this one; in doubt it may."""
    if len(subpattern) != 1 or str(subpattern[0][0]) not in ("IN", "LITERAL"):
        return True
    op, value = subpattern[0]
    if str(op) == "LITERAL":
        return chr(value).lower() == character.lower()
    negated = found = False
    for kind, what in value:
        match str(kind):
            case "NEGATE":
                negated = True
            case "LITERAL":
                found |= chr(what).lower() == character.lower()
            case "RANGE":
                found |= any(what[0] <= ord(case) <= what[1] for case in (character.lower(), character.upper()))
            case "CATEGORY":
                _, _, name = str(what).partition("CATEGORY_")
                plain = _CATEGORY_PATTERNS.get(name.removeprefix("NOT_"))
                if plain is None:
                    return True
                found |= bool(re.match(plain, character)) != name.startswith("NOT_")
    return found != negated


def _inner_pattern(name: str, value: Any) -> Any:
    """The part of a pattern that a group or a look to either side holds."""
    match name:
        case "SUBPATTERN":
            return value[3]
        case "ATOMIC_GROUP":
            return value
        case "ASSERT" | "ASSERT_NOT":
            return value[1]
        case "POSSESSIVE_REPEAT":
            return value[2]
    return None


@lru_cache(maxsize=4096)
def required_words(pattern: str) -> tuple[str, ...]:
    """Parts of words, in lower case, that stand in everything that the pattern matches."""
    try:
        runs = "".join(_required_letters(_parse_pattern(pattern))).split("\0")
    except re.error:
        return ()
    words = (word for run in runs for word in re.findall("[a-z0-9_\uac00-\ud7a3]+", run.lower()))
    return tuple(dict.fromkeys(words))


def _parse_pattern(pattern: str) -> Any:
    # The parser of `re` is the only one that reads a pattern exactly as it does; its name is not public.
    return importlib.import_module("re._parser").parse(pattern, re.I | re.S)


def _required_letters(tree: Any) -> Iterator[str]:
    """The letters that must be there, in their order; NUL wherever something else may stand between them."""
    for op, value in tree:
        name = str(op)
        if name == "LITERAL":
            yield chr(value)
        elif name == "SUBPATTERN":
            yield from _required_letters(value[3])
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") and value[0]:
            yield "\0"
            yield from _required_letters(value[2])
            yield "\0"
        elif name == "ATOMIC_GROUP":
            yield "\0"
            yield from _required_letters(value)
            yield "\0"
        else:
            yield "\0"
