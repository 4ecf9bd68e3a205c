"""What runs on the nodes, counted: pods that cannot start, services that have no address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from checks.nodes.matching import fast_one_line
from checks.nodes.model import WorkloadsRow
from checks.tools.kubectl import Pod, Service

MAX_LISTED = 12
"""How many pods in trouble are named."""
_STARTING_REASONS = frozenset({"ContainerCreating", "PodInitializing", ""})


def summarize_workloads(pods: Iterable[Pod], services: Iterable[Service]) -> WorkloadsRow:
    """Count them; the first few in trouble are named."""
    phases: Counter[str] = Counter()
    failing = unready = 0
    troubled: list[str] = []
    for pod in pods:
        phase = fast_one_line(pod.status.phase)
        phases[phase] += 1
        why = _stuck_container_reason(pod)
        if why:
            failing += 1
        elif phase == "Running" and not _is_pod_ready(pod):
            unready += 1
            why = "not ready"
        elif phase == "Failed":
            why = fast_one_line(pod.status.reason or "") or "Failed"
        elif phase == "Pending" and not pod.spec.nodeName:
            why = "Pending, on no node"
        if why and len(troubled) < MAX_LISTED:
            troubled.append(f"{fast_one_line(pod.metadata.namespace)}/{fast_one_line(pod.metadata.name)}: {why}")
    types: Counter[str] = Counter()
    waiting = []
    for service in services:
        types[fast_one_line(service.spec.type)] += 1
        balancer = service.status.loadBalancer
        if service.spec.type == "LoadBalancer" and not (balancer and balancer.ingress):
            waiting.append(f"{fast_one_line(service.metadata.namespace)}/{fast_one_line(service.metadata.name)}")
    return WorkloadsRow(
        running=phases["Running"],
        pending=phases["Pending"],
        failed=phases["Failed"],
        failing=failing,
        unready=unready,
        troubled=tuple(troubled),
        services=dict(sorted(types.items())),
        without_address=tuple(waiting[:MAX_LISTED]),
    )


def _stuck_container_reason(pod: Pod) -> str:
    """`CrashLoopBackOff (17 restarts)`; empty when no container is stuck."""
    for one in (*(pod.status.initContainerStatuses or ()), *(pod.status.containerStatuses or ())):
        waiting = one.state.waiting if one.state else None
        reason = fast_one_line(waiting.reason or "") if waiting else ""
        if reason not in _STARTING_REASONS:
            times = f" ({one.restartCount} restarts)" if one.restartCount else ""
            return f"{reason}{times}"
    return ""


def _is_pod_ready(pod: Pod) -> bool:
    statuses = pod.status.containerStatuses
    return bool(statuses) and all(one.ready for one in statuses or ())
