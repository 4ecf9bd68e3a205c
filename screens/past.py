"""What all screens of past sessions share: the key that shows all their keys, and failures of their background work."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import Worker

from screens import failures, session_deeds
from screens.dialogs import ScreenKeys

if TYPE_CHECKING:
    from ecotui.desk import Desk
    from ecotui.session.log import Session


class PastScreen(Screen[None]):
    """Base of the screens of past sessions."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "keys", "All keys", show=False),
    ]
    MORE: ClassVar[tuple[tuple[str, str], ...]] = (("↑ ↓ or k j", "move"),)
    """Keys of the lists and texts in it."""

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        failures.tell(self, event)

    def action_keys(self) -> None:
        keys = [
            (binding.key_display or _spoken(binding.key), binding.tooltip or binding.description)
            for binding in type(self).BINDINGS
            if isinstance(binding, Binding) and (binding.tooltip or binding.description)
        ]
        self.app.push_screen(ScreenKeys([*self.MORE, *keys]))


class SessionDeeds(PastScreen):
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
            session_deeds.note(self, session, self.written)

    def action_tag(self) -> None:
        if session := self.the_session():
            session_deeds.tag(self, session, self.the_tags(), self.written)

    def action_hand_over(self) -> None:
        if session := self.the_session():
            session_deeds.hand_over(self, session, self.desk)

    def action_play(self) -> None:
        from screens.replay import ReplayScreen

        if session := self.the_session():
            self.app.push_screen(ReplayScreen(session, at=self.the_moment()))


def _spoken(keys: str) -> str:
    """`escape,q` to `Escape, q`."""
    names = {"space": "Space", "escape": "Escape", "home": "Home", "end": "End", "number_sign": "#"}
    return ", ".join(names.get(key, key) for key in keys.split(","))
