"""Orphaned resources: an interrupted apply began to create them, the state does not know them, the account may have them.

They are found by name, where AWS gives that name only once (the kinds of collisions), or by the tags of the plan, where they
are of EC2. Anything else is reported as unknown.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from checks.apply.durations import parse_resource_type
from checks.apply.forecast.collisions import COLLISION_KINDS
from checks.apply.forecast.collisions.kind import CollisionKind
from checks.apply.plan.attribute_diff import KNOWN_AFTER_APPLY, MASK
from checks.apply.plan.model import ChangeAction, PlannedChange, ResourceChange
from checks.apply.run.stream import ApplyProgress
from checks.apply.run.why.model import CLOCK_TOLERANCE
from checks.aws.errors import aws_error_types
from checks.finding import FrozenStruct
from checks.sanitize import one_line
from checks.text import shorten_list

if TYPE_CHECKING:
    from checks.context import CheckContext


class InterruptedCreation(FrozenStruct, frozen=True):
    """A creation that an apply began, and that the state does not know."""

    address: str
    started_at: float
    """Seconds since the epoch."""
    failed: bool = False
    """terraform reported an error for it; otherwise it was interrupted."""
    id: str = ""
    """The id that terraform reported before it was stopped; empty when it reported none."""
    planned_attributes: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Its attributes as the reviewed plan has them, by path."""

    @property
    def type(self) -> str:
        return parse_resource_type(self.address)


class OrphanCandidate(FrozenStruct, frozen=True):
    """A resource of the account that may be the orphan."""

    id: str
    import_id: str
    description: str = msgspec.field(name="words")
    is_own: bool = msgspec.field(default=True, name="ours")
    """False when it cannot be imported: it belongs to another account, or is marked as deleted."""


class OrphanedResource(FrozenStruct, frozen=True):
    """An interrupted creation, and what was found of it."""

    creation: InterruptedCreation
    candidates: tuple[OrphanCandidate, ...] = ()
    unknown_reason: str = ""
    """Why it is not known whether it exists; empty when it was searched for."""
    denied: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        how = "its creation failed" if self.creation.failed else "its creation was interrupted"
        if self.creation.id:
            how = f"it was created ({self.creation.id}), but not saved in the state"
        if self.unknown_reason:
            return f"{how}; whether it exists is not known: {self.unknown_reason}"
        if not self.candidates:
            return f"{how}; nothing of it is in the account"
        return f"{how}; in the account: {shorten_list([one.description for one in self.candidates], 3)}"


def find_interrupted_creations(
    progress: ApplyProgress, changes: Iterable[ResourceChange], in_state: Collection[str]
) -> tuple[InterruptedCreation, ...]:
    """Creations that the stream shows and the state lacks, oldest first; `in_state` are the addresses of the state."""
    by_address = {one.address: one for one in changes}
    rows = [(one.address, one.started_at, False, "") for one in progress.running_operations if one.action == "create"]
    rows += [(one.address, one.started_at, True, "") for one in progress.failed_operations if one.action == "create"]
    # A terraform that is killed may have created resources that it did not save.
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
            InterruptedCreation(address=address, started_at=started, failed=failed, id=id_, planned_attributes=planned)
        )
    return tuple(found)


class _TagLookup(NamedTuple):
    """How a type of EC2 is found by its tags."""

    operation: str
    result_key: str
    id_field: str
    created_field: str = ""
    """The field with its time, where AWS has one."""
    state_field: str = ""
    filter_parameter: str = "Filters"


_TAG_LOOKUPS = {
    type_: _TagLookup(*fields)
    for type_, fields in {
        "aws_ebs_volume": ("describe_volumes", "Volumes", "VolumeId", "CreateTime", "State"),
        "aws_eip": ("describe_addresses", "Addresses", "AllocationId"),
        "aws_internet_gateway": ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
        "aws_nat_gateway": ("describe_nat_gateways", "NatGateways", "NatGatewayId", "CreateTime", "State", "Filter"),
        "aws_network_interface": (
            "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId", "", "Status",
        ),
        "aws_route_table": ("describe_route_tables", "RouteTables", "RouteTableId"),
        "aws_security_group": ("describe_security_groups", "SecurityGroups", "GroupId"),
        "aws_subnet": ("describe_subnets", "Subnets", "SubnetId", "", "State"),
        "aws_vpc": ("describe_vpcs", "Vpcs", "VpcId", "", "State"),
        "aws_vpc_endpoint": (
            "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", "CreationTimestamp", "State",
        ),
    }.items()
}  # fmt: skip
_DELETED_STATES = frozenset({"deleted", "deleting", "terminated", "shutting-down"})


