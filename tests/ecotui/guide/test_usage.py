"""What sessions tell of the guide: ticks of this one, and what solved it in earlier ones."""

from __future__ import annotations

from pathlib import Path

from ecotui.guide.usage import count_solved_sessions, read_guide_usage
from ecotui.session import events
from ecotui.session.store import SessionStore


def test_the_last_tick_of_a_step_and_rating_of_an_entry_count(tmp_path: Path) -> None:
    session = SessionStore(tmp_path).create(project="p", folder=tmp_path, env={})
    for event in (
        events.RunbookStepTicked(entry="3.1", step="1.1"),
        events.RunbookStepTicked(entry="3.1", step="1.2"),
        events.RunbookStepTicked(entry="3.1", step="1.1", done=False),
        events.RunbookRated(entry="3.1", solved=False),
        events.RunbookRated(entry="3.1", solved=True),
    ):
        session.append(event)
    found = read_guide_usage(session.read_records())
    assert found.completed_steps == {"3.1": frozenset({"1.2"})}
    assert found.ratings == {"3.1": True}


def test_entries_that_helped_in_earlier_sessions_are_counted(tmp_path: Path) -> None:
    shelf = SessionStore(tmp_path)
    for words in ({"3.1": True, "2.1": False}, {"3.1": True, "2.1": True}, {"6.1": True}, {}):
        session = shelf.create(project="p", folder=tmp_path, env={})
        for entry, well in words.items():
            session.append(events.RunbookRated(entry=entry, solved=well))
    assert count_solved_sessions(shelf) == {"3.1": 2, "6.1": 1}


def test_an_unreadable_log_is_skipped(tmp_path: Path) -> None:
    shelf = SessionStore(tmp_path)
    broken = shelf.create(project="p", folder=tmp_path, env={})
    broken.events_path.unlink()
    session = shelf.create(project="p", folder=tmp_path, env={})
    session.append(events.RunbookRated(entry="3.1", solved=True))
    assert count_solved_sessions(shelf) == {"3.1": 1}
    assert count_solved_sessions(SessionStore(tmp_path / "nowhere")) == {}
