"""The panel of the apply step: the saved plan and its forecast; while it is applied, the running operations."""

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
from checks.script.stages import StageParser
from screens.actions import bindings
from screens.messages import CommandOutputReceived, FixRequested
from screens.project_screen import ProjectScreen
from screens.steps.apply_progress import STAGE_PATTERNS, ApplyProgressView, render_apply_outcome, render_stages
from screens.steps.panel import StepPanel
from screens.style.columns import hanging_indent
from screens.style.themes import MUTED

if TYPE_CHECKING:
    from checks.apply.plan.model import Plan
    from ecotui.supervisor import Command, Tail

MAX_LINES_PER_POLL = 5_000
"""Lines read at once: about 25 ms."""

MAX_RESOURCE_TYPES = 6
"""The commonest types of resources in the state, counted one by one. The finding about the state has more."""


class ApplyPanel(StepPanel):
    BINDINGS: ClassVar[list[BindingType]] = bindings("apply")

    def __init__(self, step: str) -> None:
        super().__init__(step)
        self.clock: Callable[[], float] = time.time
        self._drawn_at = 0.0
        self._focus_pending = False
        """The focus moves to the running operations as soon as there are some."""
        self._tail: Tail | None = None
        self._estimate = RemainingTimeEstimate((), {})
        self._progress: ApplyStreamReader | None = None
        self._stages: StageParser | None = None
        """The stages of the team's script, where that runs instead."""
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
        """A plan that succeeded is shown by the report; why one failed is in the output."""
        detail = self.report.detail if self.report else None
        return argv[:2] == ("ecotui", "plan") and bool(detail and detail.get("plan"))

    def _show_findings(self, report: Report) -> None:
        super()._show_findings(report)
        if self.query_one(ApplyProgressView).display:
            self.query_one(".findings").display = False

    def show_detail(self, report: Report) -> None:
        detail_widget = self.query_one(".detail", Static)
        if self._is_applying:
            self._show_progress()
            return
        detail = msgspec.convert(report.detail, type=ApplyDetail) if report.detail else None
        lines = _render_plan(detail, self.text_width) if detail else []
        if self._progress is not None:
            lines = [*render_apply_outcome(self._progress.snapshot(), self.text_width), *lines]
        if self._stages is not None:
            lines = [*self._render_stages(), *lines]
        detail_widget.display = bool(lines)
        detail_widget.update(Content("\n").join(lines))

    def _render_stages(self) -> list[Content]:
        if self._stages is None:
            return []
        running = self.step in self.rebuild.running_commands
        return render_stages(self._stages, self.clock(), self.text_width, running=running)

    def _show_stages(self) -> None:
        lines = self._render_stages()
        if lines:
            detail_widget = self.query_one(".detail", Static)
            detail_widget.display = True
            detail_widget.update(Content("\n").join(lines))

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
        # Without new lines once a second is enough: only the clock has moved.
        if lines or self.clock() - self._drawn_at >= 1:
            self._show_progress()

    def _start_progress(self, command: Command) -> None:
        from ecotui.supervisor import Tail

        self._progress = None
        self._stages = StageParser(STAGE_PATTERNS) if command.argv[:2] == ("ecotui", "script") else None
        if "apply" not in command.argv:
            return
        # A tail of its own: progress is counted from the first line, also when an apply is followed again.
        self._tail = Tail(command.folder, max_line_bytes=1 << 20) if command.folder.is_dir() else None
        plan = self._read_reviewed_plan(command)
        self._progress = ApplyStreamReader(plan.operations if plan else None)
        changes = [(one.address, one.actions) for one in plan.changes] if plan else []
        self._estimate = RemainingTimeEstimate(changes, plan.dependencies if plan else {})

    def _read_lines(self, output: CommandOutputReceived) -> list[str]:
        if self._tail is None:
            return list(output.lines)
        lines: list[str] = []
        # Bounded: the rest is read the next time.
        while len(lines) < MAX_LINES_PER_POLL and (more := self._tail.read(MAX_LINES_PER_POLL)):
            lines += more
        return lines

    def _finish_progress(self) -> None:
        """The apply has ended: show the findings again that were hidden for it."""
        if self._stages is not None:
            self._stages.finish(self.clock())
            if self.report is not None:
                self._show_detail_if_valid(self.report)
        view = self.query_one(ApplyProgressView)
        if not view.display:
            return
        # Also where no operation started, so that nothing could have the focus: the keys of the panel need it.
        focused = view.query_one(OptionList).has_focus or self._focus_pending
        focused = focused or (self.display and self.app.focused is None)
        self._focus_pending = False
        view.display = False
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
        """Open the saved plan. To apply it from there is the fix of the finding, with its questions."""
        from screens.steps.plan_review import PlanReviewScreen

        if self.report is None or not self.report.detail:
            return
        detail = msgspec.convert(self.report.detail, type=ApplyDetail)
        fixes = [(finding, fix) for finding in self.report.findings for fix in finding.fixes if fix.id == "apply.apply"]

        def decided(apply: bool | None) -> None:
            if apply and fixes:
                self.post_message(FixRequested(*fixes[0]))

        self.app.push_screen(
            PlanReviewScreen(Path(detail.plan_file), stale=detail.stale_reason, applicable=bool(fixes)), decided
        )

    def _read_reviewed_plan(self, command: Command) -> Plan | None:
        """The saved plan that this command applies: the stream itself has no total."""
        from checks.apply.plan_store import PlanNotReviewed, read_review

        argv = command.argv
        plan_file = argv[argv.index("--plan") + 1] if "--plan" in argv[:-1] else ""
        if not plan_file and self.report and self.report.detail:
            plan_file = msgspec.convert(self.report.detail, type=ApplyDetail).plan_file
        if not plan_file:
            return None
        try:
            return read_review(Path(plan_file)).plan
        except PlanNotReviewed:
            return None

    def _show_progress(self) -> None:
        if self._progress is None or not self._is_applying:
            return
        self._drawn_at = self.clock()
        view = self.query_one(ApplyProgressView)
        view.show(self._progress.snapshot(), self._estimate, self._drawn_at, self.text_width)
        if not view.display:
            # The findings from before the apply say nothing about it, and its rows belong on top.
            findings = self.query_one(".findings")
            self._focus_pending = findings.has_focus or self.app.focused is None
            view.display = True
            findings.display = self.query_one(".detail").display = False
        rows = view.query_one(OptionList)
        # Nothing can have the focus before terraform starts an operation.
        if self._focus_pending and rows.display:
            self._focus_pending = False
            rows.focus()


def _render_plan(detail: ApplyDetail, width: int) -> list[Content]:
    """The plan, its forecast, and what is in the state."""
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
