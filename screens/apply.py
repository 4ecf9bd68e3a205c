"""The panel of the apply step."""

from __future__ import annotations

from screens.step import StepPanel


class Panel(StepPanel):
    STEP = "apply"
