"""Looking in a child: reports as they come, a broken child said plainly, nothing left running."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from checks.context import CheckContext
from checks.finding import CheckState, Finding, Report
from config.model import Settings
from ecotui.check_runner import CheckFailed, run_checks, run_checks_sync
from ecotui.stream import CheckProgress, StepReport, encode_message


def _line(step: str) -> str:
    finding = Finding(id=f"{step}.x", step=step, state=CheckState.OK, title="t", summary="s", raw="r" * 100_000)
    report = Report(step=step, findings=(finding,), started=1.0, seconds=0.1)
    return encode_message(StepReport(report=report)).decode()


def _child(program: str, *words: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(program), *words]


async def _all(stream: AsyncIterator[Report]) -> list[Report]:
    return [report async for report in stream]


def _both(steps: Sequence[str], argv: list[str], **options: Any) -> list[list[Report] | CheckFailed]:
    """The asynchronous form and the plain one, asked the same."""
    came: list[list[Report] | CheckFailed] = []
    for ask in (
        lambda: asyncio.run(_all(run_checks(steps, argv=argv, **options))),
        lambda: run_checks_sync(steps, argv=argv, **options),
    ):
        try:
            came.append(ask())
        except CheckFailed as error:
            came.append(error)
    return came


@pytest.mark.parametrize("code", [0, 3, 4])
def test_each_report_is_received_whatever_the_exit_code(code: int) -> None:
    argv = _child(
        f"import sys; print(sys.argv[1]); print(sys.argv[2]); sys.exit({code})",
        _line("quota"),
        _line("nodes"),
    )
    for came in _both(["quota", "nodes"], argv):
        assert isinstance(came, list), came
        assert [report.step for report in came] == ["quota", "nodes"]


async def test_a_report_is_there_before_the_next_one_is_made() -> None:
    argv = _child("import sys, time; print(sys.argv[1], flush=True); time.sleep(60)", _line("quota"))
    stream = run_checks(argv=argv)
    started = time.monotonic()
    assert (await anext(stream)).step == "quota"
    assert time.monotonic() - started < 10
    await stream.aclose()


@pytest.mark.parametrize(
    ("program", "words", "raw"),
    [
        ("import sys; sys.exit('ecotui: ecotui.yaml:3: unknown key')", "unknown key", "ecotui.yaml:3"),
        ("raise RuntimeError('boom')", "failed", "boom"),
        ("print('this is no report')", "cannot be read", "this is no report"),
        ("print('{\"step\": 7}')", "cannot be read", "step"),
        ("import os; os.kill(os.getpid(), 9)", "SIGKILL", ""),
        ("pass", "no report for quota", ""),
        ("import sys; sys.stderr.write('x' * 5_000_000); sys.exit(2)", "failed", "xxx"),
        (
            "import sys; sys.stderr.write('\\x1b]52;c;AAAA\\x07hostile'); sys.exit(2)",
            "failed: hostile",
            "hostile",
        ),
    ],
)
def test_a_broken_child_is_explained_in_one_line(program: str, words: str, raw: str) -> None:
    for came in _both(["quota"], _child(program)):
        assert isinstance(came, CheckFailed)
        assert words in came.message
        assert "\n" not in came.message
        assert raw in came.raw_output
        assert "\x1b" not in came.message + came.raw_output
        assert len(came.raw_output) < 100_000


def test_a_missing_program_is_explained() -> None:
    for came in _both(["quota"], ["/no/such/program"]):
        assert isinstance(came, CheckFailed)
        assert "could not be started" in came.message


def _gone(mark: Path) -> bool:
    """Whether the process that writes to this file does so no more."""
    before = mark.read_bytes()
    time.sleep(0.25)
    return mark.read_bytes() == before


GRANDCHILD = """
    import subprocess, sys, time
    subprocess.Popen(["sh", "-c", 'while :; do printf x >> "$0"; sleep 0.02; done', sys.argv[1]])
    while True:
        time.sleep(1)
"""


def test_a_check_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    for came in _both(["quota"], _child(GRANDCHILD, str(mark)), timeout=0.5):
        assert isinstance(came, CheckFailed)
        assert "did not end within" in came.message
        assert _gone(mark)


async def test_a_cancelled_check_leaves_nothing_running(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    task = asyncio.create_task(_all(run_checks(argv=_child(GRANDCHILD, str(mark)))))
    while not mark.exists():  # noqa: ASYNC110 - it is made by another process
        await asyncio.sleep(0.01)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert await asyncio.to_thread(_gone, mark)


async def test_who_stops_iterating_leaves_nothing_running(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    program = f"""
    import sys
    print(sys.argv[2], flush=True)
    {textwrap.dedent(GRANDCHILD).replace(chr(10), chr(10) + "    ")}
    """
    stream = run_checks(argv=_child(program, str(mark), _line("quota")))
    assert (await anext(stream)).step == "quota"
    while not mark.exists():  # noqa: ASYNC110 - it is made by another process
        await asyncio.sleep(0.01)
    await stream.aclose()
    assert await asyncio.to_thread(_gone, mark)


def test_the_environment_given_is_the_childs(tmp_path: Path) -> None:
    argv = _child("import os, sys; sys.exit(os.environ.get('GIVEN', 'nothing'))")
    for came in _both(["quota"], argv, env={"GIVEN": "just this"}):
        assert isinstance(came, CheckFailed)
        assert "just this" in came.message


def test_our_own_check_is_what_is_run(tmp_path: Path) -> None:
    (tmp_path / "ecotui.yaml").write_text("no_such_key: 1\n")
    with pytest.raises(CheckFailed, match="no_such_key"):
        run_checks_sync(["github"], options=["--project", str(tmp_path)])


def test_the_progress_of_a_check_is_received_and_is_no_report() -> None:
    said = encode_message(CheckProgress(step="apply", text="terraform validate")).decode()
    argv = _child("import sys; print(sys.argv[1]); print(sys.argv[2])", said, _line("apply"))
    heard: list[tuple[str, str]] = []
    reports = asyncio.run(
        _all(run_checks(["apply"], argv=argv, on_progress=lambda one: heard.append((one.step, one.text))))
    )
    assert ([one.step for one in reports], heard) == (["apply"], [("apply", "terraform validate")])
    assert [one.step for one in run_checks_sync(["apply"], argv=argv)] == ["apply"]


def test_the_child_reports_the_progress_of_each_step_before_its_report(
    tmp_path: Path, capfdbinary: pytest.CaptureFixtureBinary, monkeypatch: pytest.MonkeyPatch
) -> None:
    from checks.steps import RebuildStep
    from ecotui.cli.check import check_steps

    def slow(self: RebuildStep, world: CheckContext) -> Report:
        world.on_progress(f"what {self.id} asks")
        return Report(step=self.id, findings=(), started=1.0, seconds=0.1)

    monkeypatch.setattr(RebuildStep, "check", slow)
    check_steps(CheckContext(settings=Settings(), project=tmp_path, env={}), ["github", "apply"], stream=True)
    lines = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    for step in ("github", "apply"):
        mine = [line for line in lines if (line.get("report") or line)["step"] == step]
        assert [line.get("text", line["type"]) for line in mine] == [f"what {step} asks", "report"]
