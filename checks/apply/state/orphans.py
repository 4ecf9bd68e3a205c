"""What a run began to create and the state does not know, made or not: looked for in the account.

Two ways to find it: by its name, where AWS gives that name only once (the kinds of the forecast), and by the tags
that the plan gives it, where it is of EC2. What has neither is said to be unknowable; nothing is passed in silence.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from checks.apply.durations import parse_resource_type
from checks.apply.plan.attribute_diff import KNOWN_AFTER_APPLY, MASK
from checks.apply.plan.model import ChangeAction, PlannedChange, ResourceChange
from checks.apply.run.stream import ApplyProgress
from checks.apply.run.why.model import CLOCK_TOLERANCE
from checks.finding import FrozenStruct
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.apply.forecast.collisions.kind import CollisionKind
    from checks.context import CheckContext


class InterruptedCreation(FrozenStruct, frozen=True):
    """A creation that was begun."""

    address: str
    started: float
    """Seconds since the epoch."""
    failed: bool = False
    """terraform reported an error for it; otherwise it was cut off."""
    id: str = ""
    """What terraform reported as made, before it was stopped in front of saving that; empty when it reported nothing."""
    planned_attributes: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Its attributes as the reviewed plan has them, by path."""

    @property
    def type(self) -> str:
        return parse_resource_type(self.address)


class OrphanCandidate(FrozenStruct, frozen=True):
    """What may be it, in the account."""

    id: str
    import_id: str
    description: str = msgspec.field(name="words")
    is_own: bool = msgspec.field(default=True, name="ours")
    """False when it cannot be adopted: it belongs to another account, or is marked as deleted."""


class OrphanedResource(FrozenStruct, frozen=True):
    """An unfinished creation, and what was found of it."""

    creation: InterruptedCreation
    candidates: tuple[OrphanCandidate, ...] = ()
    unknown_reason: str = ""
    """Why nothing can be said; empty when it was looked for."""
    denied: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        how = "its creation failed" if self.creation.failed else "its creation was cut off"
        if self.creation.id:
            how = f"it was made ({self.creation.id}), but not saved in the state"
        if self.unknown_reason:
            return f"{how}; whether it exists is not known: {self.unknown_reason}"
        if not self.candidates:
            return f"{how}; nothing of it is in the account"
        found = "; ".join(one.description for one in self.candidates[:3])
        more = f"; and {len(self.candidates) - 3} more" if len(self.candidates) > 3 else ""
        return f"its creation {how}; in the account: {found}{more}"


def find_interrupted_creations(
    progress: ApplyProgress, changes: Iterable[ResourceChange], in_state: Collection[str]
) -> tuple[InterruptedCreation, ...]:
    """What the stream leaves open, in the order in which it began; `in_state` are the addresses of the state now."""
    by_address = {one.address: one for one in changes}
    rows = [(one.address, one.started_at, False, "") for one in progress.running_operations if one.action == "create"]
    rows += [(one.address, one.started_at, True, "") for one in progress.failed_operations if one.action == "create"]
    # A terraform that is killed may have made things that it did not come to save.
    rows += [
        (one.address, one.started_at, False, one.id) for one in progress.finished_operations if one.action == "create"
    ]
    found = []
    for address, started, failed, id_ in sorted(rows, key=lambda row: row[1]):
        if address in in_state:
            continue
        change = by_address.get(address)
        planned = {
            one.path: one.after
            for one in (change.attributes if change else ())
            if one.after and one.after not in (KNOWN_AFTER_APPLY, MASK)
        }
        found.append(
            InterruptedCreation(address=address, started=started, failed=failed, id=id_, planned_attributes=planned)
        )
    return tuple(found)


@dataclass(frozen=True)
class _TagLookup:
    """How a type of EC2 is found by its tags."""

    operation: str
    result_key: str
    id_field: str
    created_field: str = ""
    """The field with its time, where AWS tells it."""
    state_field: str = ""
    filter_parameter: str = "Filters"


