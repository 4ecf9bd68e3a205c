"""What sessions tell of the guide: the steps that are ticked in this one, and which entries solved it in earlier ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ecotui.session import SessionError, events
from ecotui.session.private_files import read_bytes
from ecotui.session.store import SessionStore

MAX_SESSIONS_READ = 60
"""Sessions that are asked, newest first; what helped before that was another world."""
MAX_LOG_BYTES = 32_000_000
"""Bytes of one log that are searched."""


@dataclass(frozen=True)
class GuideUsage:
    """What happened with the guide in one session."""

    completed_steps: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Entry to the keys of its steps that are done."""
    ratings: Mapping[str, bool] = field(default_factory=dict)
    """Entry to whether it solved it; the last word counts."""


def read_guide_usage(records: Iterable[events.EventRecord]) -> GuideUsage:
    """Read a session's events. Raises what reading them raises."""
    ticks: dict[str, set[str]] = {}
    judged: dict[str, bool] = {}
    for record in records:
        match record.event:
            case events.RunbookStepTicked(entry=entry, step=step, done=done):
                (ticks.setdefault(entry, set()).add if done else ticks.setdefault(entry, set()).discard)(step)
            case events.RunbookRated(entry=entry, solved=solved):
                judged[entry] = solved
    return GuideUsage({entry: frozenset(steps) for entry, steps in ticks.items()}, judged)


def count_solved_sessions(store: SessionStore, *, limit: int = MAX_SESSIONS_READ) -> dict[str, int]:
    """Entry to the number of sessions in which it solved it; entries that did not help as often as they did are left out.

    What cannot be read is passed over: this only orders a list.
    """
    counts: dict[str, int] = {}
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
            found = read_guide_usage(session.read_records()).ratings
        except (SessionError, OSError):
            continue
        for entry, well in found.items():
            counts[entry] = counts.get(entry, 0) + (1 if well else -1)
    return {entry: count for entry, count in counts.items() if count > 0}
