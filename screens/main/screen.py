"""The main screen: steps at the side, the panel of one step, the log drawer. It handles what all screens ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.css.query import NoMatches
from textual.events import Resize
from textual.widgets import ContentSwitcher, Static
from textual.worker import Worker, WorkerState

from checks.finding import CheckState, Risk
from checks.steps import STEPS, STEPS_BY_ID
from ecotui.rebuild_progress import RebuildProgress, steps_to_recheck
from screens import workers
from screens.actions import TITLES, bindings, key_rows
from screens.dialogs import KeysDialog
from screens.guide.location import GuideLocation, LeaveGuideRequested
from screens.main import fix_runner
from screens.main.commands import CommandController
from screens.main.locks import LockController, lock_notice
from screens.messages import (
    CheckProgressed,
    CheckRequested,
    ChecksFinished,
    CleanupApproved,
    CommandExited,
    CommandOutputReceived,
    CommandRequested,
    FixRequested,
    GuideRequested,
    InterruptRequested,
    OverrideRequested,
    StepChecked,
    StepRequested,
)
from screens.project_screen import ProjectScreen
from screens.steps import create_panel
from screens.steps.panel import StepPanel
from screens.style.icons import STATE_LEGEND
from screens.widgets.command_status import describe_command_end
from screens.widgets.footer import KeyFooter
from screens.widgets.header import ProjectHeader
from screens.widgets.log_drawer import LogDrawer
from screens.widgets.step_list import StepList

if TYPE_CHECKING:
    from ecotui.project import OpenProject

NARROW_WIDTH = 100
"""Below this many cells the list of steps is a strip on top: a panel needs 72 cells beside it."""

LOW_HEIGHT = 16
"""Below this many lines the drawer, when open, takes the place of the panel."""


class MainScreen(ProjectScreen):
    """Shows the rebuild, handles messages, and starts the background work. Only its handlers touch widgets."""

    AUTO_FOCUS = ""
    TITLE = "ecotui"

    BINDINGS: ClassVar[list[BindingType]] = bindings("main")

    def __init__(self, project: OpenProject | None = None) -> None:
        super().__init__(project)
        self.commands = CommandController(self)
        self.locks = LockController(self, self.commands)
        self.guide_return_location: GuideLocation | None = None
        """Where the reader left the guide for the panel of a step."""
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
        """Show what the session knows of the rebuild, and check all steps."""
        self.project = project
        self.query_one("#opening").display = False
        self.call_next(self._open_first_panel)

    async def _open_first_panel(self) -> None:
        assert self.project is not None
        running = self.project.running_commands()
        first = running[0].step if running else (self.project.rebuild.next_step or STEPS[-1].id)
        await self._switch_panel(first if self.project.is_resumed else STEPS[0].id)
        for command in running:
            self.project.rebuild = self.project.rebuild.with_command(command.step, command.title)
            self.commands.resume(command)
        if running:
            self.query_one(LogDrawer).add_class("-open")
        self._start_checks(())
        self.refresh_rebuild()
        self.locks.start_polling()

    async def _switch_panel(self, step: str) -> None:
        """Show the panel of a step; its module is imported and its widgets made on the first visit."""
        self.current_step = step
        switcher = self.query_one("#panels", ContentSwitcher)
        name = f"step-{step}"
        if not switcher.query(f"#{name}"):
            panel = create_panel(step)
            panel.guide = self.project.config.settings.guide if self.project else panel.guide
            await switcher.add_content(panel, id=name)
        switcher.current = name
        self.refresh_rebuild()
        # When the program ends, the new panel is removed before it was mounted.
        if mounted := self._mounted_panel(step):
            mounted.focus_findings()

    @property
    def current_panel(self) -> StepPanel:
        return self.query_one(f"#step-{self.current_step}", StepPanel)

    def _mounted_panel(self, step: str) -> StepPanel | None:
        """The panel of a step, if it is mounted: the parts of a new one come one after another."""
        try:
            panel = self.query_one(f"#step-{step}", StepPanel)
        except NoMatches:
            return None
        return panel if panel.is_mounted else None

    # -- showing -------------------------------------------------------------------------------------------------

    def watch_rebuild(self, rebuild: RebuildProgress) -> None:
        if self.project is None:
            return
        steps = self.query_one(StepList)
        steps.current_step = self.current_step
        steps.rebuild = rebuild
        if panel := self._mounted_panel(self.current_step):
            panel.rebuild = rebuild
        header = self.query_one(ProjectHeader)
        header.project_parts = _project_summary(self.project)
        header.notice = lock_notice(self.project, short=self.app.size.width < NARROW_WIDTH)
        self._update_log_title()
        self.refresh_bindings()

    def _update_log_title(self) -> None:
        step_command = self.step_commands.get(self.current_step)
        if step_command is not None:
            self.query_one(LogDrawer).show_command(step_command)

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
        workers.notify_worker_error(self, event)
        _prefix, is_check, steps = event.worker.name.partition(workers.CHECK_WORKER_PREFIX)
        if is_check and event.state is WorkerState.ERROR and self.project is not None:
            self.project.rebuild = self.project.rebuild.without_checks(*steps.split(","))
            self.refresh_rebuild()

    # -- checks --------------------------------------------------------------------------------------------------

    def _start_checks(self, steps: tuple[str, ...]) -> None:
        if self.project is None:
            return
        chosen = steps or tuple(step.id for step in STEPS)
        self.project.rebuild = self.project.rebuild.with_checks(*chosen)
        self.refresh_rebuild()
        workers.start_checks(self, self.project, chosen)

    @on(CheckRequested)
    def _check_requested_steps(self, message: CheckRequested) -> None:
        self._start_checks(message.steps)

    @on(StepChecked)
    def _record_check(self, message: StepChecked) -> None:
        assert self.project is not None
        self.report_errors(lambda project: project.record_report(message.report))
        if (
            not self._step_was_chosen
            and not self.project.rebuild.active_checks
            and (step := self.project.rebuild.next_step)
        ):
            self._step_was_chosen = True
            if not self.step_commands:
                self.call_next(self._switch_panel, step)
        self.refresh_rebuild()
        if message.report.step == self.current_step and not self._log_pinned:
            step_command = self.step_commands.get(self.current_step)
            if (
                step_command
                and not step_command.is_running
                and self.current_panel.replaces_output_of(step_command.command.argv)
            ):
                self.query_one(LogDrawer).remove_class("-open")

    @on(CheckProgressed)
    def _show_check_progress(self, message: CheckProgressed) -> None:
        assert self.project is not None
        self.project.rebuild = self.project.rebuild.with_check_message(message.step, message.activity)
        if message.step == self.current_step and (panel := self._mounted_panel(self.current_step)):
            panel.rebuild = self.project.rebuild

    @on(ChecksFinished)
    def _finish_checks(self, message: ChecksFinished) -> None:
        assert self.project is not None
        self.project.rebuild = self.project.rebuild.without_checks(*message.steps)
        if message.error:
            self.notify(message.error, title="The check failed", severity="error", markup=False, timeout=15)
        self.refresh_rebuild()

    # -- commands ------------------------------------------------------------------------------------------------

    @on(FixRequested)
    def _run_requested_fix(self, message: FixRequested) -> None:
        if self.commands.can_act(read_only=message.fix.risk is Risk.READS):
            fix_runner.run_fix(self.commands, message.finding, message.fix)

    @on(CommandRequested)
    def _run_requested_command(self, message: CommandRequested) -> None:
        if self.commands.can_act():
            self.commands.start(
                lambda project: project.start_command(message.step, message.title, message.argv), message.step
            )

    @on(CleanupApproved)
    def _delete_approved_leftovers(self, message: CleanupApproved) -> None:
        if self.commands.can_act():
            fix_runner.delete_leftovers(self.commands, message)

    @on(OverrideRequested)
    def _override_requested_finding(self, message: OverrideRequested) -> None:
        # Read only: an override of the team's lock must be possible while that cannot be checked.
        if self.commands.can_act(read_only=True):
            fix_runner.ask_override(self.commands, message.finding)

    @on(InterruptRequested)
    def _interrupt_requested_command(self, message: InterruptRequested) -> None:
        self.commands.interrupt(message.step)

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
        step_command = self.step_commands.get(message.command.step)
        if step_command is not None:
            step_command.status = message.status
        self.project.finish_command(message.command)
        state, word = describe_command_end(message.command, message.status)
        severity: Literal["information", "warning", "error"] = "error"
        if state in (CheckState.OK, CheckState.WARN):
            severity = "information" if state is CheckState.OK else "warning"
        self.notify(f"{message.command.title}: {word}", severity=severity, markup=False)
        # Only a check can turn a step green.
        self._start_checks(steps_to_recheck(message.command.step, message.command.argv))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "interrupt":
            step_command = self.step_commands.get(self.current_step)
            return step_command is not None and step_command.is_running
        if action == "return_to_guide":
            return self.guide_return_location is not None
        return True

    def action_interrupt(self) -> None:
        self.commands.interrupt(self.current_step)

    # -- navigation ----------------------------------------------------------------------------------------------

    async def action_show_step(self, step: str) -> None:
        if self.project is not None:
            # An operator who has chosen a step is not moved to another when the first checks end.
            self._step_was_chosen = True
            await self._switch_panel(step)
            self._show_step_log()

    def _show_step_log(self) -> None:
        """Show the log of this step; open while a command runs in it, or when the operator opened it."""
        drawer = self.query_one(LogDrawer)
        drawer.clear_log()
        step_command = self.step_commands.get(self.current_step)
        drawer.set_class(self._log_pinned or (step_command is not None and step_command.is_running), "-open")
        if step_command is None:
            drawer.query_one("#log-title", Static).update("No command has run in this step yet.")
        else:
            drawer.write_lines(tuple(step_command.recent_lines))
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
            self.notify("Nothing is blocked: the rebuild is done.", markup=False)
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
        places = ("main", "step", "apply", "cleanup", "app")
        self.app.push_screen(KeysDialog([(TITLES[place], key_rows(place)) for place in places], STATE_LEGEND))

    def action_sessions(self) -> None:
        from screens.sessions.list import SessionListScreen

        if self.project is not None:
            self.app.push_screen(SessionListScreen(self.project))

    def action_team_sessions(self) -> None:
        from screens.sessions.team import TeamSessionsScreen

        if self.project is None:
            return
        if self.project.config.settings.sessions.team:
            self.app.push_screen(TeamSessionsScreen(self.project))
        else:
            self.notify(
                "The settings name no team to share sessions with (sessions.team: s3://bucket/prefix).",
                markup=False,
                timeout=15,
            )

    def action_take_over(self) -> None:
        self.locks.take_over()

    def action_leave(self) -> None:
        running = [
            STEPS_BY_ID[step].title for step, step_command in self.step_commands.items() if step_command.is_running
        ]
        if running:
            self.app.exit(message=f"{', '.join(running)}: still running. `ecotui` comes back to it.")
        else:
            self.app.exit()

    # -- guide ---------------------------------------------------------------------------------------------------

    @on(GuideRequested)
    def _open_requested_guide(self, message: GuideRequested) -> None:
        self._open_guide(GuideLocation(entry=message.entry, error=message.error, finding=message.finding))

    def action_guide(self) -> None:
        self._open_guide(GuideLocation())

    def action_paste_error(self) -> None:
        self._open_guide(GuideLocation(), paste=True)

    def action_return_to_guide(self) -> None:
        if location := self.guide_return_location:
            self.guide_return_location = None
            self._open_guide(location)

    @on(LeaveGuideRequested)
    async def _leave_guide(self, message: LeaveGuideRequested) -> None:
        self.guide_return_location = message.location
        self.notify(f"b comes back to the guide, {message.location.entry}.", markup=False, timeout=8)
        while len(self.app.screen_stack) > 1:
            self.app.pop_screen()
        await self._show_requested_step(StepRequested(message.step, message.preselect))

    def _open_guide(self, location: GuideLocation, *, paste: bool = False) -> None:
        from screens.guide.browser import GuideScreen

        if self.project is not None:
            self.app.push_screen(GuideScreen(self.project, location, open_paste=paste))


def _project_summary(project: OpenProject) -> tuple[str, ...]:
    """The left side of the header: project, account, region, profile; from the last check of the environment."""
    settings = project.config.settings
    facts: dict[str, str] = {}
    if report := project.rebuild.reports.get("environment"):
        for finding in report.findings:
            if finding.id in ("environment.identity", "environment.account", "environment.region"):
                facts.update({fact.label.lower(): fact.value for fact in finding.facts})
    account = " ".join(part for part in (facts.get("account"), facts.get("alias")) if part)
    profile = project.variables.get("AWS_PROFILE") or settings.aws.profile
    parts = (settings.project, account, settings.aws.region, profile and f"profile {profile}")
    return tuple(part for part in parts if part)
