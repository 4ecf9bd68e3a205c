"""Nodes against expectation: which group a node belongs to, which instance it runs on, what is missing. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from fnmatch import translate

from checks.finding import Value
from checks.nodes.model import GroupRow, NodeRow
from checks.sanitize import one_line
from checks.tools.kubectl import Condition, Node
from config.model import NodeGroup

PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
"""Conditions that are bad when they are True, and do not show in `kubectl get nodes`."""
ALIVE = frozenset({"pending", "running"})


class Instance(Value, frozen=True):
    """An EC2 instance whose Name tag belongs to a group."""

    id: str
    name: str
    state: str
    type: str = ""
    private_ip: str = ""
    public_ip: str = ""
    launched: float | None = None
    """Seconds since the epoch."""


class Groups:
    """Finds the group of a name; the first pattern that matches wins."""

    def __init__(self, groups: Sequence[NodeGroup]) -> None:
        self._patterns = [(group.name, re.compile(translate(group.pattern))) for group in groups]

    def of(self, *names: str) -> str:
        """The group of the first name that has one; empty when none has."""
        for name in names:
            for group, pattern in self._patterns:
                if name and pattern.match(name):
                    return group
        return ""


def rows(
    groups: Sequence[NodeGroup], nodes: Iterable[Node], instances: Sequence[Instance] | None, now: float
) -> tuple[NodeRow, ...]:
    """Every node, then every instance alive that has not joined; what is not Ready first.

    `instances` is None when EC2 could not be asked. `now` is in seconds since the epoch.
    """
    known = Groups(groups)
    place = {group.name: number for number, group in enumerate(groups)}
    by_id = {one.id: one for one in instances or ()}
    by_name = {one.name: one for one in instances or () if one.state in ALIVE}
    by_ip = {one.private_ip: one for one in instances or () if one.private_ip and one.state in ALIVE}
    joined: set[str] = set()
    found: list[NodeRow] = []
    for node in nodes:
        name = plain(node.metadata.name)
        provider = plain(node.spec.providerID or "").rpartition("/")[2]
        addresses = {one.type: plain(one.address) for one in node.status.addresses or ()}
        ip = addresses.get("InternalIP", "")
        instance = by_id.get(provider) if provider else by_name.get(name) or by_ip.get(ip)
        if instance:
            joined.add(instance.id)
        info = node.status.nodeInfo
        ready, trouble, message = _health(node.status.conditions or ())
        found.append(
            NodeRow(
                name=name,
                group=known.of(name, instance.name if instance else ""),
                joined=True,
                ready=ready,
                schedulable=not node.spec.unschedulable,
                conditions=trouble,
                message=message,
                instance_id=provider or (instance.id if instance else ""),
                instance_state=_state(instance, provider, instances),
                type=instance.type if instance else "",
                version=plain(info.kubeletVersion) if info else "",
                age=_age(node.metadata.creationTimestamp, now),
                internal_ip=ip or (instance.private_ip if instance else ""),
                public_ip=addresses.get("ExternalIP", "") or (instance.public_ip if instance else ""),
                user=_user(plain(info.osImage) if info else ""),
            )
        )
    for one in instances or ():
        if one.id not in joined and one.state in ALIVE:
            found.append(
                NodeRow(
                    name=one.name,
                    group=known.of(one.name),
                    joined=False,
                    ready=False,
                    instance_id=one.id,
                    instance_state=one.state,
                    type=one.type,
                    age=None if one.launched is None else max(0.0, now - one.launched),
                    internal_ip=one.private_ip,
                    public_ip=one.public_ip,
                    user=_user(""),
                )
            )
    return tuple(
        sorted(found, key=lambda row: (row.ready, place.get(row.group, len(place)), natural(row.name)))
    )


def grouped(groups: Sequence[NodeGroup], found: Iterable[NodeRow], *, ec2: bool) -> tuple[GroupRow, ...]:
    """The rows counted by group, in the order of the settings."""
    joined = dict.fromkeys((group.name for group in groups), 0)
    ready, running = dict(joined), dict(joined)
    for row in found:
        if row.group not in joined:
            continue
        joined[row.group] += row.joined
        ready[row.group] += row.ready
        running[row.group] += row.instance_state == "running"
    return tuple(
        GroupRow(
            name=group.name,
            expected=group.count,
            joined=joined[group.name],
            ready=ready[group.name],
            running=running[group.name] if ec2 else None,
            type=group.instance_type,
        )
        for group in groups
    )


def plain(text: str) -> str:
    """`one_line` with a quick way for the names of 5,000 nodes, which are as they should be."""
    return text if text.isascii() and text.isprintable() and len(text) <= 300 else one_line(text)


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts node-9 before node-10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]{1,18})", name)]


def _health(conditions: Sequence[Condition]) -> tuple[bool, tuple[str, ...], str]:
    """Ready or not, what is wrong, and the kubelet's words. A condition that is not there is not a good one."""
    ready, message = False, ""
    trouble: list[str] = []
    seen_ready = False
    for one in conditions:
        kind, status, reason = plain(one.type), plain(one.status), plain(one.reason or "")
        if kind == "Ready":
            seen_ready, ready = True, status == "True"
            if not ready:
                trouble.insert(0, f"Ready={status}{f' ({reason})' if reason else ''}")
                message = plain(one.message or "")
        elif kind in PRESSURES and status == "True":
            trouble.append(kind)
    if not seen_ready:
        trouble.insert(0, "no Ready condition yet")
    return ready, tuple(trouble), message


def _state(instance: Instance | None, provider: str, instances: Sequence[Instance] | None) -> str:
    if instance:
        return instance.state
    # Only instances of this cluster's names were asked for: a node of no group may run on any other.
    return "gone" if instances is not None and provider.startswith("i-") else ""


def _age(created: str | None, now: float) -> float | None:
    if not created:
        return None
    try:
        return max(0.0, now - datetime.fromisoformat(created).timestamp())
    except ValueError:
        return None


def _user(image: str) -> str:
    """The login of the usual images; ubuntu where the image is not known."""
    for word, user in (("Amazon Linux", "ec2-user"), ("Debian", "admin"), ("Red Hat", "ec2-user")):
        if word in image:
            return user
    return "ubuntu"
