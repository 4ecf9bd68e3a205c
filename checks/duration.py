"""A length of time in words, by how much of it the reader needs. What is negative (a clock was set back) is nothing."""

from __future__ import annotations


def format_duration(seconds: float, *, tenths: bool = False) -> str:
    """A length of time as people write it: `40 s`, `4 min`, `4 min 10 s`, `1 h 5 min`.

    With `tenths`, for what is over at once, what is below 10 s has them: `0.8 s`.
    """
    seconds = max(0.0, seconds)
    whole = round(seconds)
    if tenths and seconds < 10:
        return f"{seconds:.1f} s"
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {left} s" if left else f"{minutes} min"
    return f"{left} s"


def format_stopwatch(seconds: float) -> str:
    """A length of time in a column or beside something that runs: `0.8 s`, `42 s`, `3:07`, `1:02:30`."""
    seconds = max(0.0, seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_rough_duration(seconds: float) -> str:
    """A length of time of which no second matters: `less than a minute`, `45 min`, `3 h 20 min`, `2 d 4 h`."""
    minutes = max(int(seconds // 60), 0)
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"
