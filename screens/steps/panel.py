"""The panel of one step: the verdict, the findings, what the step draws of its own, and fixes of the selected finding."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from checks.duration import format_stopwatch
from checks.finding import CheckState, Finding, Fix, Report, Risk
from checks.steps import STEPS_BY_ID
from config.model import GuideSettings
from ecotui.rebuild_progress import RebuildProgress
from ecotui.session.command_text import message_text
from screens.actions import bindings
from screens.messages import CheckRequested, CommandOutputReceived, FixRequested, GuideRequested, OverrideRequested
from screens.style.columns import hanging_indent, pad_cells
from screens.style.icons import RISK_LABEL, RISK_STYLE, state_badge, state_icon, state_style
from screens.style.themes import MUTED

GUIDE_STATES = (CheckState.BLOCKED, CheckState.WARN, CheckState.UNKNOWN)
"""States of a finding for which the guide is searched; where it has no entry it says what to do next."""


class StepPanel(Vertical):
    """The panel of a step. A subclass may draw a part of its own with `render_detail`, or with `compose_detail` and `show_detail`."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("step")

    rebuild: reactive[RebuildProgress] = reactive(RebuildProgress(), init=False, always_update=True)

    def __init__(self, step: str) -> None:
        """`step`: its id."""
        super().__init__(id=f"step-{step}", classes="step-panel")
        self.step = step
        self.report: Report | None = None
        self.guide = GuideSettings()
        """The documents of the guide: they decide how the entries that findings name are called."""
        self._findings: tuple[Finding, ...] = ()
        self._fixes: tuple[Fix, ...] = ()
        self._listed_finding_id = ""
        """The id of the finding whose fixes are listed."""
        self._last_output_line = ""
        """The last line that the step's command wrote."""

    def compose(self) -> ComposeResult:
        yield Static(classes="verdict")
        with VerticalScroll(classes="step-body", can_focus=False):
            yield OptionList(classes="findings", markup=False)
            yield from self.compose_detail()
            with Vertical(classes="fix-area"):
                yield Static(classes="facts")
                yield Static("What you can do", classes="fixes-title")
                yield OptionList(classes="fixes", markup=False)
        yield Static(classes="hint")

    def compose_detail(self) -> Iterable[Widget]:
        """The widgets of the step's own part, below the findings."""
        detail = Static(classes="detail")
        detail.display = False
        yield detail

    def show_detail(self, report: Report) -> None:
        """Update the step's own part from a report."""
        detail = self.query_one(".detail", Static)
        content = self.render_detail(report)
        detail.display = content is not None
        detail.update(content or "")

    def render_detail(self, report: Report) -> Content | None:
        """What the step draws of its own from a report, in text; None: nothing."""
        return None

    def show_output(self, output: CommandOutputReceived) -> None:
        """Show lines of this step's command; a step that draws its progress extends this."""
        latest = next((text for line in reversed(output.lines) if (text := message_text(line).strip())), "")
        latest = latest.partition("\n")[0]  # an error of terraform's may be a page
        if latest and latest != self._last_output_line:
            self._last_output_line = latest
            self._show_verdict(self.report)

    @property
    def text_width(self) -> int:
        """Cells for a line of text in the panel's body, its scroll bars and indent taken off."""
        return max(self.query_one(".step-body").size.width - 3, 20)

    def on_resize(self) -> None:
        """Lines are broken by hand, for their hanging indents: break them again, once this layout is done. A layout that is
        asked for in the middle of one is ignored, and the widget keeps its height."""
        self.call_after_refresh(self._rewrap_lines)

    def _rewrap_lines(self) -> None:
        if self.report is not None:
            self._show_verdict(self.report)
            self._show_findings(self.report)
            self._show_detail_if_valid(self.report)

    def _show_detail_if_valid(self, report: Report) -> None:
        """A session log may hold reports of an older or newer ecotui, whose detail has another shape."""
        try:
            self.show_detail(report)
        except msgspec.ValidationError:
            for own in self.query(".detail, .detail-title, .detail-table"):
                own.display = False

    def replaces_output_of(self, argv: tuple[str, ...]) -> bool:
        """Whether the report shows all that this command wrote, so that the log drawer can be closed."""
        return False

    def preselect(self, keys: tuple[str, ...]) -> None:
        """Select resources of this step that another step refers to."""

    def on_mount(self) -> None:
        self.show_progress()

    # -- state ---------------------------------------------------------------------------------------------------

    def watch_rebuild(self, before: RebuildProgress, rebuild: RebuildProgress) -> None:
        if not self.is_mounted:
            return
        # While a check only says what it does, nothing else has changed.
        fields = ("reports", "overrides", "running_commands", "active_checks")
        if all(getattr(rebuild, field) is getattr(before, field) for field in fields):
            self._show_verdict(rebuild.reports.get(self.step))
        else:
            self.show_progress()

    def show_progress(self) -> None:
        """Bring the panel up to date with the rebuild. Keeps the highlighted finding, by its id."""
        report = self.rebuild.reports.get(self.step)
        running = self.step in self.rebuild.running_commands
        # While a command of this step runs, no other can: its progress has the room, and the cursor stays in the panel.
        if running and self.query_one(".fixes").has_focus:
            self.focus_findings()
        self.set_class(running, "-running")
        if report is not None and report is not self.report:
            self.report = report
            self._show_findings(report)
            self._show_detail_if_valid(report)
        elif report is None:
            self._show_not_checked()
        elif self._findings:
            self._show_findings(report)
        self._show_verdict(report)

    def verdict_summary(self, report: Report) -> str:
        """What the state of the step rests on, in a few words: `3 findings`."""
        count = sum(finding.state is report.state for finding in report.findings)
        return "" if report.state is CheckState.OK else f"{count} finding{'' if count == 1 else 's'}"

    def _show_verdict(self, report: Report | None) -> None:
        step = STEPS_BY_ID[self.step]
        running = self.rebuild.running_commands.get(self.step)
        is_checking = self.step in self.rebuild.active_checks
        if running:
            head = Content.styled(f"▶ {running}", "bold $text-accent")
        elif is_checking:
            head = Content.styled("… checking", "bold $text-accent")
        else:
            head = state_badge(self.rebuild.step_state(self.step)).stylize("bold")
            if report is not None and (summary := self.verdict_summary(report)):
                head = Content.assemble(head, f" · {summary}")
        line = Content.assemble(head, "  ", Content.styled(step.title, "bold"))
        # What runs says more than what the step is for, and the two together are too long for a line.
        purpose = Content.styled(f"  checks that {step.purpose}", MUTED)
        if not running and line.cell_length + purpose.cell_length <= self.text_width:
            line = Content.assemble(line, purpose)
        notes = [self._last_output_line] if running else [self.rebuild.check_messages.get(self.step, "")]
        if report is not None and not running:
            clock = time.strftime("%H:%M:%S", time.localtime(report.started))
            seconds = format_stopwatch(report.seconds)
            notes.append(
                f"last check at {clock}, took {seconds}" if is_checking else f"checked at {clock}, took {seconds}"
            )
        note = "; ".join(note for note in notes if note)
        self.query_one(".verdict", Static).update(
            Content("\n").join([line, Content.styled(note, MUTED)]) if note else line
        )

    def _show_not_checked(self) -> None:
        self.query_one(".facts", Static).update(
            Content.styled(
                "The first check is running; it only reads."
                if self.step in self.rebuild.active_checks
                else "Not checked yet. Press r to check this step; a check only reads.",
                MUTED,
            )
        )
        self.query_one(".findings").display = False
        self.query_one(".fixes").display = False
        self.query_one(".fixes-title").display = False

    def _show_findings(self, report: Report) -> None:
        options = self.query_one(".findings", OptionList)
        before = self.selected_finding
        chosen = before.id if before else None
        known = {finding.id for finding in self._findings}
        order = (CheckState.BLOCKED, CheckState.UNKNOWN, CheckState.WARN, CheckState.OK, CheckState.SKIPPED)
        self._findings = tuple(sorted(report.findings, key=lambda finding: order.index(finding.state)))
        options.display = True
        with self.prevent(OptionList.OptionHighlighted):
            options.clear_options()
            options.add_options([Option(self._render_finding(finding)) for finding in self._findings])
        # A finding that is fine now needs no more attention: the cursor goes to one that does, or is new and worse.
        same = [index for index, finding in enumerate(self._findings) if finding.id == chosen]
        fine = (CheckState.OK, CheckState.SKIPPED)
        settled = same and self._findings[same[0]].state in fine and before and before.state not in fine
        worse = same and self._findings[0].id not in known and self._findings[0].state is CheckState.BLOCKED
        worse = worse and self._findings[same[0]].state is not CheckState.BLOCKED
        if same and self.query_one(".fixes", OptionList).has_focus:
            settled = worse = False  # a fix of it is being chosen: nothing else may come under the fingers
        options.highlighted = same[0] if same and not settled and not worse else (0 if self._findings else None)
        # Chosen before it had anything to show, the step could not take the cursor.
        if self.display and self.screen.focused is None:
            self.focus_findings()
        self._show_selected_finding()

    def _render_finding(self, finding: Finding) -> Content:
        overridden = finding.id in self.rebuild.overrides
        mark = Content.assemble(Content.styled(state_icon(finding.state), state_style(finding.state)), " ")
        return hanging_indent(mark, finding.summary + ("  (overridden)" if overridden else ""), self.text_width - 1)

    # -- selected finding --------------------------------------------------------------------------------------

    @property
    def selected_finding(self) -> Finding | None:
        index = self.query_one(".findings", OptionList).highlighted
        return self._findings[index] if index is not None and index < len(self._findings) else None

    @property
    def selected_fix(self) -> Fix | None:
        """The highlighted fix; without one, the recommended or the first."""
        finding = self.selected_finding
        # With keys that come in one burst, the message that the cursor moved may not have been handled yet.
        if finding is not None and finding.id != self._listed_finding_id:
            fixes, chosen = finding.fixes, None
        else:
            fixes, chosen = self._fixes, self.query_one(".fixes", OptionList).highlighted
        if chosen is not None and chosen < len(fixes):
            return fixes[chosen]
        return next((fix for fix in fixes if fix.recommended), fixes[0] if fixes else None)

    @on(OptionList.OptionHighlighted, ".findings")
    def _update_selected_finding(self) -> None:
        self._show_selected_finding()

    def _show_selected_finding(self) -> None:
        finding = self.selected_finding
        facts = self.query_one(".facts", Static)
        fixes = self.query_one(".fixes", OptionList)
        chosen = self.selected_fix if fixes.has_focus and finding and finding.id == self._listed_finding_id else None
        self._listed_finding_id = finding.id if finding else ""
        self._fixes = finding.fixes if finding else ()
        fixes.clear_options()
        fixes.add_options([Option(self._render_fix(fix)) for fix in self._fixes])
        fixes.display = bool(self._fixes)
        self.query_one(".fixes-title").display = bool(self._fixes)
        if self._fixes:
            same = [index for index, fix in enumerate(self._fixes) if chosen and fix.id == chosen.id]
            recommended = [index for index, fix in enumerate(self._fixes) if fix.recommended]
            fixes.highlighted = (*same, *recommended, 0)[0]
        facts.update(self._render_facts(finding) if finding else Content(""))
        self._show_hint()
        self.refresh_bindings()

    @on(OptionList.OptionHighlighted, ".fixes")
    def _show_hint(self) -> None:
        """The fix that `f` runs, always visible: on a low screen their list is below the fold."""
        hint = self.query_one(".hint", Static)
        fix = self.selected_fix if self._fixes else None
        hint.display = fix is not None and self.step not in self.rebuild.running_commands
        if fix is not None:
            more = f"   {len(self._fixes)} fixes, Tab to choose" if len(self._fixes) > 1 else ""
            hint.update(
                Content.assemble(
                    Content.styled("f ", "bold $text-accent"),
                    Content.styled(fix.title, "bold"),
                    Content.styled(more, MUTED),
                )
            )

    def _render_facts(self, finding: Finding) -> Content:
        lines = [Content.styled(finding.title, "bold")]
        if reason := self.rebuild.overrides.get(finding.id):
            lines.append(Content.styled(f"Overridden: {reason}", "$text-warning"))
        width = max((Content(fact.label).cell_length for fact in finding.facts), default=0)
        for fact in finding.facts:
            label = pad_cells(Content.styled(fact.label, MUTED), width + 2)
            lines.append(hanging_indent(label, fact.value, self.text_width))
        if finding.denied:
            lines.append(Content.styled(f"Not allowed: {', '.join(finding.denied)}", "$text-warning"))
        hints = []
        if cited := self.guide.qualify_entry_numbers(finding.guide):
            hints.append(f"guide {', '.join(cited)} (g)")
        elif finding.state in GUIDE_STATES:
            hints.append("what explains it (g)")
        if finding.raw:
            hints.append("raw output (x)")
        if finding.state in (CheckState.BLOCKED, CheckState.UNKNOWN) and finding.id not in self.rebuild.overrides:
            hints.append("override (o)")
        if hints:
            lines.append(Content.styled(" · ".join(hints), MUTED))
        # A title alone would only say again what the finding says.
        return Content("\n").join(lines) if len(lines) > 1 else Content("")

    def _render_fix(self, fix: Fix) -> Content:
        title = Content.assemble(
            Content.styled(fix.title, "bold"),
            Content.styled(f"  {RISK_LABEL[fix.risk]}", RISK_STYLE[fix.risk])
            if fix.risk is not Risk.READS
            else Content(""),
            Content.styled("  recommended", "$text-success") if fix.recommended else Content(""),
        )
        lines = [title]
        if fix.command:
            lines.append(
                hanging_indent(Content.styled("  $ ", "$text-accent"), fix.command, self.text_width, "$text-accent")
            )
        if fix.changes:
            lines.append(hanging_indent(Content("  "), fix.changes, self.text_width, MUTED))
        return Content("\n").join(lines)

    # -- actions -------------------------------------------------------------------------------------------------

    @on(OptionList.OptionSelected, ".findings")
    def _focus_fixes(self) -> None:
        if self._fixes:
            self.query_one(".fixes", OptionList).focus()

    @on(OptionList.OptionSelected, ".fixes")
    def _run_selected_fix(self) -> None:
        self.action_fix()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        finding = self.selected_finding if self._findings else None
        if action in ("fix", "copy"):
            return bool(finding and finding.fixes)
        if action == "override":
            return finding is not None and finding.state in (CheckState.BLOCKED, CheckState.UNKNOWN)
        if action == "guide":
            # Where the guide has no entry it says what to do next.
            return bool(finding and (finding.guide or finding.state in GUIDE_STATES))
        if action == "show_raw":
            return bool(finding and finding.raw)
        return True

    def action_fix(self) -> None:
        if (finding := self.selected_finding) and (fix := self.selected_fix):
            self.post_message(FixRequested(finding, fix))

    def action_check(self) -> None:
        self.post_message(CheckRequested((self.step,)))

    def action_override(self) -> None:
        if finding := self.selected_finding:
            self.post_message(OverrideRequested(finding))

    def action_guide(self) -> None:
        if (finding := self.selected_finding) and (finding.guide or finding.state in GUIDE_STATES):
            self.post_message(GuideRequested(finding=finding))

    def action_show_raw(self) -> None:
        from screens.dialogs import RawTextDialog

        if finding := self.selected_finding:
            self.app.push_screen(RawTextDialog(finding.title, finding.raw))

    def action_copy(self) -> None:
        if (fix := self.selected_fix) and fix.command:
            self.app.copy_to_clipboard(fix.command)
            self.app.notify("Sent to your terminal's clipboard (OSC 52).", markup=False)

    def focus_findings(self) -> None:
        """Move the focus to the findings."""
        findings = self.query_one(".findings", OptionList)
        if findings.display:
            findings.focus()
