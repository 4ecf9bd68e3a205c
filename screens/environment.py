"""The panel of the environment step."""

from __future__ import annotations

from screens.step import StepPanel


class Panel(StepPanel):
    STEP = "environment"