_TAG_LOOKUPS = {
    "aws_ebs_volume": _TagLookup("describe_volumes", "Volumes", "VolumeId", "CreateTime", "State"),
    "aws_eip": _TagLookup("describe_addresses", "Addresses", "AllocationId"),
    "aws_internet_gateway": _TagLookup("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "aws_nat_gateway": _TagLookup(
        "describe_nat_gateways", "NatGateways", "NatGatewayId", "CreateTime", "State", "Filter"
    ),
    "aws_network_interface": _TagLookup(
        "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId", "", "Status"
    ),
    "aws_route_table": _TagLookup("describe_route_tables", "RouteTables", "RouteTableId"),
    "aws_security_group": _TagLookup("describe_security_groups", "SecurityGroups", "GroupId"),
    "aws_subnet": _TagLookup("describe_subnets", "Subnets", "SubnetId", "", "State"),
    "aws_vpc": _TagLookup("describe_vpcs", "Vpcs", "VpcId", "", "State"),
    "aws_vpc_endpoint": _TagLookup(
        "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", "CreationTimestamp", "State"
    ),
}
_DELETED_STATES = frozenset({"deleted", "deleting", "terminated", "shutting-down"})


def find_orphan(context: CheckContext, creation: InterruptedCreation, known_ids: Collection[str]) -> OrphanedResource:
    """Look for it. `known`: ids that the state accounts for. Never raises for what AWS answers."""
    found = _search(context, creation, known_ids)
    if not creation.id:
        return found
    # What terraform itself named goes before anything that only looks like it.
    same = tuple(each for each in found.candidates if creation.id in (each.id, each.import_id))
    if same:
        return msgspec.structs.replace(found, candidates=same[:1])
    if not found.unknown_reason:
        return msgspec.structs.replace(found, candidates=())
    told = OrphanCandidate(
        id=creation.id, import_id=creation.id, description=f"{creation.id}, as terraform said; it was not looked at"
    )
    return OrphanedResource(creation=creation, candidates=(told,))


def _search(context: CheckContext, creation: InterruptedCreation, known_ids: Collection[str]) -> OrphanedResource:
    from checks.apply.forecast.collisions import COLLISION_KINDS
    from checks.aws.errors import aws_error_types

    kind = COLLISION_KINDS.get(creation.type)
    tagged = _TAG_LOOKUPS.get(creation.type)
    name = creation.planned_attributes.get(kind.attribute, "") if kind else ""
    try:
        if creation.type == "aws_instance":
            return OrphanedResource(creation=creation, candidates=_search_instances(context, creation, known_ids))
        if tagged and creation.id:
            # `GroupId` is the filter `group-id`, and so on for all of EC2.
            by_id = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", tagged.id_field).lower()
            return _search_by_filters(context, creation, tagged, known_ids, {by_id: creation.id})
        if kind and name and (kind.scope is None or kind.scope[0] in creation.planned_attributes):
            return OrphanedResource(
                creation=creation, candidates=_search_by_name(context, creation, kind, name, known_ids)
            )
        if tagged:
            filters = {f"tag:{key}": value for key, value in _planned_tags(creation).items()}
            if creation.type == "aws_security_group" and name:  # in a VPC that this run made: its id is not in the plan
                filters["group-name"] = name
            return _search_by_filters(context, creation, tagged, known_ids, filters)
    except aws_error_types() as error:
        trouble = context.aws.explain(error, kind.action if kind else "")
        return OrphanedResource(creation=creation, unknown_reason=trouble.summary, denied=trouble.denied)
    if kind:
        missing = kind.scope[0] if kind.scope and name else kind.attribute
        return OrphanedResource(
            creation=creation, unknown_reason=f"its {missing} is not in the reviewed plan of that run"
        )
    return OrphanedResource(
        creation=creation, unknown_reason=f"ecotui has no call that finds a lost {creation.type or 'thing'}"
    )


