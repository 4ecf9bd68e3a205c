"""The panel of the github step."""

from __future__ import annotations

from screens.step import StepPanel


class Panel(StepPanel):
    STEP = "github"
