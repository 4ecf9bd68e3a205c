"""What runs on the nodes, counted: pods that cannot start, services that have no address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from checks.nodes.matching import plain
from checks.nodes.model import PodsRow
from checks.tools.kubectl import Pod, Service

SHOWN = 12
"""How many pods in trouble are named."""
_STARTING = frozenset({"ContainerCreating", "PodInitializing", ""})


def summary(pods: Iterable[Pod], services: Iterable[Service]) -> PodsRow:
    """Count them; the first few in trouble are named."""
    phases: Counter[str] = Counter()
    failing = unready = 0
    troubled: list[str] = []
    for pod in pods:
        phase = plain(pod.status.phase)
        phases[phase] += 1
        why = _trouble(pod)
        if why:
            failing += 1
        elif phase == "Running" and not _ready(pod):
            unready += 1
            why = "not ready"
        elif phase == "Failed":
            why = plain(pod.status.reason or "") or "Failed"
        elif phase == "Pending" and not pod.spec.nodeName:
            why = "Pending, on no node"
        if why and len(troubled) < SHOWN:
            troubled.append(f"{plain(pod.metadata.namespace)}/{plain(pod.metadata.name)}: {why}")
    types: Counter[str] = Counter()
    waiting = []
    for service in services:
        types[plain(service.spec.type)] += 1
        balancer = service.status.loadBalancer
        if service.spec.type == "LoadBalancer" and not (balancer and balancer.ingress):
            waiting.append(f"{plain(service.metadata.namespace)}/{plain(service.metadata.name)}")
    return PodsRow(
        running=phases["Running"],
        pending=phases["Pending"],
        failed=phases["Failed"],
        failing=failing,
        unready=unready,
        troubled=tuple(troubled),
        services=dict(sorted(types.items())),
        without_address=tuple(waiting[:SHOWN]),
    )


def _trouble(pod: Pod) -> str:
    """`CrashLoopBackOff (17 restarts)`; empty when no container is stuck."""
    for one in (*(pod.status.initContainerStatuses or ()), *(pod.status.containerStatuses or ())):
        waiting = one.state.waiting if one.state else None
        reason = plain(waiting.reason or "") if waiting else ""
        if reason not in _STARTING:
            times = f" ({one.restartCount} restarts)" if one.restartCount else ""
            return f"{reason}{times}"
    return ""


def _ready(pod: Pod) -> bool:
    statuses = pod.status.containerStatuses
    return bool(statuses) and all(one.ready for one in statuses or ())
