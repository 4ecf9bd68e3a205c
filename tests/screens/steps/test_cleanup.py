"""The deletion of leftovers from the screen: what is chosen, what is typed, and what is drawn while it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.reports import LEFTOVERS, finding, leftover, report
from support.tui import Bench, submit_text
from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from checks.cleanup.approval import read_approval
from checks.cleanup.model import CleanupDetail, DeletionProgress, format_counts
from checks.finding import CheckState
from ecotui.app import EcotuiApp
from ecotui.supervisor import Command
from screens.dialogs import TypedConfirmDialog
from screens.main.screen import MainScreen
from screens.messages import CheckRequested, CommandOutputReceived, StepRequested
from screens.steps.cleanup import CleanupPanel as CleanupPanel


async def to_cleanup(bench: Bench, pilot: Pilot[Any]) -> CleanupPanel:
    screen = await bench.settled(pilot)
    await pilot.press("4")
    await pilot.pause()
    panel = screen.current_panel
    assert isinstance(panel, CleanupPanel)
    return panel


def runs(panel: CleanupPanel) -> None:
    """A deletion is under way: what is drawn of it stays, whatever lays the panel out anew."""
    screen = panel.screen
    assert isinstance(screen, MainScreen)
    assert screen.project is not None
    screen.project.rebuild = screen.project.rebuild.with_command("cleanup", "Delete")
    screen.refresh_rebuild()


async def test_only_what_is_proven_to_be_ours_is_chosen_beforehand(bench: Bench, pilot: Pilot[int]) -> None:
    panel = await to_cleanup(bench, pilot)
    assert panel.selected_keys == {one.key for one in LEFTOVERS if one.preselected}
    await pilot.press("a")
    await pilot.pause()
    assert "iam-role:AWSServiceRoleForSupport" not in panel.selected_keys
    assert "iam-role:eco2-alb-controller" in panel.selected_keys


async def test_a_deletion_needs_the_exact_words_and_deletes_exactly_what_was_chosen(
    bench: Bench, app: EcotuiApp, pilot: Pilot[int]
) -> None:
    panel = await to_cleanup(bench, pilot)
    table = panel.query_one(DataTable)
    table.focus()
    table.move_cursor(row=0)
    await pilot.press("space")
    await pilot.pause()
    wanted = {"key-pair:key-0a1b2c3d4e5f", "s3-bucket:prod-sesacthon-images"}
    assert panel.selected_keys == wanted
    await pilot.press("d")
    await pilot.pause()
    assert isinstance(app.screen, TypedConfirmDialog)
    assert app.screen.expected == "eco2-prod 2"
    for wrong in ("eco2-prod", "eco2-prod 3", "yes", "eco2-prod  2"):
        await submit_text(pilot, wrong)
        assert isinstance(app.screen, TypedConfirmDialog)
        assert bench.started == []
    await submit_text(pilot, "eco2-prod 2")
    (argv,) = bench.started
    assert argv[:4] == ("ecotui", "cleanup", "--delete", "--approve")
    assert argv[5] == "--progress"
    approval = read_approval(Path(argv[4]))
    assert {item.key for item in approval.items} == wanted
    assert approval.account == "123456789012"
    assert Path(argv[4]).stat().st_mode & 0o077 == 0


async def test_a_look_that_ends_while_consent_is_typed_changes_nothing_of_what_was_agreed_to(
    bench: Bench, app: EcotuiApp, pilot: Pilot[int]
) -> None:
    panel = await to_cleanup(bench, pilot)
    screen = panel.screen
    shown = panel.detail
    agreed = {one.key for one in LEFTOVERS if one.preselected}
    await pilot.press("d")
    await pilot.pause()
    assert isinstance(app.screen, TypedConfirmDialog)
    # Another run deleted what is agreed to here: it is gone from the next look.
    left = msgspec.structs.replace(shown, resources=tuple(one for one in shown.resources if one.key not in agreed))
    bench.reports["cleanup"] = report("cleanup", *bench.reports["cleanup"].findings, detail=left)  # type: ignore[union-attr]
    screen.post_message(CheckRequested(("cleanup",)))
    await bench.until(pilot, lambda: len(panel.detail.resources) < len(shown.resources), "the look")
    await submit_text(pilot, f"eco2-prod {len(agreed)}")
    await bench.until(pilot, lambda: bench.started, "the deletion")
    approval = read_approval(Path(bench.started[0][4]))
    assert {item.key for item in approval.items} == agreed


async def test_escape_from_the_consent_deletes_nothing(bench: Bench, app: EcotuiApp, pilot: Pilot[int]) -> None:
    await to_cleanup(bench, pilot)
    await pilot.press("d")
    await pilot.pause()
    await pilot.press("escape")
    await pilot.pause()
    assert isinstance(app.screen, MainScreen)
    assert bench.started == []
    assert list(bench.state.rglob("approved-*")) == []


async def test_two_deletions_within_a_second_keep_their_own_lists(
    bench: Bench, app: EcotuiApp, pilot: Pilot[int]
) -> None:
    panel = await to_cleanup(bench, pilot)
    await pilot.press("d")
    await pilot.pause()
    await submit_text(pilot, "eco2-prod 3")
    first = Path(bench.started[0][4])
    before = first.read_bytes()
    assert panel.rebuild.running_commands
    # The step runs already: nothing new is started, and the list that was approved stays as it is.
    await pilot.press("d")
    await pilot.pause()
    if isinstance(app.screen, TypedConfirmDialog):
        await submit_text(pilot, "eco2-prod 3")
    assert len(bench.started) == 1
    assert first.read_bytes() == before


async def test_what_the_chosen_ones_cost_is_said_where_they_are_chosen_and_where_consent_is_typed(
    bench: Bench,
) -> None:
    address = leftover("elastic-ip", "prod-nat", id="eipalloc-1", billed=True, monthly=3.65)
    disk = leftover("volume", "pvc", id="vol-1", billed=True)
    detail = CleanupDetail(
        account="123456789012", account_name="eco2-prod", resources=(address, disk), prices="a list, of a day"
    )
    found = finding("cleanup.leftovers", CheckState.BLOCKED, "Two.")
    bench.reports["cleanup"] = report("cleanup", found, detail=detail)
    app = bench.app()
    async with app.run_test(size=(120, 36)) as pilot:
        panel = await to_cleanup(bench, pilot)
        table = panel.query_one(DataTable)
        assert [str(cell).strip() for cell in table.get_column("cost")] == ["3.65", "?"]
        told = "$3.65 a month, and 1 more whose price is not known (a list, of a day)"
        assert told in " ".join(bench.text(pilot).split())
        assert "3.65 a month" in bench.text(pilot)
        await pilot.press("d")
        await pilot.pause()
        assert "They cost $3.65 a month" in bench.text(pilot)


@pytest.mark.parametrize("pilot", [(80, 24)], indirect=True)
async def test_a_running_deletion_shows_at_the_left_and_in_one_line_without_saying_its_counters_twice(
    bench: Bench, pilot: Pilot[int]
) -> None:
    panel = await to_cleanup(bench, pilot)
    runs(panel)
    counts = {"waiting": 1, "deleting": 1, "failed": 0, "skipped": 0, "gone": 1}
    key = LEFTOVERS[0].key
    lines = [
        msgspec.json.encode(DeletionProgress(counts=counts, item=key, state="deleting", message="disabling")),
        msgspec.json.encode(DeletionProgress(counts=counts, message=f"{format_counts(counts)}; {key} 24 s: disabled")),
    ]
    command = Command("c", bench.project, "cleanup", "Delete", (), 0.0)
    panel.show_output(CommandOutputReceived(command, tuple(line.decode() for line in lines)))
    await pilot.pause()
    assert str(panel.query_one(DataTable).get_cell(key, "mark")) == " ▶ "
    own = str(panel.query_one(".detail", Static).content)
    assert own.count("1 waiting") + own.count("waiting 1") == 1
    assert f"{key} 24 s: disabled" in own


async def test_what_is_protected_is_never_chosen(bench: Bench, pilot: Pilot[int]) -> None:
    panel = await to_cleanup(bench, pilot)
    table = panel.query_one(DataTable)
    table.focus()
    table.move_cursor(row=4)
    await pilot.press("space")
    await pilot.pause()
    assert "iam-role:AWSServiceRoleForSupport" not in panel.selected_keys
    assert "never deleted from here" in bench.notices(pilot)


async def test_another_step_points_at_a_leftover_and_it_is_chosen_there(
    bench: Bench, pilot: Pilot[int], screen: MainScreen
) -> None:
    await pilot.press("5", "tab", "home")
    await pilot.pause()
    panel = screen.current_panel
    panel.query_one(".fixes").focus()
    panel.query_one(".fixes").highlighted = 0  # type: ignore[attr-defined]
    await pilot.press("f")
    await bench.until(pilot, lambda: screen.current_step == "cleanup")
    there = screen.current_panel
    assert isinstance(there, CleanupPanel)
    # That one and no other, whatever the look would have proposed.
    assert there.selected_keys == {"key-pair:key-0a1b2c3d4e5f"}
    assert any(one.preselected for one in there.detail.resources)
    assert bench.started == []


async def test_what_is_not_among_the_leftovers_is_said_and_nothing_is_chosen(bench: Bench, pilot: Pilot[int]) -> None:
    panel = await to_cleanup(bench, pilot)
    panel.preselect(("iam-role:k8s-cluster-key", "iam-role:nobody"))
    await pilot.pause()
    # A key pair of the same name as a wanted role is another thing.
    assert panel.selected_keys == set()
    assert "None of it is among these leftovers" in bench.notices(pilot)


async def test_what_is_pointed_at_before_the_first_look_is_chosen_after_it(bench: Bench) -> None:
    app = bench.app()
    bench.checks_answer.clear()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen_stack[0]
        assert isinstance(screen, MainScreen)
        await bench.until(pilot, lambda: screen.project is not None and bench.checked_steps)
        screen.post_message(StepRequested("cleanup", ("key-pair:k8s-cluster-key",)))
        await bench.until(pilot, lambda: screen.query("#step-cleanup") and screen.current_step == "cleanup")
        await pilot.pause()
        bench.checks_answer.set()
        panel = screen.current_panel
        assert isinstance(panel, CleanupPanel)
        await bench.until(pilot, lambda: panel.report is not None)
        assert panel.selected_keys == {"key-pair:key-0a1b2c3d4e5f"}


async def test_the_progress_of_a_deletion_is_drawn_in_the_table(bench: Bench) -> None:
    from checks.cleanup.model import DeletionProgress, DeletionState

    app = bench.app()
    async with app.run_test(size=(140, 40)) as pilot:
        panel = await to_cleanup(bench, pilot)
        await pilot.press("d")
        await pilot.pause()
        await submit_text(pilot, "eco2-prod 3")
        screen = app.screen
        assert isinstance(screen, MainScreen)
        command = screen.step_commands["cleanup"].command
        counts = dict.fromkeys(DeletionState, 0) | {DeletionState.DELETING: 1, DeletionState.WAITING: 2}
        line = DeletionProgress(
            counts={state.value: count for state, count in counts.items()},
            item=LEFTOVERS[0].key,
            state="deleting",
            message="disabling",
        )
        bench.write_output(command, msgspec.json.encode(line).decode())
        await bench.until(pilot, lambda: LEFTOVERS[0].key in panel.progress)
        assert "▶ deleting" in bench.text(pilot)
        assert "deleting 1" in bench.text(pilot)
