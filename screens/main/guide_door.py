"""The way from the frame into the guide: at an entry, with an error to paste, or back to where one was."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.screen import Screen

from screens.guide.location import Place
from screens.messages import GuideWanted, StepWanted

if TYPE_CHECKING:
    from ecotui.project import Desk


class GuideDoor(Screen[None]):
    """The frame's part that opens the guide."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "back_to_guide", "Back to the guide", tooltip="To the step of the guide that led here"),
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

    desk: Desk | None
    left_guide: Place | None = None
    """Where one was in the guide when one went to a step's screen."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.left_guide is not None if action == "back_to_guide" else True

    def action_guide(self) -> None:
        self.post_message(GuideWanted())

    @on(GuideWanted)
    def _guide_wanted(self, intent: GuideWanted) -> None:
        self._open_guide(Place(entry=intent.entry, error=intent.error, finding=intent.finding))

    def action_paste_error(self) -> None:
        self._open_guide(Place(), paste=True)

    def action_back_to_guide(self) -> None:
        if place := self.left_guide:
            self.left_guide = None
            self._open_guide(place)

    def leave_guide(self, place: Place, step: str, select: tuple[str, ...] = ()) -> None:
        """From the guide to a step's screen; `b` comes back to the place."""
        self.left_guide = place
        self.post_message(StepWanted(step, select))
        self.notify(f"b comes back to the guide, {place.entry}.", markup=False, timeout=8)
        while len(self.app.screen_stack) > 1:
            self.app.pop_screen()

    def _open_guide(self, place: Place, *, paste: bool = False) -> None:
        from screens.guide.browser import GuideScreen

        if self.desk is not None:
            self.app.push_screen(GuideScreen(self.desk, place, paste=paste))
