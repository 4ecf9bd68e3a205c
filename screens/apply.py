"""The panel of the apply step: the reviewed plan and its forecast; while it is applied, what runs and what is done."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

import msgspec
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from checks.apply.detail import ApplyDetail
from checks.apply.stream import ApplyProgress, Progress
from checks.finding import Report
from screens.intents import CommandOutput, FixWanted
from screens.layout import bar, hang, table
from screens.signs import duration
from screens.step import StepPanel

BAR = 30
SHOWN = 8
"""Finished rows kept in view below the running ones."""


class Panel(StepPanel):
    STEP = "apply"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "plan", "Plan", tooltip="Read the saved plan, change by change", id="apply.plan"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._stream: Progress | None = None
        self._of = ""
        """The id of the command whose stream is drawn."""

    def compose_own(self) -> Iterable[Widget]:
        yield Static(classes="own")

    def show_own(self, report: Report) -> None:
        own = self.query_one(".own", Static)
        if self._stream is not None and self.STEP in self.rebuild.running:
            self._draw()
            return
        detail = msgspec.convert(report.detail, type=ApplyDetail) if report.detail else None
        lines = _plan(detail, self.room) if detail else []
        if self._stream is not None:
            lines = [*_outcome(self._stream.snapshot(), self.room), *lines]
        own.display = bool(lines)
        own.update(Content("\n").join(lines))

    def show_output(self, output: CommandOutput) -> None:
        super().show_output(output)
        if output.command.id != self._of:
            self._of = output.command.id
            self._stream = Progress(self._operations()) if "apply" in output.command.argv else None
        if self._stream is not None:
            self._stream.feed(output.lines)
            self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "plan":
            return bool(self.report and self.report.detail and self.report.detail.get("plan"))
        return super().check_action(action, parameters)

    def action_plan(self) -> None:
        """Read the saved plan; when it is to be applied from there, ask what has to be asked."""
        from screens.plan_review import PlanReview

        if self.report is None or not self.report.detail:
            return
        detail = msgspec.convert(self.report.detail, type=ApplyDetail)
        ways = [
            (finding, fix)
            for finding in self.report.findings
            for fix in finding.fixes
            if fix.id == "apply.apply"
        ]

        def read(apply: bool | None) -> None:
            if apply and ways:
                self.post_message(FixWanted(*ways[0]))

        self.app.push_screen(PlanReview(Path(detail.plan), stale=detail.stale, applicable=bool(ways)), read)

    def _operations(self) -> dict[str, int]:
        """How many operations each address takes, from the reviewed plan: the stream itself promises no total."""
        from checks.apply.saved import NotReviewed, read_review

        detail = (
            msgspec.convert(self.report.detail, type=ApplyDetail)
            if self.report and self.report.detail
            else None
        )
        if detail is None or not detail.plan:
            return {}
        try:
            return dict(read_review(Path(detail.plan)).plan.operations)
        except NotReviewed:
            return {}

    def _draw(self) -> None:
        if self._stream is None:
            return
        own = self.query_one(".own", Static)
        own.display = True
        own.update(Content("\n").join(_moment(self._stream.snapshot(), self.room)))


def _plan(detail: ApplyDetail, width: int) -> list[Content]:
    """What was planned, and what the forecast says."""
    lines = []
    for label, text in (
        ("Plan", detail.plan_sentence),
        ("Forecast", detail.forecast_sentence),
        ("Stale", detail.stale),
    ):
        if text:
            lines.append(hang(Content.styled(f"{label:<10}", "$foreground 62%"), text, width))
    if detail.types:
        kinds = ", ".join(
            f"{count} {name.removeprefix('aws_')}" for name, count in sorted(detail.types.items())
        )
        lines.append(hang(Content.styled(f"{'In state':<10}", "$foreground 62%"), kinds, width))
    return lines


def _moment(progress: ApplyProgress, width: int) -> list[Content]:
    """n of total, what runs with its time, the last that are done, and the errors."""
    share = progress.done / progress.total if progress.total else 0.0
    total = str(progress.total) if progress.total else "?"
    lines = [
        Content.assemble(
            bar(share, BAR, "$text-accent"),
            Content.styled(f" {progress.done} of {total}", "bold"),
            f"   {len(progress.running)} running   {progress.failed} failed   {duration(progress.elapsed)}",
        )
    ]
    now = progress.last or time.time()
    rows: list[list[Content | str]] = [
        [
            Content.styled("▶", "$text-accent"),
            running.address,
            running.action,
            duration(max(now - running.started, running.elapsed)),
            running.note,
        ]
        for running in progress.running
    ]
    rows += [
        [Content.styled("✓", "$text-success"), done.address, done.action, duration(done.seconds), ""]
        for done in reversed(progress.finished[-SHOWN:])
    ]
    if rows:
        lines += [
            Content(""),
            table(["", "resource", "action", "time", ""], rows, width, right=frozenset({3})),
        ]
    lines += _errors(progress, width)
    return lines


def _outcome(progress: ApplyProgress, width: int) -> list[Content]:
    """The end of the run that was followed last."""
    lines = []
    if progress.summary:
        lines.append(Content.assemble(Content.styled("✓ ", "$text-success"), progress.summary))
    return [*lines, *_errors(progress, width)]


def _errors(progress: ApplyProgress, width: int) -> list[Content]:
    lines: list[Content] = []
    for error in progress.errors:
        lines.append(hang(Content.styled("✗ ", "$text-error"), error.summary, width))
        if error.address:
            lines.append(hang(Content("  "), error.address, width, "$foreground 62%"))
    return lines
