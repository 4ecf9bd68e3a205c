"""Two sessions side by side: what took longer, what failed, what was different."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from checks.duration import stopwatch
from ecotui.history.compare import Comparison, Row, Section, compare
from ecotui.session import SessionError
from ecotui.session.event_text import clock
from ecotui.session.log import Session
from screens.sessions.base import PastScreen
from screens.sessions.rendering import MUTED
from screens.style.columns import hang, padded
from screens.widgets.footer import KeyBar

ALIKE = 1.5
"""Seconds below which two lengths are the same to a person; terraform tells whole ones."""


class CompareScreen(PastScreen):
    CSS_PATH = "sessions.tcss"
    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "all", "All / only differences"),
        Binding("s", "swap", "Swap"),
        Binding("escape,q", "dismiss(None)", "Back"),
    ]

    class Compared(Message):
        def __init__(self, found: Comparison) -> None:
            super().__init__()
            self.found = found

    def __init__(self, before: Session, after: Session) -> None:
        super().__init__()
        self.before = before
        self.after = after
        self.found: Comparison | None = None
        self._everything = False

    def compose(self) -> ComposeResult:
        yield Static(
            Content.assemble(Content.styled("Compare", "bold $text-accent"), "  reading both…"),
            classes="head",
        )
        with VerticalScroll():
            yield Static(classes="body")
        yield KeyBar(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._read()

    @work(thread=True, exclusive=True, group="compare", name="compare", exit_on_error=False)
    def _read(self) -> None:
        try:
            self.post_message(self.Compared(compare(self.before, self.after)))
        except SessionError as error:
            self.app.call_from_thread(self.query_one(".body", Static).update, Content(str(error)))

    @on(Compared)
    def _compared(self, news: Compared) -> None:
        self.found = news.found
        self._show()

    def on_resize(self) -> None:
        self._show()

    def _show(self) -> None:
        if self.found is None:
            return
        shown = "everything" if self._everything else "only what is different"
        self.query_one(".head", Static).update(
            Content.assemble(Content.styled("Compare", "bold $text-accent"), f"  two sessions, {shown}")
        )
        width = max(self.app.size.width - 6, 40)
        parts = [self._sides(width)]
        for section in self.found.sections:
            rows = section.rows if self._everything else _different(section)
            if rows:
                parts.append(_section(section.title, rows, width))
        if len(parts) == 1:
            parts.append(Content("Both came out the same. a shows everything."))
        self.query_one(".body", Static).update(Content("\n\n").join(parts))

    def _sides(self, width: int) -> Content:
        assert self.found is not None
        lines = []
        for letter, one in (("A", self.found.before), ("B", self.found.after)):
            text = f"{one.id}  {clock(one.started)[:16]}  {one.project}  {one.outcome or 'open'}  {one.by}"
            lines.append(hang(Content.styled(f"{letter}  ", "bold $text-accent"), text, width))
        return Content("\n").join(lines)

    def action_all(self) -> None:
        self._everything = not self._everything
        self._show()

    def action_swap(self) -> None:
        self.before, self.after = self.after, self.before
        self._read()


def _different(section: Section) -> tuple[Row, ...]:
    return tuple(row for row in section.different if row.change is None or abs(row.change) >= ALIKE)


def _section(title: str, rows: tuple[Row, ...], width: int) -> Content:
    """A table; what does not fit beside each other stands one below the other."""
    lines = [Content.styled(title, "bold $text-primary")]
    lengths = all(row.change is not None or not (row.before and row.after) for row in rows)
    sides = min(max([4, *(cell_len(text) for row in rows for text in (row.before, row.after))]), width // 4)
    names = min(max(cell_len(row.what) for row in rows), width - 2 * sides - (28 if lengths else 6))
    most = max((abs(row.change or 0.0) for row in rows), default=0.0) or 1.0
    for row in rows:
        if max(cell_len(row.before), cell_len(row.after)) > sides:
            lines.append(hang(Content(""), row.what, width))
            for letter, text in (("A", row.before), ("B", row.after)):
                lines.append(hang(Content.styled(f"   {letter}  ", MUTED), text or "–", width))
            continue
        cells = [
            padded(Content(row.what), max(names, 8)),
            padded(Content.styled(row.before or "–", MUTED), sides, right=lengths),
            padded(Content(row.after or "–"), sides, right=lengths),
        ]
        if row.change:
            slower = row.change > 0
            style = "$text-warning" if slower else "$text-success"
            bar = "━" * max(round(abs(row.change) / most * 12), 1)
            cells.append(
                Content.styled(f"{'+' if slower else '−'}{stopwatch(abs(row.change)):<7} {bar}", style)
            )
        lines.append(Content("  ").join(cells))
    return Content("\n").join(lines)
