"""The apply step: terraform's folder, its state, the plan with its forecast, and the run that is followed live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.apply.model import ApplyDetail

if TYPE_CHECKING:
    from checks.context import World
    from checks.finding import Report

__all__ = ["ApplyDetail", "look"]


def look(world: World) -> Report:
    """Look at the configuration, the state, and what is left to apply. Starts the provider once at most."""
    from checks.apply.check import look as stand

    return stand(world)
