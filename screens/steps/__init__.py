"""The panel of a step: `Panel` of the module of the same name, where a step has a part of its own to draw."""

from __future__ import annotations

import importlib
from importlib.util import find_spec

from screens.steps.panel import StepPanel


def panel_of(step: str) -> StepPanel:
    """Make the panel of a step; its module is imported now, and not before."""
    name = f"screens.steps.{step}"
    own = getattr(importlib.import_module(name), "Panel", None) if find_spec(name) else None
    made = (own or StepPanel)(step)
    assert isinstance(made, StepPanel)
    return made
