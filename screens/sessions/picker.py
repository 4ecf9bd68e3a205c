"""The list of past sessions, newest first: found as one types, each with a picture of its steps."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from ecotui.project import Desk
from ecotui.session import SessionError
from ecotui.session.index import Index
from ecotui.session.log import Session, Summary
from ecotui.session.query import HINT, typed
from ecotui.session.store import Store
from ecotui.supervisor.commands import running
from screens.sessions.rendering import MUTED, Columns, steps_told
from screens.sessions.session_screen import SessionScreen
from screens.style.columns import hang
from screens.widgets.footer import KeyBar
from screens.widgets.row_list import Rows

FIRST = 100
"""Sessions that are shown before the rest is read."""
PAUSE = 0.08
"""Seconds without a key after which the list follows what was typed: shorter than two keys of a quick typist."""


class SessionList(SessionScreen):
    """Base of the screens that list them; what Enter does is the subclass's."""

    CSS_PATH = "sessions.tcss"
    AUTO_FOCUS = "Rows"

    class Listed(Message):
        """The sessions that match what was typed."""

        def __init__(self, text: str, found: Sequence[Summary], at_work: frozenset[str], whole: bool) -> None:
            super().__init__()
            self.text = text
            self.found = found
            self.at_work = at_work
            self.whole = whole
            """Whether these are all."""

    def __init__(self, desk: Desk, marked: str = "") -> None:
        """`marked`: the id of the session that has the sign of one to be compared."""
        super().__init__()
        self.desk = desk
        self.store = Store(desk.session.folder.parent.parent)
        self._found: Sequence[Summary] = ()
        self._at_work: frozenset[str] = frozenset()
        self._columns = Columns.fit((), 120)
        self.marked = marked
        self._trouble = ""
        self._read = False

    def compose(self) -> ComposeResult:
        yield Static(classes="head")
        yield Input(placeholder=f"Find: {HINT}", classes="search")
        yield Static(classes="columns")
        yield Rows(self._draw, id="sessions")
        yield Static(classes="empty")
        yield Static(classes="chosen")
        yield KeyBar(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one(".empty").display = False
        self._fit()
        self._show_title()
        self.action_reload()

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        field = self.query_one(Input)
        field.display = bool(field.value or field.has_focus)
        self.query_one(".chosen").display = self.app.size.height >= 20
        self._columns = Columns.fit(self._found, self.app.size.width)
        self.query_one(".columns", Static).update(self._columns.head())
        self.query_one(Rows).refresh()

    # -- reading -------------------------------------------------------------------------------------------------

    def action_reload(self) -> None:
        self._list(self.query_one(Input).value)

    @work(thread=True, exclusive=True, group="list", name="list sessions", exit_on_error=False)
    def _list(self, text: str) -> None:
        worker = get_current_worker()
        wanted = typed(text).wanted
        index = Index(self.store)
        try:
            # To find some of them all are looked at in any case: once is enough.
            for limit in (FIRST, None) if wanted.everything else (None,):
                found = index.list(wanted, limit)
                if worker.is_cancelled:
                    return
                at_work = frozenset(
                    one.id
                    for one in found[:FIRST]
                    if not one.outcome and running(Session(self.store.folder / one.id))
                )
                self.post_message(self.Listed(text, found, at_work, limit is None or len(found) < FIRST))
                if len(found) < FIRST:
                    return
        except SessionError as error:
            self.app.call_from_thread(self._cannot, str(error))

    def _cannot(self, trouble: str) -> None:
        self._trouble = trouble
        self._show_list()

    @on(Listed)
    def _listed(self, news: Listed) -> None:
        if news.text != self.query_one(Input).value:
            return  # more was typed since
        self._read = True
        self._trouble = typed(news.text).trouble
        kept = self.chosen
        self._found, self._at_work = news.found, news.at_work
        ids = [one.id for one in self._found]
        self._columns = Columns.fit(self._found[:FIRST], self.app.size.width)
        self.query_one(".columns", Static).update(self._columns.head())
        cursor = ids.index(kept.id) if kept is not None and kept.id in ids else 0
        self.query_one(Rows).fill(len(ids), cursor)
        self._show_list(more=not news.whole)

    def _show_list(self, *, more: bool = False) -> None:
        empty = self.query_one(".empty", Static)
        empty.display = not self._found
        self.query_one(Rows).display = bool(self._found)
        if not self._found:
            typed_now = bool(self.query_one(Input).value)
            say = (
                "No session is like that. Escape shows all of them again."
                if typed_now
                else "No session has been kept yet. Each rebuild leaves one: Escape goes back to it."
            )
            empty.update(Content(self._trouble or say))
        self._show_title(more=more)
        self._show_chosen()

    def _show_title(self, *, more: bool = False) -> None:
        count = f"{len(self._found):,}{'+' if more else ''} " if self._read else ""
        what = "found" if self.query_one(Input).value else "newest first"
        said = f"  {count}{self.wanted() or what}"
        parts: list[str | Content] = [Content.styled("Sessions", "bold $text-accent"), said]
        if self._trouble:
            parts.append(Content.styled(f"   {self._trouble}", "$text-warning"))
        self.query_one(".head", Static).update(Content.assemble(*parts))

    def wanted(self) -> str:
        """What one is to do here, instead of how the list is ordered."""
        return ""

    # -- drawing -------------------------------------------------------------------------------------------------

    def outcome(self, summary: Summary) -> str:
        return summary.outcome or ("running" if summary.id in self._at_work else "open")

    def _draw(self, index: int, width: int) -> Content:
        summary = self._found[index]
        mark = "⇄" if summary.id == self.marked else " "
        return self._columns.row(summary, self.outcome(summary), mark)

    @property
    def chosen(self) -> Summary | None:
        rows = self.query_one(Rows)
        return self._found[rows.cursor] if rows.cursor < len(self._found) else None

    @on(Rows.Moved)
    def _show_chosen(self) -> None:
        pane = self.query_one(".chosen", Static)
        summary = self.chosen
        if summary is None:
            pane.update("")
            return
        width = max(self.app.size.width - 4, 30)
        parts = [
            Content.assemble(
                Content.styled(summary.id, "bold"), Content.styled(f"   in {summary.folder}", MUTED)
            ),
            steps_told(summary, width),
        ]
        parts += [hang(Content.styled("✎ ", "$text-accent"), note, width) for note in summary.notes[-2:]]
        pane.update(Content("\n").join(parts))

    # -- finding -------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "filter":
            return not isinstance(self.focused, Input)
        return True

    def action_filter(self) -> None:
        field = self.query_one(Input)
        field.display = True
        self.set_focus(field)

    @on(Input.Changed)
    def _typed(self) -> None:
        self.set_timer(PAUSE, self._follow_typing)

    def _follow_typing(self) -> None:
        self._list(self.query_one(Input).value)

    @on(Input.Submitted)
    def _typing_done(self) -> None:
        self.query_one(Rows).focus()
        self._fit()

    def action_back(self) -> None:
        field = self.query_one(Input)
        if field.has_focus:
            self._typing_done()
        elif field.value:
            field.value = ""
            self._fit()
        else:
            self.leave()

    def leave(self) -> None:
        """Escape, when there is nothing to be found any more."""
        self.dismiss(None)

    def mark(self, id: str) -> None:
        """Give a session the sign, or no session."""
        self.marked = id
        self._show_title()
        self.query_one(Rows).refresh()

    # -- doing ---------------------------------------------------------------------------------------------------

    @on(Rows.Chosen)
    def action_open(self) -> None:
        if session := self.the_session():
            self.open_one(session)

    def open_one(self, session: Session) -> None:
        """Enter on a session."""
        raise NotImplementedError

    def compare(self, one: Session, other: Session) -> None:
        """Show what differs between two of them."""
        from screens.sessions.compare import CompareScreen

        # The earlier one first, whichever was chosen first.
        before, after = sorted((one, other), key=lambda session: session.id)
        self.app.push_screen(CompareScreen(before, after))

    def the_session(self) -> Session | None:
        summary = self.chosen
        if summary is None:
            return None
        try:
            return self.store.open(summary.id)
        except SessionError as error:
            self.notify(str(error), severity="error", markup=False)
            return None

    def the_tags(self) -> list[str]:
        return self.chosen.tags if self.chosen is not None else []

    def written(self) -> None:
        self.action_reload()
