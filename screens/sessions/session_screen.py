"""What the screens share in which a session is chosen, or shown: what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.sessions import actions as sessions_actions
from screens.sessions.base import SessionScreenBase

if TYPE_CHECKING:
    from ecotui.project import OpenProject
    from ecotui.session.log import Session


class SessionActionsScreen(SessionScreenBase):
    """Base of the screens in which a session is chosen, or shown: what can be done with it is the same in both."""

    project: OpenProject | None

    def selected_session(self) -> Session | None:
        """The one that is meant; None when there is none, which is said then."""
        raise NotImplementedError

    def selected_tags(self) -> list[str]:
        """The tags that it has."""
        raise NotImplementedError

    def replay_start(self) -> float | None:
        """Where a replay begins, in seconds since the epoch; None: at the beginning."""
        return None

    def refresh_after_write(self) -> None:
        """Something was written into its log."""

    def action_note(self) -> None:
        if session := self.selected_session():
            sessions_actions.add_note(self, session, self.refresh_after_write)

    def action_tag(self) -> None:
        if session := self.selected_session():
            sessions_actions.edit_tags(self, session, self.selected_tags(), self.refresh_after_write)

    def action_export(self) -> None:
        if session := self.selected_session():
            sessions_actions.export_session(self, session, self.project)

    def action_replay(self) -> None:
        from screens.sessions.replay import ReplayScreen

        if session := self.selected_session():
            self.app.push_screen(ReplayScreen(session, start_at=self.replay_start()))
