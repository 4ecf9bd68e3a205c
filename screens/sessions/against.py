"""Past sessions, to choose the one that another is compared with."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from ecotui.project import OpenProject
from ecotui.session.log import Session
from ecotui.session.query import QUERY_HINT
from screens.sessions.picker import SessionPicker


class ComparePicker(SessionPicker):
    BINDINGS: ClassVar[list[BindingType]] = [
        # Enter is the list's own key, and does the same.
        Binding("o", "open", "Open", key_display="⏎", tooltip="What happened in this session"),
        Binding("slash", "search", "Find", key_display="/", priority=True, tooltip=QUERY_HINT),
        Binding("n", "note", "Note", show=False, tooltip="Write a note into this session"),
        Binding("number_sign", "tag", "Tag", show=False, tooltip="Words to find it by"),
        Binding("r", "reload", "Read again", show=False),
        Binding("escape,q", "back", "Back"),
    ]

    def __init__(self, project: OpenProject, session: Session) -> None:
        """`session`: the one that was chosen first."""
        super().__init__(project, session.id)
        self.session = session

    def prompt(self) -> str:
        return f"choose one to compare {self.session.id} with"

    def open_session(self, session: Session) -> None:
        self.compare_sessions(self.session, session)
