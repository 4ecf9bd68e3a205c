"""The forecast of a plan, as values: quotas, collisions, protected resources, warnings, and what could not be checked.

The types import without boto3: a screen draws them.
"""

from __future__ import annotations

from typing import Any

import msgspec

from checks.apply.plan.model import Plan
from checks.finding import CheckState, FrozenStruct
from checks.text import plural

ADOPT, DELETE, RENAME, STOP = "adopt", "delete", "rename", "stop"
"""The fixes of a collision: an import block; the cleanup step; another name in the configuration; nothing yet."""
RESTORE = "restore"
"""The fix where the name belongs to something that is only marked as deleted."""


class QuotaNeed(FrozenStruct, frozen=True):
    """What the plan adds to a quota, against its limit and its use."""

    code: str
    service: str
    title: str
    limit: float | None
    used: float | None
    needed: float
    """What the plan adds: creates minus destroys."""
    state: CheckState
    region: str = ""

    @property
    def id(self) -> str:
        """What an override names."""
        return f"quota:{self.code}"

    @property
    def sentence(self) -> str:
        limit = "unknown" if self.limit is None else f"{self.limit:g}"
        used = "unknown" if self.used is None else f"{self.used:g}"
        short = ""
        if self.state is CheckState.BLOCKED and self.limit is not None:
            short = f"; {(self.used or 0) + self.needed - self.limit:g} too few"
        return f"{self.title} ({self.code}): limit {limit}, in use {used}, the plan adds {self.needed:g}{short}"


class Collision(FrozenStruct, frozen=True):
    """A name that the plan will create, and that is taken."""

    address: str
    type: str
    name: str
    existing: str
    """What has the name already, in words."""
    fixes: tuple[str, ...] = msgspec.field(name="ways_out")
    """`ADOPT`, `DELETE`, ...; the key in files and documents is older than the name."""
    import_id: str = ""
    guide: tuple[str, ...] = ()
    location: str = msgspec.field(default="", name="place")
    """Where the name is written: `iam.tf:12`, from the terraform folder."""
    restore: tuple[str, ...] = ()
    """The command that brings back what is only marked as deleted."""

    @property
    def id(self) -> str:
        return f"collision:{self.address}"

    @property
    def sentence(self) -> str:
        return f"{self.address}: {self.type} {self.name} exists already: {self.existing}"

    @property
    def import_block(self) -> str:
        """The block that imports it; empty when it cannot be imported."""
        return render_import_block(self.address, self.import_id) if self.import_id else ""


