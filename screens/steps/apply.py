"""The panel of the apply step: the reviewed plan and its forecast; while it is applied, what runs and what is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static

from checks.apply.model import ApplyDetail
from checks.apply.run.progress import RemainingTimeEstimate
from checks.apply.run.stream import ApplyStreamReader
from checks.finding import Report
from screens.actions import bindings
from screens.messages import CommandOutputReceived, FixRequested
from screens.project_screen import ProjectScreen
from screens.steps import apply_stages
from screens.steps.apply_progress import ApplyProgressView, render_apply_outcome
from screens.steps.panel import StepPanel
from screens.style.columns import hanging_indent
from screens.style.themes import MUTED

if TYPE_CHECKING:
    from checks.apply.plan.model import Plan
    from checks.script.stages import StageParser
    from ecotui.supervisor import Command, Tail

MAX_LINES_PER_POLL = 5_000
"""Lines taken at once: about 25 ms."""

MAX_RESOURCE_TYPES = 6
"""Types of the state that are counted one by one: the commonest. The finding about the state counts more."""


class ApplyPanel(StepPanel):
    BINDINGS: ClassVar[list[BindingType]] = bindings("apply")

    def __init__(self, step: str) -> None:
        super().__init__(step)
        self.clock: Callable[[], float] = time.time
        self._drawn_at = 0.0
        self._focus_pending = False
        """The cursor goes to what runs, as soon as there is something."""
        self._tail: Tail | None = None
        self._estimate = RemainingTimeEstimate((), {})
        self._progress: ApplyStreamReader | None = None
        self._stages: StageParser | None = None
        """Of the team's own script, where that runs instead."""
        self._command_id = ""
        """The id of the command whose stream is drawn."""

    def compose_detail(self) -> Iterable[Widget]:
        yield ApplyProgressView()
        yield Static(classes="detail")

    def show_progress(self) -> None:
        super().show_progress()
        if self.step not in self.rebuild.running_commands:
            self._finish_progress()

    def replaces_output_of(self, argv: tuple[str, ...]) -> bool:
        """A plan that was made; of one that terraform refused the output says more."""
        detail = self.report.detail if self.report else None
        return argv[:2] == ("ecotui", "plan") and bool(detail and detail.get("plan"))

    def _show_findings(self, report: Report) -> None:
        super()._show_findings(report)
        if self.query_one(ApplyProgressView).display:
            self.query_one(".findings").display = False

    def show_detail(self, report: Report) -> None:
        own = self.query_one(".detail", Static)
        if self._is_applying:
            self._show_progress()
            return
        detail = msgspec.convert(report.detail, type=ApplyDetail) if report.detail else None
        lines = _render_plan(detail, self.text_width) if detail else []
        if self._progress is not None:
            lines = [*render_apply_outcome(self._progress.snapshot(), self.text_width), *lines]
        if self._stages is not None:
            lines = [*self._render_stages(), *lines]
        own.display = bool(lines)
        own.update(Content("\n").join(lines))

    def _render_stages(self) -> list[Content]:
        if self._stages is None:
            return []
        running = self.step in self.rebuild.running_commands
        return apply_stages.render_stages(self._stages, self.clock(), self.text_width, running=running)

    def _show_stages(self) -> None:
        lines = self._render_stages()
        if lines:
            own = self.query_one(".detail", Static)
            own.display = True
            own.update(Content("\n").join(lines))

    @property
    def _is_applying(self) -> bool:
        return self._progress is not None and self.step in self.rebuild.running_commands

    def show_output(self, output: CommandOutputReceived) -> None:
        super().show_output(output)
        if output.command.id != self._command_id:
            self._command_id = output.command.id
            self._start_progress(output.command)
        if self._stages is not None:
            self._stages.feed(output.lines, self.clock())
            self._show_stages()
            return
        if self._progress is None:
            return
        lines = self._read_lines(output)
        if lines:
            self._progress.feed(lines)
        # Without news once a second is enough: only the clock has moved.
        if lines or self.clock() - self._drawn_at >= 1:
            self._show_progress()

    def _start_progress(self, command: Command) -> None:
        from ecotui.supervisor import Tail

        self._progress = None
        self._stages = apply_stages.create_stages() if command.argv[:2] == ("ecotui", "script") else None
        if "apply" not in command.argv:
            return
        # Its own place in the file: whoever comes back to a run counts from its beginning, in whole lines.
        self._tail = Tail(command.folder, max_line_bytes=1 << 20) if command.folder.is_dir() else None
        plan = self._read_reviewed_plan(command)
        self._progress = ApplyStreamReader(plan.operations if plan else None)
        changes = [(one.address, one.actions) for one in plan.changes] if plan else []
        self._estimate = RemainingTimeEstimate(changes, plan.dependencies if plan else {})

    def _read_lines(self, output: CommandOutputReceived) -> list[str]:
        if self._tail is None:
            return list(output.lines)
        lines: list[str] = []
        # Bounded: the rest comes with the next beat.
        while len(lines) < MAX_LINES_PER_POLL and (more := self._tail.read(MAX_LINES_PER_POLL)):
            lines += more
        return lines

    def _finish_progress(self) -> None:
        """The run is over: what was hidden for it comes back."""
        if self._stages is not None:
            self._stages.finish(self.clock())
            if self.report is not None:
                self._show_detail_if_valid(self.report)
        live = self.query_one(ApplyProgressView)
        if not live.display:
            return
        # Also where nothing was begun, and so nothing could have the cursor: the keys of the panel need it.
        focused = live.query_one(OptionList).has_focus or self._focus_pending
        focused = focused or (self.display and self.app.focused is None)
        self._focus_pending = False
        live.display = False
        self.query_one(".findings").display = bool(self._findings)
        if focused:
            self.focus_findings()
        if self.report is not None:
            self._show_detail_if_valid(self.report)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "show_resource_status":
            return self._is_applying and self.query_one(ApplyProgressView).selected_row is not None
        if action == "plan":
            return bool(self.report and self.report.detail and self.report.detail.get("plan"))
        return super().check_action(action, parameters)

    def action_show_resource_status(self) -> None:
        """Ask what AWS shows of the running resource under the cursor."""
        from screens.steps.resource_status import ResourceStatusDialog

        row = self.query_one(ApplyProgressView).selected_row
        if row is not None and isinstance(self.screen, ProjectScreen) and self.screen.project is not None:
            self.app.push_screen(ResourceStatusDialog(row.address, self.screen.project))

    def action_plan(self) -> None:
        """Read the saved plan; when it is to be applied from there, ask what has to be asked."""
        from screens.steps.plan_review import PlanReviewScreen

        if self.report is None or not self.report.detail:
            return
        detail = msgspec.convert(self.report.detail, type=ApplyDetail)
        ways = [(finding, fix) for finding in self.report.findings for fix in finding.fixes if fix.id == "apply.apply"]

        def read(apply: bool | None) -> None:
            if apply and ways:
                self.post_message(FixRequested(*ways[0]))

        self.app.push_screen(
            PlanReviewScreen(Path(detail.plan_file), stale=detail.stale_reason, applicable=bool(ways)), read
        )

    def _read_reviewed_plan(self, command: Command) -> Plan | None:
        """The reviewed plan that this command applies: the stream itself promises no total."""
        from checks.apply.plan_store import PlanNotReviewed, read_review

        argv = command.argv
        place = argv[argv.index("--plan") + 1] if "--plan" in argv[:-1] else ""
        if not place and self.report and self.report.detail:
            place = msgspec.convert(self.report.detail, type=ApplyDetail).plan_file
        if not place:
            return None
        try:
            return read_review(Path(place)).plan
        except PlanNotReviewed:
            return None

    def _show_progress(self) -> None:
        if self._progress is None or not self._is_applying:
            return
        self._drawn_at = self.clock()
        live = self.query_one(ApplyProgressView)
        live.show(self._progress.snapshot(), self._estimate, self._drawn_at, self.text_width)
        if not live.display:
            # What was found before the run says nothing about it, and the rows of the run are to stand on top.
            findings = self.query_one(".findings")
            self._focus_pending = findings.has_focus or self.app.focused is None
            live.display = True
            findings.display = self.query_one(".detail").display = False
        rows = live.query_one(OptionList)
        # Nothing can have the cursor before terraform begins with something.
        if self._focus_pending and rows.display:
            self._focus_pending = False
            rows.focus()


def _render_plan(detail: ApplyDetail, width: int) -> list[Content]:
    """What was planned, and what the forecast says."""
    lines = []
    for label, text in (
        ("Plan", detail.plan_sentence),
        ("Forecast", detail.forecast_sentence),
        ("Stale", detail.stale_reason),
    ):
        if text:
            lines.append(hanging_indent(Content.styled(f"{label:<10}", MUTED), text, width))
    if detail.types:
        most = sorted(detail.types.items(), key=lambda one: (-one[1], one[0]))
        kinds = ", ".join(f"{count} {name.removeprefix('aws_')}" for name, count in most[:MAX_RESOURCE_TYPES])
        if rest := sum(count for _, count in most[MAX_RESOURCE_TYPES:]):
            kinds += f", and {rest} more of {len(most) - MAX_RESOURCE_TYPES} types"
        lines.append(hanging_indent(Content.styled(f"{'In state':<10}", MUTED), kinds, width))
    return lines
