"""Objects drawn as the tables that `kubectl get` prints: the server chooses the columns, not kubectl."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ecotui.demo.kubernetes.objects import KubeObject


@dataclass(frozen=True)
class TableColumn:
    name: str
    cell: Callable[[KubeObject], str | int]
    wide_only: bool = False


def _object_age(item: KubeObject) -> str:
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


def _object_name(item: KubeObject) -> str:
    return str(item["metadata"]["name"])


def _node_status(item: KubeObject) -> str:
    ready = next(each for each in item["status"]["conditions"] if each["type"] == "Ready")
    words = ["Ready" if ready["status"] == "True" else "NotReady"]
    if item["spec"].get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _roles(item: KubeObject) -> str:
    prefix = "node-role.kubernetes.io/"
    found = [label.removeprefix(prefix) for label in item["metadata"]["labels"] if label.startswith(prefix)]
    return ",".join(sorted(found)) or "<none>"


def _node_info_cell(key: str) -> Callable[[KubeObject], str]:
    return lambda item: str(item["status"]["nodeInfo"][key])


def _pod_status(item: KubeObject) -> str:
    for each in item["status"].get("containerStatuses", ()):
        if "waiting" in each["state"]:
            return str(each["state"]["waiting"]["reason"])
    return str(item["status"]["phase"])


def _pod_ready(item: KubeObject) -> str:
    ready = sum(1 for each in item["status"].get("containerStatuses", ()) if each["ready"])
    return f"{ready}/{len(item['spec']['containers'])}"


def _ports(item: KubeObject) -> str:
    return ",".join(f"{port['port']}/{port['protocol']}" for port in item["spec"]["ports"])


def _selector(item: KubeObject) -> str:
    pairs = item["spec"].get("selector", {}).items()
    return ",".join(f"{key}={value}" for key, value in pairs) or "<none>"


def _constant_cell(text: str) -> Callable[[KubeObject], str]:
    return lambda item: text


def _status_cell(key: str) -> Callable[[KubeObject], str | int]:
    return lambda item: int(item["status"][key])


_COLUMNS: dict[str, tuple[TableColumn, ...]] = {
    "nodes": (
        TableColumn("Name", _object_name),
        TableColumn("Status", _node_status),
        TableColumn("Roles", _roles),
        TableColumn("Age", _object_age),
        TableColumn("Version", _node_info_cell("kubeletVersion")),
        TableColumn("Internal-IP", lambda item: str(item["status"]["addresses"][0]["address"]), True),
        TableColumn("External-IP", _constant_cell("<none>"), True),
        TableColumn("OS-Image", _node_info_cell("osImage"), True),
        TableColumn("Kernel-Version", _node_info_cell("kernelVersion"), True),
        TableColumn("Container-Runtime", _node_info_cell("containerRuntimeVersion"), True),
    ),
    "pods": (
        TableColumn("Name", _object_name),
        TableColumn("Ready", _pod_ready),
        TableColumn("Status", _pod_status),
        TableColumn("Restarts", _constant_cell("0")),
        TableColumn("Age", _object_age),
        TableColumn("IP", lambda item: str(item["status"].get("podIP", "<none>")), True),
        TableColumn("Node", lambda item: str(item["spec"].get("nodeName", "<none>")), True),
        TableColumn("Nominated Node", _constant_cell("<none>"), True),
        TableColumn("Readiness Gates", _constant_cell("<none>"), True),
    ),
    "services": (
        TableColumn("Name", _object_name),
        TableColumn("Type", lambda item: str(item["spec"]["type"])),
        TableColumn("Cluster-IP", lambda item: str(item["spec"]["clusterIP"])),
        TableColumn("External-IP", _constant_cell("<none>")),
        TableColumn("Port(s)", _ports),
        TableColumn("Age", _object_age),
        TableColumn("Selector", _selector, True),
    ),
    "deployments": (
        TableColumn("Name", _object_name),
        TableColumn("Ready", lambda item: f"{item['status']['readyReplicas']}/{item['spec']['replicas']}"),
        TableColumn("Up-to-date", _status_cell("updatedReplicas")),
        TableColumn("Available", _status_cell("availableReplicas")),
        TableColumn("Age", _object_age),
    ),
    "namespaces": (
        TableColumn("Name", _object_name),
        TableColumn("Status", lambda item: str(item["status"]["phase"])),
        TableColumn("Age", _object_age),
    ),
    "events": (TableColumn("Name", _object_name), TableColumn("Age", _object_age)),
}


def build_table(
    kind: str, items: Sequence[KubeObject], metadata: dict[str, str], include: str, *, columns: bool = True
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
                "priority": 1 if column.wide_only else 0,
            }
            for column in shown
        ]
        if columns
        else [],
        "rows": [{"cells": [column.cell(item) for column in shown], **_row_object(item, include)} for item in items],
    }


def _row_object(item: KubeObject, include: str) -> dict[str, Any]:
    if include == "None":
        return {}
    if include == "Object":
        return {"object": item}
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}
    return {"object": partial}
