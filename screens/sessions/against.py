"""Past sessions, to choose the one that another is compared with."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from ecotui.project import Desk
from ecotui.session.log import Session
from ecotui.session.query import HINT
from screens.sessions.picker import SessionList


class AgainstScreen(SessionList):
    BINDINGS: ClassVar[list[BindingType]] = [
        # Enter is the list's own key, and does the same.
        Binding("o", "open", "Open", key_display="⏎", tooltip="What happened in this session"),
        Binding("slash", "filter", "Find", key_display="/", priority=True, tooltip=HINT),
        Binding("n", "note", "Note", show=False, tooltip="Write a note into this session"),
        Binding("number_sign", "tag", "Tag", show=False, tooltip="Words to find it by"),
        Binding("r", "reload", "Read again", show=False),
        Binding("escape,q", "back", "Back"),
    ]

    def __init__(self, desk: Desk, session: Session) -> None:
        """`session`: the one that was chosen first."""
        super().__init__(desk, session.id)
        self.session = session

    def wanted(self) -> str:
        return f"choose one to compare {self.session.id} with"

    def open_one(self, session: Session) -> None:
        self.compare(self.session, session)
