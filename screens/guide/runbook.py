"""Walking an entry of the guide: its steps one by one, run, copied or ticked, with the cause checked again at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from checks.cleanup.model import CleanupDetail, Ownership
from checks.finding import CheckState, Finding, OpenStep, Risk
from checks.sanitize import sanitize
from checks.secret_names import is_secret_placeholder
from checks.steps import STEPS_BY_ID
from ecotui.guide.cause import CauseCheck, CauseState, check_cause
from ecotui.guide.reading.document import Entry
from ecotui.guide.reading.library import GuideLibrary
from ecotui.guide.runbook.placeholders import collect_placeholder_values
from ecotui.guide.runbook.runbook import runbook_for
from ecotui.guide.runbook.step import (
    END_STEP,
    SEARCH_GUIDE,
    RunbookContext,
    RunbookStep,
    StepKind,
    destroy_confirmation,
    edit_step,
    fix_from_step,
)
from ecotui.guide.usage import read_guide_usage
from ecotui.project import OpenProject
from ecotui.session import SessionError, events
from screens.dialogs import Dialog, PromptDialog, TypedConfirmDialog, dialog_box
from screens.guide.location import GuideLocation, LeaveGuideRequested, RunbookPosition
from screens.guide.runbook_rendering import render_cause_check, render_error, render_step, render_step_row, step_heading
from screens.messages import CheckRequested, CleanupApproved, FixRequested, InterruptRequested
from screens.project_screen import ProjectScreen, main_screen
from screens.style.icons import format_leftover_count
from screens.widgets.command_output import CommandOutputView
from screens.widgets.command_status import describe_command_end
from screens.widgets.footer import KeyFooter

POLL_SECONDS = 0.2
"""Seconds between two looks at what runs: output is followed by the frame, here it is only shown."""


MAX_ERROR_CHARS = 300
"""Characters of the error that the session's log keeps with a walk."""


class RateDialog(Dialog[bool]):
    """Did it help?"""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "dismiss(True)", "Yes, it did"),
        Binding("n", "dismiss(False)", "No"),
        Binding("escape", "dismiss(None)", "Not yet"),
    ]

    def __init__(self, title: str, body: Content) -> None:
        super().__init__()
        self._title = title
        self._body = body

    def compose(self) -> ComposeResult:
        with dialog_box(self._title):
            yield Static(self._body, classes="body")
            yield Static(Content("y yes    n no    Escape: not yet"), classes="hint")
        yield KeyFooter(compact=True, show_command_palette=False)


