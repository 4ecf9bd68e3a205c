"""The resource that `ecotui why` checks, and the status that AWS shows of it. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from checks.apply.durations import TypicalDuration, parse_resource_type
from checks.finding import CheckState, FrozenStruct

CLOCK_TOLERANCE = 90.0
"""Seconds that the clocks of AWS and this machine may differ. What is older was not created by this run."""


class RunningResource(FrozenStruct, frozen=True):
    """A resource that terraform works on."""

    address: str
    action: str = "create"
    started_at: float = 0.0
    """Seconds since the epoch."""
    elapsed: float = 0.0
    """Seconds."""
    typical: TypicalDuration | None = None
    note: str = ""
    """The last line of its provisioner."""
    planned_attributes: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Its attributes as the reviewed plan has them, by path: `tags.Name`."""
    dependencies: tuple[str, ...] = ()
    """Resources that it waits for, as far as the plan shows (`Plan.dependencies`): addresses without keys."""
    created_ids: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Address to id, of what this run has created."""

    @property
    def type(self) -> str:
        return parse_resource_type(self.address)

    @property
    def name_tag(self) -> str:
        return self.planned_attributes.get("tags.Name") or self.planned_attributes.get("tags_all.Name") or ""


class ResourceStatus(FrozenStruct, frozen=True):
    """What AWS shows."""

    state: CheckState
    """ok: it goes on by itself; warn: something may have to be done; blocked: it will fail."""
    sentence: str
    facts: tuple[tuple[str, str], ...] = ()
    guide: tuple[str, ...] = ()