def render_import_block(address: str, id: str) -> str:
    """The block of the configuration that takes `id` into the state as `address` (terraform 1.5 and later)."""
    quoted = id.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${")
    return f'import {{\n  to = {address}\n  id = "{quoted}"\n}}\n'


class ProtectedResource(FrozenStruct, frozen=True):
    """A resource that the plan destroys but AWS refuses to delete."""

    address: str
    type: str
    name: str
    why: str
    """What blocks it, and what helps."""
    replaced: bool = False
    """It is to be created again afterwards."""
    guide: tuple[str, ...] = ()
    location: str = msgspec.field(default="", name="place")
    """Where to change that: `s3.tf:2`, from the terraform folder."""

    @property
    def id(self) -> str:
        return f"destroy:{self.address}"

    @property
    def sentence(self) -> str:
        what = "destroyed, to be created again" if self.replaced else "destroyed"
        return f"{self.address}: {self.type} {self.name} cannot be {what}: {self.why}"


class NotChecked(FrozenStruct, frozen=True):
    """Something that could not be checked, and why."""

    what: str
    why: str
    address: str = ""
    type: str = ""
    denied: tuple[str, ...] = ()
    """The IAM actions that were missing."""
    failed: bool = False
    """The check failed; else it is something that no check can show."""

    @property
    def sentence(self) -> str:
        return f"{self.address + ': ' if self.address else ''}{self.what}: {self.why}"


class ForecastWarning(FrozenStruct, frozen=True):
    """Something that AWS accepts but that fails, or surprises, later."""

    what: str
    why: str
    address: str = ""
    type: str = ""
    guide: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        return f"{self.address + ': ' if self.address else ''}{self.what}: {self.why}"


class Forecast(FrozenStruct, frozen=True):
    """All that the account says about a plan."""

    quotas: tuple[QuotaNeed, ...] = ()
    collisions: tuple[Collision, ...] = ()
    not_checked: tuple[NotChecked, ...] = msgspec.field(default=(), name="unknown")
    lookup_count: int = msgspec.field(default=0, name="looked")
    """How many names were looked up in the account."""
    seconds: float = 0.0
    warnings: tuple[ForecastWarning, ...] = ()
    protected: tuple[ProtectedResource, ...] = msgspec.field(default=(), name="kept")

    @property
    def insufficient_quotas(self) -> tuple[QuotaNeed, ...]:
        return tuple(one for one in self.quotas if one.state is CheckState.BLOCKED)

    @property
    def blockers(self) -> dict[str, str]:
        """Id to sentence of all that stops an apply unless it is overridden."""
        found: list[QuotaNeed | Collision | ProtectedResource] = [*self.insufficient_quotas, *self.collisions]
        return {one.id: one.sentence for one in [*found, *self.protected]}

    @property
    def blocking_ids(self) -> tuple[str, ...]:
        return tuple(self.blockers)

    @property
    def state(self) -> CheckState:
        if self.blocking_ids:
            return CheckState.BLOCKED
        if self.not_checked:
            return CheckState.UNKNOWN
        return CheckState.WARN if self.warnings else CheckState.OK

    @property
    def sentence(self) -> str:
        failed = sum(one.failed for one in self.not_checked)
        not_known = len(self.not_checked) - failed
        words = []
        for count, noun, problem in (
            (len(self.collisions), "name", "taken"),
            (len(self.insufficient_quotas), "quota", "too small"),
        ):
            if count:
                words.append(f"{plural(count, noun)} {'is' if count == 1 else 'are'} {problem}")
        if self.protected:
            words.append(f"{len(self.protected)} cannot be destroyed")
        if failed:
            words.append(f"{failed} could not be checked")
        if not_known:
            words.append(f"{not_known} cannot be known before the apply")
        if self.warnings:
            words.append(plural(len(self.warnings), "warning"))
        return ", ".join(words) or "nothing is in the way"


class SavedReview(FrozenStruct, frozen=True):
    """The file beside a saved plan (forecast.json). It proves that what is applied is what was reviewed."""

    plan_sha256: str
    created_at: float = msgspec.field(name="made")
    """Seconds since the epoch."""
    folder: str
    """Of the root module."""
    workspace: str
    plan: Plan
    forecast: Forecast
    account: str = ""
    region: str = ""
    serial: int = -1
    """Of the state that it was planned against; -1 when that could not be read."""
    lineage: str = ""


def plan_document(plan: Plan, forecast: Forecast) -> dict[str, Any]:
    """The body of `ecotui.plan/1`."""
    return {
        "changes": [_select(one, "address", "type", "actions") for one in plan.changes],
        "quotas": [
            _select(one, "code", "limit", "used", "needed", "state", "title", "region") for one in forecast.quotas
        ],
        "collisions": [
            _select(one, "address", "type", "name", "existing", "ways_out", "import_id", "guide", "place")
            for one in forecast.collisions
        ],
        "kept": [_select(one, "address", "type", "name", "why", "place") for one in forecast.protected],
        "unknown": [_select(one, "address", "type", "what", "why", "denied") for one in forecast.not_checked],
        "warnings": [_select(one, "address", "type", "what", "why") for one in forecast.warnings],
    }


def _select(value: msgspec.Struct, *keys: str) -> dict[str, Any]:
    """These keys of the JSON form of a struct, those with a default value as well."""
    attributes = {field.encode_name: field.name for field in msgspec.structs.fields(value)}
    return {key: msgspec.to_builtins(getattr(value, attributes[key])) for key in keys}
