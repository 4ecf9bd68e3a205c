"""What the frame lends to those who ask questions and start commands on its behalf, and to the screens that lie on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

from textual.message import Message

if TYPE_CHECKING:
    from textual.app import App
    from textual.notifications import SeverityLevel
    from textual.screen import Screen

    from ecotui.project import Desk
    from ecotui.supervisor import Command
    from screens.guide.location import Place
    from screens.widgets.command_status import Following


class Frame(Protocol):
    """The part of the rebuild's screen that others need; a screen has most of it from Textual."""

    desk: Desk | None
    asked_to_stop: set[str]
    """Ids of commands that were interrupted once; the next interrupt is forceful."""

    current: str
    """The step that is shown."""
    following: dict[str, Following]
    """What runs, or ran last, by step."""

    @property
    def app(self) -> App[object]: ...

    def start(self, begin: Callable[[Desk], Command], step: str) -> None:
        """Start a command (`begin` returns it) and follow it."""

    def leave_guide(self, place: Place, step: str, select: tuple[str, ...] = ()) -> None:
        """From the guide to a step's screen; `b` comes back to the place."""

    def call_later(self, callback: Callable[[], object]) -> bool: ...

    def post_message(self, message: Message) -> bool: ...

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None: ...

    def refresh(self, *, layout: bool = False) -> object: ...


def frame_below(screen: Screen[Any]) -> Frame:
    """The frame: it lies below every other screen."""
    return cast("Frame", screen.app.screen_stack[0])
