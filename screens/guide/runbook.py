"""The runbook screen: follows the steps of a guide entry. Each is run, copied or ticked; at the end the cause is checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static

from checks.cleanup.model import CleanupDetail
from checks.finding import CheckState, Finding, OpenStep
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
from screens.actions import bindings
from screens.dialogs import DeletionConfirmDialog, PromptDialog, RateDialog
from screens.guide.location import GuideLocation, LeaveGuideRequested, RunbookPosition
from screens.guide.runbook_rendering import (
    render_cause_check,
    render_error,
    render_step,
    render_title,
    step_options,
)
from screens.messages import CheckRequested, CleanupApproved, FixRequested, InterruptRequested
from screens.project_screen import ProjectScreen, main_screen
from screens.widgets.command_output import CommandOutputView
from screens.widgets.command_status import describe_command_end
from screens.widgets.footer import KeyFooter

POLL_SECONDS = 0.2
"""Seconds between two polls of the running command, whose output the main screen follows."""

MAX_ERROR_CHARS = 300
"""Characters of the error that the session's log keeps with a runbook."""


class RunbookScreen(Screen[str | None]):
    """The steps of one entry. Escape goes back to the guide; `b` to the step's screen, and from there back here."""

    CSS_PATH = "runbook.tcss"
    AUTO_FOCUS = "#runbook-steps"
    BINDINGS: ClassVar[list[BindingType]] = bindings("runbook")

    def __init__(
        self,
        project: OpenProject,
        library: GuideLibrary,
        position: RunbookPosition,
        solved_count: int = 0,
        *,
        guide_location: Callable[[RunbookPosition], GuideLocation],
    ) -> None:
        """`solved_count` is the number of earlier sessions in which this entry solved the problem. `guide_location`
        returns the reader's position in the guide below, with a runbook on top."""
        super().__init__()
        self.project = project
        self.library = library
        self.position = position
        self.solved_count = solved_count
        self.steps: tuple[RunbookStep, ...] = ()
        self.cause_check = CauseCheck(CauseState.NOT_CHECKED)
        self.done_steps: set[str] = set()
        self.entry: Entry = self._find_entry()
        self._row_steps: list[RunbookStep | None] = []
        """The step of each option; None for a heading."""
        self._drawn_rows: list[str] = []
        self._guide_location = guide_location
        self._pending_command: tuple[str, str, str] | None = None
        """A requested command: the key of its step, the rebuild's step, and the id of the command that ran there before."""
        self._rating_pending = False
        """A check was requested; when it is done, the rating is asked for."""
        self._output_step = ""
        self._ended_command_id = ""
        """The command whose end was handled."""
        self._shown_state: object = None

    def _find_entry(self) -> Entry:
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
        self._refresh_all()

    def _set_size_classes(self) -> None:
        width, height = self.app.size
        self.set_class(width < 100, "-narrow")
        self.set_class(height < 30, "-low")

    @property
    def selected_step(self) -> RunbookStep | None:
        """The step under the cursor."""
        index = self.query_one("#runbook-steps", OptionList).highlighted
        return self._row_steps[index] if index is not None and index < len(self._row_steps) else None

    def _refresh_all(self) -> None:
        """Draw everything from the present state."""
        if not self.is_mounted:
            return
        width = self.app.size.width - 2
        language = self.position.language
        self.query_one("#runbook-title", Static).update(render_title(self.entry, self.solved_count))
        error = self.query_one("#runbook-error", Static)
        error.update(render_error(self.position.error, width, 1 if self.has_class("-low") else 2))
        error.display = bool(self.position.error.strip())
        self.query_one("#runbook-cause", Static).update(render_cause_check(self.cause_check, language, width))
        self._draw_steps(width if self.has_class("-narrow") else max(width * 45 // 100, 30))
        self._draw_detail()
        self.refresh_bindings()

    def _draw_steps(self, width: int) -> None:
        option_list = self.query_one("#runbook-steps", OptionList)
        self._row_steps, options = step_options(self.steps, self._step_icon, self.position.language, width)
        rows = [str(option.prompt) for option in options]
        if rows != self._drawn_rows:
            self._drawn_rows = rows
            with self.prevent(OptionList.OptionHighlighted):
                option_list.clear_options()
                option_list.add_options(options)
                option_list.highlighted = self._option_index(self.position.selected_step)

    def _select_step(self, key: str) -> None:
        """Put the cursor on a step with the next drawing."""
        self.position.selected_step = key
        self._drawn_rows = []

    def _option_index(self, key: str) -> int | None:
        """The option of a step; without such a step, of the first that is not done."""
        indexes = {step.key: index for index, step in enumerate(self._row_steps) if step is not None}
        undone = (index for step, index in indexes.items() if step not in self.done_steps)
        return indexes.get(key, next(undone, next(iter(indexes.values()), None)))

    def _step_icon(self, step: RunbookStep) -> str:
        step_id, command_id = self.position.started_commands.get(step.key, ("", ""))
        running = self.main_screen.step_commands.get(step_id)
        if running is not None and running.command.id == command_id:
            if running.is_running:
                return "▶"
            if running.status and describe_command_end(running.command, running.status)[0] is CheckState.BLOCKED:
                return "✗"
        return "✓" if step.key in self.done_steps else "○"

    def _draw_detail(self) -> None:
        step = self.selected_step
        if step is None:
            return
        page = self.query_one("#runbook-step")
        width = max(page.size.width - 4, 20) if page.size.width else self.app.size.width - 6
        language = self.position.language
        detail = render_step(
            step,
            language,
            width,
            cause_check=self.cause_check,
            reports=self.project.rebuild.reports,
            corrections=self.library.corrections_for(self.position.entry, language),
            entry=self.entry,
        )
        self.query_one("#runbook-detail", Static).update(detail)

    def on_mount(self) -> None:
        try:
            usage = read_guide_usage(self.project.session.read_records())
            self.done_steps = set(usage.completed_steps.get(self._log_name, ()))
        except SessionError as error:
            self.notify(str(error), severity="error", markup=False)
        if not self.position.is_logged:
            self.position.is_logged = True
            self._log_event(events.RunbookOpened(entry=self._log_name, error=self._short_error))
        if self.position.started_commands:
            self._output_step = list(self.position.started_commands.values())[-1][0]
        self._set_size_classes()
        self._refresh_steps()
        if self.position.scroll_y:
            self.call_after_refresh(self.query_one("#runbook-step").scroll_to, y=self.position.scroll_y, animate=False)
        self.set_interval(POLL_SECONDS, self._poll)

    @property
    def _log_name(self) -> str:
        """What the session's log calls this entry."""
        return self.library.log_name(self.position.entry)

    @property
    def _short_error(self) -> str:
        return " ".join(self.position.error.split())[:MAX_ERROR_CHARS]

    # -- steps ---------------------------------------------------------------------------------------------------

    def _runbook_context(self) -> RunbookContext:
        loaded = self.project.config
        reports = self.project.rebuild.reports
        values = collect_placeholder_values(loaded.settings, loaded.project, reports, self.project.child_env())
        return RunbookContext(loaded.settings, values, lambda path: (loaded.project / path).exists())

    def _refresh_steps(self) -> None:
        """Derive the state of the cause, and the steps, from the last checks; then draw."""
        rebuild, position = self.project.rebuild, self.position
        self._shown_state = (rebuild.reports, rebuild.active_checks, rebuild.running_commands)
        self.cause_check = check_cause(
            self.library, position.entry, rebuild.reports, rebuild.active_checks, position.initial_finding_ids
        )
        if self.cause_check.state is CauseState.PRESENT:
            position.cause_present = True
            position.initial_finding_ids |= {finding.id for finding in self.cause_check.findings}
        elif self.cause_check.state is CauseState.ABSENT and position.cause_present:
            # Solved: only the rating is left.
            position.cause_present = False
            self._select_step(END_STEP)
        if self.cause_check.state is CauseState.CHECKING and self.steps:
            # The fixes are not known until the check is done; the list stays as it is.
            self._refresh_all()
            return
        context = self._runbook_context()
        steps = runbook_for(self.entry, self.cause_check, context)
        keys = {step.key for step in steps}
        earlier_fixes = [step for key, step in position.attempted_fixes.items() if key not in keys]
        for step in earlier_fixes:
            if step.key not in self.done_steps and self._is_resolved(step):
                self._mark_done(step, done=True)
        edited = position.edited_commands
        self.steps = tuple(
            edit_step(step, edited[step.key], context) if step.key in edited else step
            for step in (*earlier_fixes, *steps)
        )
        self._refresh_all()

    def _is_resolved(self, step: RunbookStep) -> bool:
        """Whether the check no longer reports the finding of a fix."""
        if step.finding is None:
            return False
        report = self.project.rebuild.reports.get(step.finding.step)
        current = [one for one in (report.findings if report else ()) if one.id == step.finding.id]
        return not current or current[0].state in (CheckState.OK, CheckState.SKIPPED)

    def _rebuild_step(self, step: RunbookStep | None) -> str:
        """The step of the rebuild in which a step of the entry runs."""
        if step is not None and step.finding is not None:
            return step.finding.step
        return next(iter(self.cause_check.steps), self.main_screen.current_step)

    @on(OptionList.OptionHighlighted, "#runbook-steps")
    def _show_highlighted_step(self) -> None:
        step = self.selected_step
        if step is not None:
            if step.key != self.position.selected_step:
                self.query_one("#runbook-step").scroll_home(animate=False)
            self.position.selected_step = step.key
            self._draw_detail()
            self.refresh_bindings()

    # -- commands ------------------------------------------------------------------------------------------------

    def _poll(self) -> None:
        """Follow the checks, and the command of a step."""
        rebuild = self.project.rebuild
        if (rebuild.reports, rebuild.active_checks, rebuild.running_commands) != self._shown_state:
            self._refresh_steps()
        self._detect_started_command()
        self._show_output()
        if self._rating_pending and self.cause_check.state is not CauseState.CHECKING:
            self._rating_pending = False
            self._ask_rating()

    def _detect_started_command(self) -> None:
        """Record the requested command as this step's, once the main screen has started it."""
        if self._pending_command is None:
            return
        key, step_id, previous_id = self._pending_command
        step = next((one for one in self.steps if one.key == key), None)
        if step is not None and step.variable and step.variable in self.project.variables:
            self._pending_command = None
            self._mark_done(step, done=True)
            self._refresh_all()
            return
        running = self.main_screen.step_commands.get(step_id)
        if running is not None and running.command.id != previous_id:
            self._pending_command = None
            self.position.started_commands[key] = (step_id, running.command.id)
            self._output_step = step_id
            self.add_class("-output")
            self._refresh_all()

    def _show_output(self) -> None:
        running = self.main_screen.step_commands.get(self._output_step)
        if running is None:
            return
        self.query_one(CommandOutputView).show_command(running)
        if running.is_running or running.status is None or self._ended_command_id == running.command.id:
            return
        self._ended_command_id = running.command.id
        state, _word = describe_command_end(running.command, running.status)
        started = {command_id: key for key, (_, command_id) in self.position.started_commands.items()}
        step = next((one for one in self.steps if one.key == started.get(self._ended_command_id)), None)
        if step is not None and state is not CheckState.BLOCKED and step.key not in self.done_steps:
            self._mark_done(step, done=True)
            self._select_next_step(step)
        self._refresh_all()

    # -- actions -------------------------------------------------------------------------------------------------

    @on(OptionList.OptionSelected, "#runbook-steps")
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
        elif step.deleted_leftovers and self._confirm_deletion(step):
            pass
        elif step.fix is not None and isinstance(step.fix.action, OpenStep):
            self.position.attempted_fixes[step.key] = step
            self.leave_for_step(step.fix.action.step, step.fix.action.select)
        elif step.variable and not is_secret_placeholder(step.variable):
            self._prompt_variable(step)
        else:
            self._request_fix(step)

    def _expect_command(self, step: RunbookStep) -> None:
        """The next command that the main screen starts in this step's part of the rebuild is this step's."""
        step_id = self._rebuild_step(step)
        previous = self.main_screen.step_commands.get(step_id)
        self._pending_command = (step.key, step_id, previous.command.id if previous is not None else "")

    def _request_fix(self, step: RunbookStep) -> None:
        """Ask the main screen to run a step; it asks for consent, starts it under the supervisor, and logs it."""
        self._expect_command(step)
        entry, step_id = self.position.entry, self._rebuild_step(step)
        title = f"Guide {entry}"
        finding = step.finding or Finding(
            id=f"{step_id}.guide", step=step_id, state=CheckState.SKIPPED, title=title, summary=title
        )
        if step.fix is not None:
            self.position.attempted_fixes[step.key] = step
        fix = fix_from_step(step, entry, destroy_confirmation(step.argv))
        self.main_screen.post_message(FixRequested(finding, fix))

    def _confirm_deletion(self, step: RunbookStep) -> bool:
        """Ask for typed consent to delete exactly these leftovers; False if the last check does not list all of them."""
        report = self.project.rebuild.reports.get("cleanup")
        try:
            detail = msgspec.convert((report.detail if report else None) or {}, type=CleanupDetail)
        except msgspec.ValidationError:
            return False
        leftovers = [one for one in detail.resources if one.deletable and one.key in step.deleted_leftovers]
        if len(leftovers) != len(step.deleted_leftovers):
            return False
        self._expect_command(step)

        def confirm(answer: str | None) -> None:
            if answer:
                self.position.attempted_fixes[step.key] = step
                self.main_screen.post_message(CleanupApproved(detail, tuple(one.key for one in leftovers)))

        self.app.push_screen(DeletionConfirmDialog(detail, leftovers), confirm)
        return True

    def _prompt_variable(self, step: RunbookStep) -> None:
        """Ask for the value of a variable that is no secret, and set it for this session."""

        def set_variable(value: str | None) -> None:
            if value and self._can_act():
                self.main_screen.report_errors(lambda project: project.set_variable(step.variable, value, secret=False))
                self._mark_done(step, done=True)
                self._refresh_steps()

        body = Content(f"{step.variable}, for everything that this session starts from now on.")
        self.app.push_screen(PromptDialog(f"Set {step.variable}", body, value=step.value), set_variable)

    def _do_manual_step(self, step: RunbookStep) -> None:
        if not step.check_step and not step.screen_step:
            self.action_toggle_done()
            return
        self._mark_done(step, done=True)
        if step.check_step:
            self.main_screen.post_message(CheckRequested((step.check_step,)))
            self._refresh_all()
        elif step.screen_step == SEARCH_GUIDE:
            self.dismiss("search")
        else:
            self.leave_for_step(step.screen_step)

    def leave_for_step(self, step: str, preselect: tuple[str, ...] = ()) -> None:
        """Go to a step's screen; there `b` comes back to this step of the runbook."""
        self.position.scroll_y = self.query_one("#runbook-step").scroll_y
        self.main_screen.post_message(LeaveGuideRequested(self._guide_location(self.position), step, preselect))

    def action_go_to_step(self) -> None:
        step = self.selected_step
        manual = (step.check_step or step.screen_step) if step is not None else ""
        self.leave_for_step(manual if manual in STEPS_BY_ID else self._rebuild_step(step))

    def _can_act(self) -> bool:
        """Whether this operator may change anything now; says why not."""
        refusal = self.main_screen.report_errors(lambda project: project.write_refusal())
        if refusal:
            self.notify(refusal, severity="warning", markup=False)
        return refusal == ""

    def _log_event(self, event: events.AnyEvent) -> None:
        if not self.project.is_read_only:
            self.main_screen.report_errors(lambda project: project.session.append(event))

    def _mark_done(self, step: RunbookStep, *, done: bool) -> None:
        (self.done_steps.add if done else self.done_steps.discard)(step.key)
        title = step.title.split("\n")[0][:120]
        self._log_event(events.RunbookStepTicked(entry=self._log_name, step=step.key, done=done, title=title))

    def action_toggle_done(self) -> None:
        step = self.selected_step
        if step is None or step.kind is StepKind.END:
            return
        done = step.key not in self.done_steps
        self._mark_done(step, done=done)
        if done:
            self._select_next_step(step)
        self._refresh_all()

    def _select_next_step(self, step: RunbookStep) -> None:
        keys = [one.key for one in self.steps]
        if self.position.selected_step in ("", step.key) and step.key in keys:
            self._select_step(keys[min(keys.index(step.key) + 1, len(keys) - 1)])

    def action_edit(self) -> None:
        step = self.selected_step
        if step is None or not self.check_action("edit", ()):
            return

        def edit(text: str | None) -> None:
            if text is None:
                return
            edited = edit_step(step, sanitize(text), self._runbook_context())
            if edited.reason:
                self.notify(f"It cannot be run: {edited.reason}.", severity="warning", markup=False)
            else:
                self.position.edited_commands[step.key] = edited.text
                self._refresh_steps()

        hint = "Replace what is in < > or begins with $. " if step.missing else ""
        body = Content(f"{hint}The command is started without a shell: no pipes, no substitutions.")
        self.app.push_screen(PromptDialog("Edit the command", body, value=step.text), edit)

    def action_copy(self) -> None:
        step = self.selected_step
        if step is None or not step.text:
            return
        self.app.copy_to_clipboard(step.text)
        lines = step.text.count("\n") + 1
        copied = f"{lines} lines" if lines > 1 else step.text[:60]
        self.notify(f"Sent to your terminal's clipboard (OSC 52): {copied}", markup=False)

    def action_write_file(self) -> None:
        """Write the step to a file in the session's folder, for terminals without a clipboard."""
        from ecotui.session.private_files import make_private_folder, raise_session_error, replace_atomically

        step = self.selected_step
        if step is None or not step.text or not self._can_act():
            return
        text = step.text
        suffix = step.language if step.kind is StepKind.FILE and step.language.isalnum() else "sh"
        key = f"{self.position.entry}-{step.key}"
        name = "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in key).strip(".")

        def write(project: OpenProject) -> str:
            file = make_private_folder(project.session.folder / "guide") / f"{name}.{suffix}"
            with raise_session_error("cannot write to", file):
                replace_atomically(file, f"{text}\n".encode())
            return str(file)

        if file := self.main_screen.report_errors(write):
            self.notify(file, title="Written to a file", markup=False, timeout=15)

    def action_check(self) -> None:
        self.main_screen.post_message(CheckRequested(self.cause_check.steps or (self.main_screen.current_step,)))

    def action_toggle_output(self) -> None:
        self.toggle_class("-output")

    def action_interrupt(self) -> None:
        running = self.main_screen.step_commands.get(self._output_step)
        if running is not None and running.is_running and self._can_act():
            self.main_screen.post_message(InterruptRequested(self._output_step))

    def action_language(self) -> None:
        other = "en" if self.position.language == "ko" else "ko"
        if self.library.entry_in_language(self.position.entry, other) is None:
            self.notify("This entry has no text in the other language.", markup=False)
            return
        self.position.language = other
        self.entry = self._find_entry()
        self._refresh_steps()

    def action_back(self) -> None:
        self.dismiss(None)

    # -- rating --------------------------------------------------------------------------------------------------

    def action_rate(self) -> None:
        """Check the cause again, then ask."""
        if not self.cause_check.steps:
            self._ask_rating()
            return
        self.main_screen.post_message(CheckRequested(self.cause_check.steps))
        # The main screen handles its messages in order: after the request, the check is running.
        self.main_screen.call_later(self._await_check_then_rate)

    def _await_check_then_rate(self) -> None:
        self._rating_pending = True
        self._refresh_steps()

    def _ask_rating(self) -> None:
        """Ask whether the entry solved the problem. The answer orders the entries of later sessions."""
        entry, language = self.position.entry, self.position.language

        def rate(solved: bool | None) -> None:
            if solved is None or not self._can_act():
                return
            self._log_event(events.RunbookRated(entry=self._log_name, solved=solved, error=self._short_error))
            self._show_rating(solved)

        width = min(self.app.size.width * 9 // 10, 96) - 8
        title = f"{entry}: 문제가 해결되었습니까?" if language == "ko" else f"Did {entry} solve it?"
        self.app.push_screen(RateDialog(title, render_cause_check(self.cause_check, language, width, 4)), rate)

    def _show_rating(self, solved: bool) -> None:
        entry, response = self.position.entry, self.library.response_entry
        if solved:
            self.solved_count += 1
            self._mark_done(self.steps[-1], done=True)
            self._refresh_all()
            message = f"Recorded: {entry} solved it. It comes first the next time."
        else:
            message = f"Recorded: {entry} did not solve it."
            message += f" Go on with {response}." if response not in ("", entry) else ""
        self.notify(message, markup=False)

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
            running = self.main_screen.step_commands.get(self._output_step)
            return running is not None and running.is_running
        return True
