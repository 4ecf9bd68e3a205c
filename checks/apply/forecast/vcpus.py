"""The instances that a plan starts and ends: by type, and whether they are spot. Pure.

Instances, groups of them (Auto Scaling, EKS node groups), spot requests and capacity reservations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from checks.apply.plan.configuration import strip_instance_keys
from checks.apply.plan.model import PlannedChange

_EKS_DEFAULT_TYPE = "t3.medium"
"""What an EKS node group takes that names neither types nor a template (EKS API reference, CreateNodegroup)."""


@dataclass(frozen=True)
class InstanceBatch:
    """Instances of one type that start (or end: a negative number) with one resource."""

    address: str
    region: str
    types: tuple[str, ...]
    """Any of them: the largest is counted."""
    count: int
    is_spot: bool = False
    is_credit: bool = False
    """They end during the apply, in no order that can be relied on."""


@dataclass(frozen=True)
class LaunchTemplateRef:
    """A launch template of the account: its instance type has to be looked up."""

    id: str
    name: str
    version: str


@dataclass(frozen=True)
class UnresolvedBatch:
    """Instances whose type is in a launch template of the account."""

    batch: InstanceBatch
    template: LaunchTemplateRef


def instance_batches(
    planned: Iterable[PlannedChange],
) -> tuple[list[InstanceBatch], list[UnresolvedBatch], list[tuple[PlannedChange, str]]]:
    """What starts and ends; what needs its launch template; and what is not known, with the reason."""
    changes = list(planned)
    templates = {
        strip_instance_keys(one.address): one
        for one in changes
        if one.type in ("aws_launch_template", "aws_launch_configuration")
    }
    found: list[InstanceBatch] = []
    pending: list[UnresolvedBatch] = []
    late: list[tuple[PlannedChange, str]] = []
    for one in changes:
        if one.type not in _INSTANCE_COUNTS:
            continue
        now = _INSTANCE_COUNTS[one.type](one.after) if one.creates or one.actions == ("update",) else 0
        before = _INSTANCE_COUNTS[one.type](one.before) if one.destroys or one.actions == ("update",) else 0
        grows = one.creates or one.actions == ("update",)
        if grows and now is None:
            late.append((one, "how many instances it starts is known only after the apply"))
            continue
        was = _instance_types(one.before)
        # A replacement that deletes first frees its own vCPUs; one that creates first needs both.
        if before and was and _is_running(one.before) and one.actions != ("create", "delete"):
            credit = one.actions == ("delete",)
            found.append(InstanceBatch(one.address, one.region, was, -before, _is_spot(one, one.before), credit))
        if not grows or not now:
            continue
        spot = _is_spot(one, one.after)
        types = _instance_types(one.after)
        if types:
            found.append(InstanceBatch(one.address, one.region, types, now, spot))
            continue
        source = _find_planned_template(one, templates)
        if source is not None:
            types, spot = _instance_types(source.after), spot or _is_spot(source, source.after)
            if types:
                found.append(InstanceBatch(one.address, one.region, types, now, spot))
                continue
        template = _launch_template_ref(one.after)
        if template is not None:
            pending.append(UnresolvedBatch(InstanceBatch(one.address, one.region, (), now, spot), template))
        elif one.type == "aws_eks_node_group" and not one.after.get("launch_template"):
            found.append(InstanceBatch(one.address, one.region, (_EKS_DEFAULT_TYPE,), now, spot))
        else:
            late.append((one, "its instance type is known only after the apply"))
    return found, pending, late


def _first_block(value: Any) -> dict[str, Any]:
    """The one block of a list of one: how a plan writes nested blocks."""
    found = value[0] if isinstance(value, list) and value else None
    return found if isinstance(found, dict) else {}


def _to_int(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _group_size(values: Mapping[str, Any]) -> int | None:
    desired = _to_int(values.get("desired_capacity"))
    return _to_int(values.get("min_size")) if desired is None else desired


_INSTANCE_COUNTS: dict[str, Any] = {
    "aws_instance": lambda values: 1,
    "aws_spot_instance_request": lambda values: 1,
    "aws_ec2_capacity_reservation": lambda values: _to_int(values.get("instance_count")),
    "aws_autoscaling_group": _group_size,
    "aws_eks_node_group": lambda values: _to_int(_first_block(values.get("scaling_config")).get("desired_size")),
}
"""How many instances a resource of a type starts."""


def _is_running(values: Mapping[str, Any]) -> bool:
    return values.get("instance_state", "running") in ("running", "pending")


def _instance_types(values: Mapping[str, Any]) -> tuple[str, ...]:
    named = values.get("instance_type")
    if isinstance(named, str) and named:
        return (named,)
    several = values.get("instance_types")
    if isinstance(several, list) and several:
        return tuple(one for one in several if isinstance(one, str))
    overrides = _first_block(_first_block(values.get("mixed_instances_policy")).get("launch_template")).get("override")
    return tuple(
        one["instance_type"]
        for one in overrides or ()
        if isinstance(one, dict) and isinstance(one.get("instance_type"), str) and one["instance_type"]
    )


def _is_spot(change: PlannedChange, values: Mapping[str, Any]) -> bool:
    if change.type == "aws_spot_instance_request" or values.get("capacity_type") == "SPOT" or values.get("spot_price"):
        return True
    if _first_block(values.get("instance_market_options")).get("market_type") == "spot":
        return True
    shares = _first_block(_first_block(values.get("mixed_instances_policy")).get("instances_distribution"))
    return shares.get("on_demand_percentage_above_base_capacity") == 0 and not shares.get("on_demand_base_capacity")


def _find_planned_template(change: PlannedChange, templates: Mapping[str, PlannedChange]) -> PlannedChange | None:
    """The launch template (or configuration) of this very plan that the resource takes."""
    if change.sources is None:
        return None
    for attribute in ("launch_template", "mixed_instances_policy", "launch_configuration"):
        for source in sorted(change.sources(attribute)):
            if source in templates:
                return templates[source]
    return None


def _launch_template_ref(values: Mapping[str, Any]) -> LaunchTemplateRef | None:
    block = _first_block(values.get("launch_template"))
    if not block:
        policy = _first_block(_first_block(values.get("mixed_instances_policy")).get("launch_template"))
        block = _first_block(policy.get("launch_template_specification"))
        block = {**block, "id": block.get("launch_template_id"), "name": block.get("launch_template_name")}
    id_, name = block.get("id"), block.get("name")
    if not (id_ or name):
        return None
    return LaunchTemplateRef(str(id_ or ""), str(name or ""), str(block.get("version") or "$Default"))
