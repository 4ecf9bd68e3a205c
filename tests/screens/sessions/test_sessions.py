"""Past sessions on the screen: found while typing, read from the end, searched, compared, replayed, handed over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.reports import broken_world, rebuilt_world
from support.sessions import ERROR, ran
from support.tui import Bench
from textual.pilot import Pilot
from textual.widgets import Input, Log, Static

from ecotui.session import events, hash_chain
from ecotui.session.log import Session
from screens.dialogs import RawText
from screens.guide.browser import GuideScreen
from screens.sessions.against import AgainstScreen
from screens.sessions.compare import CompareScreen
from screens.sessions.detail import ReviewScreen
from screens.sessions.durations import DurationsScreen
from screens.sessions.list import SessionsScreen
from screens.sessions.output import OutputScreen
from screens.sessions.replay import ReplayScreen
from screens.widgets.pager import Pager
from screens.widgets.row_list import Rows
from screens.widgets.step_list import StepList


@pytest.fixture
def past(bench: Bench, frozen_log: None) -> tuple[Session, Session]:
    """An earlier session that got stuck, and the one after it, which got through."""
    stuck = bench.past_session(broken_world())
    stuck.append(events.Overridden(finding="quota.L-1216C47A", reason="raised by [phone]"))
    stuck.append(events.EntryWalked(entry="3.1", error="VcpuLimitExceeded"))
    ran(stuck, "[b]Creating[/b]…", *(f"line {number}" for number in range(200)), ERROR, code=1)
    ran(stuck, "a plan", title="Plan", argv=("ecotui", "plan"), at=40, code=4)  # warnings: done, not failed
    stuck.append(events.Noted(text="쿼터 승인을 기다리는 중"))
    stuck.append(events.Tagged(tag="handover"))
    stuck.end("left")
    stuck.close()
    fine = bench.past_session(rebuilt_world())
    ran(fine, "all is well", seconds=30)
    fine.end("done")
    fine.close()
    return stuck, fine


async def opened(bench: Bench, pilot: Pilot[Any]) -> SessionsScreen:
    await bench.settled(pilot)
    await pilot.press("s")
    await bench.until(
        pilot, lambda: isinstance(pilot.app.screen, SessionsScreen) and pilot.app.screen.chosen is not None
    )
    screen = pilot.app.screen
    assert isinstance(screen, SessionsScreen)
    return screen


async def reviewed(bench: Bench, pilot: Pilot[Any], session: Session) -> ReviewScreen:
    screen = await opened(bench, pilot)
    ids = [one.id for one in screen._found]
    screen.query_one(Rows).cursor = ids.index(session.id)
    await pilot.press("enter")
    await bench.until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen) and pilot.app.screen.told)
    review = pilot.app.screen
    assert isinstance(review, ReviewScreen)
    return review


async def test_sessions_are_listed_newest_first_with_a_picture_of_their_steps(
    bench: Bench, past: tuple[Session, Session]
) -> None:
    async with bench.app().run_test(size=(120, 36)) as pilot:
        screen = await opened(bench, pilot)
        assert [screen.outcome(one) for one in screen._found] == ["open", "done", "left"]
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
                lambda wanted=wanted: {one.id for one in screen._found} - {screen.desk.session.id} == wanted,
                text,
            )
            await pilot.press("enter")
        assert "No session is like that" in bench.text(pilot)
        screen.query_one(Input).value = "since:nonsense"
        await bench.until(pilot, lambda: "a date as" in bench.text(pilot))
        await pilot.press("escape")
        await bench.until(pilot, lambda: len(screen._found) == 3)
        assert screen.is_current


async def test_the_review_tells_what_happened_and_what_is_behind_it(
    bench: Bench, past: tuple[Session, Session]
) -> None:
    stuck, _ = past
    async with bench.app().run_test(size=(140, 40)) as pilot:
        review = await reviewed(bench, pilot, stuck)
        text = bench.text(pilot)
        assert "session ended: left" in text
        assert "⚑ let quota.L-1216C47A pass  because: raised by [phone]" in text
        assert "! Plan: done, with warnings" in text
        assert "✗ terraform apply: failed, exit code 1" in text
        await pilot.press("f", "f")
        await bench.until(pilot, lambda: review.told and all(one.failed for one, _ in review.told))
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
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, RawText))


async def test_only_decisions_or_one_step_can_be_shown(bench: Bench, past: tuple[Session, Session]) -> None:
    stuck, _ = past
    async with bench.app().run_test(size=(120, 36)) as pilot:
        review = await reviewed(bench, pilot, stuck)
        everything = len(review.told)
        for key, texts in (
            ("f", {"let quota.L-1216C47A pass"}),
            ("2", {"let quota.L-1216C47A pass"}),
            ("f", {"looked at quota: blocked (1 blocked, 1 ok)"}),
            ("0", None),
        ):
            await pilot.press(key)
            await bench.until(pilot, lambda: not review._reading)
            assert texts is None or {one.text for one, _ in review.told} == texts
        await pilot.press("escape")
        await bench.until(pilot, lambda: len(review.told) == everything)


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
        await bench.until(pilot, lambda: "line 150" in pager.text)
        first = pager.hit
        await pilot.press("n")
        await bench.until(pilot, lambda: pager.hit != first and "line 151" in pager.text)
        await pilot.press("N", "N")
        await bench.until(pilot, lambda: "line 15\n" in pager.text)
        await pilot.press("N")
        await bench.until(pilot, lambda: "no further hit" in bench.text(pilot))
        assert "written 16:00:2" in bench.text(pilot)
        await pilot.press("escape", "escape")
        assert review.hits is None
        assert review.is_current


async def test_a_long_log_opens_at_its_end_and_earlier_events_come_when_one_goes_there(
    bench: Bench, frozen_log: None
) -> None:
    session = bench.past_session(rebuilt_world())
    log = hash_chain.Chain(session.events_file)
    log.extend([b'{"type":"noted","text":"note %d"}' % number for number in range(3_000)], sync=False)
    log.close()
    session.end("done")
    session.close()
    async with bench.app().run_test(size=(100, 30)) as pilot:
        review = await reviewed(bench, pilot, session)
        assert len(review.told) < 1_000
        assert "session ended: done" in bench.text(pilot)
        last = review.query_one(Rows).cursor
        assert last == len(review.told) - 1
        for _ in range(12):
            await pilot.press("home")
            await bench.until(pilot, lambda: not review._reading)
        assert review.told[0][0].n == 1
        assert [one.n for one, _ in review.told] == list(range(1, len(review.told) + 1))


async def test_what_is_new_in_a_session_that_goes_on_comes_into_sight_and_all_keys_are_told(
    bench: Bench, past: tuple[Session, Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screens.sessions.detail.BEAT", 0.02)
    stuck, _ = past
    async with bench.app().run_test(size=(120, 36)) as pilot:
        review = await reviewed(bench, pilot, stuck)
        stuck.append(events.Noted(text="새 소식"))
        await bench.until(pilot, lambda: review.told and review.told[-1][0].detail == ("새 소식",))
        await pilot.press("question_mark")
        await pilot.pause()
        text = bench.text(pilot)
        for told in (
            "earlier events come when you go up",
            "Check the hash chain",
            "Filter, the other way round",
        ):
            assert told in text
        await pilot.press("question_mark")
        assert review.is_current


async def test_notes_and_tags_are_written_from_the_review(
    bench: Bench, past: tuple[Session, Session]
) -> None:
    _, fine = past
    async with bench.app().run_test(size=(120, 36)) as pilot:
        review = await reviewed(bench, pilot, fine)
        await pilot.press("n", *"seen", "enter")
        await bench.until(pilot, lambda: review.told and review.told[-1][0].detail == ("seen",))
        await pilot.press("number_sign", *"slow ok", "enter")
        await bench.until(pilot, lambda: review.summary is not None and review.summary.tags == ["slow", "ok"])
        await pilot.press("number_sign", *"-slow", "enter")
        await bench.until(pilot, lambda: review.summary is not None and review.summary.tags == ["ok"])
        assert fine.verify().whole


async def test_verifying_names_the_first_line_that_was_changed(
    bench: Bench, past: tuple[Session, Session]
) -> None:
    stuck, _ = past
    async with bench.app().run_test(size=(120, 36)) as pilot:
        await reviewed(bench, pilot, stuck)
        await pilot.press("v")
        await bench.until(pilot, lambda: "✓ log whole" in bench.text(pilot))
        lines = stuck.events_file.read_bytes().splitlines(keepends=True)
        stuck.events_file.write_bytes(b"".join([*lines[:3], *lines[4:]]))
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
        await bench.until(
            pilot, lambda: isinstance(pilot.app.screen, CompareScreen) and pilot.app.screen.found
        )
        compared = pilot.app.screen
        assert isinstance(compared, CompareScreen)
        assert (compared.before.id, compared.after.id) == (stuck.id, fine.id)
        text = str(compared.query_one(".body", Static).content)
        assert "terraform apply: failed, exit code 1" in text
        assert "+10 s" in text
        await pilot.press("escape")
        assert screen.is_current
        await pilot.press("enter")
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen))
        await pilot.press("c")
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, AgainstScreen))
        await bench.until(pilot, lambda: pilot.app.screen.chosen is not None)  # type: ignore[attr-defined]
        assert f"compare {stuck.id} with" in bench.text(pilot)
        await pilot.press("enter")
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))


async def test_the_usual_times_are_drawn_step_by_step(bench: Bench, past: tuple[Session, Session]) -> None:
    async with bench.app().run_test(size=(120, 36)) as pilot:
        await opened(bench, pilot)
        await pilot.press("d")
        await bench.until(
            pilot, lambda: isinstance(pilot.app.screen, DurationsScreen) and pilot.app.screen.found
        )
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
        await bench.until(pilot, lambda: screen.tape is not None)
        assert screen.tape is not None
        assert screen.head.playing
        await pilot.press("plus", "plus")
        assert screen.head.speed == 4
        await pilot.press("space")
        assert not screen.head.playing
        await pilot.press("5")
        await bench.until(pilot, lambda: "[b]Creating[/b]…" in "\n".join(screen.query_one(Log).lines))
        steps = screen.query_one(StepList)
        assert "apply" in steps.rebuild.running
        assert steps.rebuild.state("quota") is not None
        assert not any("line 190" in line for line in screen.query_one(Log).lines)
        await pilot.press("space")
        now[0] += 9.9 / 4
        await bench.until(pilot, lambda: any("line 190" in line for line in screen.query_one(Log).lines))
        now[0] += 1_000
        await bench.until(pilot, lambda: not screen.head.playing)
        assert screen.query_one(StepList).rebuild.running == {}
        await pilot.press("home")
        await pilot.pause()
        assert screen.head.place == 0
        assert screen.query_one(StepList).rebuild.reports == {}
        await pilot.press("a", *"nonsense", "enter")
        await pilot.pause()
        assert "is no moment" in bench.notices(pilot)


async def test_a_session_is_handed_over_from_the_screen_and_nothing_is_overwritten(
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
        await bench.until(pilot, lambda: "is there already" in bench.notices(pilot))
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
        assert review.desk is not None
        (written,) = review.desk.loaded.project.glob("guide-draft-*.md")
        assert "the frobnicator of the cluster is worn" in written.read_text()
        await pilot.press("d")
        await bench.until(pilot, lambda: "is there already" in bench.notices(pilot))


async def test_the_raw_text_of_a_line_of_the_review_leads_into_the_guide(
    bench: Bench, past: tuple[Session, Session]
) -> None:
    stuck, _ = past
    async with bench.app().run_test(size=(120, 36)) as pilot:
        review = await reviewed(bench, pilot, stuck)
        lines = [moment.command == "" for moment, _ in review.told]
        review.query_one(Rows).cursor = lines.index(True)
        await pilot.press("o")
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, RawText))
        await pilot.press("g")
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, GuideScreen))
