"""The list of past sessions: opens, replays and exports one, compares two."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from ecotui.session import SessionError
from ecotui.session.log import Session
from screens.actions import bindings
from screens.sessions.picker import SessionPicker


class SessionListScreen(SessionPicker):
    BINDINGS: ClassVar[list[BindingType]] = bindings("sessions")
    KEY_PLACES = ("sessions", "rows")

    def prompt(self) -> str:
        return f"c on another compares with {self.marked_id}; Escape unmarks" if self.marked_id else ""

    def close_list(self) -> None:
        if self.marked_id:
            self.mark_session("")
        else:
            super().close_list()

    def open_session(self, session: Session) -> None:
        from screens.sessions.detail import SessionDetailScreen

        self.app.push_screen(SessionDetailScreen(session, self.project), lambda _: self.action_reload())

    def action_replay(self) -> None:
        from screens.sessions.replay import ReplayScreen

        if session := self.selected_session():
            self.app.push_screen(ReplayScreen(session))

    def action_compare(self) -> None:
        session = self.selected_session()
        if session is None:
            return
        if not self.marked_id or self.marked_id == session.id:
            self.mark_session("" if self.marked_id else session.id)
            return
        try:
            other = self.store.open(self.marked_id)
        except SessionError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.mark_session("")
        self.compare_sessions(other, session)

    def action_durations(self) -> None:
        from screens.sessions.durations import DurationsScreen

        summary = self.selected_summary
        self.app.push_screen(DurationsScreen(self.store, summary.project if summary else ""))