def find_orphan(context: CheckContext, creation: InterruptedCreation, known_ids: Collection[str]) -> OrphanedResource:
    """Search the account. `known_ids` are those of the state. Never raises for what AWS answers."""
    kind, name = COLLISION_KINDS.get(creation.type), ""
    if kind:
        name = creation.planned_attributes.get(kind.attribute, "")
    denied: tuple[str, ...] = ()
    try:
        candidates, unknown_reason = _search(context, creation, kind, name, known_ids)
    except aws_error_types() as error:
        explained = context.aws.explain(error, kind.action if kind else "")
        candidates, unknown_reason, denied = (), explained.summary, explained.denied
    if creation.id:
        # The id that terraform reported goes before anything that is only similar.
        same = tuple(each for each in candidates if creation.id in (each.id, each.import_id))
        if not same and unknown_reason:
            description = f"{creation.id}, as terraform reported; it was not checked"
            same = (OrphanCandidate(id=creation.id, import_id=creation.id, description=description),)
        return OrphanedResource(creation=creation, candidates=same[:1])
    return OrphanedResource(creation=creation, candidates=candidates, unknown_reason=unknown_reason, denied=denied)


_SearchResult = tuple[tuple[OrphanCandidate, ...], str]
"""Candidates, or why there is no way to find any."""


def _search(
    context: CheckContext,
    creation: InterruptedCreation,
    kind: CollisionKind | None,
    name: str,
    known_ids: Collection[str],
) -> _SearchResult:
    """Raises botocore's errors."""
    lookup = _TAG_LOOKUPS.get(creation.type)
    if creation.type == "aws_instance":
        return _search_instances(context, creation, known_ids), ""
    if lookup and creation.id:
        # `GroupId` is the filter `group-id`, and so on for all of EC2.
        id_filter = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", lookup.id_field).lower()
        return _search_by_filters(context, creation, lookup, known_ids, {id_filter: creation.id})
    if kind and name and (kind.scope is None or kind.scope[0] in creation.planned_attributes):
        return _search_by_name(context, creation, kind, name, known_ids), ""
    if lookup:
        filters = {f"tag:{key}": value for key, value in _planned_tags(creation).items()}
        if creation.type == "aws_security_group" and name:  # in a VPC of the same run: its id is not in the plan
            filters["group-name"] = name
        return _search_by_filters(context, creation, lookup, known_ids, filters)
    if kind:
        missing = kind.scope[0] if kind.scope and name else kind.attribute
        return (), f"its {missing} is not in the reviewed plan of that run"
    return (), f"ecotui has no call that finds a lost {creation.type or 'thing'}"


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
    owner = "" if existing.is_own else ", which belongs to another account"
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
) -> _SearchResult:
    if not filters:
        return (), "the plan gives it no tag by which it could be found"
    api_filters = [{"Name": key, "Values": [value]} for key, value in filters.items()]
    answer = getattr(context.aws.client("ec2"), lookup.operation)(**{lookup.filter_parameter: api_filters})
    found = []
    for item in answer.get(lookup.result_key, ()):
        if item[lookup.id_field] in known_ids or item.get(lookup.state_field) in _DELETED_STATES:
            continue
        created = item.get(lookup.created_field)
        if isinstance(created, datetime) and created.timestamp() < creation.started_at - CLOCK_TOLERANCE:
            continue
        found.append(_make_candidate(item[lookup.id_field], str(item.get(lookup.state_field) or ""), created))
    return tuple(found), ""


def _search_instances(
    context: CheckContext, creation: InterruptedCreation, known_ids: Collection[str]
) -> tuple[OrphanCandidate, ...]:
    """Instances of this run's time, with its tags or, where the plan gives none, of its type."""
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in _planned_tags(creation).items()]
    if creation.id:
        filters = [{"Name": "instance-id", "Values": [creation.id]}]
    if size := creation.planned_attributes.get("instance_type"):
        filters.append({"Name": "instance-type", "Values": [size]})
    words: dict[str, Any] = {"Filters": filters} if filters else {}
    return tuple(
        _make_candidate(item["InstanceId"], item["State"]["Name"], item["LaunchTime"])
        for reservation in context.aws.paginate("ec2", "describe_instances", "Reservations", **words)
        for item in reservation.get("Instances", ())
        if item["InstanceId"] not in known_ids
        and item["State"]["Name"] not in _DELETED_STATES
        and item["LaunchTime"].timestamp() >= creation.started_at - CLOCK_TOLERANCE
    )


def _make_candidate(id_: str, state: str, created: object) -> OrphanCandidate:
    parts = [one_line(state)] if state else []
    if isinstance(created, datetime):
        parts.append(f"created {created.astimezone().strftime('%H:%M:%S')}")
    description = one_line(f"{id_} ({', '.join(parts)})" if parts else id_)
    return OrphanCandidate(id=id_, import_id=id_, description=description)
