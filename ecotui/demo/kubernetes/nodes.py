"""Which nodes have joined the demo's Kubernetes: a view of the EC2 instances that run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any

from ecotui.demo.aws.server import ACCOUNT_ID
from ecotui.demo.kubernetes.server import NodeView
from ecotui.demo.speed import DemoTimings

_READY_DELAY_SECONDS = 2.0
"""Seconds from a node's joining to Ready: its network starts."""
_JOIN_INTERVAL_SECONDS = 2.5
"""Seconds between two nodes that join."""


def node_lister(region: str, timings: DemoTimings) -> Callable[[], Sequence[NodeView]]:
    """Answers with the nodes of all running instances that carry a Name and a Role, master first.

    A node joins some seconds after its instance runs, and none before the master. One that is terminated is gone.
    """

    def look() -> Sequence[NodeView]:
        found = sorted(_running_instances(region), key=lambda one: (one["role"] != "master", one["name"]))
        masters = [one["launched"] + timings.scale(timings.master_join) for one in found if one["role"] == "master"]
        if not masters:
            return ()
        cluster = min(masters)
        views = []
        for place, one in enumerate(found):
            if one["role"] == "master":
                joined = one["launched"] + timings.scale(timings.master_join)
            else:
                own = one["launched"] + timings.scale(timings.node_join)
                joined = max(cluster, own) + timings.scale(_JOIN_INTERVAL_SECONDS) * place
            views.append(
                NodeView(
                    name=one["name"],
                    group=one["role"],
                    instance_id=one["id"],
                    instance_type=one["type"],
                    zone=one["zone"],
                    internal_ip=one["ip"],
                    is_ready=time.time() >= joined + timings.scale(_READY_DELAY_SECONDS),
                    joined_at=joined,
                )
            )
        return views

    return look


def _running_instances(region: str) -> list[dict[str, Any]]:
    from moto.ec2.models import ec2_backends

    found = []
    for instance in ec2_backends[ACCOUNT_ID][region].all_instances():
        tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
        if instance.state != "running" or not tags.get("Name") or not tags.get("Role"):
            continue
        found.append(
            {
                "name": tags["Name"],
                "role": tags["Role"],
                "id": instance.id,
                "type": instance.instance_type,
                "zone": instance.placement.zone,
                "ip": instance.private_ip,
                "launched": _epoch_seconds(instance.launch_time),
            }
        )
    return found


def _epoch_seconds(moment: Any) -> float:
    """moto's launch times are naive and in UTC."""
    return float((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
