"""How long each step usually takes, and how long it took in each past session."""

from __future__ import annotations

import time
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from checks.duration import format_stopwatch
from checks.finding import CheckState
from ecotui.history.durations import MAX_SESSIONS_COMPARED, StepDurations, StepSample, read_step_durations
from ecotui.session import SessionError
from ecotui.session.index import SessionIndex
from ecotui.session.query import SessionQuery
from ecotui.session.store import SessionStore
from screens.actions import bindings
from screens.sessions.base import SessionScreenBase
from screens.style.columns import pad_cells
from screens.style.icons import state_icon, state_style
from screens.style.themes import MUTED
from screens.widgets.footer import KeyFooter
from screens.widgets.row_list import RowList

MAX_BARS = 40
"""Sessions drawn below, the newest first."""


class DurationsScreen(SessionScreenBase):
    CSS_PATH = "sessions.tcss"
    AUTO_FOCUS = "RowList"
    BINDINGS: ClassVar[list[BindingType]] = bindings("durations")
    KEY_PLACES = ("durations", "rows")

    class DurationsLoaded(Message):
        def __init__(self, step_times: tuple[StepDurations, ...]) -> None:
            super().__init__()
            self.step_times = step_times

    def __init__(self, store: SessionStore, project_name: str) -> None:
        super().__init__()
        self.store = store
        self.project_name = project_name
        self.all_projects = not project_name
        self.step_times: tuple[StepDurations, ...] = ()

    def compose(self) -> ComposeResult:
        yield Static(classes="header")
        yield Static(
            Content.styled(f"  {'step':<12}{'usually':>9}   {'half of them':<18}{'runs':>5}   oldest … newest", MUTED),
            classes="columns",
        )
        yield RowList(self._render_row, id="steps")
        yield Static(classes="empty")
        with VerticalScroll(can_focus=False):
            yield Static(classes="selection")
        yield KeyFooter(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one(".empty").display = False
        self._load_durations()

    @work(thread=True, exclusive=True, group="measure", name="durations", exit_on_error=False)
    def _load_durations(self) -> None:
        query = SessionQuery(project="" if self.all_projects else self.project_name)
        try:
            self.post_message(self.DurationsLoaded(read_step_durations(SessionIndex(self.store), query)))
        except SessionError as error:
            self.app.call_from_thread(self.notify, str(error), severity="error", markup=False)

    @on(DurationsLoaded)
    def _show_durations(self, message: DurationsLoaded) -> None:
        self.step_times = message.step_times
        scope = "all projects" if self.all_projects else self.project_name
        self.query_one(".header", Static).update(
            Content.assemble(
                Content.styled("How long the steps take", "bold $text-accent"),
                f"  by their commands, in {scope}, newest {MAX_SESSIONS_COMPARED} sessions",
            )
        )
        empty = self.query_one(".empty", Static)
        empty.display = not self.step_times
        empty.update(Content("No session has run a command yet."))
        rows = self.query_one(RowList)
        rows.styles.height = max(len(self.step_times), 1)
        cursor = max(
            range(len(self.step_times)), key=lambda index: self.step_times[index].median, default=0
        )  # where the time goes
        rows.set_rows(len(self.step_times), cursor)
        self._show_selection()

    def _render_row(self, index: int, width: int) -> Content:
        step = self.step_times[index]
        low, high = (format_stopwatch(seconds) for seconds in step.quartiles)
        label = (
            f"  {step.title:<12}{format_stopwatch(step.median):>9}   {f'{low} – {high}':<18}{len(step.samples):>5}   "
        )
        return Content.assemble(label, Content.styled(step.sparkline(max(width - len(label) - 1, 8)), "$text-accent"))

    @on(RowList.RowHighlighted)
    def _show_selection(self) -> None:
        pane = self.query_one(".selection", Static)
        rows = self.query_one(RowList)
        if rows.cursor >= len(self.step_times):
            pane.update("")
            return
        step = self.step_times[rows.cursor]
        width = max(self.app.size.width - 4, 40)
        lines = [Content.styled(f"{step.title}, session by session; │ is the median", "bold $text-primary")]
        lines += [self._render_bar(step, sample, width) for sample in reversed(step.samples[-MAX_BARS:])]
        pane.update(Content("\n").join(lines))

    def _render_bar(self, times: StepDurations, sample: StepSample, width: int) -> Content:
        start = time.strftime("%Y-%m-%d %H:%M", time.localtime(sample.session_start))
        state = CheckState(sample.state) if sample.state in set(CheckState) else None
        bar_width = max(width - 34, 10)
        longest = times.longest or 1.0
        filled = max(round(sample.seconds / longest * bar_width), 1)
        median_cell = min(round(times.median / longest * bar_width), bar_width - 1)
        bar = list("━" * filled + " " * (bar_width - filled))
        bar[median_cell] = "│"
        return Content.assemble(
            Content.styled(f"{start}  ", MUTED),
            Content.styled(f"{state_icon(state)} ", state_style(state)),
            pad_cells(Content(format_stopwatch(sample.seconds)), 8, right=True),
            "  ",
            Content.styled("".join(bar), state_style(state)),
        )

    def action_toggle_all_projects(self) -> None:
        self.all_projects = not self.all_projects or not self.project_name
        self._load_durations()
