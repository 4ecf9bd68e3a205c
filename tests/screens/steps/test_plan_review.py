"""The review of a saved plan on the screen: what is shown, found, hidden, and asked before it is applied."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.reports import STARTED, finding, report
from support.tui import Bench
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input

from checks.apply import plan_store
from checks.apply.fixes import apply_fix
from checks.apply.forecast.model import Forecast, SavedReview
from checks.apply.model import ApplyDetail
from checks.apply.plan.model import ChangeAction, read_plan
from checks.apply.plan.tree import ChangeLeaf, PlanTree
from checks.finding import CheckState
from screens.dialogs import TypedConfirmDialog
from screens.steps.plan_review import PlanReviewScreen
from screens.widgets.row_list import RowList

WIDE, NARROW = (120, 36), (80, 24)


def change(address: str, type_: str, actions: list[str], **more: Any) -> dict[str, Any]:
    delta = {"actions": actions, **{key: more.pop(key) for key in list(more) if key not in TOP}}
    return {"address": address, "type": type_, "mode": more.pop("mode", "managed"), "change": delta, **more}


TOP = ("mode", "module_address", "action_reason", "previous_address")

TAGS = {"Name": "한국어 이름", "팀": "에코제곱"}


def changes() -> list[dict[str, Any]]:
    net = "module.network"
    workers = [
        change(
            f"aws_instance.worker[{number}]",
            "aws_instance",
            ["create"],
            after={"ami": "ami-0abc", "instance_type": "t3.medium", "tags": TAGS},
            after_unknown={"id": True, "arn": True},
        )
        for number in (10, 2)
    ]
    return [
        *workers,
        change("aws_db_instance.main", "aws_db_instance", ["delete", "create"],
               before={"engine": "mysql", "password": "hunter2", "id": "db-1"},
               after={"engine": "postgres", "password": "hunter3"},
               after_unknown={"id": True},
               before_sensitive={"password": True}, after_sensitive={"password": True},
               replace_paths=[["engine"]], action_reason="replace_because_cannot_update"),
        change("aws_s3_bucket.logs", "aws_s3_bucket", ["delete"], before={"bucket": "eco2-logs"},
               action_reason="delete_because_no_resource_config"),
        change(f"{net}.aws_subnet.a", "aws_subnet", ["update"], module_address=net,
               before={"tags": {"Name": "옛 이름", "kept": "x"}}, after={"tags": {"Name": "새 이름", "kept": "x"}}),
        change(f"{net}.aws_vpc.main", "aws_vpc", ["no-op"], module_address=net, before={"id": "vpc-1"}),
        change("aws_eip.adopted", "aws_eip", ["no-op"], before={}, after={}, importing={"id": "eipalloc-1"}),
        change("data.aws_ami.ubuntu", "aws_ami", ["read"], mode="data", action_reason="read_because_config_unknown"),
    ]  # fmt: skip


DRIFT = [
    change(
        "aws_security_group.web",
        "aws_security_group",
        ["update"],
        before={"description": "ours"},
        after={"description": "changed by hand"},
    )
]


def made(folder: Path, resources: list[dict[str, Any]], drift: list[dict[str, Any]] | None = None, **more: Any) -> Path:
    """A plan as `ecotui plan` saves it."""
    text = {"format_version": "1.2", "resource_changes": resources, "resource_drift": drift or []}
    plan, _ = read_plan(json.dumps(text).encode())
    file = folder / plan_store.PLAN_FILE
    file.write_bytes(b"PK plan")
    more.setdefault("plan_sha256", hashlib.sha256(b"PK plan").hexdigest())
    review = SavedReview(
        created_at=STARTED,
        folder=str(folder),
        workspace="default",
        plan=plan,
        forecast=Forecast(),
        account="123456789012",
        region="ap-northeast-2",
        **more,
    )
    plan_store.write_review(folder, review)
    return file


@pytest.fixture
def planned(bench: Bench, tmp_path: Path) -> Callable[..., Bench]:
    """A desk whose apply step has a reviewed plan of these changes."""

    def prepare(resources: list[dict[str, Any]], stale: str = "") -> Bench:
        file = made(tmp_path, resources, DRIFT)
        plan = plan_store.read_review(file).plan
        detail = ApplyDetail(
            folder="/tf",
            plan_file=str(file),
            plan_sentence=plan.sentence,
            stale_reason=stale,
            data_loss_count=len(plan.data_losses),
        )
        fixes = () if stale else (apply_fix(detail),)
        bench.reports["apply"] = report(
            "apply",
            finding("apply.changes", CheckState.WARN, "Nothing is applied yet", fixes=fixes),
            detail=detail,
        )
        return bench

    return prepare


async def opened(bench: Bench, pilot: Pilot[Any], *keys: str) -> PlanReviewScreen:
    await bench.settled(pilot)
    await pilot.press("5", "p")
    await bench.until(pilot, lambda: isinstance(pilot.app.screen, PlanReviewScreen), "the review")
    screen = pilot.app.screen
    assert isinstance(screen, PlanReviewScreen)
    await bench.until(pilot, lambda: screen.review is not None, "the plan to be read")
    for key in keys:
        await pilot.press(key)
    await pilot.pause()
    return screen


def at_cursor(screen: PlanReviewScreen) -> str:
    row = screen.outline.rows[screen.query_one(RowList).cursor]
    return row.change.address if isinstance(row, ChangeLeaf) else row.label


async def test_changes_stand_in_their_module_and_type_each_with_sign_and_word(
    planned: Callable[..., Bench],
) -> None:
    bench = planned(changes())
    async with bench.app().run_test(size=WIDE) as pilot:
        screen = await opened(bench, pilot)
        text = bench.text(pilot)
        assert [row.label for row in screen.outline.rows if row.depth == 0] == [
            "(root module)",
            "module.network",
        ]
        for words in (
            "-/+ replace ! aws_db_instance.main",
            "-   destroy ! aws_s3_bucket.logs",
            "+   create  aws_instance.worker[2]",
            "~   update  aws_subnet.a",
            "<-  import  aws_eip.adopted",
            "<=  read    data.aws_ami.ubuntu",
            "2 that hold data are lost: 1 destroyed, 1 replaced",
            "1 unchanged",
        ):
            assert words in text
        assert text.index("worker[2]") < text.index("worker[10]")
        assert "aws_vpc.main" not in text
        assert "hunter" not in text


async def test_the_next_destroy_shows_what_changes_and_what_forces_it(planned: Callable[..., Bench]) -> None:
    bench = planned(changes())
    async with bench.app().run_test(size=WIDE) as pilot:
        screen = await opened(bench, pilot, "e", "d")
        assert at_cursor(screen) == "aws_db_instance.main"
        text = bench.text(pilot)
        for words in (
            "because it cannot be changed in place",
            "engine forces replacement",
            "(sensitive) changes",
            "(known after apply)",
        ):
            assert words in " ".join(text.replace("│", " ").split()), words
        await pilot.press("d")
        assert at_cursor(screen) == "aws_s3_bucket.logs"
        await pilot.press("d")
        assert at_cursor(screen) == "aws_db_instance.main"
        await pilot.press("D")
        assert at_cursor(screen) == "aws_s3_bucket.logs"


async def test_filter_and_search_leave_only_what_was_asked_for(planned: Callable[..., Bench]) -> None:
    bench = planned(changes())
    async with bench.app().run_test(size=WIDE) as pilot:
        screen = await opened(bench, pilot, "f")
        assert {one.address for one in screen.outline.matching_changes} == {
            "aws_db_instance.main",
            "aws_s3_bucket.logs",
        }
        await pilot.press("F", "slash", *"새")
        await pilot.pause()
        assert [one.address for one in screen.outline.matching_changes] == ["module.network.aws_subnet.a"]
        await pilot.press("enter", "escape")
        await pilot.pause()
        assert len(screen.outline.matching_changes) == 7
        # In one piece, as a paste or a slow connection brings it.
        for key, letter in (("slash", "/"), *((letter, letter) for letter in "nothing")):
            pilot.app.post_message(Key(key, letter))
        await bench.until(pilot, lambda: "Nothing like that is in this plan" in bench.text(pilot))
        assert screen.outline.search_text == "nothing"
        await pilot.press("slash")
        assert screen.outline.search_text == "nothing/"
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert not isinstance(pilot.app.screen, PlanReviewScreen)


async def test_drift_stands_apart_from_what_the_plan_does(planned: Callable[..., Bench]) -> None:
    bench = planned(changes())
    async with bench.app().run_test(size=WIDE) as pilot:
        screen = await opened(bench, pilot)
        assert "aws_security_group.web" not in bench.text(pilot)
        await pilot.press("o")
        await pilot.pause()
        assert [one.address for one in screen.outline.matching_changes] == ["aws_security_group.web"]
        assert "~   changed aws_security_group.web" in bench.text(pilot)


async def test_applying_from_the_review_needs_the_number_of_losses_typed(
    planned: Callable[..., Bench],
) -> None:
    bench = planned(changes())
    async with bench.app().run_test(size=WIDE) as pilot:
        await opened(bench, pilot, "a")
        await bench.until(pilot, lambda: isinstance(pilot.app.screen, TypedConfirmDialog), "the question")
        assert "destroy 2" in bench.text(pilot)
        await pilot.press(*"eco2-prod", "enter")
        assert bench.started == []
        pilot.app.screen.query_one(Input).value = "destroy 2"
        await pilot.press("enter")
        await bench.until(pilot, lambda: bench.started, "the apply")
        argv = bench.started[0]
        assert argv[argv.index("--destroy") + 1] == "2"


async def test_a_stale_plan_is_shown_with_the_reason_and_cannot_be_applied(
    planned: Callable[..., Bench],
) -> None:
    bench = planned(changes(), stale="the state was changed after the plan was made")
    async with bench.app().run_test(size=WIDE) as pilot:
        screen = await opened(bench, pilot, "a")
        assert pilot.app.screen is screen
        assert "cannot be applied: the state was changed after the plan was made" in bench.text(pilot)


async def test_a_review_that_is_damaged_says_so_and_closes(planned: Callable[..., Bench]) -> None:
    bench = planned(changes())
    (Path(str(bench.reports["apply"].detail["plan"])).parent / plan_store.REVIEW_FILE).write_text('{"plan_sha256": "a')  # type: ignore[union-attr]
    async with bench.app().run_test(size=WIDE) as pilot:
        await bench.settled(pilot)
        await pilot.press("5", "p")
        await bench.until(pilot, lambda: "is damaged" in bench.text(pilot), "the reason")
        await pilot.press("f", "d", "o", "e", "enter", "escape")
        await pilot.pause()
        assert not isinstance(pilot.app.screen, PlanReviewScreen)


async def test_a_plan_that_changes_nothing_says_what_stays(planned: Callable[..., Bench]) -> None:
    bench = planned([change("aws_vpc.a", "aws_vpc", ["no-op"], before={})])
    async with bench.app().run_test(size=NARROW) as pilot:
        await opened(bench, pilot, "e", "d", "enter", "right", "left", "down")
        assert "The plan changes nothing: 1 resources" in " ".join(bench.text(pilot).split())


@pytest.mark.drawn
async def test_five_thousand_changes_are_drawn_only_where_they_are_seen(
    planned: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [
        change(f"module.m{number % 9}.aws_eip.a[{number}]", "aws_eip", ["create"],
               module_address=f"module.m{number % 9}", after={"tags": TAGS})
        for number in range(5_000)
    ]  # fmt: skip
    bench = planned(many)
    async with bench.app().run_test(size=WIDE) as pilot:
        screen = await opened(bench, pilot)
        assert len(screen.outline.rows) == 9
        await pilot.press("e")
        await pilot.pause()
        assert len(screen.outline.rows) == 5_018
        drawn: list[int] = []
        rows = screen.query_one(RowList)
        draw = rows._render_row
        monkeypatch.setattr(rows, "_render_row", lambda index, width: (drawn.append(index), draw(index, width))[1])
        await pilot.press("end")
        await pilot.pause()
        assert at_cursor(screen) == "module.m8.aws_eip.a[4994]"
        assert 0 < len(drawn) < 200


def test_an_outline_keeps_the_fold_of_a_group_that_a_search_left() -> None:
    plan, _ = read_plan(json.dumps({"format_version": "1.2", "resource_changes": changes()}).encode())
    outline = PlanTree(plan)
    outline.fold("t::aws_instance", folded=True)
    assert not any(isinstance(row, ChangeLeaf) and row.change.type == "aws_instance" for row in outline.rows)
    outline.filter = next(kind for kind, _ in outline.available_filters() if kind.id == "create")
    outline.refresh()
    assert len(outline.matching_changes) == 2
    assert len(outline.rows) == 2
    place = outline.reveal(outline.matching_changes[0])
    assert place is not None
    row = outline.rows[place]
    assert isinstance(row, ChangeLeaf)
    assert row.change.action is ChangeAction.CREATE


def test_a_review_that_the_disk_has_no_room_for_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = made(tmp_path, changes())
    before = (tmp_path / plan_store.REVIEW_FILE).read_bytes()
    opener = os.open

    def full(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        if f".{plan_store.REVIEW_FILE}." in str(path):
            os.close(opener(path, flags, mode))
            return opener("/dev/full", os.O_WRONLY)
        return opener(path, flags, mode, **more)

    review = plan_store.read_review(file)
    monkeypatch.setattr(os, "open", full)
    with pytest.raises(OSError, match="No space left"):
        plan_store.write_review(tmp_path, review)
    monkeypatch.undo()
    assert (tmp_path / plan_store.REVIEW_FILE).read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == [plan_store.REVIEW_FILE, plan_store.PLAN_FILE]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x36", "80x24"])
def test_plan_review_snapshot(
    snap_compare: Callable[..., bool],
    planned: Callable[..., Bench],
    frozen_log: None,
    size: tuple[int, int],
) -> None:
    bench = planned(changes())

    async def prepare(pilot: Pilot[Any]) -> None:
        await opened(bench, pilot, "d")
        pilot.app.clear_notifications()
        await pilot.pause()

    assert snap_compare(bench.app(), terminal_size=size, run_before=prepare)
