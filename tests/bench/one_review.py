"""An app that shows nothing until `p` is pressed, and then the review of the plan that it was given."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from screens.steps.plan_review import PlanReviewScreen


class OneReview(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("p", "review", show=False)]

    def compose(self) -> ComposeResult:
        yield Static("ready to review")

    def action_review(self) -> None:
        self.push_screen(PlanReviewScreen(Path(sys.argv[1])))


if __name__ == "__main__":
    OneReview().run()
