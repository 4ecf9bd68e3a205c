"""The main screen, as its controllers and the screens above it know it: the open project and its state."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from checks.steps import STEPS
from ecotui.rebuild_progress import RebuildProgress
from ecotui.session import SessionError
from screens.widgets.command_status import StepCommand

if TYPE_CHECKING:
    from ecotui.project import OpenProject

Result = TypeVar("Result")


class ProjectScreen(Screen[None]):
    """Holds the project and what is known of it. Other screens watch `rebuild`, and ask for changes by messages."""

    rebuild: reactive[RebuildProgress] = reactive(RebuildProgress(), init=False, always_update=True)
    """The project's progress. It is derived from alone whatever is drawn."""
    current_step: reactive[str] = reactive(STEPS[0].id, init=False)
    """The id of the step that is shown."""

    def __init__(self, project: OpenProject | None = None) -> None:
        super().__init__()
        self.project = project
        self.step_commands: dict[str, StepCommand] = {}
        """The command that runs, or ran last, by step; at most one runs in a step."""

    def refresh_rebuild(self) -> None:
        """Read the project's progress again, and draw what follows from it."""
        if self.project is not None:
            self.rebuild = self.project.rebuild

    def report_errors(self, action: Callable[[OpenProject], Result]) -> Result | None:
        """Do something to the project. An error (a full disk, a read-only folder) is shown and not raised."""
        if self.project is None:
            return None
        try:
            return action(self.project)
        except (SessionError, OSError) as error:
            self.notify(
                str(error), title="The session log could not be written", severity="error", markup=False, timeout=20
            )
            return None


def main_screen(node: Widget) -> ProjectScreen:
    """The main screen: it lies below every other screen."""
    screen = node.app.screen_stack[0]
    assert isinstance(screen, ProjectScreen)
    return screen