def _search_by_name(
    context: CheckContext, creation: InterruptedCreation, kind: CollisionKind, name: str, known_ids: Collection[str]
) -> tuple[OrphanCandidate, ...]:
    top = {path: value for path, value in creation.planned_attributes.items() if "." not in path and "[" not in path}
    planned = PlannedChange(
        address=creation.address,
        type=creation.type,
        action=ChangeAction.CREATE,
        actions=("create",),
        before={},
        after=top,
        unknown={},
    )
    existing = kind.find_existing(kind.query(context.aws, planned, name))
    if existing is None or existing.id in known_ids:
        return ()
    owner = "" if existing.is_own else ", which belongs to somebody else"
    return (
        OrphanCandidate(
            id=existing.id,
            import_id=existing.import_id,
            description=one_line(f"{existing.name or name} ({existing.id}){owner}"),
            is_own=existing.is_own and bool(existing.import_id) and not existing.restore,
        ),
    )


def _planned_tags(creation: InterruptedCreation) -> dict[str, str]:
    """The tags that the plan gives it."""
    for prefix in ("tags_all.", "tags."):
        found = {
            path.removeprefix(prefix): value
            for path, value in creation.planned_attributes.items()
            if path.startswith(prefix) and value
        }
        if found:
            return found
    return {}


def _search_by_filters(
    context: CheckContext,
    creation: InterruptedCreation,
    lookup: _TagLookup,
    known_ids: Collection[str],
    filters: Mapping[str, str],
) -> OrphanedResource:
    if not filters:
        return OrphanedResource(creation=creation, unknown_reason="the plan gives it no tag by which it could be found")
    asked: dict[str, Any] = {
        lookup.filter_parameter: [{"Name": key, "Values": [value]} for key, value in filters.items()]
    }
    answer = getattr(context.aws.client("ec2"), lookup.operation)(**asked)
    found = []
    for item in answer.get(lookup.result_key, ()):
        if item[lookup.id_field] in known_ids or item.get(lookup.state_field) in _DELETED_STATES:
            continue
        when = item.get(lookup.created_field)
        if isinstance(when, datetime) and when.timestamp() < creation.started - CLOCK_TOLERANCE:
            continue
        found.append(_make_candidate(item[lookup.id_field], str(item.get(lookup.state_field) or ""), when))
    return OrphanedResource(creation=creation, candidates=tuple(found))


def _search_instances(
    context: CheckContext, creation: InterruptedCreation, known_ids: Collection[str]
) -> tuple[OrphanCandidate, ...]:
    """Instances of this run's time, with its tags or, where the plan gives none, of its type."""
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in _planned_tags(creation).items()]
    if creation.id:
        filters = [{"Name": "instance-id", "Values": [creation.id]}]
    if size := creation.planned_attributes.get("instance_type"):
        filters.append({"Name": "instance-type", "Values": [size]})
    asked: dict[str, Any] = {"Filters": filters} if filters else {}
    return tuple(
        _make_candidate(item["InstanceId"], item["State"]["Name"], item["LaunchTime"])
        for reservation in context.aws.paginate("ec2", "describe_instances", "Reservations", **asked)
        for item in reservation.get("Instances", ())
        if item["InstanceId"] not in known_ids
        and item["State"]["Name"] not in _DELETED_STATES
        and item["LaunchTime"].timestamp() >= creation.started - CLOCK_TOLERANCE
    )


def _make_candidate(id_: str, state: str, created: object) -> OrphanCandidate:
    told = [one_line(state)] if state else []
    if isinstance(created, datetime):
        told.append(f"made {created.astimezone().strftime('%H:%M:%S')}")
    return OrphanCandidate(id=id_, import_id=id_, description=one_line(f"{id_} ({', '.join(told)})" if told else id_))
