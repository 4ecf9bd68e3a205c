"""Tells a pattern that may run for ever before it is tried: once begun, a search of `re` cannot be stopped."""

from __future__ import annotations

import importlib
import re
from typing import Any


def runs_for_ever(pattern: str) -> bool:
    """A repeat without end inside another one, as in `(x+)+`: its time can double with each letter."""
    # The parser of `re` is the only one that reads a pattern exactly as it does; its name is not public.
    parser = importlib.import_module("re._parser")
    try:
        return _nested(parser.parse(pattern, re.I | re.S), parser.MAXREPEAT, False)
    except re.error:
        return False


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
