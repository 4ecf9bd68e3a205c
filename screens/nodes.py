"""The panel of the nodes step."""

from __future__ import annotations

from screens.step import StepPanel


class Panel(StepPanel):
    STEP = "nodes"
