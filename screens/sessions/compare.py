"""Two sessions side by side: what took longer, what failed, what was different."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from checks.duration import format_stopwatch
from ecotui.history.compare import Comparison, ComparisonRow, ComparisonSection, compare_sessions
from ecotui.session import SessionError
from ecotui.session.event_text import format_local_time
from ecotui.session.log import Session
from screens.actions import bindings
from screens.sessions.base import SessionScreenBase
from screens.style.columns import hanging_indent, pad_cells
from screens.style.themes import MUTED
from screens.widgets.footer import KeyFooter

SAME_SECONDS = 1.5
"""Seconds below which two durations count as the same; terraform reports whole ones."""


class CompareScreen(SessionScreenBase):
    CSS_PATH = "sessions.tcss"
    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = bindings("compare")
    KEY_PLACES = ("compare",)

    class SessionsCompared(Message):
        def __init__(self, comparison: Comparison) -> None:
            super().__init__()
            self.comparison = comparison

    def __init__(self, before: Session, after: Session) -> None:
        super().__init__()
        self.before = before
        self.after = after
        self.comparison: Comparison | None = None
        self._show_unchanged = False

    def compose(self) -> ComposeResult:
        yield Static(
            Content.assemble(Content.styled("Compare", "bold $text-accent"), "  reading both…"), classes="header"
        )
        with VerticalScroll():
            yield Static(classes="body")
        yield KeyFooter(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._load_comparison()

    @work(thread=True, exclusive=True, group="compare", name="compare", exit_on_error=False)
    def _load_comparison(self) -> None:
        try:
            self.post_message(self.SessionsCompared(compare_sessions(self.before, self.after)))
        except SessionError as error:
            self.app.call_from_thread(self.query_one(".body", Static).update, Content(str(error)))

    @on(SessionsCompared)
    def _set_comparison(self, message: SessionsCompared) -> None:
        self.comparison = message.comparison
        self._show_comparison()

    def on_resize(self) -> None:
        self._show_comparison()

    def _show_comparison(self) -> None:
        if self.comparison is None:
            return
        scope = "everything" if self._show_unchanged else "only what is different"
        self.query_one(".header", Static).update(
            Content.assemble(Content.styled("Compare", "bold $text-accent"), f"  two sessions, {scope}")
        )
        width = max(self.app.size.width - 6, 40)
        parts = [self._render_sessions(width)]
        for section in self.comparison.sections:
            rows = section.rows if self._show_unchanged else _changed_rows(section)
            if rows:
                parts.append(_render_section(section.title, rows, width))
        if len(parts) == 1:
            parts.append(Content("No differences. Press a to show everything."))
        self.query_one(".body", Static).update(Content("\n\n").join(parts))

    def _render_sessions(self, width: int) -> Content:
        assert self.comparison is not None
        lines = []
        for letter, session in (("A", self.comparison.before), ("B", self.comparison.after)):
            text = f"{session.id}  {format_local_time(session.started)[:16]}  {session.project}  {session.outcome or 'open'}  {session.by}"
            lines.append(hanging_indent(Content.styled(f"{letter}  ", "bold $text-accent"), text, width))
        return Content("\n").join(lines)

    def action_toggle_unchanged(self) -> None:
        self._show_unchanged = not self._show_unchanged
        self._show_comparison()

    def action_swap(self) -> None:
        self.before, self.after = self.after, self.before
        self._load_comparison()


def _changed_rows(section: ComparisonSection) -> tuple[ComparisonRow, ...]:
    return tuple(
        row for row in section.changed_rows if row.change_seconds is None or abs(row.change_seconds) >= SAME_SECONDS
    )


def _render_section(title: str, rows: tuple[ComparisonRow, ...], width: int) -> Content:
    """A table; values that do not fit side by side are put below each other."""
    lines = [Content.styled(title, "bold $text-primary")]
    lengths = all(row.change_seconds is not None or not (row.before and row.after) for row in rows)
    side_width = min(max([4, *(cell_len(text) for row in rows for text in (row.before, row.after))]), width // 4)
    name_width = min(max(cell_len(row.label) for row in rows), width - 2 * side_width - (28 if lengths else 6))
    largest = max((abs(row.change_seconds or 0.0) for row in rows), default=0.0) or 1.0
    for row in rows:
        if max(cell_len(row.before), cell_len(row.after)) > side_width:
            lines.append(hanging_indent(Content(""), row.label, width))
            for letter, text in (("A", row.before), ("B", row.after)):
                lines.append(hanging_indent(Content.styled(f"   {letter}  ", MUTED), text or "–", width))
            continue
        cells = [
            pad_cells(Content(row.label), max(name_width, 8)),
            pad_cells(Content.styled(row.before or "–", MUTED), side_width, right=lengths),
            pad_cells(Content(row.after or "–"), side_width, right=lengths),
        ]
        if row.change_seconds:
            slower = row.change_seconds > 0
            style = "$text-warning" if slower else "$text-success"
            bar = "━" * max(round(abs(row.change_seconds) / largest * 12), 1)
            cells.append(
                Content.styled(f"{'+' if slower else '−'}{format_stopwatch(abs(row.change_seconds)):<7} {bar}", style)
            )
        lines.append(Content("  ").join(cells))
    return Content("\n").join(lines)
