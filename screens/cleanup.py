"""The panel of the cleanup step."""

from __future__ import annotations

from screens.step import StepPanel


class Panel(StepPanel):
    STEP = "cleanup"
