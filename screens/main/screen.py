"""The frame: steps at the side, the chosen step's panel, the log drawer. Everything that is asked for ends here."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.css.query import NoMatches
from textual.events import Resize
from textual.widgets import ContentSwitcher, Static
from textual.worker import Worker, WorkerState

from checks.finding import CheckState
from checks.steps import STEPS, STEPS_BY_ID
from ecotui.rebuild_progress import steps_to_recheck
from screens import failures, workers
from screens.dialogs import HelpDialog
from screens.main.commands import CommandController
from screens.messages import (
    CheckProgressed,
    CheckRequested,
    ChecksFinished,
    CommandExited,
    CommandOutputReceived,
    StepChecked,
    StepRequested,
)
from screens.steps import create_panel
from screens.steps.panel import StepPanel
from screens.widgets.endings import describe_command_end
from screens.widgets.footer import KeyFooter
from screens.widgets.header import ProjectHeader
from screens.widgets.log_drawer import LogDrawer
from screens.widgets.step_list import StepList

if TYPE_CHECKING:
    from ecotui.project import OpenProject

NARROW_WIDTH = 100
"""Below this many cells the list of steps becomes a strip on top: a panel needs 72 cells beside it."""

LOW_HEIGHT = 16
"""Below this many lines the drawer, when open, takes the place of the panel."""


class MainScreen(CommandController):
    """Shows the rebuild, takes intents, and starts the background work. Only its handlers touch widgets."""

    AUTO_FOCUS = ""
    TITLE = "ecotui"

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(number), f"show_step('{step.id}')", step.title, show=False)
            for number, step in enumerate(STEPS, 1)
        ),
        Binding("n", "next_step", "Next", tooltip="Go to what needs you next", id="rebuild.next"),
        Binding(
            "R",
            "check_all",
            "Look at all",
            show=False,
            tooltip="Look at every step again",
            id="rebuild.look-all",
        ),
        Binding("l", "toggle_log", "Log", tooltip="Open or close the log drawer", id="rebuild.log"),
        Binding("L", "enlarge_log", "Taller log", show=False),
        Binding("i", "interrupt", "Interrupt", tooltip="Ask what runs to stop", id="rebuild.interrupt"),
        Binding("s", "sessions", "Sessions", tooltip="Past sessions", id="rebuild.sessions"),
        Binding("question_mark", "help", "Help", key_display="?", id="rebuild.help"),
        Binding("q", "leave", "Quit", id="rebuild.quit"),
    ]

    def __init__(self, project: OpenProject | None = None) -> None:
        super().__init__()
        self.project = project
        self.current_step = STEPS[0].id
        self._step_was_chosen = False
        self._log_pinned = False
        """The operator opened the log: it stays open from step to step."""

    def compose(self) -> ComposeResult:
        yield ProjectHeader()
        with Horizontal(id="work"):
            yield StepList()
            with Vertical(id="main"):
                yield ContentSwitcher(id="panels")
                yield Static("Reading the settings…", id="opening")
                yield LogDrawer()
        yield Static("This terminal is too small: ecotui needs 40 columns and 10 lines.", id="too-small")
        yield KeyFooter(compact=True, show_command_palette=False)

    # -- opening -------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._set_size_classes()
        if self.project is not None:
            self.set_project(self.project)

    def set_project(self, project: OpenProject) -> None:
        """The settings are read and the session is open: show what is known, and look."""
        self.project = project
        self.query_one("#opening").display = False
        self.call_next(self._open_first_panel)

    async def _open_first_panel(self) -> None:
        assert self.project is not None
        under_way = self.project.running_commands()
        first = under_way[0].step if under_way else (self.project.rebuild.next_step or STEPS[-1].id)
        await self._switch_panel(first if self.project.is_resumed else STEPS[0].id)
        for command in under_way:
            self.project.rebuild = self.project.rebuild.with_command(command.step, command.title)
            self._follow_command(command, resumed=True)
        if under_way:
            self.query_one(LogDrawer).add_class("-open")
        self._start_checks(())
        self._refresh_all()
        self.start_lock_polling()

    async def _switch_panel(self, step: str) -> None:
        """Show a step's panel; its module is imported and its widgets made on the first visit."""
        self.current_step = step
        switcher = self.query_one("#panels", ContentSwitcher)
        name = f"step-{step}"
        if not switcher.query(f"#{name}"):
            made = create_panel(step)
            made.guide = self.project.config.settings.guide if self.project else made.guide
            await switcher.add_content(made, id=name)
        switcher.current = name
        self._refresh_all()
        # When the program is being left, the new panel is gone before it stood.
        if panel_now := self._mounted_panel(step):
            panel_now.focus_findings()

    @property
    def current_panel(self) -> StepPanel:
        return self.query_one(f"#step-{self.current_step}", StepPanel)

    def _mounted_panel(self, step: str) -> StepPanel | None:
        """The panel of a step, if it stands: the parts of one that is just being made come one after another."""
        try:
            panel = self.query_one(f"#step-{step}", StepPanel)
        except NoMatches:
            return None
        return panel if panel.is_mounted else None

    # -- showing -------------------------------------------------------------------------------------------------

    def _refresh_all(self) -> None:
        """Bring everything up to date with the rebuild; what is drawn is derived from it alone."""
        if self.project is None:
            return
        rebuild = self.project.rebuild
        steps = self.query_one(StepList)
        steps.current_step = self.current_step
        steps.rebuild = rebuild
        if panel := self._mounted_panel(self.current_step):
            panel.show(rebuild)
        bar = self.query_one(ProjectHeader)
        bar.project_parts = workers.project_summary(self.project)
        bar.notice = workers.lock_notice(self.project, short=self.app.size.width < NARROW_WIDTH)
        self._update_log_title()
        self.refresh_bindings()

    def _update_log_title(self) -> None:
        following = self.step_commands.get(self.current_step)
        if following is not None:
            self.query_one(LogDrawer).show_command(following.command, following.status, following.elapsed_seconds)

    @on(Resize)
    def _set_size_classes(self) -> None:
        width, height = self.app.size
        self.query_one(StepList).is_strip = width < NARROW_WIDTH
        self.set_class(width < NARROW_WIDTH, "-narrow")
        self.set_class(height < LOW_HEIGHT + 8, "-low")
        self.set_class(height < LOW_HEIGHT, "-tiny")
        self.set_class(width < 40 or height < 10, "-too-small")

    @on(Worker.StateChanged)
    def _handle_worker_error(self, event: Worker.StateChanged) -> None:
        failures.notify_worker_error(self, event)
        failed = event.state is WorkerState.ERROR and event.worker.name.startswith("look:")
        if failed and self.project is not None:
            self.project.rebuild = self.project.rebuild.without_checks(*event.worker.name[5:].split(","))
            self._refresh_all()

    # -- looking -------------------------------------------------------------------------------------------------

    def _start_checks(self, steps: tuple[str, ...]) -> None:
        if self.project is None:
            return
        chosen = steps or tuple(step.id for step in STEPS)
        self.project.rebuild = self.project.rebuild.with_checks(*chosen)
        self._refresh_all()
        workers.start_checks(self, self.project, chosen)

    @on(CheckRequested)
    def _check_requested_steps(self, message: CheckRequested) -> None:
        self._start_checks(message.steps)

    @on(StepChecked)
    def _record_check(self, message: StepChecked) -> None:
        assert self.project is not None
        workers.report_errors(self, lambda desk: desk.record_report(message.report))
        if (
            not self._step_was_chosen
            and not self.project.rebuild.active_checks
            and (step := self.project.rebuild.next_step)
        ):
            self._step_was_chosen = True
            if not self.step_commands:
                self.call_next(self._switch_panel, step)
        self._refresh_all()
        if message.report.step == self.current_step and not self._log_pinned:
            following = self.step_commands.get(self.current_step)
            if following and not following.is_running and self.current_panel.replaces_output_of(following.command.argv):
                self.query_one(LogDrawer).remove_class("-open")

    @on(CheckProgressed)
    def _show_check_progress(self, message: CheckProgressed) -> None:
        assert self.project is not None
        self.project.rebuild = self.project.rebuild.with_check_message(message.step, message.activity)
        if message.step == self.current_step and (panel := self._mounted_panel(self.current_step)):
            panel.show_check_progress(self.project.rebuild)

    @on(ChecksFinished)
    def _finish_checks(self, message: ChecksFinished) -> None:
        assert self.project is not None
        self.project.rebuild = self.project.rebuild.without_checks(*message.steps)
        if message.error:
            self.notify(message.error, title="The look failed", severity="error", markup=False, timeout=15)
        self._refresh_all()

    # -- commands ------------------------------------------------------------------------------------------------

    def refresh_all(self) -> None:
        self._refresh_all()

    @on(CommandOutputReceived)
    def _show_command_output(self, message: CommandOutputReceived) -> None:
        if message.command.step == self.current_step:
            self.query_one(LogDrawer).write_lines(message.lines, message.skipped)
        if panel := self._mounted_panel(message.command.step):
            panel.show_output(message)
        self._update_log_title()

    @on(CommandExited)
    def _finish_command(self, message: CommandExited) -> None:
        assert self.project is not None
        following = self.step_commands.get(message.command.step)
        if following is not None:
            following.status = message.status
        self.project.finish_command(message.command)
        state, word = describe_command_end(message.command, message.status)
        severity: Literal["information", "warning", "error"] = "error"
        if state in (CheckState.OK, CheckState.WARN):
            severity = "information" if state is CheckState.OK else "warning"
        self.notify(f"{message.command.title}: {word}", severity=severity, markup=False)
        # Only a look can turn a step green.
        self._start_checks(steps_to_recheck(message.command.step, message.command.argv))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "interrupt":
            following = self.step_commands.get(self.current_step)
            return following is not None and following.is_running
        return super().check_action(action, parameters)

    # -- going about ---------------------------------------------------------------------------------------------

    async def action_show_step(self, step: str) -> None:
        if self.project is not None:
            # Whoever has chosen where to be is not taken elsewhere when the first looks end.
            self._step_was_chosen = True
            await self._switch_panel(step)
            self._show_step_log()

    def _show_step_log(self) -> None:
        """The drawer of this step: open while something runs here, or when the operator keeps it open."""
        drawer = self.query_one(LogDrawer)
        drawer.clear_log()
        following = self.step_commands.get(self.current_step)
        drawer.set_class(self._log_pinned or (following is not None and following.is_running), "-open")
        if following is None:
            drawer.query_one("#log-title", Static).update("No command has run in this step yet.")
        else:
            drawer.write_lines(tuple(following.recent_lines))
            self._update_log_title()

    @on(StepList.StepSelected)
    async def _show_selected_step(self, event: StepList.StepSelected) -> None:
        await self.action_show_step(event.step)

    @on(StepRequested)
    async def _show_requested_step(self, message: StepRequested) -> None:
        await self.action_show_step(message.step)
        if message.preselect:
            self.current_panel.preselect(message.preselect)

    async def action_next_step(self) -> None:
        if self.project is None:
            return
        step = self.project.rebuild.next_step
        if step is None:
            self.notify("Nothing is in the way: the rebuild is done.", markup=False)
        else:
            await self.action_show_step(step)

    def action_check_all(self) -> None:
        self._start_checks(())

    def action_toggle_log(self) -> None:
        self._log_pinned = not self.query_one(LogDrawer).has_class("-open")
        self._show_step_log()
        self.query_one(LogDrawer).set_class(self._log_pinned, "-open")

    def action_enlarge_log(self) -> None:
        self.query_one(LogDrawer).add_class("-open").toggle_class("-tall")

    def action_help(self) -> None:
        self.app.push_screen(HelpDialog())

    def action_sessions(self) -> None:
        from screens.sessions.list import SessionListScreen

        if self.project is not None:
            self.app.push_screen(SessionListScreen(self.project))

    def action_leave(self) -> None:
        running = [STEPS_BY_ID[step].title for step, following in self.step_commands.items() if following.is_running]
        if running:
            self.app.exit(message=f"{', '.join(running)}: still running. `ecotui` comes back to it.")
        else:
            self.app.exit()
