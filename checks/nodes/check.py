"""The nodes step: every expected node against the API server and EC2, with conditions, pods and services."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from checks.context import CheckContext
from checks.finding import CheckState, Fact, Finding, Fix, Report, ReportBuilder, build_finding
from checks.nodes import fixes
from checks.nodes.ec2 import DESCRIBE_INSTANCES_ACTION, fetch_node_instances
from checks.nodes.matching import NodeInstance, build_group_rows, build_node_rows
from checks.nodes.model import NodeGroupRow, NodeRow, NodesDetail, WorkloadsRow
from checks.nodes.workloads import summarize_workloads
from checks.tools.kubectl import API_SERVER_DOWN_KINDS, Kubectl, KubectlError, KubectlErrorKind, Node, Pod, Service
from checks.tools.run import CommandError, CommandNotFound, stop_all_commands

STEP = "nodes"
GUIDE = ("7.2",)
_finding = partial(build_finding, STEP, guide=GUIDE)
MAX_NODE_FINDINGS = 20
"""The most nodes that get a finding of their own; the rest is in the table, and counted."""
_T = TypeVar("_T")


def check(context: CheckContext) -> Report:
    """Look at the cluster and at its instances, read-only. A cluster that does not answer is a state, not an error."""
    return check_nodes(context, include_workloads=True)


def check_nodes(context: CheckContext, *, include_workloads: bool) -> Report:
    """The look; without `everything`, nodes and instances only: for whoever waits and looks often."""
    begun = ReportBuilder(STEP)
    kubectl = Kubectl(context)
    context.on_progress("asking the API server for nodes, and EC2 for instances")
    try:
        with ThreadPoolExecutor(max_workers=4, thread_name_prefix="nodes") as pool:
            nodes_there = pool.submit(kubectl.get_nodes)
            machines_there = pool.submit(fetch_node_instances, context)
            pods_there = pool.submit(kubectl.get_pods) if include_workloads else None
            services_there = pool.submit(kubectl.get_services) if include_workloads else None
    except KeyboardInterrupt:
        # The threads wait for their commands, which do not hear Ctrl-C, and the program would wait for the threads.
        stop_all_commands()
        raise
    nodes = _result_or_error(nodes_there, CommandError)
    machines = _result_or_error(machines_there, Exception)
    alive = machines if not isinstance(machines, Exception) else None
    groups = context.settings.nodes.groups
    found = build_node_rows(groups, nodes if not isinstance(nodes, Exception) else (), alive, begun.started)
    counted = build_group_rows(groups, found, ec2_answered=alive is not None)

    findings = [_api_server_finding(context, nodes, found, alive)]
    pods: WorkloadsRow | None = None
    if not isinstance(nodes, Exception):
        findings += [_group_finding(row, found) for row in counted]
        findings += _node_findings(context, kubectl, found)
        findings += _unexpected_node_findings(found)
        if pods_there and services_there:
            pods_seen = _result_or_error(pods_there, CommandError)
            services_seen = _result_or_error(services_there, CommandError)
            pods, finding = _check_workloads(pods_seen, services_seen)
            findings.append(finding)
    findings.append(_instances_finding(context, machines, counted))
    detail = NodesDetail(
        answers=not isinstance(nodes, Exception),
        reason=nodes.explain() if isinstance(nodes, CommandError) else "",
        expected=sum(group.count for group in groups),
        ready=sum(min(row.ready, row.expected) for row in counted),
        groups=counted,
        rows=found,
        pods=pods,
        context=context.settings.kubectl.context,
    )
    return begun.build(findings, detail)


def _result_or_error(future: Future[_T], error_type: type[Exception]) -> _T | Exception:
    """What a thread brought back: its answer, or its error if that is of this kind."""
    try:
        return future.result()
    except error_type as error:
        return error


def _api_server_finding(
    context: CheckContext,
    nodes: list[Node] | Exception,
    node_rows: Sequence[NodeRow],
    instances: list[NodeInstance] | None,
) -> Finding:
    if not isinstance(nodes, Exception):
        text = f"The API server answers, and lists {_pluralize(len(nodes), 'node')}"
        return _finding("api", CheckState.OK, "API server", text)
    if not isinstance(nodes, KubectlError):
        text = nodes.explain() if isinstance(nodes, CommandError) else str(nodes)
        ways: tuple[Fix, ...] = (fixes.install_kubectl_fix(),) if isinstance(nodes, CommandNotFound) else ()
        return _finding("api", CheckState.BLOCKED, "API server", _capitalize_sentence(text), fixes=ways)
    if nodes.kind is KubectlErrorKind.FORBIDDEN:
        text = f"The nodes could not be looked at: {nodes.explain()}"
        return _finding(
            "api",
            CheckState.UNKNOWN,
            "API server",
            text,
            raw=nodes.raw,
            denied=(nodes.denied,) if nodes.denied else (),
        )
    if instances is not None and not instances:
        text = f"There is no cluster yet: no instance of it runs, and {nodes.summary}"
        return _finding(
            "api", CheckState.BLOCKED, "API server", text, raw=nodes.raw, fixes=(fixes.build_cluster_fix(),)
        )
    ways = fixes.debug_control_plane_fixes(context, _control_plane_row(context, node_rows))
    if nodes.kind in API_SERVER_DOWN_KINDS:
        ways = (fixes.wait_for_nodes_fix(), *ways)
    machines = f" ({sum(one.state == 'running' for one in instances)} instances run)" if instances else ""
    text = f"The API server cannot be asked{machines}: {nodes.explain()}"
    return _finding("api", CheckState.BLOCKED, "API server", text, raw=nodes.raw, fixes=ways)


def _control_plane_row(context: CheckContext, node_rows: Sequence[NodeRow]) -> NodeRow | None:
    """A machine of the first group of the settings, which is where the control plane is."""
    groups = context.settings.nodes.groups
    return next((row for row in node_rows if groups and row.group == groups[0].name), None)


def _group_finding(row: NodeGroupRow, node_rows: Sequence[NodeRow]) -> Finding:
    members = [one for one in node_rows if one.group == row.name]
    cordoned = [one.name for one in members if one.joined and not one.schedulable]
    pressed = [f"{one.name} ({', '.join(one.conditions)})" for one in members if one.ready and one.conditions]
    facts = [
        Fact(label="Expected", value=str(row.expected)),
        Fact(label="Joined", value=str(row.joined)),
        Fact(label="Ready", value=str(row.ready)),
    ]
    if row.running is not None:
        facts.append(Fact(label="Instances running", value=str(row.running)))
    if cordoned:
        facts.append(Fact(label="Cordoned", value=_shorten_list(cordoned)))
    note = f", {len(cordoned)} cordoned" if cordoned else ""
    text = f"{row.name}: {row.ready} of {row.expected} Ready{note}"
    state, ways = CheckState.OK, tuple[Fix, ...]()
    if row.ready < row.expected:
        state, ways = CheckState.BLOCKED, (fixes.wait_for_nodes_fix(),)
        text += _describe_missing(row, members)
    elif row.joined > row.expected:
        state = CheckState.WARN
        text += f", {row.joined - row.expected} more than expected"
    elif pressed:
        state = CheckState.WARN
        text += f"; under pressure: {_shorten_list(pressed)}"
    return _finding(f"group.{row.name}", state, f"Group {row.name}", text, facts=tuple(facts), fixes=ways)


def _describe_missing(row: NodeGroupRow, members: Sequence[NodeRow]) -> str:
    """What the missing ones are: joined but not Ready, running but not joined, or not there at all."""
    unready = sum(one.joined and not one.ready for one in members)
    outside = sum(not one.joined for one in members)
    absent = max(0, row.expected - row.joined - outside)
    parts = []
    if unready:
        parts.append(f"{unready} joined and not Ready")
    if outside:
        parts.append(f"{_pluralize(outside, 'instance')} not joined")
    if absent:
        parts.append(f"{absent} without a running instance" if row.running is not None else f"{absent} missing")
    return f": {', '.join(parts)}" if parts else ""


def _node_findings(context: CheckContext, kubectl: Kubectl, node_rows: Sequence[NodeRow]) -> list[Finding]:
    """One finding for each that is not Ready, up to a limit."""
    bad = [row for row in node_rows if not row.ready]
    jump = _control_plane_row(context, node_rows)
    findings = []
    for row in bad[:MAX_NODE_FINDINGS]:
        if not row.joined:
            text = f"{row.name} has not joined; its instance {row.instance_id} is {row.instance_state}"
        else:
            text = f"{row.name} is not Ready: {', '.join(row.conditions)}"
            if row.instance_state and row.instance_state != "running":
                text += f"; its instance {row.instance_id} is {row.instance_state}"
            elif row.message:
                text += f"; {row.message}"
        findings.append(
            _finding(
                f"node.{row.name}",
                CheckState.BLOCKED if row.group else CheckState.WARN,
                f"Node {row.name}",
                text,
                facts=_facts(row),
                fixes=fixes.debug_node_fixes(context, kubectl, row, jump),
            )
        )
    return findings


def _facts(row: NodeRow) -> tuple[Fact, ...]:
    pairs = (
        ("Group", row.group or "none"),
        ("Conditions", ", ".join(row.conditions)),
        ("Kubelet says", row.message),
        ("Instance", " ".join(part for part in (row.instance_id, row.instance_state, row.type) if part)),
        ("Address", row.internal_ip),
        ("Kubelet", row.version),
        ("Age", "" if row.age is None else f"{row.age / 60:.0f} min"),
        ("Schedulable", "" if row.schedulable else "no: cordoned"),
    )
    return tuple(Fact(label=label, value=value) for label, value in pairs if value)


def _unexpected_node_findings(node_rows: Sequence[NodeRow]) -> list[Finding]:
    strangers = [row.name for row in node_rows if row.joined and not row.group]
    if not strangers:
        return []
    text = f"{_pluralize(len(strangers), 'node')} in no group of the settings: {_shorten_list(strangers)}"
    return [_finding("unexpected", CheckState.WARN, "Unexpected nodes", text)]


def _check_workloads(
    pods: list[Pod] | Exception, services: list[Service] | Exception
) -> tuple[WorkloadsRow | None, Finding]:
    for answer in (pods, services):
        if isinstance(answer, Exception):
            return None, _workloads_unknown_finding(answer)
    assert isinstance(pods, list)
    assert isinstance(services, list)
    row = summarize_workloads(pods, services)
    total = len(pods)
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
        parts.append(f"{_pluralize(len(row.without_address), 'service')} without an address")
    text = f"{row.running} of {_pluralize(total, 'pod')} running, {_pluralize(len(services), 'service')}"
    facts = tuple(Fact(label="In trouble", value=one) for one in row.troubled)
    facts += tuple(Fact(label=f"Services, {kind}", value=str(count)) for kind, count in row.services.items())
    facts += tuple(Fact(label="Without an address", value=name) for name in row.without_address)
    return row, _finding(
        "pods",
        CheckState.WARN if parts else CheckState.OK,
        "Pods and services",
        _append_parts(text, parts),
        facts=facts,
    )


def _workloads_unknown_finding(error: Exception) -> Finding:
    denied = error.denied if isinstance(error, KubectlError) else ""
    return _finding(
        "pods",
        CheckState.UNKNOWN,
        "Pods and services",
        f"Pods and services could not be looked at: {error.explain() if isinstance(error, CommandError) else error}",
        raw=error.raw if isinstance(error, KubectlError) else "",
        denied=(denied,) if denied else (),
    )


def _append_parts(text: str, parts: Sequence[str]) -> str:
    return f"{text}: {', '.join(parts)}" if parts else text


def _instances_finding(
    context: CheckContext, instances: list[NodeInstance] | Exception, group_rows: Sequence[NodeGroupRow]
) -> Finding:
    if isinstance(instances, Exception):
        return context.aws.unknown_finding("nodes.ec2", STEP, "EC2 instances", instances, DESCRIBE_INSTANCES_ACTION)
    expected = sum(row.expected for row in group_rows)
    running = sum(one.state == "running" for one in instances)
    others: dict[str, int] = {}
    for one in instances:
        if one.state != "running":
            others[one.state] = others.get(one.state, 0) + 1
    text = f"{running} of {_pluralize(expected, 'expected instance')} running"
    text = _append_parts(text, [f"{count} {state}" for state, count in sorted(others.items())])
    state = CheckState.OK if running >= expected else CheckState.WARN
    return _finding("ec2", state, "EC2 instances", text)


def _pluralize(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _shorten_list(names: Sequence[str], limit: int = 5) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def _capitalize_sentence(text: str) -> str:
    return text if text.startswith("kubectl") else text[:1].upper() + text[1:]