class RunbookScreen(Screen[str | None]):
    """The steps of one entry. Escape goes back to the guide; `b` to the step's screen, and from there back here."""

    CSS_PATH = "runbook.tcss"
    AUTO_FOCUS = "#runbook-steps"
    BINDINGS: ClassVar[list[BindingType]] = [
        # Enter is the list's own key, and does the same.
        Binding(
            "f", "run_step", "Do it", key_display="⏎", tooltip="Run this step; asks first when it changes anything"
        ),
        Binding("space", "toggle_done", "Done", tooltip="Mark this step as done, or not done"),
        Binding("e", "edit", "Edit", tooltip="Edit the command before it runs"),
        Binding("c", "copy", "Copy", tooltip="Copy to your terminal's clipboard (OSC 52)"),
        Binding("w", "write_file", "File", tooltip="Write it to a file in the session's folder"),
        Binding("r", "check", "Check", tooltip="Look again whether the cause is present"),
        Binding("i", "interrupt", "Stop", tooltip="Ask what runs to stop"),
        Binding("l", "toggle_output", "Log", tooltip="Show or hide the output"),
        Binding("b", "go_to_step", "Step", tooltip="Go to the step of the rebuild; b there comes back"),
        Binding("v", "language", "한/En", tooltip="The other language"),
        Binding("escape,q", "back", "Back"),
    ]

    def __init__(
        self,
        project: OpenProject,
        library: GuideLibrary,
        position: RunbookPosition,
        solved_count: int = 0,
        *,
        guide_location: Callable[[RunbookPosition], GuideLocation],
    ) -> None:
        """`solved`: in how many earlier sessions this entry solved it. `place`: where one is in the guide below."""
        super().__init__()
        self.project = project
        self.library = library
        self.position = position
        self.solved_count = solved_count
        """In how many earlier sessions this entry solved it."""
        self.steps: tuple[RunbookStep, ...] = ()
        self.verdict = CauseCheck(CauseState.NOT_CHECKED)
        self.done_steps: set[str] = set()
        self.entry: Entry = self.find_entry()
        self._row_steps: list[RunbookStep | None] = []
        """What each option is: a step, or None for a heading."""
        self._drawn_rows: list[str] = []
        self._guide_location = guide_location
        self._pending_command: tuple[str, str, str] | None = None
        """Asked for: the step's key, the rebuild's step, and the command that ran there before."""
        self._rating_pending = False
        """A look was asked for, and is under way; then comes the question."""
        self._output_step = ""
        self._ended_command_id = ""
        """The command whose end was taken note of."""
        self._shown_state: object = None

    def find_entry(self) -> Entry:
        found = self.library.entry_in_language(self.position.entry, self.position.language)
        entry = found or self.library.find_entry(self.position.entry)
        assert entry is not None
        return entry

    @property
    def main_screen(self) -> ProjectScreen:
        return main_screen(self)

    def compose(self) -> ComposeResult:
        yield Static(id="runbook-title")
        yield Static(id="runbook-error")
        yield Static(id="runbook-cause")
        with Horizontal(id="runbook-body"):
            yield OptionList(id="runbook-steps", markup=False)
            with VerticalScroll(id="runbook-step"):
                yield Static(id="runbook-detail")
        yield CommandOutputView(id="runbook-output")
        yield KeyFooter(compact=True, show_command_palette=False)

    def on_resize(self) -> None:
        self._set_size_classes()
        self.refresh_all()

    def _set_size_classes(self) -> None:
        width, height = self.app.size
        self.set_class(width < 100, "-narrow")
        self.set_class(height < 30, "-low")

    @property
    def selected_step(self) -> RunbookStep | None:
        """The step under the cursor."""
        index = self.query_one("#runbook-steps", OptionList).highlighted
        return self._row_steps[index] if index is not None and index < len(self._row_steps) else None

    def refresh_all(self) -> None:
        if not self.is_mounted:
            return
        width = self.app.size.width - 2
        narrow = self.has_class("-narrow")
        solved = f"  ✓ solved it {self.solved_count}×" if self.solved_count else ""
        self.query_one("#runbook-title", Static).update(
            Content.assemble(
                Content.styled("Guide ", "bold $text-accent"),
                Content.styled(f"{self.entry.id} {self.entry.title}", "bold"),
                Content.styled(solved, "$text-success"),
            )
        )
        error = self.query_one("#runbook-error", Static)
        error.update(render_error(self.position.error, width, 1 if self.has_class("-low") else 2))
        error.display = bool(self.position.error.strip())
        self.query_one("#runbook-cause", Static).update(render_cause_check(self.verdict, self.position.language, width))
        self._draw_steps(width if narrow else max(width * 45 // 100, 30))
        self._draw_detail()
        self.refresh_bindings()

    def _draw_steps(self, width: int) -> None:
        options = self.query_one("#runbook-steps", OptionList)
        rows: list[RunbookStep | None] = []
        made: list[Option] = []
        way = None
        for number, step in enumerate(self.steps, 1):
            heading = step_heading(step, self.position.language)
            if heading != way and heading:
                rows.append(None)
                made.append(Option(Content.styled(heading, "bold $text-primary"), disabled=True))
            way = heading
            rows.append(step)
            made.append(Option(render_step_row(step, number, self._step_icon(step), self.position.language, width - 3)))
        drawn = [str(option.prompt) for option in made]
        if drawn != self._drawn_rows:
            self._drawn_rows = drawn
            self._row_steps = rows
            with self.prevent(OptionList.OptionHighlighted):
                options.clear_options()
                options.add_options(made)
                options.highlighted = self._option_index(self.position.selected_step)
        self._row_steps = rows

    def select_step(self, key: str) -> None:
        """Put the cursor on a step with the next drawing."""
        self.position.selected_step = key
        self._drawn_rows = []

    def _option_index(self, key: str) -> int | None:
        """The option of a step; of the first that is not done when there is no such step."""
        places = {step.key: index for index, step in enumerate(self._row_steps) if step is not None}
        if key in places:
            return places[key]
        open_steps = [index for step, index in places.items() if step not in self.done_steps]
        return next(iter(open_steps), next(iter(places.values()), None))

    def _step_icon(self, step: RunbookStep) -> str:
        place, command = self.position.started_commands.get(step.key, ("", ""))
        following = self.main_screen.step_commands.get(place)
        if following is not None and following.command.id == command:
            if following.is_running:
                return "▶"
            if following.status and describe_command_end(following.command, following.status)[0] is CheckState.BLOCKED:
                return "✗"
        return "✓" if step.key in self.done_steps else "○"

    def _draw_detail(self) -> None:
        step = self.selected_step
        if step is None:
            return
        page = self.query_one("#runbook-step")
        width = max(page.size.width - 4, 20) if page.size.width else self.app.size.width - 6
        corrections = self.library.corrections_for(self.position.entry, self.position.language)
        self.query_one("#runbook-detail", Static).update(
            render_step(
                step,
                self.position.language,
                width,
                verdict=self.verdict,
                reports=self.project.rebuild.reports,
                corrections=corrections,
                entry=self.entry,
            )
        )

    def on_mount(self) -> None:
        try:
            self.done_steps = set(
                read_guide_usage(self.project.session.read_records()).completed_steps.get(self.logged_entry, ())
            )
        except SessionError as trouble:
            self.notify(str(trouble), severity="error", markup=False)
        if not self.position.is_logged:
            self.position.is_logged = True
            error = " ".join(self.position.error.split())[:MAX_ERROR_CHARS]
            self.log_event(events.RunbookOpened(entry=self.logged_entry, error=error))
        if self.position.started_commands:
            self._output_step = list(self.position.started_commands.values())[-1][0]
        self._set_size_classes()
        self.refresh_steps()
        if self.position.scroll_y:
            self.call_after_refresh(self.query_one("#runbook-step").scroll_to, y=self.position.scroll_y, animate=False)
        self.set_interval(POLL_SECONDS, self._poll)

    @property
    def logged_entry(self) -> str:
        """What the session's log calls this entry."""
        return self.library.log_name(self.position.entry)

    # -- what is known -------------------------------------------------------------------------------------------

    @property
    def runbook_context(self) -> RunbookContext:
        loaded = self.project.config
        reports = self.project.rebuild.reports
        values = collect_placeholder_values(loaded.settings, loaded.project, reports, self.project.child_env())
        return RunbookContext(loaded.settings, values, lambda path: (loaded.project / path).exists())

    def refresh_steps(self) -> None:
        """The verdict and the steps, from the last looks."""
        rebuild = self.project.rebuild
        walk = self.position
        self._shown_state = (rebuild.reports, rebuild.active_checks, rebuild.running_commands)
        self.verdict = check_cause(
            self.library, walk.entry, rebuild.reports, rebuild.active_checks, walk.initial_finding_ids
        )
        if self.verdict.state is CauseState.PRESENT:
            walk.cause_present = True
            walk.initial_finding_ids |= {finding.id for finding in self.verdict.findings}
        elif self.verdict.state is CauseState.ABSENT and self.position.cause_present:
            # It worked: what is left is to say so.
            self.position.cause_present = False
            self.select_step(END_STEP)
        if self.verdict.state is CauseState.CHECKING and self.steps:
            # What the check offers is not known for a moment; the list stays as it is.
            self.refresh_all()
            return
        context = self.runbook_context
        found = list(runbook_for(self.entry, self.verdict, context))
        keys = {step.key for step in found}
        gone = [step for key, step in self.position.attempted_fixes.items() if key not in keys]
        for step in gone:
            if step.key not in self.done_steps and self.is_resolved(step):
                # The check does not find it any more: this way out worked.
                self.mark_done(step, done=True)
        self.steps = tuple(
            edit_step(step, self.position.edited_commands[step.key], context)
            if step.key in self.position.edited_commands
            else step
            for step in (*gone, *found)
        )
        self.refresh_all()

    def is_resolved(self, step: RunbookStep) -> bool:
        if step.finding is None:
            return False
        report = self.project.rebuild.reports.get(step.finding.step)
        now = [one for one in (report.findings if report else ()) if one.id == step.finding.id]
        return not now or now[0].state in (CheckState.OK, CheckState.SKIPPED)

    @property
    def current_step(self) -> str:
        """The step of the rebuild that this entry belongs to."""
        step = self.selected_step
        if step is not None and (step.check_step or step.screen_step in STEPS_BY_ID):
            return step.check_step or step.screen_step
        return (
            next(iter(self.verdict.steps), self.main_screen.current_step) if step is None else self.step_to_run_in(step)
        )

    @on(OptionList.OptionHighlighted, "#runbook-steps")
    def _show_highlighted_step(self) -> None:
        step = self.selected_step
        if step is not None:
            if step.key != self.position.selected_step:
                self.query_one("#runbook-step").scroll_home(animate=False)
            self.position.selected_step = step.key
            self._draw_detail()
            self.refresh_bindings()

    # -- what happens meanwhile ----------------------------------------------------------------------------------

    def _poll(self) -> None:
        """Take up what changed: the looks, and the command that was asked for."""
        rebuild = self.project.rebuild
        seen = (rebuild.reports, rebuild.active_checks, rebuild.running_commands)
        if seen != self._shown_state:
            self.refresh_steps()
        self._adopt_started_command()
        self._show_output()
        if self._rating_pending and self.verdict.state is not CauseState.CHECKING:
            self._rating_pending = False
            self._ask_rating()

    def step_to_run_in(self, step: RunbookStep) -> str:
        """The step of the rebuild in which a step of the entry runs."""
        if step.finding is not None:
            return step.finding.step
        return next(iter(self.verdict.steps), self.main_screen.current_step)

    def _adopt_started_command(self) -> None:
        """The command that was asked for has begun: it is this step's."""
        if self._pending_command is None:
            return
        key, place, before = self._pending_command
        step = next((one for one in self.steps if one.key == key), None)
        if step is not None and step.variable and step.variable in self.project.variables:
            self._pending_command = None
            self.mark_done(step, done=True)
            self.refresh_all()
            return
        following = self.main_screen.step_commands.get(place)
        if following is not None and following.command.id != before:
            self._pending_command = None
            self.position.started_commands[key] = (place, following.command.id)
            self._output_step = place
            self.add_class("-output")
            self.refresh_all()

    def _show_output(self) -> None:
        following = self.main_screen.step_commands.get(self._output_step)
        if following is None:
            return
        self.query_one(CommandOutputView).show_command(following)
        if following.is_running or following.status is None or self._ended_command_id == following.command.id:
            return
        self._ended_command_id = following.command.id
        state, _word = describe_command_end(following.command, following.status)
        ended = next(
            (key for key, (_, ident) in self.position.started_commands.items() if ident == self._ended_command_id), ""
        )
        step = next((one for one in self.steps if one.key == ended), None)
        if step is not None and state is not CheckState.BLOCKED and step.key not in self.done_steps:
            self.mark_done(step, done=True)
            self._select_next_step(step)
        self.refresh_all()

    # -- doing ---------------------------------------------------------------------------------------------------

    @on(OptionList.OptionSelected, "#runbook-steps")
    def _run_selected_step(self) -> None:
        self.action_run_step()

    def action_run_step(self) -> None:
        step = self.selected_step
        if step is None:
            return
        if step.kind is StepKind.END:
            self.action_rate()
        elif step.kind is StepKind.MANUAL:
            self._do_manual_step(step)
        elif step.kind in (StepKind.SCRIPT, StepKind.FILE):
            self.action_copy()
        elif step.missing:
            self.action_edit()
        elif leftovers_deleted_by(step) and self._expect_command(step) and self._confirm_deletion(step):
            pass
        elif step.fix is not None and isinstance(step.fix.action, OpenStep):
            self.position.attempted_fixes[step.key] = step
            self.leave_for_step(step.fix.action.step, step.fix.action.select)
        elif step.variable and not is_secret_placeholder(step.variable):
            self._prompt_step_variable(step)
        else:
            self._expect_command(step)
            self._run_step(step, self.step_to_run_in(step))

    def _expect_command(self, step: RunbookStep) -> bool:
        """The next command that the frame starts where this step runs will be this step's."""
        place = self.step_to_run_in(step)
        running = self.main_screen.step_commands.get(place)
        self._pending_command = (step.key, place, running.command.id if running is not None else "")
        return True

    def _do_manual_step(self, step: RunbookStep) -> None:
        if not step.check_step and not step.screen_step:
            self.action_toggle_done()
            return
        self.mark_done(step, done=True)
        if step.check_step:
            self.main_screen.post_message(CheckRequested((step.check_step,)))
            self.refresh_all()
        elif step.screen_step == SEARCH_GUIDE:
            self.dismiss("search")
        else:
            self.leave_for_step(step.screen_step)

    def leave_for_step(self, step: str, preselect: tuple[str, ...] = ()) -> None:
        """Go to a step's screen; the frame's `b` comes back to where one was, here and in the guide below."""
        self.position.scroll_y = self.query_one("#runbook-step").scroll_y
        self.main_screen.post_message(LeaveGuideRequested(self._guide_location(self.position), step, preselect))

    def action_go_to_step(self) -> None:
        self.leave_for_step(self.current_step)

    def can_act(self) -> bool:
        refusal = self.main_screen.report_errors(lambda project: project.write_refusal())
        if refusal:
            self.notify(refusal, severity="warning", markup=False)
        return refusal == ""

    def log_event(self, event: events.AnyEvent) -> None:
        if not self.project.is_read_only:
            self.main_screen.report_errors(lambda project: project.session.append(event))

    def mark_done(self, step: RunbookStep, *, done: bool) -> None:
        (self.done_steps.add if done else self.done_steps.discard)(step.key)
        title = step.title.split("\n")[0][:120]
        self.log_event(events.RunbookStepTicked(entry=self.logged_entry, step=step.key, done=done, title=title))

    def action_toggle_done(self) -> None:
        step = self.selected_step
        if step is None or step.kind is StepKind.END:
            return
        done = step.key not in self.done_steps
        self.mark_done(step, done=done)
        if done:
            self._select_next_step(step)
        self.refresh_all()

    def _select_next_step(self, step: RunbookStep) -> None:
        """The cursor goes from what is done to what comes next."""
        keys = [one.key for one in self.steps]
        if self.position.selected_step in ("", step.key) and step.key in keys:
            self.select_step(keys[min(keys.index(step.key) + 1, len(keys) - 1)])

    def action_edit(self) -> None:
        if (step := self.selected_step) and self.check_action("edit", ()):
            self._edit_command(step)

    def action_copy(self) -> None:
        if (step := self.selected_step) and step.text:
            self._copy_step(step)

    def action_write_file(self) -> None:
        if (step := self.selected_step) and step.text and self.can_act():
            self._write_step_file(step)

    def action_check(self) -> None:
        self.main_screen.post_message(CheckRequested(self.verdict.steps or (self.main_screen.current_step,)))

    def action_toggle_output(self) -> None:
        self.toggle_class("-output")

    def action_interrupt(self) -> None:
        following = self.main_screen.step_commands.get(self._output_step)
        if following is not None and following.is_running and self.can_act():
            self.main_screen.post_message(InterruptRequested(self._output_step))

    def action_language(self) -> None:
        other = "en" if self.position.language == "ko" else "ko"
        if self.library.entry_in_language(self.position.entry, other) is None:
            self.notify("This entry has no text in the other language.", markup=False)
            return
        self.position.language = other
        self.entry = self.find_entry()
        self.refresh_steps()

    def action_back(self) -> None:
        self.dismiss(None)

    def _run_step(self, step: RunbookStep, step_id: str) -> None:
        """Ask the frame to carry a step out; it asks for consent, starts it under the supervisor, and logs it."""
        title = f"Guide {self.position.entry}"
        finding = step.finding or Finding(
            id=f"{step_id}.guide", step=step_id, state=CheckState.SKIPPED, title=title, summary=title
        )
        if step.fix is not None:
            self.position.attempted_fixes[step.key] = step
        self.main_screen.post_message(
            FixRequested(finding, fix_from_step(step, self.position.entry, destroy_confirmation(step.argv)))
        )

    def _confirm_deletion(self, step: RunbookStep) -> bool:
        """Ask for typed consent to the deletion of exactly these leftovers; False when the last look does not have them."""
        report = self.project.rebuild.reports.get("cleanup")
        try:
            detail = msgspec.convert((report.detail if report else None) or {}, type=CleanupDetail)
        except msgspec.ValidationError:
            return False
        chosen = [one for one in detail.resources if one.deletable and one.key in leftovers_deleted_by(step)]
        if not chosen or len(chosen) != len(leftovers_deleted_by(step)):
            return False
        lines = [Content(f"Deleted for good, in account {detail.account} ({detail.account_name}):"), Content("")]
        for one in chosen:
            doubt = "   matched by name only: is it ours?" if one.ownership is Ownership.NAME_ONLY else ""
            lines.append(Content.assemble(f"  {one.kind:<16} {one.name}", Content.styled(doubt, "$text-warning")))
        lines += [
            Content(""),
            Content("What it is attached to is detached first; what has changed is left alone."),
        ]

        def typed(answer: str | None) -> None:
            if answer:
                self.position.attempted_fixes[step.key] = step
                self.main_screen.post_message(CleanupApproved(detail, tuple(one.key for one in chosen)))

        expected = f"{detail.account_name or detail.account} {len(chosen)}"
        self.app.push_screen(
            TypedConfirmDialog(f"Delete {format_leftover_count(len(chosen))}", Content("\n").join(lines), expected),
            typed,
        )
        return True

    def _prompt_step_variable(self, step: RunbookStep) -> None:
        """Ask for the value of a variable that is no secret, and set it for this session."""

        def given(value: str | None) -> None:
            if value and self.can_act():
                self.main_screen.report_errors(lambda project: project.set_variable(step.variable, value, secret=False))
                self.mark_done(step, done=True)
                self.refresh_steps()

        said = Content(f"{step.variable}, for everything that this session starts from now on.")
        self.app.push_screen(PromptDialog(f"Set {step.variable}", said, value=step.value), given)

    def _edit_command(self, step: RunbookStep) -> None:
        """Let the operator change a command before it runs."""

        def given(text: str | None) -> None:
            if text is None:
                return
            made = edit_step(step, sanitize(text), self.runbook_context)
            if made.reason:
                self.notify(f"It cannot be run: {made.reason}.", severity="warning", markup=False)
            else:
                self.position.edited_commands[step.key] = made.text
                self.refresh_steps()

        first = "Put a value in the place of what stands in < > or begins with $. " if step.missing else ""
        said = Content(f"{first}It is started as it stands, without a shell: no pipes, no substitutions.")
        self.app.push_screen(PromptDialog("Edit the command", said, value=step.text), given)

    def _copy_step(self, step: RunbookStep) -> None:
        """To the terminal's clipboard."""
        self.app.copy_to_clipboard(step.text)
        lines = step.text.count("\n") + 1
        what = f"{lines} lines" if lines > 1 else step.text[:60]
        self.notify(f"Sent to your terminal's clipboard (OSC 52): {what}", markup=False)

    def _write_step_file(self, step: RunbookStep) -> None:
        """Where no clipboard reaches: a file in the session's folder."""
        from ecotui.session.private_files import make_private_folder, raise_session_error, replace_atomically

        ending = step.language if step.kind is StepKind.FILE and step.language.isalnum() else "sh"
        key = f"{self.position.entry}-{step.key}"
        name = "".join(sign if sign.isalnum() or sign in ".-" else "-" for sign in key).strip(".")

        def put(desk: OpenProject) -> str:
            folder = make_private_folder(desk.session.folder / "guide")
            file = folder / f"{name}.{ending}"
            with raise_session_error("cannot write to", file):
                replace_atomically(file, f"{step.text}\n".encode())
            return str(file)

        if file := self.main_screen.report_errors(put):
            self.notify(file, title="Written to a file", markup=False, timeout=15)

    def _ask_rating(self) -> None:
        """Did the entry solve it? The answer orders the entries of the next time."""
        walk = self.position

        def said(answer: bool | None) -> None:
            if answer is None or not self.can_act():
                return
            error = " ".join(walk.error.split())[:MAX_ERROR_CHARS]
            self.log_event(events.RunbookRated(entry=self.logged_entry, solved=answer, error=error))
            self.show_rating(answer)

        width = min(self.app.size.width * 9 // 10, 96) - 8
        words = render_cause_check(self.verdict, walk.language, width, 4)
        korean = walk.language == "ko"
        title = f"{walk.entry}: 문제가 해결되었습니까?" if korean else f"Did {walk.entry} solve it?"
        self.app.push_screen(RateDialog(title, words), said)

    # -- the end -------------------------------------------------------------------------------------------------

    def action_rate(self) -> None:
        """Look again, then ask."""
        if not self.verdict.steps:
            self._ask_rating()
            return
        self.main_screen.post_message(CheckRequested(self.verdict.steps))
        # The frame takes its messages in order: behind the wish, the look is under way.
        self.main_screen.call_later(self._await_check_then_rate)

    def _await_check_then_rate(self) -> None:
        self._rating_pending = True
        self.refresh_steps()

    def show_rating(self, solved: bool) -> None:
        """The operator has answered."""
        if solved:
            self.solved_count += 1
            self.mark_done(self.steps[-1], done=True)
            self.refresh_all()
        entry, response = self.position.entry, self.library.response_entry
        way_on = f" {response} is the way on." if response not in ("", entry) else ""
        self.notify(
            f"Noted: {entry} solved it. It comes first the next time."
            if solved
            else f"Noted: {entry} did not solve it.{way_on}",
            markup=False,
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted:
            return True
        step = self.selected_step
        if action == "edit":
            return step is not None and step.kind is StepKind.COMMAND and not step.stdin_secret and not step.variable
        if action in ("copy", "write_file"):
            return step is not None and bool(step.text)
        if action == "toggle_done":
            return step is not None and step.kind is not StepKind.END
        if action == "toggle_output":
            return bool(self._output_step)
        if action == "interrupt":
            following = self.main_screen.step_commands.get(self._output_step)
            return following is not None and following.is_running
        return True


def leftovers_deleted_by(step: RunbookStep) -> tuple[str, ...]:
    """The leftovers that a way out of the cleanup deletes; empty for any other."""
    action = step.fix.action if step.fix is not None else None
    if isinstance(action, OpenStep) and action.step == "cleanup" and step.risk is Risk.DESTROYS:
        return action.select
    return ()
