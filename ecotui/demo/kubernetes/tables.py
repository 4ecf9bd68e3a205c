"""Objects drawn as the tables that `kubectl get` prints: the server chooses the columns, not kubectl."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ecotui.demo.kubernetes.objects import Object


@dataclass(frozen=True)
class Column:
    name: str
    cell: Callable[[Object], str | int]
    wide: bool = False


def _age(item: Object) -> str:
    """As kubectl writes it: 45s, 3m12s, 5h, 12d."""
    born = datetime.strptime(item["metadata"]["creationTimestamp"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    seconds = max(0, int((datetime.now(UTC) - born).total_seconds()))
    if seconds < 120:
        return f"{seconds}s"
    if seconds < 600:
        minutes, rest = divmod(seconds, 60)
        return f"{minutes}m{rest}s" if rest else f"{minutes}m"
    if seconds < 3 * 3600:
        return f"{seconds // 60}m"
    if seconds < 48 * 3600:
        return f"{seconds // 3600}h"
    return f"{seconds // 86400}d"


def _name(item: Object) -> str:
    return str(item["metadata"]["name"])


def _node_status(item: Object) -> str:
    ready = next(each for each in item["status"]["conditions"] if each["type"] == "Ready")
    words = ["Ready" if ready["status"] == "True" else "NotReady"]
    if item["spec"].get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _roles(item: Object) -> str:
    prefix = "node-role.kubernetes.io/"
    found = [label.removeprefix(prefix) for label in item["metadata"]["labels"] if label.startswith(prefix)]
    return ",".join(sorted(found)) or "<none>"


def _info(key: str) -> Callable[[Object], str]:
    return lambda item: str(item["status"]["nodeInfo"][key])


def _pod_status(item: Object) -> str:
    for each in item["status"].get("containerStatuses", ()):
        if "waiting" in each["state"]:
            return str(each["state"]["waiting"]["reason"])
    return str(item["status"]["phase"])


def _pod_ready(item: Object) -> str:
    ready = sum(1 for each in item["status"].get("containerStatuses", ()) if each["ready"])
    return f"{ready}/{len(item['spec']['containers'])}"


def _ports(item: Object) -> str:
    return ",".join(f"{port['port']}/{port['protocol']}" for port in item["spec"]["ports"])


def _selector(item: Object) -> str:
    pairs = item["spec"].get("selector", {}).items()
    return ",".join(f"{key}={value}" for key, value in pairs) or "<none>"


def _fixed(text: str) -> Callable[[Object], str]:
    return lambda item: text


def _status(key: str) -> Callable[[Object], str | int]:
    return lambda item: int(item["status"][key])


_COLUMNS: dict[str, tuple[Column, ...]] = {
    "nodes": (
        Column("Name", _name),
        Column("Status", _node_status),
        Column("Roles", _roles),
        Column("Age", _age),
        Column("Version", _info("kubeletVersion")),
        Column("Internal-IP", lambda item: str(item["status"]["addresses"][0]["address"]), True),
        Column("External-IP", _fixed("<none>"), True),
        Column("OS-Image", _info("osImage"), True),
        Column("Kernel-Version", _info("kernelVersion"), True),
        Column("Container-Runtime", _info("containerRuntimeVersion"), True),
    ),
    "pods": (
        Column("Name", _name),
        Column("Ready", _pod_ready),
        Column("Status", _pod_status),
        Column("Restarts", _fixed("0")),
        Column("Age", _age),
        Column("IP", lambda item: str(item["status"].get("podIP", "<none>")), True),
        Column("Node", lambda item: str(item["spec"].get("nodeName", "<none>")), True),
        Column("Nominated Node", _fixed("<none>"), True),
        Column("Readiness Gates", _fixed("<none>"), True),
    ),
    "services": (
        Column("Name", _name),
        Column("Type", lambda item: str(item["spec"]["type"])),
        Column("Cluster-IP", lambda item: str(item["spec"]["clusterIP"])),
        Column("External-IP", _fixed("<none>")),
        Column("Port(s)", _ports),
        Column("Age", _age),
        Column("Selector", _selector, True),
    ),
    "deployments": (
        Column("Name", _name),
        Column("Ready", lambda item: f"{item['status']['readyReplicas']}/{item['spec']['replicas']}"),
        Column("Up-to-date", _status("updatedReplicas")),
        Column("Available", _status("availableReplicas")),
        Column("Age", _age),
    ),
    "namespaces": (
        Column("Name", _name),
        Column("Status", lambda item: str(item["status"]["phase"])),
        Column("Age", _age),
    ),
    "events": (Column("Name", _name), Column("Age", _age)),
}


def table(
    kind: str, items: Sequence[Object], metadata: dict[str, str], include: str, *, columns: bool = True
) -> dict[str, Any]:
    """A meta.k8s.io/v1 Table; `include` is None, Metadata or Object: how much of each object goes with its row."""
    shown = _COLUMNS[kind]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [
            {
                "name": column.name,
                "type": "string",
                "format": "name" if column.name == "Name" else "",
                "description": "",
                "priority": 1 if column.wide else 0,
            }
            for column in shown
        ]
        if columns
        else [],
        "rows": [
            {"cells": [column.cell(item) for column in shown], **_with(item, include)} for item in items
        ],
    }


def _with(item: Object, include: str) -> dict[str, Any]:
    if include == "None":
        return {}
    if include == "Object":
        return {"object": item}
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}
    return {"object": partial}
