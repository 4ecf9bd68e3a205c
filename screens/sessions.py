"""Past sessions: a list, newest first; Enter opens the timeline of one."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Static

from checks.finding import State
from ecotui.desk import Desk
from ecotui.session import SessionError
from ecotui.session.log import Summary
from ecotui.session.store import Store
from screens.signs import duration, sign

SHOWN = 500
"""Sessions listed; older ones are reached with `ecotui sessions list`."""


class SessionsScreen(Screen[None]):
    CSS_PATH = "sessions.tcss"
    AUTO_FOCUS = "DataTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Back"),
        Binding("r", "reload", "Read again"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.store = Store(desk.session.folder.parent.parent)
        self._sessions: list[Summary] = []

    def compose(self) -> ComposeResult:
        yield Static(
            Content.assemble(
                Content.styled("Sessions", "bold $text-accent"), "  newest first; Enter opens one"
            ),
            id="sessions-title",
        )
        yield DataTable(cursor_type="row", zebra_stripes=True)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one(DataTable).add_columns("started", "project", "outcome", "took", "steps")
        self.action_reload()

    def action_reload(self) -> None:
        table = self.query_one(DataTable)
        table.clear()
        try:
            self._sessions = self.store.list(SHOWN)
        except SessionError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        for summary in self._sessions:
            # Text, not str: a str would be read as markup.
            table.add_row(*(Text(cell) for cell in row(summary)), key=summary.id)

    @on(DataTable.RowSelected)
    def _opened(self, event: DataTable.RowSelected) -> None:
        from screens.review import ReviewScreen

        if event.row_key.value is None:
            return
        try:
            session = self.store.open(event.row_key.value)
        except SessionError as error:
            self.notify(str(error), severity="error", markup=False)
        else:
            self.app.push_screen(ReviewScreen(session))


def row(summary: Summary) -> tuple[str, str, str, str, str]:
    """The cells of one session: started, project, outcome, took, steps."""
    from screens.review import moment, seconds

    began, ended = seconds(summary.started), seconds(summary.ended)
    took = duration(ended - began) if began is not None and ended is not None else ""
    steps = " ".join(f"{sign(State(state))} {step}" for step, state in summary.steps.items())
    return (moment(summary.started), summary.project, summary.outcome or "open", took, steps)
