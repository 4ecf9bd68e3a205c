"""Panels of the steps, and the screens that are opened from them."""

from __future__ import annotations

import importlib

from screens.steps.panel import StepPanel

_PANELS = {
    "quota": "QuotaPanel",
    "cleanup": "CleanupPanel",
    "apply": "ApplyPanel",
    "cloudfront": "CloudFrontPanel",
    "nodes": "NodesPanel",
}
"""Steps with a panel of their own, in the module that is named after the step. Others have the plain one."""


def create_panel(step: str) -> StepPanel:
    """Make the panel of a step. Its module is imported now, and not before."""
    if step not in _PANELS:
        return StepPanel(step)
    panel = getattr(importlib.import_module(f"screens.steps.{step}"), _PANELS[step])(step)
    assert isinstance(panel, StepPanel)
    return panel
