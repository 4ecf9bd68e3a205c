"""Nodes and EC2 instances matched with the groups of the settings: the rows of the nodes table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from fnmatch import translate
from typing import Any

from checks.context import CheckContext
from checks.finding import FrozenStruct
from checks.nodes.model import NodeGroupRow, NodeRow
from checks.sanitize import one_line
from checks.text import natural_sort_key
from checks.tools.kubectl import KubernetesCondition, Node
from config.model import NodeGroupSettings

PRESSURE_CONDITIONS = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
"""Conditions that are bad when they are True, and do not show in `kubectl get nodes`."""
ACTIVE_INSTANCE_STATES = frozenset({"pending", "running"})
DESCRIBE_INSTANCES_ACTION = "ec2:DescribeInstances"


class NodeInstance(FrozenStruct, frozen=True):
    """An EC2 instance whose Name tag belongs to a group."""

    id: str
    name: str
    state: str
    type: str = ""
    private_ip: str = ""
    public_ip: str = ""
    launched_at: float | None = None
    """Seconds since the epoch."""


class GroupMatcher:
    """Finds the group of a name; the first pattern that matches wins."""

    def __init__(self, groups: Sequence[NodeGroupSettings]) -> None:
        self._patterns = [(group.name, re.compile(translate(group.pattern))) for group in groups]

    def find_group(self, *names: str) -> str:
        """The group of the first name that has one; empty when none has."""
        for name in names:
            for group, pattern in self._patterns:
                if name and pattern.match(name):
                    return group
        return ""


def fetch_node_instances(context: CheckContext) -> list[NodeInstance]:
    """Instances whose Name tag matches a group, without terminated ones. Raises botocore's errors."""
    groups = context.settings.nodes.groups
    filters = [
        {
            "Name": "instance-state-name",
            "Values": ["pending", "running", "stopping", "stopped", "shutting-down"],
        }
    ]
    # EC2 knows * and ? in a filter, and at most 200 values; what else a shell pattern has, is matched here.
    patterns = [group.pattern for group in groups]
    if len(patterns) <= 200 and not any("[" in pattern for pattern in patterns):
        filters.append({"Name": "tag:Name", "Values": patterns})
    matcher = GroupMatcher(groups)
    found = []
    for reservation in context.aws.paginate("ec2", "describe_instances", "Reservations", Filters=filters):
        for raw in reservation.get("Instances", ()):
            one = _parse_instance(raw)
            if matcher.find_group(one.name):
                found.append(one)
    return found


def _parse_instance(raw: dict[str, Any]) -> NodeInstance:
    launched = raw.get("LaunchTime")
    name = next((tag.get("Value", "") for tag in raw.get("Tags", ()) if tag.get("Key") == "Name"), "")
    return NodeInstance(
        id=str(raw.get("InstanceId", "")),
        name=one_line(str(name)),
        state=str(raw.get("State", {}).get("Name", "")),
        type=str(raw.get("InstanceType", "")),
        private_ip=str(raw.get("PrivateIpAddress", "") or ""),
        public_ip=str(raw.get("PublicIpAddress", "") or ""),
        launched_at=launched.timestamp() if launched is not None else None,
    )


def _build_missing_row(instance: NodeInstance, matcher: GroupMatcher, now: float) -> NodeRow:
    """The row of a running instance that has not joined."""
    return NodeRow(
        name=instance.name,
        group=matcher.find_group(instance.name),
        joined=False,
        ready=False,
        instance_id=instance.id,
        instance_state=instance.state,
        type=instance.type,
        age=None if instance.launched_at is None else max(0.0, now - instance.launched_at),
        internal_ip=instance.private_ip,
        public_ip=instance.public_ip,
        user=_login_user(""),
    )


