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

from checks.finding import State
from checks.steps import BY_ID, STEPS
from ecotui.rebuild_progress import looks_after
from screens import failures, workers
from screens.dialogs import Help
from screens.main.commands import Carrier
from screens.messages import CommandEnded, CommandOutput, Looked, LookSaid, LooksEnded, LookWanted, StepWanted
from screens.steps import panel_of
from screens.steps.panel import StepPanel
from screens.widgets.endings import ending
from screens.widgets.footer import KeyBar
from screens.widgets.header import TopBar
from screens.widgets.log_drawer import Drawer
from screens.widgets.step_list import StepList

if TYPE_CHECKING:
    from ecotui.project import Desk

NARROW = 100
"""Below this many cells the list of steps becomes a strip on top: a panel needs 72 cells beside it."""

LOW = 16
"""Below this many lines the drawer, when open, takes the place of the panel."""


class RebuildScreen(Carrier):
    """Shows the rebuild, takes intents, and starts the background work. Only its handlers touch widgets."""

    AUTO_FOCUS = ""
    TITLE = "ecotui"

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(number), f"step('{step.id}')", step.title, show=False)
            for number, step in enumerate(STEPS, 1)
        ),
        Binding("n", "next", "Next", tooltip="Go to what needs you next", id="rebuild.next"),
        Binding(
            "R",
            "look_all",
            "Look at all",
            show=False,
            tooltip="Look at every step again",
            id="rebuild.look-all",
        ),
        Binding("l", "drawer", "Log", tooltip="Open or close the log drawer", id="rebuild.log"),
        Binding("L", "drawer_tall", "Taller log", show=False),
        Binding("i", "interrupt", "Interrupt", tooltip="Ask what runs to stop", id="rebuild.interrupt"),
        Binding("s", "sessions", "Sessions", tooltip="Past sessions", id="rebuild.sessions"),
        Binding("question_mark", "help", "Help", key_display="?", id="rebuild.help"),
        Binding("q", "leave", "Quit", id="rebuild.quit"),
    ]

    def __init__(self, desk: Desk | None = None) -> None:
        super().__init__()
        self.desk = desk
        self.current = STEPS[0].id
        self._moved = False
        self._keep_drawer = False
        """The operator opened the log: it stays open from step to step."""

    def compose(self) -> ComposeResult:
        yield TopBar()
        with Horizontal(id="work"):
            yield StepList()
            with Vertical(id="main"):
                yield ContentSwitcher(id="panels")
                yield Static("Reading the settings…", id="opening")
                yield Drawer()
        yield Static("This terminal is too small: ecotui needs 40 columns and 10 lines.", id="too-small")
        yield KeyBar(compact=True, show_command_palette=False)

    # -- opening -------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._fit()
        if self.desk is not None:
            self.desk_opened(self.desk)

    def desk_opened(self, desk: Desk) -> None:
        """The settings are read and the session is open: show what is known, and look."""
        self.desk = desk
        self.query_one("#opening").display = False
        self.call_next(self._open_panels)

    async def _open_panels(self) -> None:
        assert self.desk is not None
        under_way = self.desk.under_way()
        first = under_way[0].step if under_way else (self.desk.rebuild.next_step or STEPS[-1].id)
        await self._switch(first if self.desk.resumed else STEPS[0].id)
        for command in under_way:
            self.desk.rebuild = self.desk.rebuild.command_started(command.step, command.title)
            self._follow(command, resumed=True)
        if under_way:
            self.query_one(Drawer).add_class("-open")
        self._look(())
        self._show()
        self.watch_the_locks()

    async def _switch(self, step: str) -> None:
        """Show a step's panel; its module is imported and its widgets made on the first visit."""
        self.current = step
        switcher = self.query_one("#panels", ContentSwitcher)
        name = f"step-{step}"
        if not switcher.query(f"#{name}"):
            made = panel_of(step)
            made.guide = self.desk.loaded.settings.guide if self.desk else made.guide
            await switcher.add_content(made, id=name)
        switcher.current = name
        self._show()
        # When the program is being left, the new panel is gone before it stood.
        if panel_now := self._panel(step):
            panel_now.take_focus()

    @property
    def panel(self) -> StepPanel:
        return self.query_one(f"#step-{self.current}", StepPanel)

    def _panel(self, step: str) -> StepPanel | None:
        """The panel of a step, if it stands: the parts of one that is just being made come one after another."""
        try:
            panel = self.query_one(f"#step-{step}", StepPanel)
        except NoMatches:
            return None
        return panel if panel.is_mounted else None

    # -- showing -------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        """Bring everything up to date with the rebuild; what is drawn is derived from it alone."""
        if self.desk is None:
            return
        rebuild = self.desk.rebuild
        steps = self.query_one(StepList)
        steps.current = self.current
        steps.rebuild = rebuild
        if panel := self._panel(self.current):
            panel.show(rebuild)
        bar = self.query_one(TopBar)
        bar.place = workers.place(self.desk)
        bar.notice = workers.notice(self.desk, short=self.app.size.width < NARROW)
        self._show_drawer_title()
        self.refresh_bindings()

    def _show_drawer_title(self) -> None:
        following = self.following.get(self.current)
        if following is not None:
            self.query_one(Drawer).title(following.command, following.status, following.seconds)

    @on(Resize)
    def _fit(self) -> None:
        width, height = self.app.size
        self.query_one(StepList).strip = width < NARROW
        self.set_class(width < NARROW, "-narrow")
        self.set_class(height < LOW + 8, "-low")
        self.set_class(height < LOW, "-tiny")
        self.set_class(width < 40 or height < 10, "-too-small")

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        failures.tell(self, event)
        failed = event.state is WorkerState.ERROR and event.worker.name.startswith("look:")
        if failed and self.desk is not None:
            self.desk.rebuild = self.desk.rebuild.look_failed(*event.worker.name[5:].split(","))
            self._show()

    # -- looking -------------------------------------------------------------------------------------------------

    def _look(self, steps: tuple[str, ...]) -> None:
        if self.desk is None:
            return
        chosen = steps or tuple(step.id for step in STEPS)
        self.desk.rebuild = self.desk.rebuild.look_started(*chosen)
        self._show()
        workers.look(self, self.desk, chosen)

    @on(LookWanted)
    def _look_wanted(self, intent: LookWanted) -> None:
        self._look(intent.steps)

    @on(Looked)
    def _looked(self, news: Looked) -> None:
        assert self.desk is not None
        workers.guarded(self, lambda desk: desk.looked(news.report))
        if not self._moved and not self.desk.rebuild.looking and (step := self.desk.rebuild.next_step):
            self._moved = True
            if not self.following:
                self.call_next(self._switch, step)
        self._show()
        if news.report.step == self.current and not self._keep_drawer:
            following = self.following.get(self.current)
            if following and not following.running and self.panel.tells_all_of(following.command.argv):
                self.query_one(Drawer).remove_class("-open")

    @on(LookSaid)
    def _look_said(self, news: LookSaid) -> None:
        assert self.desk is not None
        self.desk.rebuild = self.desk.rebuild.look_said(news.step, news.saying)
        if news.step == self.current and (panel := self._panel(self.current)):
            panel.hear(self.desk.rebuild)

    @on(LooksEnded)
    def _looks_ended(self, news: LooksEnded) -> None:
        assert self.desk is not None
        self.desk.rebuild = self.desk.rebuild.look_failed(*news.steps)
        if news.trouble:
            self.notify(news.trouble, title="The look failed", severity="error", markup=False, timeout=15)
        self._show()

    # -- commands ------------------------------------------------------------------------------------------------

    def show_all(self) -> None:
        self._show()

    @on(CommandOutput)
    def _command_output(self, news: CommandOutput) -> None:
        if news.command.step == self.current:
            self.query_one(Drawer).write(news.lines, news.skipped)
        if panel := self._panel(news.command.step):
            panel.show_output(news)
        self._show_drawer_title()

    @on(CommandEnded)
    def _command_ended(self, news: CommandEnded) -> None:
        assert self.desk is not None
        following = self.following.get(news.command.step)
        if following is not None:
            following.status = news.status
        self.desk.ended(news.command)
        state, word = ending(news.command, news.status)
        severity: Literal["information", "warning", "error"] = "error"
        if state in (State.OK, State.WARN):
            severity = "information" if state is State.OK else "warning"
        self.notify(f"{news.command.title}: {word}", severity=severity, markup=False)
        # Only a look can turn a step green.
        self._look(looks_after(news.command.step, news.command.argv))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "interrupt":
            following = self.following.get(self.current)
            return following is not None and following.running
        return super().check_action(action, parameters)

    # -- going about ---------------------------------------------------------------------------------------------

    async def action_step(self, step: str) -> None:
        if self.desk is not None:
            # Whoever has chosen where to be is not taken elsewhere when the first looks end.
            self._moved = True
            await self._switch(step)
            self._show_drawer()

    def _show_drawer(self) -> None:
        """The drawer of this step: open while something runs here, or when the operator keeps it open."""
        drawer = self.query_one(Drawer)
        drawer.begin()
        following = self.following.get(self.current)
        drawer.set_class(self._keep_drawer or (following is not None and following.running), "-open")
        if following is None:
            drawer.query_one("#drawer-title", Static).update("No command has run in this step yet.")
        else:
            drawer.write(tuple(following.recent))
            self._show_drawer_title()

    @on(StepList.Chosen)
    async def _step_chosen(self, event: StepList.Chosen) -> None:
        await self.action_step(event.step)

    @on(StepWanted)
    async def _step_wanted(self, intent: StepWanted) -> None:
        await self.action_step(intent.step)
        if intent.select:
            self.panel.preselect(intent.select)

    async def action_next(self) -> None:
        if self.desk is None:
            return
        step = self.desk.rebuild.next_step
        if step is None:
            self.notify("Nothing is in the way: the rebuild is done.", markup=False)
        else:
            await self.action_step(step)

    def action_look_all(self) -> None:
        self._look(())

    def action_drawer(self) -> None:
        self._keep_drawer = not self.query_one(Drawer).has_class("-open")
        self._show_drawer()
        self.query_one(Drawer).set_class(self._keep_drawer, "-open")

    def action_drawer_tall(self) -> None:
        self.query_one(Drawer).add_class("-open").toggle_class("-tall")

    def action_help(self) -> None:
        self.app.push_screen(Help())

    def action_sessions(self) -> None:
        from screens.sessions.list import SessionsScreen

        if self.desk is not None:
            self.app.push_screen(SessionsScreen(self.desk))

    def action_leave(self) -> None:
        running = [BY_ID[step].title for step, following in self.following.items() if following.running]
        if running:
            self.app.exit(message=f"{', '.join(running)}: still running. `ecotui` comes back to it.")
        else:
            self.app.exit()
