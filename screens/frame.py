"""What the frame lends to those who ask questions and start commands on its behalf, and to the screens that lie on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

from textual.message import Message

if TYPE_CHECKING:
    from textual.app import App
    from textual.notifications import SeverityLevel
    from textual.screen import Screen

    from ecotui.project import OpenProject
    from ecotui.supervisor import Command
    from screens.guide.location import GuideLocation
    from screens.widgets.command_status import StepCommand


class MainScreenProtocol(Protocol):
    """The part of the rebuild's screen that others need; a screen has most of it from Textual."""

    project: OpenProject | None
    interrupted_commands: set[str]
    """Ids of commands that were interrupted once; the next interrupt is forceful."""

    current_step: str
    """The step that is shown."""
    step_commands: dict[str, StepCommand]
    """What runs, or ran last, by step."""

    @property
    def app(self) -> App[object]: ...

    def start_command(self, launch: Callable[[OpenProject], Command], step: str) -> None:
        """Start a command (`begin` returns it) and follow it."""

    def show_step_from_guide(self, location: GuideLocation, step: str, preselect: tuple[str, ...] = ()) -> None:
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


def main_screen(screen: Screen[Any]) -> MainScreenProtocol:
    """The frame: it lies below every other screen."""
    return cast("MainScreenProtocol", screen.app.screen_stack[0])
