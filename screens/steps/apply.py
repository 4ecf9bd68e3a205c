"""The panel of the apply step: the reviewed plan and its forecast; while it is applied, what runs and what is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static

from checks.apply.model import ApplyDetail
from checks.apply.run.progress import Estimate
from checks.apply.run.stream import Progress
from checks.finding import Report
from screens.messages import CommandOutput, FixWanted
from screens.steps import apply_stages
from screens.steps.apply_progress import LiveApply, outcome
from screens.steps.panel import StepPanel
from screens.style.columns import hang

if TYPE_CHECKING:
    from checks.apply.plan.model import Plan
    from checks.script.stages import Stages
    from ecotui.rebuild_progress import Rebuild
    from ecotui.supervisor import Command, Tail

LINES = 5_000
"""Lines taken at once: about 25 ms."""

KINDS = 6
"""Types of the state that are counted one by one: the commonest. The finding about the state counts more."""


class Panel(StepPanel):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "plan", "Plan", tooltip="Read the saved plan, change by change", id="apply.plan"),
        Binding("w", "why", "Why?", tooltip="Ask AWS why the chosen row still runs", id="apply.why"),
    ]

    def __init__(self, step: str) -> None:
        super().__init__(step)
        self.clock: Callable[[], float] = time.time
        self._drawn = 0.0
        self._takes_focus = False
        """The cursor goes to what runs, as soon as there is something."""
        self._tail: Tail | None = None
        self._estimate = Estimate((), {})
        self._stream: Progress | None = None
        self._stages: Stages | None = None
        """Of the team's own script, where that runs instead."""
        self._of = ""
        """The id of the command whose stream is drawn."""

    def compose_own(self) -> Iterable[Widget]:
        yield LiveApply()
        yield Static(classes="own")

    def show(self, rebuild: Rebuild) -> None:
        super().show(rebuild)
        if self.step not in rebuild.running:
            self._end()

    def tells_all_of(self, argv: tuple[str, ...]) -> bool:
        """A plan that was made; of one that terraform refused the output says more."""
        detail = self.report.detail if self.report else None
        return argv[:2] == ("ecotui", "plan") and bool(detail and detail.get("plan"))

    def _show_findings(self, report: Report) -> None:
        super()._show_findings(report)
        if self.query_one(LiveApply).display:
            self.query_one(".findings").display = False

    def show_own(self, report: Report) -> None:
        own = self.query_one(".own", Static)
        if self._live:
            self._draw()
            return
        detail = msgspec.convert(report.detail, type=ApplyDetail) if report.detail else None
        lines = _plan(detail, self.room) if detail else []
        if self._stream is not None:
            lines = [*outcome(self._stream.snapshot(), self.room), *lines]
        if self._stages is not None:
            lines = [*self._stage_lines(), *lines]
        own.display = bool(lines)
        own.update(Content("\n").join(lines))

    def _stage_lines(self) -> list[Content]:
        if self._stages is None:
            return []
        running = self.step in self.rebuild.running
        return apply_stages.drawn(self._stages, self.clock(), self.room, running=running)

    def _draw_stages(self) -> None:
        lines = self._stage_lines()
        if lines:
            own = self.query_one(".own", Static)
            own.display = True
            own.update(Content("\n").join(lines))

    @property
    def _live(self) -> bool:
        return self._stream is not None and self.step in self.rebuild.running

    def show_output(self, output: CommandOutput) -> None:
        super().show_output(output)
        if output.command.id != self._of:
            self._of = output.command.id
            self._begin(output.command)
        if self._stages is not None:
            self._stages.feed(output.lines, self.clock())
            self._draw_stages()
            return
        if self._stream is None:
            return
        lines = self._lines(output)
        if lines:
            self._stream.feed(lines)
        # Without news once a second is enough: only the clock has moved.
        if lines or self.clock() - self._drawn >= 1:
            self._draw()

    def _begin(self, command: Command) -> None:
        from ecotui.supervisor import Tail

        self._stream = None
        self._stages = apply_stages.new() if command.argv[:2] == ("ecotui", "script") else None
        if "apply" not in command.argv:
            return
        # Its own place in the file: whoever comes back to a run counts from its beginning, in whole lines.
        self._tail = Tail(command.folder, longest=1 << 20) if command.folder.is_dir() else None
        plan = self._planned(command)
        self._stream = Progress(plan.operations if plan else None)
        changes = [(one.address, one.actions) for one in plan.changes] if plan else []
        self._estimate = Estimate(changes, plan.after if plan else {})

    def _lines(self, output: CommandOutput) -> list[str]:
        if self._tail is None:
            return list(output.lines)
        lines: list[str] = []
        # Bounded: the rest comes with the next beat.
        while len(lines) < LINES and (more := self._tail.read(LINES)):
            lines += more
        return lines

    def _end(self) -> None:
        """The run is over: what was hidden for it comes back."""
        if self._stages is not None:
            self._stages.end(self.clock())
            if self.report is not None:
                self._show_own(self.report)
        live = self.query_one(LiveApply)
        if not live.display:
            return
        # Also where nothing was begun, and so nothing could have the cursor: the keys of the panel need it.
        focused = live.query_one(OptionList).has_focus or self._takes_focus
        focused = focused or (self.display and self.app.focused is None)
        self._takes_focus = False
        live.display = False
        self.query_one(".findings").display = bool(self._findings)
        if focused:
            self.take_focus()
        if self.report is not None:
            self._show_own(self.report)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "why":
            return self._live and self.query_one(LiveApply).chosen is not None
        if action == "plan":
            return bool(self.report and self.report.detail and self.report.detail.get("plan"))
        return super().check_action(action, parameters)

    def action_why(self) -> None:
        """Ask what AWS shows of the running resource under the cursor."""
        from screens.steps.resource_status import Why

        row, desk = self.query_one(LiveApply).chosen, getattr(self.screen, "desk", None)
        if row is not None and desk is not None:
            self.app.push_screen(Why(row.address, desk))

    def action_plan(self) -> None:
        """Read the saved plan; when it is to be applied from there, ask what has to be asked."""
        from screens.steps.plan_review import PlanReview

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

    def _planned(self, command: Command) -> Plan | None:
        """The reviewed plan that this command applies: the stream itself promises no total."""
        from checks.apply.plan_store import NotReviewed, read_review

        argv = command.argv
        place = argv[argv.index("--plan") + 1] if "--plan" in argv[:-1] else ""
        if not place and self.report and self.report.detail:
            place = msgspec.convert(self.report.detail, type=ApplyDetail).plan
        if not place:
            return None
        try:
            return read_review(Path(place)).plan
        except NotReviewed:
            return None

    def _draw(self) -> None:
        if self._stream is None or not self._live:
            return
        self._drawn = self.clock()
        live = self.query_one(LiveApply)
        live.show(self._stream.snapshot(), self._estimate, self._drawn, self.room)
        if not live.display:
            # What was found before the run says nothing about it, and the rows of the run are to stand on top.
            findings = self.query_one(".findings")
            self._takes_focus = findings.has_focus or self.app.focused is None
            live.display = True
            findings.display = self.query_one(".own").display = False
        rows = live.query_one(OptionList)
        # Nothing can have the cursor before terraform begins with something.
        if self._takes_focus and rows.display:
            self._takes_focus = False
            rows.focus()


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
        most = sorted(detail.types.items(), key=lambda one: (-one[1], one[0]))
        kinds = ", ".join(f"{count} {name.removeprefix('aws_')}" for name, count in most[:KINDS])
        if rest := sum(count for _, count in most[KINDS:]):
            kinds += f", and {rest} more of {len(most) - KINDS} types"
        lines.append(hang(Content.styled(f"{'In state':<10}", "$foreground 62%"), kinds, width))
    return lines
