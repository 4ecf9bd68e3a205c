"""Which sessions to list: a query, and the words that an operator types for one.

For example `quota:blocked since:7d @kim #handover seoul`.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace

from checks.steps import STEPS_BY_ID
from ecotui.session.log import SessionSummary

SECONDS_PER_DAY = 86_400
QUERY_HINT = "words, project:… outcome:… step:quota:blocked @operator #tag since:7d until:2026-05-01"
_UNENDED_OUTCOMES = ("open", "running")


@dataclass(frozen=True, kw_only=True)
class SessionQuery:
    """Which sessions. What is empty or None matches every session."""

    project: str = ""
    outcome: str = ""
    """As logged; `open` and `running` match sessions that have not ended."""
    step: str = ""
    """A step that was checked, or `step:state` of its last check."""
    operator: str = ""
    """A part of the name."""
    tag: str = ""
    since: float | None = None
    until: float | None = None
    """Seconds since the epoch; `until` is not included."""
    text: str = ""
    """Words, all of which are somewhere in the summary, in any case."""
    allow_partial: bool = False
    """A part of the project, outcome, operator, step or tag is enough, in any case: for a query that is being typed."""

    @property
    def matches_all(self) -> bool:
        return replace(self, allow_partial=False) == SessionQuery()

    def matches(self, summary: SessionSummary) -> bool:
        steps = [f"{step}:{state}" for step, state in summary.steps.items()]
        if not (
            self._matches_partially(summary, steps) if self.allow_partial else self._matches_exactly(summary, steps)
        ):
            return False
        if self.since is not None and summary.started < self.since:
            return False
        if self.until is not None and summary.started >= self.until:
            return False
        words = self.text.lower().split()
        return not words or all(word in _summary_text(summary, steps) for word in words)

    def _matches_exactly(self, summary: SessionSummary, steps: list[str]) -> bool:
        outcome = "" if self.outcome in _UNENDED_OUTCOMES else self.outcome
        return (
            self.project in ("", summary.project)
            and (not self.outcome or outcome == summary.outcome)
            and (not self.step or any(self.step in (step, step.partition(":")[0]) for step in steps))
            and self.operator in summary.by
            and (not self.tag or self.tag in summary.tags)
        )

    def _matches_partially(self, summary: SessionSummary, steps: list[str]) -> bool:
        return all(
            part.lower() in text.lower()
            for part, text in (
                (self.project, summary.project),
                (self.outcome, summary.outcome or " ".join(_UNENDED_OUTCOMES)),
                (self.step, " ".join(steps)),
                (self.operator, summary.by),
                (self.tag, " ".join(summary.tags)),
            )
            if part
        )


def _summary_text(summary: SessionSummary, steps: list[str]) -> str:
    fields = (summary.id, summary.project, summary.folder, summary.by, summary.outcome or "open")
    return " ".join((*fields, *steps, *summary.tags, *summary.notes)).lower()


@dataclass(frozen=True)
class ParsedQuery:
    """The query that the words mean."""

    query: SessionQuery
    problem: str = ""
    """What was not understood, in plain words."""


def parse_query(text: str, now: float | None = None) -> ParsedQuery:
    """Read the words. Never raises: what cannot be understood yet is left out, and reported."""
    query, words, problem = SessionQuery(allow_partial=True), [], ""
    for word in text.split():
        key, colon, value = word.partition(":")
        key = key.lower()
        if word.startswith("#"):
            query = replace(query, tag=word[1:])
        elif word.startswith("@"):
            query = replace(query, operator=word[1:])
        elif colon and key in ("project", "outcome", "step", "tag"):
            query = replace(query, **{key: value})  # type: ignore[arg-type]
        elif colon and key in ("operator", "by"):
            query = replace(query, operator=value)
        elif colon and key in ("since", "until"):
            try:
                query = replace(query, **{key: parse_time(value, now) if value else None})  # type: ignore[arg-type]
            except ValueError:
                problem = f"{key}: a date as 2026-05-01, or 7d for a week back"
        elif colon and key in STEPS_BY_ID:
            query = replace(query, step=word)
        else:
            words.append(word)
    return ParsedQuery(replace(query, text=" ".join(words)), problem)


def parse_time(text: str, now: float | None = None) -> float:
    """Seconds since the epoch of a date, of a date and time (local), or of a number of days back. Raises ValueError."""
    if match := re.fullmatch(r"(\d{1,5})d", text):
        return (time.time() if now is None else now) - int(match[1]) * SECONDS_PER_DAY
    for format in ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"):
        try:
            return time.mktime(time.strptime(text, format))
        except (ValueError, OverflowError):
            continue
    raise ValueError(text)
