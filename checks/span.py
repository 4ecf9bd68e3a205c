"""A length of time in words."""

from __future__ import annotations


def span(seconds: float) -> str:
    """A length of time as people write it: `40 s`, `4 min`, `4 min 10 s`, `1 h 5 min`."""
    hours, rest = divmod(max(0, round(seconds)), 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {left} s" if left else f"{minutes} min"
    return f"{left} s"
