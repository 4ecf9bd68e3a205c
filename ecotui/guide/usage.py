"""What sessions tell of the guide: the steps that are ticked in this one, and which entries solved it in earlier ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ecotui.session import SessionError, events
from ecotui.session.private_files import read_bytes
from ecotui.session.store import Store

SESSIONS = 60
"""Sessions that are asked, newest first; what helped before that was another world."""
LARGEST = 32_000_000
"""Bytes of one log that are searched."""


@dataclass(frozen=True)
class Walked:
    """What happened with the guide in one session."""

    ticks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Entry to the keys of its steps that are done."""
    judged: Mapping[str, bool] = field(default_factory=dict)
    """Entry to whether it solved it; the last word counts."""


def walked(records: Iterable[events.Record]) -> Walked:
    """Read a session's events. Raises what reading them raises."""
    ticks: dict[str, set[str]] = {}
    judged: dict[str, bool] = {}
    for record in records:
        match record.event:
            case events.StepTicked(entry=entry, step=step, done=done):
                (ticks.setdefault(entry, set()).add if done else ticks.setdefault(entry, set()).discard)(step)
            case events.EntryJudged(entry=entry, solved=solved):
                judged[entry] = solved
    return Walked({entry: frozenset(steps) for entry, steps in ticks.items()}, judged)


def solved(shelf: Store, *, limit: int = SESSIONS) -> dict[str, int]:
    """Entry to the number of sessions in which it solved it; entries that did not help as often as they did are left out.

    What cannot be read is passed over: this only orders a list.
    """
    counts: dict[str, int] = {}
    try:
        summaries = shelf.list(limit)
    except SessionError:
        return {}
    for summary in summaries:
        try:
            session = shelf.open(summary.id)
            # Most sessions never opened the guide, and their logs can be long.
            if b'"entry-judged"' not in read_bytes(session.events_file, limit=LARGEST):
                continue
            found = walked(session.records()).judged
        except (SessionError, OSError):
            continue
        for entry, well in found.items():
            counts[entry] = counts.get(entry, 0) + (1 if well else -1)
    return {entry: count for entry, count in counts.items() if count > 0}
