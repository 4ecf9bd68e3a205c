"""What the frame lends to those who ask questions and start commands on its behalf."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from textual.message import Message

if TYPE_CHECKING:
    from textual.app import App
    from textual.notifications import SeverityLevel

    from ecotui.desk import Desk
    from ecotui.supervisor import Command


class Frame(Protocol):
    """The part of the rebuild's screen that consent and the watch need; a screen has most of it from Textual."""

    desk: Desk | None
    asked_to_stop: set[str]
    """Ids of commands that were interrupted once; the next interrupt is forceful."""

    @property
    def app(self) -> App[object]: ...

    def start(self, begin: Callable[[Desk], Command], step: str) -> None:
        """Start a command (`begin` returns it) and follow it."""

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
