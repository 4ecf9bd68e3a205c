"""Words and lists as the operator reads them: numbers with nouns, long lists cut, names in natural order."""

from __future__ import annotations

import re
from collections.abc import Sequence

_DIGITS = re.compile(r"([0-9]{1,18})")


def natural_sort_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts `worker[2]` before `worker[10]`, and `node-9` before `node-10`."""
    return tuple(
        (0, int(part), "") if part.isdigit() and part.isascii() else (1, 0, part) for part in _DIGITS.split(name)
    )


def plural(count: int, noun: str) -> str:
    """`1 node`, `2 nodes`, `1,200 nodes`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def shorten_list(names: Sequence[str], limit: int = 5) -> str:
    """`a, b, c, d, e and 3 more`."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
