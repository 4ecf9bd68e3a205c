"""Past sessions, to open one, to play it again, to hand it over, to compare two of them."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from ecotui.session import SessionError
from ecotui.session.log import Session
from ecotui.session.query import HINT
from screens.sessions.picker import SessionList


class SessionsScreen(SessionList):
    BINDINGS: ClassVar[list[BindingType]] = [
        # Enter is the list's own key, and does the same.
        Binding("o", "open", "Open", key_display="⏎", tooltip="What happened in this session"),
        Binding("slash", "filter", "Find", key_display="/", priority=True, tooltip=HINT),
        Binding("p", "play", "Replay", tooltip="Play this session again"),
        Binding("c", "compare", "Compare", tooltip="Mark this session; then c on another one"),
        Binding("d", "durations", "Durations", tooltip="How long the steps usually take"),
        Binding("e", "hand_over", "Export", tooltip="Hand it over: a page, Markdown, data, a recording"),
        Binding("n", "note", "Note", show=False, tooltip="Write a note into this session"),
        Binding("number_sign", "tag", "Tag", show=False, tooltip="Words to find it by"),
        Binding("r", "reload", "Read again", show=False),
        Binding("escape,q", "back", "Back"),
    ]

    def wanted(self) -> str:
        return f"c on another one compares it with {self.marked}; Escape forgets it" if self.marked else ""

    def leave(self) -> None:
        if self.marked:
            self.mark("")
        else:
            super().leave()

    def open_one(self, session: Session) -> None:
        from screens.sessions.detail import ReviewScreen

        self.app.push_screen(ReviewScreen(session, self.desk), lambda _: self.action_reload())

    def action_compare(self) -> None:
        session = self.the_session()
        if session is None:
            return
        if not self.marked or self.marked == session.id:
            self.mark("" if self.marked else session.id)
            return
        try:
            other = self.store.open(self.marked)
        except SessionError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.mark("")
        self.compare(other, session)

    def action_durations(self) -> None:
        from screens.sessions.durations import DurationsScreen

        summary = self.chosen
        self.app.push_screen(DurationsScreen(self.store, summary.project if summary else ""))
