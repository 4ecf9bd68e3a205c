"""The way from the frame into the guide: at an entry, with an error to paste, or back to where one was."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.screen import Screen

from screens.guide.location import GuideLocation
from screens.messages import GuideRequested, StepRequested

if TYPE_CHECKING:
    from ecotui.project import OpenProject


class GuideNavigation(Screen[None]):
    """The frame's part that opens the guide."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "return_to_guide", "Back to the guide", tooltip="To the step of the guide that led here"),
        Binding("G", "guide", "Whole guide", show=False, id="rebuild.guide"),
        Binding(
            "P",
            "paste_error",
            "Paste an error",
            show=False,
            tooltip="Paste an error and see what explains it",
            id="rebuild.paste",
        ),
    ]

    project: OpenProject | None
    guide_return_location: GuideLocation | None = None
    """Where one was in the guide when one went to a step's screen."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.guide_return_location is not None if action == "return_to_guide" else True

    def action_guide(self) -> None:
        self.post_message(GuideRequested())

    @on(GuideRequested)
    def _open_requested_guide(self, message: GuideRequested) -> None:
        self._open_guide(GuideLocation(entry=message.entry, error=message.error, finding=message.finding))

    def action_paste_error(self) -> None:
        self._open_guide(GuideLocation(), paste=True)

    def action_return_to_guide(self) -> None:
        if place := self.guide_return_location:
            self.guide_return_location = None
            self._open_guide(place)

    def show_step_from_guide(self, location: GuideLocation, step: str, preselect: tuple[str, ...] = ()) -> None:
        """From the guide to a step's screen; `b` comes back to the place."""
        self.guide_return_location = location
        self.post_message(StepRequested(step, preselect))
        self.notify(f"b comes back to the guide, {location.entry}.", markup=False, timeout=8)
        while len(self.app.screen_stack) > 1:
            self.app.pop_screen()

    def _open_guide(self, location: GuideLocation, *, paste: bool = False) -> None:
        from screens.guide.browser import GuideScreen

        if self.project is not None:
            self.app.push_screen(GuideScreen(self.project, location, open_paste=paste))
