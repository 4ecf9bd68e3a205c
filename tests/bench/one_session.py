"""An app that shows nothing until a key is pressed: `r` the review of the newest session, `s` the list of all."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from ecotui.session.store import SessionStore
from screens.style.themes import THEMES


class OneSession(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "review", show=False),
        Binding("s", "sessions", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = THEMES[0].name
        self.store = SessionStore(Path(sys.argv[1]))

    def compose(self) -> ComposeResult:
        yield Static("ready to look")

    def action_review(self) -> None:
        from screens.sessions.detail import SessionDetailScreen

        self.push_screen(SessionDetailScreen(self.store.open_latest()))

    def action_sessions(self) -> None:
        from screens.sessions.list import SessionListScreen

        newest = self.store.open_latest()
        desk: Any = SimpleNamespace(session=newest)
        self.push_screen(SessionListScreen(desk))


if __name__ == "__main__":
    OneSession().run()
