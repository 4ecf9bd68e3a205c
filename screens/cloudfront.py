"""The panel of the cloudfront step."""

from __future__ import annotations

from screens.step import StepPanel


class Panel(StepPanel):
    STEP = "cloudfront"
