"""How long each step usually takes, and how long it took in each of the past sessions."""

from __future__ import annotations

import time
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from checks.duration import stopwatch
from checks.finding import State
from ecotui.history.durations import SESSIONS, Sample, StepTimes, durations
from ecotui.session import SessionError
from ecotui.session.index import Index, Wanted
from ecotui.session.store import Store
from screens.sessions.base import PastScreen
from screens.sessions.rendering import MUTED
from screens.style.columns import padded
from screens.style.icons import sign, style
from screens.widgets.footer import KeyBar
from screens.widgets.row_list import Rows

BARS = 40
"""Sessions drawn below, the newest first."""


class DurationsScreen(PastScreen):
    CSS_PATH = "sessions.tcss"
    AUTO_FOCUS = "Rows"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "all", "This project / all", tooltip="Sessions of this project only, or of all"),
        Binding("escape,q", "dismiss(None)", "Back"),
    ]

    class Measured(Message):
        def __init__(self, found: tuple[StepTimes, ...]) -> None:
            super().__init__()
            self.found = found

    def __init__(self, store: Store, project: str) -> None:
        super().__init__()
        self.store = store
        self.project = project
        self.everywhere = not project
        self.found: tuple[StepTimes, ...] = ()

    def compose(self) -> ComposeResult:
        yield Static(classes="head")
        yield Static(
            Content.styled(
                f"  {'step':<12}{'usually':>9}   {'half of them':<18}{'runs':>5}   oldest … newest", MUTED
            ),
            classes="columns",
        )
        yield Rows(self._draw, id="steps")
        yield Static(classes="empty")
        with VerticalScroll(can_focus=False):
            yield Static(classes="chosen")
        yield KeyBar(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one(".empty").display = False
        self._measure()

    @work(thread=True, exclusive=True, group="measure", name="durations", exit_on_error=False)
    def _measure(self) -> None:
        wanted = Wanted(project="" if self.everywhere else self.project)
        try:
            self.post_message(self.Measured(durations(Index(self.store), wanted)))
        except SessionError as error:
            self.app.call_from_thread(self.notify, str(error), severity="error", markup=False)

    @on(Measured)
    def _measured(self, news: Measured) -> None:
        self.found = news.found
        of = "all projects" if self.everywhere else self.project
        self.query_one(".head", Static).update(
            Content.assemble(
                Content.styled("How long the steps take", "bold $text-accent"),
                f"  by their commands, in {of}, newest {SESSIONS} sessions",
            )
        )
        empty = self.query_one(".empty", Static)
        empty.display = not self.found
        empty.update(Content("No session has run a command yet: there is nothing to measure."))
        rows = self.query_one(Rows)
        rows.styles.height = max(len(self.found), 1)
        cursor = max(
            range(len(self.found)), key=lambda index: self.found[index].median, default=0
        )  # where the time goes
        rows.fill(len(self.found), cursor)
        self._show_chosen()

    def _draw(self, index: int, width: int) -> Content:
        one = self.found[index]
        low, high = (stopwatch(seconds) for seconds in one.spread)
        front = (
            f"  {one.title:<12}{stopwatch(one.median):>9}   {f'{low} – {high}':<18}{len(one.samples):>5}   "
        )
        return Content.assemble(
            front, Content.styled(one.line(max(width - len(front) - 1, 8)), "$text-accent")
        )

    @on(Rows.Moved)
    def _show_chosen(self) -> None:
        pane = self.query_one(".chosen", Static)
        rows = self.query_one(Rows)
        if rows.cursor >= len(self.found):
            pane.update("")
            return
        one = self.found[rows.cursor]
        width = max(self.app.size.width - 4, 40)
        lines = [Content.styled(f"{one.title}, session by session; │ is the median", "bold $text-primary")]
        lines += [self._bar(one, sample, width) for sample in reversed(one.samples[-BARS:])]
        pane.update(Content("\n").join(lines))

    def _bar(self, one: StepTimes, sample: Sample, width: int) -> Content:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(sample.at))
        state = State(sample.state) if sample.state in set(State) else None
        room = max(width - 34, 10)
        most = one.longest or 1.0
        full = max(round(sample.seconds / most * room), 1)
        middle = min(round(one.median / most * room), room - 1)
        bar = list("━" * full + " " * (room - full))
        bar[middle] = "│"
        return Content.assemble(
            Content.styled(f"{when}  ", MUTED),
            Content.styled(f"{sign(state)} ", style(state)),
            padded(Content(stopwatch(sample.seconds)), 8, right=True),
            "  ",
            Content.styled("".join(bar), style(state)),
        )

    def action_all(self) -> None:
        self.everywhere = not self.everywhere or not self.project
        self._measure()
