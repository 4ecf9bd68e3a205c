"""The panel of the quota step."""

from __future__ import annotations

from screens.step import StepPanel


class Panel(StepPanel):
    STEP = "quota"
