"""Base of the screens that list past sessions: newest first, filtered while typing, each with its steps' states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from ecotui.project import OpenProject
from ecotui.session import SessionError
from ecotui.session.index import SessionIndex
from ecotui.session.log import Session, SessionSummary
from ecotui.session.query import QUERY_HINT, parse_query
from ecotui.session.store import SessionStore
from ecotui.supervisor.commands import list_running_commands
from screens.actions import bindings
from screens.sessions.base import SessionActionsScreen
from screens.sessions.rendering import SessionColumns, render_step_states
from screens.style.columns import hanging_indent
from screens.style.themes import MUTED
from screens.widgets.footer import KeyFooter
from screens.widgets.row_list import RowList

FIRST_PAGE_SIZE = 100
"""Sessions that are shown before the others are read."""
SEARCH_DEBOUNCE_SECONDS = 0.08
"""Seconds without a key after which the list is filtered: shorter than the time between two keys of a quick typist."""


class SessionPicker(SessionActionsScreen):
    """Base of the screens that list sessions; a subclass says what Enter does."""

    CSS_PATH = "sessions.tcss"
    AUTO_FOCUS = "RowList"

    class SessionsLoaded(Message):
        """The sessions that match what was typed."""

        def __init__(
            self, query: str, sessions: Sequence[SessionSummary], running_ids: frozenset[str], is_complete: bool
        ) -> None:
            super().__init__()
            self.query = query
            self.sessions = sessions
            self.running_ids = running_ids
            self.is_complete = is_complete
            """Whether these are all."""

    def __init__(self, project: OpenProject, marked_id: str = "") -> None:
        """`marked_id`: the session that is marked to be compared."""
        super().__init__()
        self.project = project
        self.store = SessionStore(project.session.folder.parent.parent)
        self._sessions: Sequence[SessionSummary] = ()
        self._running_ids: frozenset[str] = frozenset()
        self._columns = SessionColumns.fit((), 120)
        self.marked_id = marked_id
        self._error_text = ""
        self._is_loaded = False

    def compose(self) -> ComposeResult:
        yield Static(classes="header")
        yield Input(placeholder=f"Find: {QUERY_HINT}", classes="search")
        yield Static(classes="columns")
        yield RowList(self._render_row, id="sessions")
        yield Static(classes="empty")
        yield Static(classes="selection")
        yield KeyFooter(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one(".empty").display = False
        self._update_layout()
        self._show_title()
        self.action_reload()

    def on_resize(self) -> None:
        self._update_layout()

    def _update_layout(self) -> None:
        field = self.query_one(Input)
        field.display = bool(field.value or field.has_focus)
        self.query_one(".selection").display = self.app.size.height >= 20
        self._columns = SessionColumns.fit(self._sessions, self.app.size.width)
        self.query_one(".columns", Static).update(self._columns.render_header())
        self.query_one(RowList).refresh()

    # -- reading -------------------------------------------------------------------------------------------------

    def action_reload(self) -> None:
        self._load_sessions(self.query_one(Input).value)

    @work(thread=True, exclusive=True, group="list", name="list sessions", exit_on_error=False)
    def _load_sessions(self, text: str) -> None:
        worker = get_current_worker()
        query = parse_query(text).query
        index = SessionIndex(self.store)
        try:
            # A query reads all sessions in any case: once is enough.
            for limit in (FIRST_PAGE_SIZE, None) if query.matches_all else (None,):
                summaries = index.find_summaries(query, limit)
                if worker.is_cancelled:
                    return
                running_ids = frozenset(
                    summary.id
                    for summary in summaries[:FIRST_PAGE_SIZE]
                    if not summary.outcome and list_running_commands(Session(self.store.folder / summary.id))
                )
                self.post_message(
                    self.SessionsLoaded(text, summaries, running_ids, limit is None or len(summaries) < FIRST_PAGE_SIZE)
                )
                if len(summaries) < FIRST_PAGE_SIZE:
                    return
        except SessionError as error:
            self.app.call_from_thread(self._show_load_error, str(error))

    def _show_load_error(self, trouble: str) -> None:
        self._error_text = trouble
        self._show_list()

    @on(SessionsLoaded)
    def _show_sessions(self, message: SessionsLoaded) -> None:
        if message.query != self.query_one(Input).value:
            return  # more was typed since
        self._is_loaded = True
        self._error_text = parse_query(message.query).problem
        selected = self.selected_summary
        self._sessions, self._running_ids = message.sessions, message.running_ids
        ids = [summary.id for summary in self._sessions]
        self._columns = SessionColumns.fit(self._sessions[:FIRST_PAGE_SIZE], self.app.size.width)
        self.query_one(".columns", Static).update(self._columns.render_header())
        cursor = ids.index(selected.id) if selected is not None and selected.id in ids else 0
        self.query_one(RowList).set_rows(len(ids), cursor)
        self._show_list(more=not message.is_complete)

    def _show_list(self, *, more: bool = False) -> None:
        empty = self.query_one(".empty", Static)
        empty.display = not self._sessions
        self.query_one(RowList).display = bool(self._sessions)
        if not self._sessions:
            is_filtered = bool(self.query_one(Input).value)
            text = (
                "No sessions match. Escape shows all of them again."
                if is_filtered
                else "There are no sessions yet. Each rebuild records one. Escape goes back."
            )
            empty.update(Content(self._error_text or text))
        self._show_title(more=more)
        self._show_selection()

    def _show_title(self, *, more: bool = False) -> None:
        count = f"{len(self._sessions):,}{'+' if more else ''} " if self._is_loaded else ""
        order = "found" if self.query_one(Input).value else "newest first"
        subtitle = f"  {count}{self.prompt() or order}"
        parts: list[str | Content] = [Content.styled("Sessions", "bold $text-accent"), subtitle]
        if self._error_text:
            parts.append(Content.styled(f"   {self._error_text}", "$text-warning"))
        self.query_one(".header", Static).update(Content.assemble(*parts))

    def prompt(self) -> str:
        """What to do on this screen; shown instead of the order of the list."""
        return ""

    # -- drawing -------------------------------------------------------------------------------------------------

    def outcome(self, summary: SessionSummary) -> str:
        return summary.outcome or ("running" if summary.id in self._running_ids else "open")

    def _render_row(self, index: int, width: int) -> Content:
        summary = self._sessions[index]
        mark = "⇄" if summary.id == self.marked_id else " "
        return self._columns.render_row(summary, self.outcome(summary), mark)

    @property
    def selected_summary(self) -> SessionSummary | None:
        rows = self.query_one(RowList)
        return self._sessions[rows.cursor] if rows.cursor < len(self._sessions) else None

    @on(RowList.RowHighlighted)
    def _show_selection(self) -> None:
        pane = self.query_one(".selection", Static)
        summary = self.selected_summary
        if summary is None:
            pane.update("")
            return
        width = max(self.app.size.width - 4, 30)
        parts = [
            Content.assemble(Content.styled(summary.id, "bold"), Content.styled(f"   in {summary.folder}", MUTED)),
            render_step_states(summary, width),
        ]
        parts += [hanging_indent(Content.styled("✎ ", "$text-accent"), note, width) for note in summary.notes[-2:]]
        pane.update(Content("\n").join(parts))

    # -- filtering -----------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "search":
            return not isinstance(self.focused, Input)
        return True

    def action_search(self) -> None:
        field = self.query_one(Input)
        field.display = True
        self.set_focus(field)

    @on(Input.Changed)
    def _schedule_search(self) -> None:
        self.set_timer(SEARCH_DEBOUNCE_SECONDS, self._search)

    def _search(self) -> None:
        self._load_sessions(self.query_one(Input).value)

    @on(Input.Submitted)
    def _leave_search(self) -> None:
        self.query_one(RowList).focus()
        self._update_layout()

    def action_back(self) -> None:
        field = self.query_one(Input)
        if field.has_focus:
            self._leave_search()
        elif field.value:
            field.value = ""
            self._update_layout()
        else:
            self.close_list()

    def close_list(self) -> None:
        """Escape, when nothing is typed."""
        self.dismiss(None)

    def mark_session(self, id: str) -> None:
        """Mark a session, or none."""
        self.marked_id = id
        self._show_title()
        self.query_one(RowList).refresh()

    # -- actions -------------------------------------------------------------------------------------------------

    @on(RowList.RowSelected)
    def action_open(self) -> None:
        if session := self.selected_session():
            self.open_session(session)

    def open_session(self, session: Session) -> None:
        """Enter on a session."""
        raise NotImplementedError

    def compare_sessions(self, session: Session, other: Session) -> None:
        """Show the differences between two sessions."""
        from screens.sessions.compare import CompareScreen

        # The earlier one first, whichever was chosen first.
        before, after = sorted((session, other), key=lambda session: session.id)
        self.app.push_screen(CompareScreen(before, after))

    def selected_session(self) -> Session | None:
        summary = self.selected_summary
        if summary is None:
            return None
        try:
            return self.store.open(summary.id)
        except SessionError as error:
            self.notify(str(error), severity="error", markup=False)
            return None

    def selected_tags(self) -> list[str]:
        return self.selected_summary.tags if self.selected_summary is not None else []

    def refresh_after_write(self) -> None:
        self.action_reload()


class ComparePicker(SessionPicker):
    """Chooses the session that another one is compared with."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("sessions.compare")
    KEY_PLACES = ("sessions.compare", "rows")

    def __init__(self, project: OpenProject, session: Session) -> None:
        """`session`: the session that was chosen first."""
        super().__init__(project, session.id)
        self.session = session

    def prompt(self) -> str:
        return f"choose one to compare {self.session.id} with"

    def open_session(self, session: Session) -> None:
        self.compare_sessions(self.session, session)
