"""The objects of the demo's cluster, derived from its nodes: pods follow their node, services their pods."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

KubeObject = dict[str, Any]
"""A Kubernetes object as JSON, without a resourceVersion."""

KUBERNETES_VERSION = "v1.32.4"
MASTER_GROUP = "master"
"""The group whose first node is the control plane."""

# vCPUs, and memory in Ki, of the instance types that the demo uses (DescribeInstanceTypes).
_INSTANCE_SIZES: Mapping[str, tuple[int, int]] = {
    "t3a.medium": (2, 3_943_756),
    "t3a.large": (2, 8_024_988),
    "t3a.xlarge": (4, 16_187_252),
}
_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system", "api", "workers", "data")
_PRESSURE_CONDITIONS = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)
_DAEMON_SETS = ("calico-node", "kube-proxy")
_STATIC_PODS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


@dataclass(frozen=True)
class ClusterNode:
    """A node of the cluster, and since when it is as it is (seconds since the epoch)."""

    name: str
    group: str
    instance_id: str
    instance_type: str
    zone: str
    internal_ip: str
    is_ready: bool
    joined_at: float
    state_since: float
    join_index: int
    """The place in the order of joining: addresses follow from it, and stay when others join."""


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _stable_uid(*parts: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(parts)))


def _hash_suffix(text: str, length: int = 5) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _hash_number(text: str, limit: int) -> int:
    return int(_hash_suffix(text, 8), 16) % limit


def _metadata(kind: str, name: str, created: float, namespace: str = "", **fields: Any) -> KubeObject:
    place = {"namespace": namespace} if namespace else {}
    return {
        "name": name,
        **place,
        "uid": _stable_uid(kind, namespace, name),
        "creationTimestamp": _timestamp(created),
        **fields,
    }


def node_object(cluster_node: ClusterNode) -> KubeObject:
    """A Node; its heartbeat is left to whoever sends it."""
    cpu, memory = _INSTANCE_SIZES.get(cluster_node.instance_type, (2, 3_943_756))
    master = cluster_node.group == MASTER_GROUP
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/instance-type": cluster_node.instance_type,
        "beta.kubernetes.io/os": "linux",
        "eco2.dev/group": cluster_node.group,
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": cluster_node.name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": cluster_node.instance_type,
        "topology.kubernetes.io/region": cluster_node.zone.rstrip("abcdef"),
        "topology.kubernetes.io/zone": cluster_node.zone,
        **({"node-role.kubernetes.io/control-plane": ""} if master else {}),
    }
    taints = []
    if master:
        taints.append({"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"})
    if not cluster_node.is_ready:
        taints.append({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"})
    pod_range = f"192.168.{cluster_node.join_index % 256}.0/24"
    spec: KubeObject = {
        "podCIDR": pod_range,
        "podCIDRs": [pod_range],
        "providerID": f"aws:///{cluster_node.zone}/{cluster_node.instance_id}",
        **({"taints": taints} if taints else {}),
    }
    size = {"cpu": str(cpu), "ephemeral-storage": "83873772Ki", "memory": f"{memory}Ki", "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": _metadata("Node", cluster_node.name, cluster_node.joined_at, labels=labels),
        "spec": spec,
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": cluster_node.internal_ip},
                {"type": "Hostname", "address": cluster_node.name},
            ],
            "capacity": size,
            "allocatable": {**size, "memory": f"{memory - 102_400}Ki"},
            "conditions": [*_pressure_conditions(cluster_node), _ready_condition(cluster_node)],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "images": [],
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": _stable_uid("boot", cluster_node.instance_id),
                "containerRuntimeVersion": "containerd://1.7.27",
                "kernelVersion": "6.8.0-1029-aws",
                "kubeProxyVersion": KUBERNETES_VERSION,
                "kubeletVersion": KUBERNETES_VERSION,
                "machineID": _stable_uid("machine", cluster_node.instance_id).replace("-", ""),
                "operatingSystem": "linux",
                "osImage": "Ubuntu 22.04.5 LTS",
                "systemUUID": _stable_uid("system", cluster_node.instance_id),
            },
        },
    }


def with_heartbeat(item: KubeObject, now: float) -> KubeObject:
    """A Node with the time of its last heartbeat, which is not worth an event of a watch."""
    if item["kind"] != "Node":
        return item
    # A kubelet reports every ten seconds.
    beat = {"lastHeartbeatTime": _timestamp(now // 10 * 10)}
    conditions = [{**condition, **beat} for condition in item["status"]["conditions"]]
    return {**item, "status": {**item["status"], "conditions": conditions}}


def _pressure_conditions(cluster_node: ClusterNode) -> list[KubeObject]:
    return [
        {
            "type": kind,
            "status": "False",
            "reason": reason,
            "message": message,
            "lastTransitionTime": _timestamp(cluster_node.joined_at),
        }
        for kind, reason, message in _PRESSURE_CONDITIONS
    ]


def _ready_condition(cluster_node: ClusterNode) -> KubeObject:
    if cluster_node.is_ready:
        return {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
            "lastTransitionTime": _timestamp(cluster_node.state_since),
        }
    return {
        "type": "Ready",
        "status": "False",
        "reason": "KubeletNotReady",
        "message": "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
        "message:Network plugin returns error: cni plugin not initialized",
        "lastTransitionTime": _timestamp(cluster_node.state_since),
    }


def _pod_object(name: str, namespace: str, app: str, cluster_node: ClusterNode | None, created: float) -> KubeObject:
    """A pod on a node; pending where the node is not ready, and unscheduled without one."""
    running = cluster_node is not None and cluster_node.is_ready
    since = _timestamp(cluster_node.state_since if cluster_node is not None else created)
    image = (
        f"registry.k8s.io/{app}:{KUBERNETES_VERSION}" if namespace == "kube-system" else f"ghcr.io/eco-team/{app}:1.0.0"
    )
    metadata = _metadata("Pod", name, created, namespace, labels={"app": app})
    spec: KubeObject = {"containers": [{"name": app, "image": image}], "restartPolicy": "Always"}
    if cluster_node is None:
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": "0/0 nodes are available: no node of the group has joined.",
            "lastTransitionTime": since,
        }
        status: KubeObject = {"phase": "Pending", "conditions": [condition], "qosClass": "BestEffort"}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}
    spec["nodeName"] = cluster_node.name
    word = "True" if running else "False"
    state = {"running": {"startedAt": since}} if running else {"waiting": {"reason": "ContainerCreating"}}
    status = {
        "phase": "Running" if running else "Pending",
        "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": _timestamp(created)},
            {"type": "Initialized", "status": "True", "lastTransitionTime": _timestamp(created)},
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
        "hostIP": cluster_node.internal_ip,
        "startTime": _timestamp(created),
        "qosClass": "BestEffort",
        **({"podIP": f"192.168.{cluster_node.join_index % 256}.{10 + _hash_number(name, 240)}"} if running else {}),
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}


def _workloads(nodes: Sequence[ClusterNode]) -> list[tuple[str, str, str, int, Sequence[ClusterNode]]]:
    """name, namespace, port name, port, and the nodes that the replicas run on."""
    by_group: dict[str, list[ClusterNode]] = {}
    for seen in nodes:
        by_group.setdefault(seen.group, []).append(seen)
    ready = [seen for seen in nodes if seen.is_ready]
    found: list[tuple[str, str, str, int, Sequence[ClusterNode]]] = [
        ("coredns", "kube-system", "dns", 53, sorted(ready, key=lambda seen: seen.join_index)[:2])
    ]
    for group, namespace, port in (
        ("api", "api", 8000),
        ("worker", "workers", 9000),
        ("infra", "data", 7000),
    ):
        found += [(_app_name(seen.name), namespace, "http", port, [seen]) for seen in by_group.get(group, ())]
    return found


def _app_name(node_name: str) -> str:
    """k8s-api-auth runs auth-api; k8s-worker-1 runs worker-1."""
    short = node_name.removeprefix("k8s-")
    return f"{short.removeprefix('api-')}-api" if short.startswith("api-") else short


def cluster_objects(nodes: Sequence[ClusterNode]) -> dict[str, list[KubeObject]]:
    """Every object, by the plural name of its kind. Nothing at all without a node."""
    if not nodes:
        return {kind: [] for kind in ("nodes", "pods", "services", "deployments", "namespaces", "events")}
    born = min(seen.joined_at for seen in nodes)
    pods: list[KubeObject] = []
    for seen in nodes:
        daemons = [f"{app}-{_hash_suffix(app + seen.name)}" for app in _DAEMON_SETS]
        pods += [
            _pod_object(name, "kube-system", app, seen, seen.joined_at)
            for name, app in zip(daemons, _DAEMON_SETS, strict=True)
        ]
        if seen.group == MASTER_GROUP:
            pods += [
                _pod_object(f"{app}-{seen.name}", "kube-system", app, seen, seen.joined_at) for app in _STATIC_PODS
            ]
    services = [_service_object("kubernetes", "default", "https", 443, born)]
    deployments: list[KubeObject] = []
    for app, namespace, port_name, port, places in _workloads(nodes):
        wanted: Sequence[ClusterNode | None] = places if app != "coredns" else [*places, None, None][:2]
        replicas = []
        for index, place in enumerate(wanted):
            name = f"{app}-{_hash_suffix(app, 9)}-{_hash_suffix(f'{app}{index}')}"
            created = place.joined_at if place is not None else born
            replicas.append(_pod_object(name, namespace, app, place, created))
        pods += replicas
        created = min((place.joined_at for place in places), default=born)
        deployments.append(_deployment_object(app, namespace, created, replicas))
        service = "kube-dns" if app == "coredns" else app
        services.append(_service_object(service, namespace, port_name, port, created, app))
    return {
        "nodes": [node_object(seen) for seen in nodes],
        "pods": pods,
        "services": services,
        "deployments": deployments,
        "namespaces": [_namespace_object(name, born) for name in _NAMESPACES],
        "events": [],
    }


def _service_object(name: str, namespace: str, port_name: str, port: int, created: float, app: str = "") -> KubeObject:
    # The first two are fixed in every cluster that kubeadm makes.
    fixed = {"kubernetes": "10.96.0.1", "kube-dns": "10.96.0.10"}
    address = fixed.get(name) or f"10.96.{1 + _hash_number(name, 250)}.{1 + _hash_number(f'{name}/', 250)}"
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


def _deployment_object(app: str, namespace: str, created: float, pods: Sequence[KubeObject]) -> KubeObject:
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


def _namespace_object(name: str, created: float) -> KubeObject:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": _metadata("Namespace", name, created, labels={"kubernetes.io/metadata.name": name}),
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }
