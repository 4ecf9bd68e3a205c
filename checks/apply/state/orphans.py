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

from checks.apply.plan.attribute_diff import LATER, MASK
from checks.apply.plan.model import Action, Change, Planned
from checks.apply.run.durations import type_of
from checks.apply.run.stream import ApplyProgress
from checks.apply.run.why.model import SLACK
from checks.finding import Value
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.apply.forecast.collisions.collision import Kind
    from checks.context import World


class Unfinished(Value, frozen=True):
    """A creation that was begun."""

    address: str
    started: float
    """Seconds since the epoch."""
    failed: bool = False
    """terraform reported an error for it; otherwise it was cut off."""
    id: str = ""
    """What terraform reported as made, before it was stopped in front of saving that; empty when it reported nothing."""
    planned: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Its attributes as the reviewed plan has them, by path."""

    @property
    def type(self) -> str:
        return type_of(self.address)


class Candidate(Value, frozen=True):
    """What may be it, in the account."""

    id: str
    import_id: str
    words: str
    ours: bool = True
    """False when it cannot be adopted: it belongs to another account, or is marked as deleted."""


class Orphan(Value, frozen=True):
    """An unfinished creation, and what was found of it."""

    unfinished: Unfinished
    candidates: tuple[Candidate, ...] = ()
    unknown: str = ""
    """Why nothing can be said; empty when it was looked for."""
    denied: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        how = "its creation failed" if self.unfinished.failed else "its creation was cut off"
        if self.unfinished.id:
            how = f"it was made ({self.unfinished.id}), but not saved in the state"
        if self.unknown:
            return f"{how}; whether it exists is not known: {self.unknown}"
        if not self.candidates:
            return f"{how}; nothing of it is in the account"
        found = "; ".join(one.words for one in self.candidates[:3])
        more = f"; and {len(self.candidates) - 3} more" if len(self.candidates) > 3 else ""
        return f"its creation {how}; in the account: {found}{more}"


def unfinished(
    progress: ApplyProgress, changes: Iterable[Change], in_state: Collection[str]
) -> tuple[Unfinished, ...]:
    """What the stream leaves open, in the order in which it began; `in_state` are the addresses of the state now."""
    by_address = {one.address: one for one in changes}
    rows = [(one.address, one.started, False, "") for one in progress.running if one.action == "create"]
    rows += [(one.address, one.started, True, "") for one in progress.broken if one.action == "create"]
    # A terraform that is killed may have made things that it did not come to save.
    rows += [(one.address, one.started, False, one.id) for one in progress.finished if one.action == "create"]
    found = []
    for address, started, failed, id_ in sorted(rows, key=lambda row: row[1]):
        if address in in_state:
            continue
        change = by_address.get(address)
        planned = {
            one.path: one.after
            for one in (change.attributes if change else ())
            if one.after and one.after not in (LATER, MASK)
        }
        found.append(Unfinished(address=address, started=started, failed=failed, id=id_, planned=planned))
    return tuple(found)


@dataclass(frozen=True)
class _Tagged:
    """How a type of EC2 is found by its tags."""

    operation: str
    key: str
    id: str
    created: str = ""
    """The field with its time, where AWS tells it."""
    state: str = ""
    filters: str = "Filters"


_TAGGED = {
    "aws_ebs_volume": _Tagged("describe_volumes", "Volumes", "VolumeId", "CreateTime", "State"),
    "aws_eip": _Tagged("describe_addresses", "Addresses", "AllocationId"),
    "aws_internet_gateway": _Tagged("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "aws_nat_gateway": _Tagged(
        "describe_nat_gateways", "NatGateways", "NatGatewayId", "CreateTime", "State", "Filter"
    ),
    "aws_network_interface": _Tagged(
        "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId", "", "Status"
    ),
    "aws_route_table": _Tagged("describe_route_tables", "RouteTables", "RouteTableId"),
    "aws_security_group": _Tagged("describe_security_groups", "SecurityGroups", "GroupId"),
    "aws_subnet": _Tagged("describe_subnets", "Subnets", "SubnetId", "", "State"),
    "aws_vpc": _Tagged("describe_vpcs", "Vpcs", "VpcId", "", "State"),
    "aws_vpc_endpoint": _Tagged(
        "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", "CreationTimestamp", "State"
    ),
}
_GONE = frozenset({"deleted", "deleting", "terminated", "shutting-down"})


def seek(world: World, one: Unfinished, known: Collection[str]) -> Orphan:
    """Look for it. `known`: ids that the state accounts for. Never raises for what AWS answers."""
    found = _seek(world, one, known)
    if not one.id:
        return found
    # What terraform itself named goes before anything that only looks like it.
    same = tuple(each for each in found.candidates if one.id in (each.id, each.import_id))
    if same:
        return msgspec.structs.replace(found, candidates=same[:1])
    if not found.unknown:
        return msgspec.structs.replace(found, candidates=())
    told = Candidate(id=one.id, import_id=one.id, words=f"{one.id}, as terraform said; it was not looked at")
    return Orphan(unfinished=one, candidates=(told,))


def _seek(world: World, one: Unfinished, known: Collection[str]) -> Orphan:
    from checks.apply.forecast.collisions import all_kinds
    from checks.aws.errors import errors

    kind = all_kinds().get(one.type)
    tagged = _TAGGED.get(one.type)
    name = one.planned.get(kind.attribute, "") if kind else ""
    try:
        if one.type == "aws_instance":
            return Orphan(unfinished=one, candidates=_instances(world, one, known))
        if tagged and one.id:
            # `GroupId` is the filter `group-id`, and so on for all of EC2.
            by_id = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", tagged.id).lower()
            return _by_filters(world, one, tagged, known, {by_id: one.id})
        if kind and name and (kind.within is None or kind.within[0] in one.planned):
            return Orphan(unfinished=one, candidates=_named(world, one, kind, name, known))
        if tagged:
            filters = {f"tag:{key}": value for key, value in _tags(one).items()}
            if (
                one.type == "aws_security_group" and name
            ):  # in a VPC that this run made: its id is not in the plan
                filters["group-name"] = name
            return _by_filters(world, one, tagged, known, filters)
    except errors() as error:
        trouble = world.aws.explain(error, kind.action if kind else "")
        return Orphan(unfinished=one, unknown=trouble.summary, denied=trouble.denied)
    if kind:
        missing = kind.within[0] if kind.within and name else kind.attribute
        return Orphan(unfinished=one, unknown=f"its {missing} is not in the reviewed plan of that run")
    return Orphan(unfinished=one, unknown=f"ecotui has no call that finds a lost {one.type or 'thing'}")


def _named(
    world: World, one: Unfinished, kind: Kind, name: str, known: Collection[str]
) -> tuple[Candidate, ...]:
    from checks.apply.forecast.collisions.collision import Question

    top = {path: value for path, value in one.planned.items() if "." not in path and "[" not in path}
    planned = Planned(
        address=one.address,
        type=one.type,
        action=Action.CREATE,
        actions=("create",),
        before={},
        after=top,
        unknown={},
    )
    existing = kind.find(Question(aws=world.aws, planned=planned, name=name))
    if existing is None or existing.id in known:
        return ()
    owner = "" if existing.ours else ", which belongs to somebody else"
    return (
        Candidate(
            id=existing.id,
            import_id=existing.import_id,
            words=one_line(f"{existing.name or name} ({existing.id}){owner}"),
            ours=existing.ours and bool(existing.import_id) and not existing.restore,
        ),
    )


def _tags(one: Unfinished) -> dict[str, str]:
    """The tags that the plan gives it."""
    for prefix in ("tags_all.", "tags."):
        found = {
            path.removeprefix(prefix): value
            for path, value in one.planned.items()
            if path.startswith(prefix) and value
        }
        if found:
            return found
    return {}


def _by_filters(
    world: World, one: Unfinished, how: _Tagged, known: Collection[str], filters: Mapping[str, str]
) -> Orphan:
    if not filters:
        return Orphan(unfinished=one, unknown="the plan gives it no tag by which it could be found")
    asked: dict[str, Any] = {
        how.filters: [{"Name": key, "Values": [value]} for key, value in filters.items()]
    }
    answer = getattr(world.aws.client("ec2"), how.operation)(**asked)
    found = []
    for item in answer.get(how.key, ()):
        if item[how.id] in known or item.get(how.state) in _GONE:
            continue
        when = item.get(how.created)
        if isinstance(when, datetime) and when.timestamp() < one.started - SLACK:
            continue
        found.append(_candidate(item[how.id], str(item.get(how.state) or ""), when))
    return Orphan(unfinished=one, candidates=tuple(found))


def _instances(world: World, one: Unfinished, known: Collection[str]) -> tuple[Candidate, ...]:
    """Instances of this run's time, with its tags or, where the plan gives none, of its type."""
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in _tags(one).items()]
    if one.id:
        filters = [{"Name": "instance-id", "Values": [one.id]}]
    if size := one.planned.get("instance_type"):
        filters.append({"Name": "instance-type", "Values": [size]})
    asked: dict[str, Any] = {"Filters": filters} if filters else {}
    return tuple(
        _candidate(item["InstanceId"], item["State"]["Name"], item["LaunchTime"])
        for reservation in world.aws.paginate("ec2", "describe_instances", "Reservations", **asked)
        for item in reservation.get("Instances", ())
        if item["InstanceId"] not in known
        and item["State"]["Name"] not in _GONE
        and item["LaunchTime"].timestamp() >= one.started - SLACK
    )


def _candidate(id_: str, state: str, when: object) -> Candidate:
    told = [one_line(state)] if state else []
    if isinstance(when, datetime):
        told.append(f"made {when.astimezone().strftime('%H:%M:%S')}")
    return Candidate(id=id_, import_id=id_, words=one_line(f"{id_} ({', '.join(told)})" if told else id_))
