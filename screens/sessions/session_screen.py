"""What the screens share in which a session is chosen, or shown: what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.sessions import actions as sessions_actions
from screens.sessions.base import PastScreen

if TYPE_CHECKING:
    from ecotui.project import Desk
    from ecotui.session.log import Session


class SessionScreen(PastScreen):
    """Base of the screens in which a session is chosen, or shown: what can be done with it is the same in both."""

    desk: Desk | None

    def the_session(self) -> Session | None:
        """The one that is meant; None when there is none, which is said then."""
        raise NotImplementedError

    def the_tags(self) -> list[str]:
        """The tags that it has."""
        raise NotImplementedError

    def the_moment(self) -> float | None:
        """Where a replay begins, in seconds since the epoch; None: at the beginning."""
        return None

    def written(self) -> None:
        """Something was written into its log."""

    def action_note(self) -> None:
        if session := self.the_session():
            sessions_actions.note(self, session, self.written)

    def action_tag(self) -> None:
        if session := self.the_session():
            sessions_actions.tag(self, session, self.the_tags(), self.written)

    def action_hand_over(self) -> None:
        if session := self.the_session():
            sessions_actions.hand_over(self, session, self.desk)

    def action_play(self) -> None:
        from screens.sessions.replay import ReplayScreen

        if session := self.the_session():
            self.app.push_screen(ReplayScreen(session, at=self.the_moment()))
