"""What runs in terraform, as the question why is asked about it, and what AWS shows of it: the types. No boto3 here."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from checks.apply.durations import TypicalDuration, parse_resource_type
from checks.finding import CheckState, FrozenStruct

CLOCK_TOLERANCE = 90.0
"""Seconds that the clocks of AWS and of this machine may differ, when something is taken for made by this run."""


class RunningResource(FrozenStruct, frozen=True):
    """What is asked about."""

    address: str
    action: str = "create"
    started: float = 0.0
    """Seconds since the epoch."""
    elapsed: float = 0.0
    """Seconds."""
    typical: TypicalDuration | None = None
    note: str = ""
    """What its provisioner said last."""
    planned_attributes: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Its attributes as the reviewed plan has them, by path: `tags.Name`."""
    dependencies: tuple[str, ...] = ()
    """What it was made after, as far as the plan tells (`Plan.after`): addresses without keys."""
    created_ids: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Address to id, of what this run has made."""

    @property
    def type(self) -> str:
        return parse_resource_type(self.address)

    @property
    def name_tag(self) -> str:
        """Its Name tag."""
        return self.planned_attributes.get("tags.Name") or self.planned_attributes.get("tags_all.Name") or ""


class ResourceStatus(FrozenStruct, frozen=True):
    """What AWS shows."""

    state: CheckState
    """ok: it goes on by itself; warn: something may have to be done; blocked: it will not end well."""
    sentence: str
    facts: tuple[tuple[str, str], ...] = ()
    guide: tuple[str, ...] = ()
