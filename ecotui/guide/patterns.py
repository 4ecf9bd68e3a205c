"""What can be told of a pattern before it is tried: whether it may run for ever, and what it cannot do without."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=4096)
def runs_for_ever(pattern: str) -> bool:
    """A repeat without end inside another one, as in `(x+)+`: its time can double with each letter.

    Once begun, a search of `re` cannot be stopped.
    """
    try:
        return _nested(_parsed(pattern), importlib.import_module("re._parser").MAXREPEAT, False)
    except re.error:
        return False


@lru_cache(maxsize=4096)
def needed_words(pattern: str) -> tuple[str, ...]:
    """Parts of words, in lower case, that stand in everything that the pattern matches."""
    try:
        runs = "".join(_fixed(_parsed(pattern))).split("\0")
    except re.error:
        return ()
    words = (word for run in runs for word in re.findall("[a-z0-9_\uac00-\ud7a3]+", run.lower()))
    return tuple(dict.fromkeys(words))


def _parsed(pattern: str) -> Any:
    # The parser of `re` is the only one that reads a pattern exactly as it does; its name is not public.
    return importlib.import_module("re._parser").parse(pattern, re.I | re.S)


def _fixed(tree: Any) -> Iterator[str]:
    """The letters that must be there, in their order; NUL wherever something else may stand between them."""
    for op, value in tree:
        name = str(op)
        if name == "LITERAL":
            yield chr(value)
        elif name == "SUBPATTERN":
            yield from _fixed(value[3])
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") and value[0]:
            yield "\0"
            yield from _fixed(value[2])
            yield "\0"
        elif name == "ATOMIC_GROUP":
            yield "\0"
            yield from _fixed(value)
            yield "\0"
        else:
            yield "\0"


def _nested(tree: Any, endless: object, inside: bool) -> bool:
    for part in tree:
        if isinstance(part, tuple | list) or hasattr(part, "data"):
            repeat = (
                isinstance(part, tuple)
                and len(part) == 2
                and str(part[0]) in ("MAX_REPEAT", "MIN_REPEAT")
                and part[1][1] == endless
            )
            if (repeat and inside) or _nested(part, endless, inside or repeat):
                return True
    return False
