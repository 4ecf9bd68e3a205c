"""The words that an operator types to find sessions: `quota:blocked since:7d @kim #handover seoul`."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace

from checks.steps import STEPS_BY_ID
from ecotui.session.index import SessionQuery

SECONDS_PER_DAY = 86_400
QUERY_HINT = "words, project:… outcome:… step:quota:blocked @operator #tag since:7d until:2026-05-01"


@dataclass(frozen=True)
class ParsedQuery:
    """What the words mean."""

    query: SessionQuery
    problem: str = ""
    """What of it was not understood, in plain words."""


def parse_query(text: str, now: float | None = None) -> ParsedQuery:
    """Read the words. Never raises: what cannot be understood yet is left out, and said."""
    wanted, words, trouble = SessionQuery(allow_partial=True), [], ""
    for word in text.split():
        key, colon, value = word.partition(":")
        key = key.lower()
        if word.startswith("#"):
            wanted = replace(wanted, tag=word[1:])
        elif word.startswith("@"):
            wanted = replace(wanted, operator=word[1:])
        elif colon and key == "project":
            wanted = replace(wanted, project=value)
        elif colon and key == "outcome":
            wanted = replace(wanted, outcome=value)
        elif colon and key == "step":
            wanted = replace(wanted, step=value)
        elif colon and key == "tag":
            wanted = replace(wanted, tag=value)
        elif colon and key in ("operator", "by"):
            wanted = replace(wanted, operator=value)
        elif colon and key in ("since", "until"):
            try:
                at = parse_time(value, now) if value else None
            except ValueError:
                trouble = f"{key}: a date as 2026-05-01, or 7d for a week back"
            else:
                wanted = replace(wanted, since=at) if key == "since" else replace(wanted, until=at)
        elif colon and key in STEPS_BY_ID:
            wanted = replace(wanted, step=word)
        else:
            words.append(word)
    return ParsedQuery(replace(wanted, text=" ".join(words)), trouble)


def parse_time(text: str, now: float | None = None) -> float:
    """Seconds since the epoch of a date, of a date and time (local), or of so many days back. Raises ValueError."""
    if back := re.fullmatch(r"(\d{1,5})d", text):
        return (time.time() if now is None else now) - int(back[1]) * SECONDS_PER_DAY
    for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"):
        try:
            return time.mktime(time.strptime(text, form))
        except (ValueError, OverflowError):
            continue
    raise ValueError(text)