def build_node_rows(
    groups: Sequence[NodeGroupSettings], nodes: Iterable[Node], instances: Sequence[NodeInstance] | None, now: float
) -> tuple[NodeRow, ...]:
    """One row a node, and one for each running instance that has not joined. Those that are not Ready come first.

    `instances` is None when EC2 could not be asked. `now` is in seconds since the epoch.
    """
    matcher = GroupMatcher(groups)
    group_order = {group.name: number for number, group in enumerate(groups)}
    by_id = {one.id: one for one in instances or ()}
    by_name = {one.name: one for one in instances or () if one.state in ACTIVE_INSTANCE_STATES}
    by_ip = {one.private_ip: one for one in instances or () if one.private_ip and one.state in ACTIVE_INSTANCE_STATES}
    joined: set[str] = set()
    rows: list[NodeRow] = []
    for node in nodes:
        name = fast_one_line(node.metadata.name)
        provider = fast_one_line(node.spec.providerID or "").rpartition("/")[2]
        addresses = {one.type: fast_one_line(one.address) for one in node.status.addresses or ()}
        ip = addresses.get("InternalIP", "")
        instance = by_id.get(provider) if provider else by_name.get(name) or by_ip.get(ip)
        if instance:
            joined.add(instance.id)
        info = node.status.nodeInfo
        ready, problems, message = _parse_conditions(node.status.conditions or ())
        rows.append(
            NodeRow(
                name=name,
                group=matcher.find_group(name, instance.name if instance else ""),
                joined=True,
                ready=ready,
                schedulable=not node.spec.unschedulable,
                conditions=problems,
                message=message,
                instance_id=provider or (instance.id if instance else ""),
                instance_state=_instance_state(instance, provider, instances),
                type=instance.type if instance else "",
                version=fast_one_line(info.kubeletVersion) if info else "",
                age=_seconds_since(node.metadata.creationTimestamp, now),
                internal_ip=ip or (instance.private_ip if instance else ""),
                public_ip=addresses.get("ExternalIP", "") or (instance.public_ip if instance else ""),
                user=_login_user(fast_one_line(info.osImage) if info else ""),
            )
        )
    rows += [
        _build_missing_row(one, matcher, now)
        for one in instances or ()
        if one.id not in joined and one.state in ACTIVE_INSTANCE_STATES
    ]
    return tuple(
        sorted(
            rows, key=lambda row: (row.ready, group_order.get(row.group, len(group_order)), natural_sort_key(row.name))
        )
    )


def build_group_rows(
    groups: Sequence[NodeGroupSettings], node_rows: Iterable[NodeRow], *, ec2_answered: bool
) -> tuple[NodeGroupRow, ...]:
    """The rows counted by group, in the order of the settings."""
    joined = dict.fromkeys((group.name for group in groups), 0)
    ready, running = dict(joined), dict(joined)
    for row in node_rows:
        if row.group not in joined:
            continue
        joined[row.group] += row.joined
        ready[row.group] += row.ready
        running[row.group] += row.instance_state == "running"
    return tuple(
        NodeGroupRow(
            name=group.name,
            expected=group.count,
            joined=joined[group.name],
            ready=ready[group.name],
            running=running[group.name] if ec2_answered else None,
            type=group.instance_type,
        )
        for group in groups
    )


def fast_one_line(text: str) -> str:
    """`one_line`, faster for text that is clean already: the names of 5,000 nodes."""
    return text if text.isascii() and text.isprintable() and len(text) <= 300 else one_line(text)


def _parse_conditions(conditions: Sequence[KubernetesCondition]) -> tuple[bool, tuple[str, ...], str]:
    """Whether the node is Ready, what is wrong, and the kubelet's message. A missing Ready condition means not Ready."""
    ready, message = False, ""
    problems: list[str] = []
    has_ready = False
    for one in conditions:
        kind, status, reason = fast_one_line(one.type), fast_one_line(one.status), fast_one_line(one.reason or "")
        if kind == "Ready":
            has_ready, ready = True, status == "True"
            if not ready:
                problems.insert(0, f"Ready={status}{f' ({reason})' if reason else ''}")
                message = fast_one_line(one.message or "")
        elif kind in PRESSURE_CONDITIONS and status == "True":
            problems.append(kind)
    if not has_ready:
        problems.insert(0, "no Ready condition yet")
    return ready, tuple(problems), message


def _instance_state(instance: NodeInstance | None, provider_id: str, instances: Sequence[NodeInstance] | None) -> str:
    if instance:
        return instance.state
    return "gone" if instances is not None and provider_id.startswith("i-") else ""


def _seconds_since(created: str | None, now: float) -> float | None:
    if not created:
        return None
    try:
        return max(0.0, now - datetime.fromisoformat(created).timestamp())
    except ValueError:
        return None


def _login_user(os_image: str) -> str:
    """The login of the usual images; ubuntu where the image is not known."""
    for word, user in (("Amazon Linux", "ec2-user"), ("Debian", "admin"), ("Red Hat", "ec2-user")):
        if word in os_image:
            return user
    return "ubuntu"
