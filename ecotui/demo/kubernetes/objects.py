"""The objects of the demo's cluster, derived from its nodes: pods follow their node, services their pods."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]
"""A Kubernetes object as JSON, without a resourceVersion."""

VERSION = "v1.32.4"
MASTER = "master"
"""The group whose first node is the control plane."""

# vCPUs, and memory in Ki, of the instance types that the demo uses (DescribeInstanceTypes).
_SIZES: Mapping[str, tuple[int, int]] = {
    "t3a.medium": (2, 3_943_756),
    "t3a.large": (2, 8_024_988),
    "t3a.xlarge": (4, 16_187_252),
}
_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system", "api", "workers", "data")
_CONDITIONS = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)
_DAEMONS = ("calico-node", "kube-proxy")
_STATIC = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


@dataclass(frozen=True)
class Seen:
    """A node of the cluster, and since when it is as it is (seconds since the epoch)."""

    name: str
    group: str
    instance_id: str
    instance_type: str
    zone: str
    internal_ip: str
    ready: bool
    joined: float
    since: float
    number: int
    """The place in the order of joining: addresses follow from it, and stay when others join."""


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _uid(*parts: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(parts)))


def _suffix(text: str, length: int = 5) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _number(text: str, below: int) -> int:
    return int(_suffix(text, 8), 16) % below


def _metadata(kind: str, name: str, created: float, namespace: str = "", **more: Any) -> Object:
    place = {"namespace": namespace} if namespace else {}
    return {
        "name": name,
        **place,
        "uid": _uid(kind, namespace, name),
        "creationTimestamp": _time(created),
        **more,
    }


def node(seen: Seen) -> Object:
    """A Node; its heartbeat is left to whoever sends it."""
    cpu, memory = _SIZES.get(seen.instance_type, (2, 3_943_756))
    master = seen.group == MASTER
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/instance-type": seen.instance_type,
        "beta.kubernetes.io/os": "linux",
        "eco2.dev/group": seen.group,
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": seen.name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": seen.instance_type,
        "topology.kubernetes.io/region": seen.zone.rstrip("abcdef"),
        "topology.kubernetes.io/zone": seen.zone,
        **({"node-role.kubernetes.io/control-plane": ""} if master else {}),
    }
    taints = []
    if master:
        taints.append({"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"})
    if not seen.ready:
        taints.append({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"})
    pod_range = f"192.168.{seen.number % 256}.0/24"
    spec: Object = {
        "podCIDR": pod_range,
        "podCIDRs": [pod_range],
        "providerID": f"aws:///{seen.zone}/{seen.instance_id}",
        **({"taints": taints} if taints else {}),
    }
    size = {"cpu": str(cpu), "ephemeral-storage": "83873772Ki", "memory": f"{memory}Ki", "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": _metadata("Node", seen.name, seen.joined, labels=labels),
        "spec": spec,
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": seen.internal_ip},
                {"type": "Hostname", "address": seen.name},
            ],
            "capacity": size,
            "allocatable": {**size, "memory": f"{memory - 102_400}Ki"},
            "conditions": [*_pressure(seen), _readiness(seen)],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "images": [],
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": _uid("boot", seen.instance_id),
                "containerRuntimeVersion": "containerd://1.7.27",
                "kernelVersion": "6.8.0-1029-aws",
                "kubeProxyVersion": VERSION,
                "kubeletVersion": VERSION,
                "machineID": _uid("machine", seen.instance_id).replace("-", ""),
                "operatingSystem": "linux",
                "osImage": "Ubuntu 22.04.5 LTS",
                "systemUUID": _uid("system", seen.instance_id),
            },
        },
    }


def beating(item: Object, now: float) -> Object:
    """A Node with the time of its last heartbeat, which is not worth an event of a watch."""
    if item["kind"] != "Node":
        return item
    # A kubelet reports every ten seconds.
    beat = {"lastHeartbeatTime": _time(now // 10 * 10)}
    conditions = [{**condition, **beat} for condition in item["status"]["conditions"]]
    return {**item, "status": {**item["status"], "conditions": conditions}}


def _pressure(seen: Seen) -> list[Object]:
    return [
        {
            "type": kind,
            "status": "False",
            "reason": reason,
            "message": message,
            "lastTransitionTime": _time(seen.joined),
        }
        for kind, reason, message in _CONDITIONS
    ]


def _readiness(seen: Seen) -> Object:
    if seen.ready:
        return {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
            "lastTransitionTime": _time(seen.since),
        }
    return {
        "type": "Ready",
        "status": "False",
        "reason": "KubeletNotReady",
        "message": "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
        "message:Network plugin returns error: cni plugin not initialized",
        "lastTransitionTime": _time(seen.since),
    }


def _pod(name: str, namespace: str, app: str, seen: Seen | None, created: float) -> Object:
    """A pod on a node; pending where the node is not ready, and unscheduled without one."""
    running = seen is not None and seen.ready
    since = _time(seen.since if seen is not None else created)
    image = (
        f"registry.k8s.io/{app}:{VERSION}" if namespace == "kube-system" else f"ghcr.io/eco-team/{app}:1.0.0"
    )
    metadata = _metadata("Pod", name, created, namespace, labels={"app": app})
    spec: Object = {"containers": [{"name": app, "image": image}], "restartPolicy": "Always"}
    if seen is None:
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": "0/0 nodes are available: no node of the group has joined.",
            "lastTransitionTime": since,
        }
        status: Object = {"phase": "Pending", "conditions": [condition], "qosClass": "BestEffort"}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}
    spec["nodeName"] = seen.name
    word = "True" if running else "False"
    state = {"running": {"startedAt": since}} if running else {"waiting": {"reason": "ContainerCreating"}}
    status = {
        "phase": "Running" if running else "Pending",
        "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": _time(created)},
            {"type": "Initialized", "status": "True", "lastTransitionTime": _time(created)},
            {"type": "ContainersReady", "status": word, "lastTransitionTime": since},
            {"type": "Ready", "status": word, "lastTransitionTime": since},
        ],
        "containerStatuses": [
            {
                "name": app,
                "image": image,
                "imageID": "",
                "ready": running,
                "started": running,
                "restartCount": 0,
                "state": state,
            }
        ],
        "hostIP": seen.internal_ip,
        "startTime": _time(created),
        "qosClass": "BestEffort",
        **({"podIP": f"192.168.{seen.number % 256}.{10 + _number(name, 240)}"} if running else {}),
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}


def _workloads(nodes: Sequence[Seen]) -> list[tuple[str, str, str, int, Sequence[Seen]]]:
    """name, namespace, port name, port, and the nodes that the replicas run on."""
    by_group: dict[str, list[Seen]] = {}
    for seen in nodes:
        by_group.setdefault(seen.group, []).append(seen)
    ready = [seen for seen in nodes if seen.ready]
    found: list[tuple[str, str, str, int, Sequence[Seen]]] = [
        ("coredns", "kube-system", "dns", 53, sorted(ready, key=lambda seen: seen.number)[:2])
    ]
    for group, namespace, port in (
        ("api", "api", 8000),
        ("worker", "workers", 9000),
        ("infra", "data", 7000),
    ):
        found += [(_app(seen.name), namespace, "http", port, [seen]) for seen in by_group.get(group, ())]
    return found


def _app(node_name: str) -> str:
    """k8s-api-auth runs auth-api; k8s-worker-1 runs worker-1."""
    short = node_name.removeprefix("k8s-")
    return f"{short.removeprefix('api-')}-api" if short.startswith("api-") else short


def cluster(nodes: Sequence[Seen]) -> dict[str, list[Object]]:
    """Every object, by the plural name of its kind. Nothing at all without a node."""
    if not nodes:
        return {kind: [] for kind in ("nodes", "pods", "services", "deployments", "namespaces", "events")}
    born = min(seen.joined for seen in nodes)
    pods: list[Object] = []
    for seen in nodes:
        daemons = [f"{app}-{_suffix(app + seen.name)}" for app in _DAEMONS]
        pods += [
            _pod(name, "kube-system", app, seen, seen.joined)
            for name, app in zip(daemons, _DAEMONS, strict=True)
        ]
        if seen.group == MASTER:
            pods += [_pod(f"{app}-{seen.name}", "kube-system", app, seen, seen.joined) for app in _STATIC]
    services = [_service("kubernetes", "default", "https", 443, born)]
    deployments: list[Object] = []
    for app, namespace, port_name, port, places in _workloads(nodes):
        wanted: Sequence[Seen | None] = places if app != "coredns" else [*places, None, None][:2]
        replicas = []
        for index, place in enumerate(wanted):
            name = f"{app}-{_suffix(app, 9)}-{_suffix(f'{app}{index}')}"
            created = place.joined if place is not None else born
            replicas.append(_pod(name, namespace, app, place, created))
        pods += replicas
        created = min((place.joined for place in places), default=born)
        deployments.append(_deployment(app, namespace, created, replicas))
        service = "kube-dns" if app == "coredns" else app
        services.append(_service(service, namespace, port_name, port, created, app))
    return {
        "nodes": [node(seen) for seen in nodes],
        "pods": pods,
        "services": services,
        "deployments": deployments,
        "namespaces": [_namespace(name, born) for name in _NAMESPACES],
        "events": [],
    }


def _service(name: str, namespace: str, port_name: str, port: int, created: float, app: str = "") -> Object:
    # The first two are fixed in every cluster that kubeadm makes.
    fixed = {"kubernetes": "10.96.0.1", "kube-dns": "10.96.0.10"}
    address = fixed.get(name) or f"10.96.{1 + _number(name, 250)}.{1 + _number(f'{name}/', 250)}"
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata("Service", name, created, namespace, labels={"app": app} if app else {}),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": address,
            "clusterIPs": [address],
            "ports": [
                {
                    "name": port_name,
                    "port": port,
                    "protocol": "UDP" if port == 53 else "TCP",
                    "targetPort": 6443 if port == 443 else port,
                }
            ],
            "sessionAffinity": "None",
            **({"selector": {"app": app}} if app else {}),
        },
        "status": {"loadBalancer": {}},
    }


def _deployment(app: str, namespace: str, created: float, pods: Sequence[Object]) -> Object:
    ready = sum(1 for pod in pods if pod["status"]["phase"] == "Running")
    template = {"metadata": {"labels": {"app": app}}, "spec": {"containers": pods[0]["spec"]["containers"]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata("Deployment", app, created, namespace, labels={"app": app}, generation=1),
        "spec": {
            "replicas": len(pods),
            "selector": {"matchLabels": {"app": app}},
            "template": template,
        },
        "status": {
            "observedGeneration": 1,
            "replicas": len(pods),
            "updatedReplicas": len(pods),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "unavailableReplicas": len(pods) - ready,
        },
    }


def _namespace(name: str, created: float) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": _metadata("Namespace", name, created, labels={"kubernetes.io/metadata.name": name}),
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }
