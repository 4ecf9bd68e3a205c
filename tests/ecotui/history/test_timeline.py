"""The timeline of an apply: table, picture, lines; what stands in a stream cannot break out of them."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from checks.apply.durations import DurationStats
from checks.apply.run.stream import ApplyStreamReader
from ecotui.cli import main
from ecotui.history import timeline
from ecotui.history.timeline import ApplyTimeline
from ecotui.session.store import SessionStore

EVIL = 'aws_instance.a["<script>alert(1)</script>"]'


def event(kind: str, address: str, second: float, action: str = "create", **more: Any) -> str:
    stamp = f"2025-11-24T16:00:{second:09.6f}Z"
    hook = {"resource": {"addr": address}, "action": action, **more}
    return json.dumps({"type": kind, "@message": kind, "@timestamp": stamp, "hook": hook})


def lines() -> list[str]:
    """One that is done, one that failed, and one that nobody saw the end of."""
    node = {"severity": "error", "summary": "=cmd|' /C calc'!A0 <b>no</b>", "address": EVIL}
    return [
        event("apply_start", "aws_vpc.a", 0),
        event("apply_start", EVIL, 1),
        event("apply_complete", "aws_vpc.a", 12.5, elapsed_seconds=12),
        event("apply_start", "aws_nat_gateway.n", 13),
        event("apply_errored", EVIL, 21, elapsed_seconds=20),
        json.dumps({"type": "diagnostic", "diagnostic": node}),
        event("apply_progress", "aws_nat_gateway.n", 33, elapsed_seconds=20),
    ]


def drawn(times: DurationStats | None = None) -> ApplyTimeline:
    progress = ApplyStreamReader({"aws_vpc.a": 1, EVIL: 1, "aws_nat_gateway.n": 1})
    progress.feed(lines())
    return timeline.build_timeline(progress.snapshot(), "terraform apply: 3 to create", times)


def test_rows_begin_in_the_order_of_the_run_and_take_the_time_that_the_stamps_tell() -> None:
    rows = [(span.address, span.outcome, span.seconds) for span in drawn().operations]
    assert rows == [("aws_vpc.a", "done", 12.5), (EVIL, "failed", 20.0), ("aws_nat_gateway.n", "unfinished", 20.0)]
    assert drawn().result_text == "1 done, 1 failed, 1 not finished, in 33 s"


def test_the_table_is_one_that_a_spreadsheet_reads_and_runs_no_formula_of() -> None:
    rows = list(csv.DictReader(io.StringIO(timeline.as_csv(drawn(DurationStats(types={"create aws_vpc": (20.0, 2)}))))))
    assert [row["outcome"] for row in rows] == ["done", "failed", "unfinished"]
    assert (rows[0]["started"], rows[0]["ended"]) == ("2025-11-24T16:00:00.000Z", "2025-11-24T16:00:12.500Z")
    assert (rows[0]["seconds"], rows[0]["usual_s"], rows[1]["offset_s"]) == ("12.5", "20", "1.0")
    assert rows[1]["error"].startswith("'=cmd")
    assert rows[2]["ended"] == ""


def test_the_page_needs_nothing_else_and_nothing_in_it_runs() -> None:
    page = timeline.as_html(drawn())
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)
            assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attrs)

    Reader().feed(page)
    assert "script" not in tags
    assert "b" not in tags
    assert "default-src 'none'" in page
    assert not re.search(r"(?:https?:)?//(?!www\.w3\.org/2000/svg)", page.replace("http://www.w3.org/2000/svg", ""))


def test_a_failure_shows_by_its_shape_and_by_a_word_and_not_by_colour_alone() -> None:
    svg = re.search(r"<svg.*</svg>", timeline.as_html(drawn()), re.DOTALL)
    assert svg
    # Well-formed, so that the picture can also be cut out and used alone.
    root = ElementTree.fromstring(svg[0].replace(' xmlns="http://www.w3.org/2000/svg"', "", 1))
    assert [bar.get("class") for bar in root.iter("rect")] == ["done", "failed", "unfinished"]
    told = [text.text for text in root.iter("text")]
    assert "✗ failed, 20 s" in told
    assert "… not finished, 20 s" in told
    assert [title.text for title in root.iter("title")][1].startswith(f"{EVIL} create: failed, 20 s")  # type: ignore[union-attr]


def test_bars_lie_within_the_picture_and_at_their_times() -> None:
    root = timeline.as_html(drawn())
    bars = [
        (float(x), float(width))
        for x, width in re.findall(r'<rect class="\w+" x="([\d.]+)" y="\d+" width="([\d.]+)"', root)
    ]
    assert len(bars) == 3
    assert bars[0][0] == 430
    assert abs(bars[2][0] + bars[2][1] - 1330) < 1


def test_a_long_address_keeps_its_end() -> None:
    long = f'module.{"x" * 80}.aws_instance.node["k8s-master"]'
    progress = ApplyStreamReader()
    progress.feed([event("apply_start", long, 0), event("apply_complete", long, 3, elapsed_seconds=3)])
    page = timeline.as_html(timeline.build_timeline(progress.snapshot(), "long"))
    label = re.search(r'text-anchor="end">([^<]*)<', page)
    assert label
    assert label[1].endswith("node[&quot;k8s-master&quot;]")
    # In the tooltip and in the table it is whole.
    assert page.count("x" * 80) == 2


def test_a_run_of_nothing_and_one_of_no_time_are_drawn_all_the_same() -> None:
    progress = ApplyStreamReader()
    empty = timeline.build_timeline(progress.snapshot(), "nothing")
    progress.feed([event("apply_start", "aws_vpc.a", 0), event("apply_complete", "aws_vpc.a", 0)])
    quick = timeline.build_timeline(progress.snapshot(), "quick")
    for one in (empty, quick):
        for form in (timeline.as_html, timeline.as_csv, timeline.as_text):
            assert form(one)


def recorded(tmp_path: Path) -> tuple[SessionStore, str]:
    store = SessionStore(tmp_path / "state")
    session = store.create(project="eco2", folder=tmp_path)
    folder = session.commands_folder / "apply-1"
    folder.mkdir(parents=True)
    argv = ["terraform", "apply", "-json", "plan.tfplan"]
    told = {"step": "apply", "title": "terraform apply: 3 to create", "argv": argv, "started": 1.0}
    (folder / "command.json").write_text(json.dumps(told))
    (folder / "output.log").write_text("\n".join(lines()) + "\n")
    return store, session.id


def test_the_command_draws_a_session_as_lines_as_a_table_as_a_page_and_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store, id_ = recorded(tmp_path)
    monkeypatch.setenv("ECOTUI_STATE_DIR", str(store.root))
    monkeypatch.chdir(tmp_path)

    def said(*words: str) -> str:
        assert main(["sessions", "timeline", *words]) == 0
        return capsys.readouterr().out

    # A later session that applied nothing is passed over.
    store.create(project="eco2", folder=tmp_path)
    assert "✗ " in said(id_)
    assert "╳" in said()
    assert said("--csv").startswith("address,type,action,outcome")
    assert said("--html").startswith("<!doctype html>")
    assert json.loads(said("--json"))["spans"][1]["outcome"] == "failed"
    said("--out", str(tmp_path / "run.html"))
    assert (tmp_path / "run.html").read_text().startswith("<!doctype html>")
    assert main(["sessions", "timeline", "--of", "nothing"]) == 1


def test_a_followed_apply_leaves_both_beside_its_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from checks.apply.plan.model import Plan
    from checks.context import CheckContext
    from config.model import Settings
    from ecotui.cli.follow import CommandFollower
    from ecotui.cli.follow_apply import ApplyOutput
    from ecotui.supervisor import Command
    from ecotui.supervisor.running import SupervisedCommand

    folder = tmp_path / "apply-1"
    folder.mkdir()
    (folder / "output.log").write_text("\n".join(lines()) + "\n")
    (folder / "exit.json").write_text(json.dumps({"exit_code": 1, "outcome": "failed"}))
    command = Command(id="apply-1", folder=folder, step="apply", title="terraform apply", argv=(), started=1.0)
    plan = Plan(terraform="", format="", changes=())
    where = CheckContext(settings=Settings(), project=tmp_path, env={})
    output = ApplyOutput(command, plan, DurationStats(), where, as_json=False)
    assert CommandFollower(SupervisedCommand(command), output).follow() == 1
    assert f"Timeline: {folder / 'timeline.html'}" in capsys.readouterr().out
    assert (folder / "timeline.html").stat().st_mode & 0o077 == 0
    assert len((folder / "timeline.csv").read_text().splitlines()) == 4
