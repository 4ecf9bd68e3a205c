"""Cleanup: what an earlier deployment left behind, whose it is, and how it goes.

Nothing is imported here that is not needed: screens take `CleanupDetail` from this package and must not pull in boto3.
"""

from __future__ import annotations

from checks.cleanup.model import CleanupDetail, ItemState, Leftover, Ownership, Progress
from checks.context import World
from checks.finding import Report

__all__ = ["CleanupDetail", "ItemState", "Leftover", "Ownership", "Progress", "look"]


def look(world: World) -> Report:
    """Every leftover that the settings' selectors find, with proof of ownership. Read-only."""
    from checks.cleanup.check import look as looking

    return looking(world)
