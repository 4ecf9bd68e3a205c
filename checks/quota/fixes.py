"""Fixes of the quota step: request an increase, wait for it, take smaller types, or run fewer nodes.

The two latter are computed from the types that EC2 offers: a fix is offered only when its nodes fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from checks.finding import CopyText, Fact, Fix, Risk, RunCommand
from checks.quota.model import NodeGroupDemandRow, QuotaRow, format_quantity
from checks.text import shorten_list


def request_fix(row: QuotaRow, value: int, region: str) -> Fix:
    """Fix: request an increase to `value`."""
    from checks.quota.increase import increase_cli_command

    return Fix(
        id="request",
        title=f"Request an increase to {value}",
        action=RunCommand(argv=("ecotui", "quota", "--request", row.code, "--value", str(value), "--yes")),
        changes=f"AWS gets a request for {value} (usually answered in 15 minutes to 2 hours). The same as: "
        + increase_cli_command(row.service, row.code, value, region),
        risk=Risk.CHANGES,
        recommended=True,
    )


def wait_fix(code: str) -> Fix:
    """Fix: wait for the answer to a request."""
    return Fix(
        id="wait",
        title="Wait for the approval",
        action=RunCommand(argv=("ecotui", "quota", "--wait", code)),
        changes="Nothing; checks until the limit is raised or the request is refused.",
        recommended=True,
    )


def family_patterns(groups: Sequence[NodeGroupDemandRow]) -> tuple[str, ...]:
    """EC2 filter patterns for all sizes of the groups' families: `t3a.*`."""
    return tuple(sorted({f"{group.type.split('.')[0]}.*" for group in groups if "." in group.type}))


def smaller_types_hint(
    groups: Sequence[NodeGroupDemandRow], vcpus_by_type: Mapping[str, int], available_vcpus: float
) -> tuple[Fact, Fix | None]:
    """What the smallest type of each family would take. `available_vcpus` is what the quota leaves."""
    now = sum(group.needed or 0 for group in groups)
    least: dict[str, tuple[int, str]] = {}
    for type_, vcpus in vcpus_by_type.items():
        family = type_.split(".")[0]
        least[family] = min(least.get(family, (vcpus, type_)), (vcpus, type_))
    best = sum(
        _missing_node_count(group) * least.get(group.type.split(".")[0], (group.vcpus or 0, ""))[0] for group in groups
    )
    named = ", ".join(sorted(least))
    if best >= now:
        same = "no type of " + (f"the {named} family" if len(least) == 1 else f"the families {named}")
        return Fact(
            label="Smaller types",
            value=f"do not help: {same} has fewer vCPUs than the ones in use, so it stays at {format_quantity(now)}",
        ), None
    if best > available_vcpus:
        return Fact(
            label="Smaller types",
            value=f"do not help enough: {format_quantity(best)} vCPUs instead of {format_quantity(now)}, and there is room for "
            f"{format_quantity(max(available_vcpus, 0))}",
        ), None
    lines = [
        f"{group.group}: {group.type} ({group.vcpus}) -> {least[group.type.split('.')[0]][1]} "
        f"({least[group.type.split('.')[0]][0]} vCPUs)"
        for group in groups
        if group.type.split(".")[0] in least
    ]
    return Fact(
        label="Smaller types", value=f"would take {format_quantity(best)} vCPUs instead of {format_quantity(now)}"
    ), Fix(
        id="smaller",
        title=f"Use smaller types: {format_quantity(best)} vCPUs instead of {format_quantity(now)}",
        action=CopyText(text="; ".join(lines)),
        changes="Nothing by itself: set the types in the terraform variables and under nodes.groups. "
        "The nodes get less memory and will be slower.",
    )


def fewer_nodes_hint(groups: Sequence[NodeGroupDemandRow], available_vcpus: float) -> tuple[Fact, Fix | None]:
    """How many nodes fit in the available vCPUs: the largest group loses nodes first, each group keeps at least one."""
    counts = {group.group: _missing_node_count(group) for group in groups}
    sizes = {group.group: group.vcpus or 0 for group in groups}
    running = {group.group: group.running for group in groups}
    total = sum(counts.values())

    def taken() -> float:
        return sum(counts[name] * sizes[name] for name in counts)

    while taken() > available_vcpus:
        reducible = [name for name in counts if counts[name] > (0 if running[name] else 1)]
        if not reducible:
            return Fact(
                label="Fewer nodes",
                value=f"do not help: even one node of each group takes {format_quantity(taken())} vCPUs, and there is room for "
                f"{format_quantity(max(available_vcpus, 0))}",
            ), None
        counts[max(reducible, key=lambda name: (counts[name], sizes[name]))] -= 1
    kept = sum(counts.values())
    lines = [
        f"{group.group}: {group.count} -> {group.running + counts[group.group]} ({group.type}, {group.vcpus} vCPUs each)"
        for group in groups
        if counts[group.group] < _missing_node_count(group)
    ]
    return Fact(
        label="Fewer nodes",
        value=f"{kept} of the {total} nodes that are to come fit in {format_quantity(available_vcpus)} vCPUs",
    ), Fix(
        id="fewer",
        title=f"Run fewer nodes: {kept} of {total} fit",
        action=CopyText(text="; ".join(lines)),
        changes="Nothing by itself: lower the counts in the terraform variables and under nodes.groups.",
    )


def single_vcpu_hint(types: Sequence[str], groups: Sequence[NodeGroupDemandRow], available_vcpus: float) -> Fact:
    """Whether types with one vCPU would fit."""
    nodes = sum(_missing_node_count(group) for group in groups)
    if not types:
        return Fact(label="1-vCPU types", value="the region offers none of the current generation")
    some = shorten_list(types)
    fits = "would fit" if nodes <= available_vcpus else "would not fit either"
    return Fact(
        label="1-vCPU types",
        value=f"{nodes} nodes with one vCPU each {fits} in {format_quantity(max(available_vcpus, 0))} ({some}); another family, perhaps "
        "another architecture, and kubeadm asks for 2 vCPUs on a control plane",
    )


def _missing_node_count(group: NodeGroupDemandRow) -> int:
    return max(0, group.count - group.running)
