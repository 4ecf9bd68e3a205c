"""Past sessions on the screen: found while typing, read from the end, searched, compared, replayed, exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.reports import blocked_reports, rebuilt_reports
from support.sessions import ERROR, ran
from support.tui import Bench
from textual.pilot import Pilot
from textual.widgets import Input, Log, Static

from ecotui.session import events, hash_chain
from ecotui.session.log import Session
from screens.dialogs import KeysDialog, RawTextDialog
from screens.guide.browser import GuideScreen
from screens.sessions.compare import CompareScreen
from screens.sessions.detail import SessionDetailScreen
from screens.sessions.durations import DurationsScreen
from screens.sessions.list import SessionListScreen
from screens.sessions.output import OutputScreen
from screens.sessions.picker import ComparePicker
from screens.sessions.replay import ReplayScreen
from screens.widgets.pager import Pager
from screens.widgets.row_list import RowList
from screens.widgets.step_list import StepList


@pytest.fixture
def past(bench: Bench, frozen_log: None) -> tuple[Session, Session]:
    """An earlier session that got stuck, and the one after it, which got through."""
    stuck = bench.past_session(blocked_reports())
    stuck.append(events.FindingOverridden(finding="quota.L-1216C47A", reason="raised by [phone]"))
    stuck.append(events.RunbookOpened(entry="3.1", error="VcpuLimitExceeded"))
    ran(stuck, "[b]Creating[/b]…", *(f"line {number}" for number in range(200)), ERROR, code=1)
    ran(stuck, "a plan", title="Plan", argv=("ecotui", "plan"), at=40, code=4)  # warnings: done, not failed
    stuck.append(events.NoteAdded(text="쿼터 승인을 기다리는 중"))
    stuck.append(events.TagChanged(tag="handover"))
    stuck.end("left")
    stuck.close()
    fine = bench.past_session(rebuilt_reports())
    ran(fine, "all is well", seconds=30)
    fine.end("done")
    fine.close()
    return stuck, fine


async def opened(bench: Bench, pilot: Pilot[Any]) -> SessionListScreen:
    await bench.settled(pilot)
    await pilot.press("s")
    await bench.until(
        pilot, lambda: isinstance(pilot.app.screen, SessionListScreen) and pilot.app.screen.selected_summary is not None
    )
    screen = pilot.app.screen
    assert isinstance(screen, SessionListScreen)
    return screen


async def reviewed(bench: Bench, pilot: Pilot[Any], session: Session) -> SessionDetailScreen:
    screen = await opened(bench, pilot)
    ids = [one.id for one in screen._sessions]
    screen.query_one(RowList).cursor = ids.index(session.id)
    await pilot.press("enter")
    await bench.until(pilot, lambda: isinstance(pilot.app.screen, SessionDetailScreen) and pilot.app.screen.timeline)
    review = pilot.app.screen
    assert isinstance(review, SessionDetailScreen)
    return review


async def test_sessions_are_listed_newest_first_with_a_picture_of_their_steps(
    bench: Bench, past: tuple[Session, Session]
) -> None:
    async with bench.app().run_test(size=(120, 36)) as pilot:
        screen = await opened(bench, pilot)
        assert [screen.outcome(one) for one in screen._sessions] == ["open", "done", "left"]
        lines = bench.text(pilot).splitlines()
        assert "✓✓✓✓✓✓✓  2025-11-24 16:00" in lines[3]
        assert "!✗✗✗✗!?  2025-11-24 16:00" in lines[4]
        assert "#handover" in lines[4]
        await pilot.press("down", "down")
        await pilot.pause()
        assert "쿼터 승인을 기다리는 중" in bench.text(pilot)


async def test_sessions_are_found_as_one_types(bench: Bench, past: tuple[Session, Session]) -> None:
    stuck, fine = past
    async with bench.app().run_test(size=(80, 24)) as pilot:
        screen = await opened(bench, pilot)
        for text, found in (
            ("quota:blo", {stuck.id}),
            ("#hand", {stuck.id}),
            ("outcome:don", {fine.id}),
            ("승인", {stuck.id}),
            ("until:2020-01-01", set()),
        ):
            await pilot.press("slash")
            screen.query_one(Input).value = text
            wanted = found
            await bench.until(
                pilot,
                lambda wanted=wanted: {one.id for one in screen._sessions} - {screen.project.session.id} == wanted,
                text,
            )
            await pilot.press("enter")
        assert "No sessions match" in bench.text(pilot)
        screen.query_one(Input).value = "since:nonsense"
        await bench.until(pilot, lambda: "a date as" in bench.text(pilot))
        await pilot.press("escape")
        await bench.until(pilot, lambda: len(screen._sessions) == 3)
        assert screen.is_current


async def test_the_review_tells_what_happened_and_what_is_behind_it(
    bench: Bench, past: tuple[Session, Session]
) -> None:
    stuck, _ = past
    async with bench.app().run_test(size=(140, 40)) as pilot:
        review = await reviewed(bench, pilot, stuck)
        text = bench.text(pilot)
        assert "session ended: left" in text
        assert "⚑ overrode quota.L-1216C47A  reason: raised by [phone]" in text
        assert "! Plan: done, with warnings" in text
        assert "✗ terraform apply: failed, exit code 1" in text
        await pilot.press("f", "f")
        await bench.until(pilot, lambda: review.timeline and all(one.is_failure for one, _ in review.timeline))
        await bench.until(pilot, lambda: "§ 3.1" in bench.text(pilot), "the guide's word about the failure")
        assert "VcpuLimitExceeded" in bench.text(pilot)
        await pilot.press("g")
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, GuideScreen))
        await pilot.press("escape", "enter")
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, OutputScreen))
        await bench.until(pilot, lambda: ERROR[:60] in bench.text(pilot))
        await pilot.press("home")
        await pilot.pause()
        assert "[b]Creating[/b]…" in bench.text(pilot)
        await pilot.press("escape", "escape", "home", "enter")
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, RawTextDialog))


async def test_only_decisions_or_one_step_can_be_shown(bench: Bench, past: tuple[Session, Session]) -> None:
    stuck, _ = past
    async with bench.app().run_test(size=(120, 36)) as pilot:
        review = await reviewed(bench, pilot, stuck)
        everything = len(review.timeline)
        for key, texts in (
            ("f", {"overrode quota.L-1216C47A"}),
            ("2", {"overrode quota.L-1216C47A"}),
            ("f", {"checked quota: blocked (1 blocked, 1 ok)"}),
            ("0", None),
        ):
            await pilot.press(key)
            await bench.until(pilot, lambda: not review._is_loading)
            assert texts is None or {one.text for one, _ in review.timeline} == texts
        await pilot.press("escape")
        await bench.until(pilot, lambda: len(review.timeline) == everything)


async def test_words_are_found_in_the_outputs_and_opened_where_they_are(
    bench: Bench, past: tuple[Session, Session]
) -> None:
    stuck, _ = past
    async with bench.app().run_test(size=(120, 36)) as pilot:
        review = await reviewed(bench, pilot, stuck)
        await pilot.press("slash", *"LINE 15", "enter")
        await bench.until(pilot, lambda: review.hits is not None and len(review.hits) == 11)
        assert "that is all" in bench.text(pilot)
        await pilot.press("down", "enter")
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, OutputScreen))
        pager = pilot.app.screen.query_one(Pager)
        await bench.until(pilot, lambda: "line 150" in pager.visible_text)
        first = pager.hit_offset
        await pilot.press("n")
        await bench.until(pilot, lambda: pager.hit_offset != first and "line 151" in pager.visible_text)
        await pilot.press("N", "N")
        await bench.until(pilot, lambda: "line 15\n" in pager.visible_text)
        await pilot.press("N")
        await bench.until(pilot, lambda: "no further hit" in bench.text(pilot))
        assert "written 16:00:2" in bench.text(pilot)
        await pilot.press("escape", "escape")
        assert review.hits is None
        assert review.is_current


async def test_a_long_log_opens_at_its_end_and_earlier_events_come_when_one_goes_there(
    bench: Bench, frozen_log: None
) -> None:
    session = bench.past_session(rebuilt_reports())
    log = hash_chain.HashChain(session.events_path)
    log.append_all([b'{"type":"noted","text":"note %d"}' % number for number in range(3_000)], sync=False)
    log.close()
    session.end("done")
    session.close()
    async with bench.app().run_test(size=(100, 30)) as pilot:
        review = await reviewed(bench, pilot, session)
        assert len(review.timeline) < 1_000
        assert "session ended: done" in bench.text(pilot)
        last = review.query_one(RowList).cursor
        assert last == len(review.timeline) - 1
        for _ in range(12):
            await pilot.press("home")
            await bench.until(pilot, lambda: not review._is_loading)
        assert review.timeline[0][0].event_number == 1
        assert [one.event_number for one, _ in review.timeline] == list(range(1, len(review.timeline) + 1))


async def test_new_events_of_an_open_session_are_shown_and_all_keys_are_listed(
    bench: Bench, past: tuple[Session, Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screens.sessions.detail.LOG_POLL_SECONDS", 0.02)
    stuck, _ = past
    async with bench.app().run_test(size=(120, 36)) as pilot:
        review = await reviewed(bench, pilot, stuck)
        stuck.append(events.NoteAdded(text="새 소식"))
        await bench.until(pilot, lambda: review.timeline and review.timeline[-1][0].details == ("새 소식",))
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(pilot.app.screen, KeysDialog)
        text = str(pilot.app.screen.query_one(Static).content)
        for told in ("earlier events are read when you go up", "Check the hash chain", "Filter, the other way round"):
            assert told in text
        await pilot.press("question_mark")
        assert review.is_current


async def test_notes_and_tags_are_written_from_the_review(bench: Bench, past: tuple[Session, Session]) -> None:
    _, fine = past
    async with bench.app().run_test(size=(120, 36)) as pilot:
        review = await reviewed(bench, pilot, fine)
        await pilot.press("n", *"seen", "enter")
        await bench.until(pilot, lambda: review.timeline and review.timeline[-1][0].details == ("seen",))
        await pilot.press("number_sign", *"slow ok", "enter")
        await bench.until(pilot, lambda: review.summary is not None and review.summary.tags == ["slow", "ok"])
        await pilot.press("number_sign", *"-slow", "enter")
        await bench.until(pilot, lambda: review.summary is not None and review.summary.tags == ["ok"])
        assert fine.verify().is_intact


async def test_verifying_names_the_first_line_that_was_changed(bench: Bench, past: tuple[Session, Session]) -> None:
    stuck, _ = past
    async with bench.app().run_test(size=(120, 36)) as pilot:
        await reviewed(bench, pilot, stuck)
        await pilot.press("v")
        await bench.until(pilot, lambda: "✓ log whole" in bench.text(pilot))
        lines = stuck.events_path.read_bytes().splitlines(keepends=True)
        stuck.events_path.write_bytes(b"".join([*lines[:3], *lines[4:]]))
        await pilot.press("v")
        await bench.until(pilot, lambda: "✗ log broken at line 4" in bench.text(pilot))
        assert "does not follow from the line before it" in bench.notices(pilot)


async def test_two_sessions_are_compared_from_the_list_and_from_the_review(
    bench: Bench, past: tuple[Session, Session]
) -> None:
    stuck, fine = past
    async with bench.app().run_test(size=(120, 40)) as pilot:
        screen = await opened(bench, pilot)
        await pilot.press("down", "c", "down", "c")
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen) and pilot.app.screen.comparison)
        compared = pilot.app.screen
        assert isinstance(compared, CompareScreen)
        assert (compared.before.id, compared.after.id) == (stuck.id, fine.id)
        text = str(compared.query_one(".body", Static).content)
        assert "terraform apply: failed, exit code 1" in text
        assert "+10 s" in text
        await pilot.press("escape")
        assert screen.is_current
        await pilot.press("enter")
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, SessionDetailScreen))
        await pilot.press("c")
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, ComparePicker))
        await bench.until(pilot, lambda: pilot.app.screen.selected_summary is not None)  # type: ignore[attr-defined]
        assert f"compare {stuck.id} with" in bench.text(pilot)
        await pilot.press("enter")
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))


async def test_the_usual_times_are_drawn_step_by_step(bench: Bench, past: tuple[Session, Session]) -> None:
    async with bench.app().run_test(size=(120, 36)) as pilot:
        await opened(bench, pilot)
        await pilot.press("d")
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, DurationsScreen) and pilot.app.screen.step_times)
        text = bench.text(pilot)
        assert "Apply" in text
        assert "▆█" in text
        assert text.count("│") >= 2


async def test_a_session_is_played_again_by_a_clock(bench: Bench, past: tuple[Session, Session]) -> None:
    stuck, _ = past
    now = [0.0]
    async with bench.app().run_test(size=(120, 40)) as pilot:
        await bench.settled(pilot)
        screen = ReplayScreen(stuck, clock=lambda: now[0])
        pilot.app.push_screen(screen)
        await bench.until(pilot, lambda: screen.recording is not None)
        assert screen.recording is not None
        assert screen.playhead.is_playing
        await pilot.press("plus", "plus")
        assert screen.playhead.speed == 4
        await pilot.press("space")
        assert not screen.playhead.is_playing
        await pilot.press("5")
        await bench.until(pilot, lambda: "[b]Creating[/b]…" in "\n".join(screen.query_one(Log).lines))
        steps = screen.query_one(StepList)
        assert "apply" in steps.rebuild.running_commands
        assert steps.rebuild.step_state("quota") is not None
        assert not any("line 190" in line for line in screen.query_one(Log).lines)
        await pilot.press("space")
        now[0] += 9.9 / 4
        await bench.until(pilot, lambda: any("line 190" in line for line in screen.query_one(Log).lines))
        now[0] += 1_000
        await bench.until(pilot, lambda: not screen.playhead.is_playing)
        assert screen.query_one(StepList).rebuild.running_commands == {}
        await pilot.press("home")
        await pilot.pause()
        assert screen.playhead.position == 0
        assert screen.query_one(StepList).rebuild.reports == {}
        await pilot.press("a", *"nonsense", "enter")
        await pilot.pause()
        assert "is no position" in bench.notices(pilot)


async def test_a_session_is_exported_from_the_screen_and_nothing_is_overwritten(
    bench: Bench, past: tuple[Session, Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, _ = past
    monkeypatch.chdir(tmp_path)
    async with bench.app().run_test(size=(120, 36)) as pilot:
        await reviewed(bench, pilot, stuck)
        page = tmp_path / f"handover-{stuck.id}.html"
        await pilot.press("e", "s", "enter")
        await bench.until(pilot, lambda: "Wrote" in bench.notices(pilot))
        text = page.read_text()
        assert text.startswith("<!doctype html>")
        assert "operator@bastion" not in text
        assert "Guide 3.1" in text
        assert page.stat().st_mode & 0o777 == 0o600
        await pilot.press("e", "enter")
        await bench.until(pilot, lambda: "exists already" in bench.notices(pilot))
        await pilot.press("e", "down", "enter")
        await bench.until(pilot, lambda: page.with_suffix(".md").exists())


async def test_an_entry_is_drafted_from_a_failure_that_the_guide_has_nothing_about(
    bench: Bench, past: tuple[Session, Session]
) -> None:
    _, fine = past
    ran(fine, "Error: the frobnicator of the cluster is worn", at=60, code=1)
    async with bench.app().run_test(size=(120, 36)) as pilot:
        review = await reviewed(bench, pilot, fine)
        await pilot.press("d")
        await bench.until(pilot, lambda: "Drafted" in bench.notices(pilot))
        assert review.project is not None
        (written,) = review.project.config.project.glob("guide-draft-*.md")
        assert "the frobnicator of the cluster is worn" in written.read_text()
        await pilot.press("d")
        await bench.until(pilot, lambda: "exists already" in bench.notices(pilot))


async def test_the_raw_text_of_a_line_of_the_review_leads_into_the_guide(
    bench: Bench, past: tuple[Session, Session]
) -> None:
    stuck, _ = past
    async with bench.app().run_test(size=(120, 36)) as pilot:
        review = await reviewed(bench, pilot, stuck)
        lines = [moment.command == "" for moment, _ in review.timeline]
        review.query_one(RowList).cursor = lines.index(True)
        await pilot.press("o")
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, RawTextDialog))
        await pilot.press("g")
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, GuideScreen))
