"""The workloads on the nodes: counts of pods and services, and those that cannot start or have no address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial

from checks.finding import CheckState, Fact, Finding, build_finding
from checks.nodes.matching import fast_one_line
from checks.nodes.model import WorkloadsRow
from checks.text import plural
from checks.tools.kubectl import KubectlError, Pod, Service
from checks.tools.run import CommandError

_finding = partial(build_finding, "nodes", guide=("7.2",))
MAX_LISTED = 12
"""At most so many failing pods, and services without an address, are named."""
_STARTING_REASONS = frozenset({"ContainerCreating", "PodInitializing", ""})


def check_workloads(
    pods: list[Pod] | Exception, services: list[Service] | Exception
) -> tuple[WorkloadsRow | None, Finding]:
    """The counts, and the finding on them; no counts where pods or services could not be listed."""
    for answer in (pods, services):
        if isinstance(answer, Exception):
            return None, _workloads_unknown_finding(answer)
    assert isinstance(pods, list)
    assert isinstance(services, list)
    row = _summarize_workloads(pods, services)
    parts = [
        f"{count} {word}"
        for count, word in (
            (row.pending, "pending"),
            (row.failed, "failed"),
            (row.failing, "with a container that cannot start or crashes"),
            (row.unready, "running and not ready"),
        )
        if count
    ]
    if row.without_address:
        parts.append(f"{plural(len(row.without_address), 'service')} without an address")
    text = f"{row.running} of {plural(len(pods), 'pod')} running, {plural(len(services), 'service')}"
    facts = tuple(Fact(label="In trouble", value=one) for one in row.troubled)
    facts += tuple(Fact(label=f"Services, {kind}", value=str(count)) for kind, count in row.services.items())
    facts += tuple(Fact(label="Without an address", value=name) for name in row.without_address)
    return row, _finding(
        "pods",
        CheckState.WARN if parts else CheckState.OK,
        "Pods and services",
        f"{text}: {', '.join(parts)}" if parts else text,
        facts=facts,
    )


def _workloads_unknown_finding(error: Exception) -> Finding:
    denied = error.denied if isinstance(error, KubectlError) else ""
    return _finding(
        "pods",
        CheckState.UNKNOWN,
        "Pods and services",
        f"Pods and services could not be checked: {error.explain() if isinstance(error, CommandError) else error}",
        raw=error.raw if isinstance(error, KubectlError) else "",
        denied=(denied,) if denied else (),
    )


def _summarize_workloads(pods: Iterable[Pod], services: Iterable[Service]) -> WorkloadsRow:
    """The counts; names only the first MAX_LISTED that fail."""
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
