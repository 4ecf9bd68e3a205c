"""Guide usage in sessions: steps done in this session, and entries that solved the problem in earlier ones."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ecotui.session import SessionError, events
from ecotui.session.private_files import read_bytes
from ecotui.session.store import SessionStore

MAX_SESSIONS_READ = 60
"""Sessions that are read, newest first. What helped before them no longer counts."""
MAX_LOG_BYTES = 32_000_000
"""Bytes of one log that are read."""


@dataclass(frozen=True)
class GuideUsage:
    """How the guide was used in one session."""

    completed_steps: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Entry to the keys of its steps that are done."""
    ratings: Mapping[str, bool] = field(default_factory=dict)
    """Entry to whether it solved the problem; the last rating counts."""


def read_guide_usage(records: Iterable[events.EventRecord]) -> GuideUsage:
    """Read a session's events. Raises what reading them raises."""
    completed: dict[str, set[str]] = defaultdict(set)
    ratings: dict[str, bool] = {}
    for record in records:
        match record.event:
            case events.RunbookStepTicked(entry=entry, step=step, done=done):
                (completed[entry].add if done else completed[entry].discard)(step)
            case events.RunbookRated(entry=entry, solved=solved):
                ratings[entry] = solved
    return GuideUsage({entry: frozenset(steps) for entry, steps in completed.items()}, ratings)


def count_solved_sessions(store: SessionStore, *, limit: int = MAX_SESSIONS_READ) -> dict[str, int]:
    """Entry to the sessions in which it solved the problem, less those in which it did not; positive counts only.

    Unreadable sessions are skipped: the counts only order a list.
    """
    counts: Counter[str] = Counter()
    try:
        summaries = store.list_summaries(limit)
    except SessionError:
        return {}
    for summary in summaries:
        try:
            session = store.open(summary.id)
            # Most sessions never opened the guide, and their logs can be long.
            if b'"entry-judged"' not in read_bytes(session.events_path, limit=MAX_LOG_BYTES):
                continue
            ratings = read_guide_usage(session.read_records()).ratings
        except (SessionError, OSError):
            continue
        for entry, solved in ratings.items():
            counts[entry] += 1 if solved else -1
    return dict(+counts)
