"""Step 7: is every expected node Ready? Compares the settings with the API server and EC2; counts the workloads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import msgspec

from checks.context import CheckContext
from checks.finding import CheckState, Fact, Finding, Fix, Report, ReportBuilder, build_finding
from checks.nodes import fixes
from checks.nodes.matching import (
    DESCRIBE_INSTANCES_ACTION,
    NodeInstance,
    build_group_rows,
    build_node_rows,
    fetch_node_instances,
)
from checks.nodes.model import NodeGroupRow, NodeRow, NodesDetail, WorkloadsRow
from checks.nodes.workloads import check_workloads
from checks.polling import PollOutcome, PollResult
from checks.text import plural, shorten_list
from checks.tools.kubectl import API_SERVER_DOWN_KINDS, Kubectl, KubectlError, KubectlErrorKind, Node
from checks.tools.run import CommandError, CommandNotFound, stop_all_commands

STEP = "nodes"
GUIDE = ("7.2",)
_finding = partial(build_finding, STEP, guide=GUIDE)
MAX_NODE_FINDINGS = 20
"""At most so many nodes get a finding of their own; the others are in the table and in the counts."""
_PERMANENT_ERRORS = ("is not installed", "cannot be started", "not allowed to")
_T = TypeVar("_T")


def check(context: CheckContext) -> Report:
    """Check the cluster and its instances. Reads only. A cluster that does not answer is a state, not an error."""
    return check_nodes(context, include_workloads=True)


def check_nodes(context: CheckContext, *, include_workloads: bool) -> Report:
    """As `check`. Without the workloads it asks for nodes and instances only: for a wait, which asks often."""
    builder = ReportBuilder(STEP)
    kubectl = Kubectl(context)
    context.on_progress("asking the API server for nodes, and EC2 for instances")
    try:
        with ThreadPoolExecutor(max_workers=4, thread_name_prefix="nodes") as pool:
            node_future = pool.submit(kubectl.get_nodes)
            instance_future = pool.submit(fetch_node_instances, context)
            pod_future = pool.submit(kubectl.get_pods) if include_workloads else None
            service_future = pool.submit(kubectl.get_services) if include_workloads else None
    except KeyboardInterrupt:
        # The threads wait for their commands, which do not get Ctrl-C, and the program would wait for the threads.
        stop_all_commands()
        raise
    nodes = _result_or_error(node_future, CommandError)
    instances = _result_or_error(instance_future, Exception)
    known_instances = instances if not isinstance(instances, Exception) else None
    groups = context.settings.nodes.groups
    rows = build_node_rows(groups, nodes if not isinstance(nodes, Exception) else (), known_instances, builder.started)
    group_rows = build_group_rows(groups, rows, ec2_answered=known_instances is not None)

    findings = [_api_server_finding(context, nodes, rows, known_instances)]
    workloads: WorkloadsRow | None = None
    if not isinstance(nodes, Exception):
        findings += [_group_finding(row, rows) for row in group_rows]
        findings += _node_findings(context, kubectl, rows)
        findings += _unexpected_node_findings(rows)
        if pod_future and service_future:
            pods = _result_or_error(pod_future, CommandError)
            services = _result_or_error(service_future, CommandError)
            workloads, finding = check_workloads(pods, services)
            findings.append(finding)
    findings.append(_instances_finding(context, instances, group_rows))
    detail = NodesDetail(
        answers=not isinstance(nodes, Exception),
        reason=nodes.explain() if isinstance(nodes, CommandError) else "",
        expected=sum(group.count for group in groups),
        ready=sum(min(row.ready, row.expected) for row in group_rows),
        groups=group_rows,
        rows=rows,
        pods=workloads,
        context=context.settings.kubectl.context,
    )
    return builder.build(findings, detail)


def poll_nodes(context: CheckContext) -> PollResult:
    """One poll of `nodes --wait`. An API server that does not answer yet is waited for; a missing kubectl is not."""
    report = check_nodes(context, include_workloads=False)
    detail = msgspec.convert(report.detail, NodesDetail)
    data = _progress_data(detail)
    if not detail.answers:
        api = report.findings[0]
        is_permanent = api.state is CheckState.UNKNOWN or any(words in detail.reason for words in _PERMANENT_ERRORS)
        outcome = PollOutcome.FAILED if is_permanent else PollOutcome.PENDING
        running = sum(row.instance_state == "running" for row in detail.rows)
        instances = f" {running} of {detail.expected} instances run." if running else ""
        return PollResult(outcome, f"No answer from the API server: {detail.reason}.{instances}", "Down", data)
    if detail.expected:
        is_done = detail.ready >= detail.expected
    else:
        is_done = bool(detail.rows) and all(row.ready for row in detail.rows)
    total = f"{detail.ready} of {detail.expected} nodes Ready" if detail.expected else "No nodes are expected"
    parts = [f"{group.name} {group.ready}/{group.expected}" for group in detail.groups]
    text = f"{total} ({', '.join(parts)})" if parts else total
    missing = [_describe_missing_node(row) for row in detail.rows if not row.ready and row.group]
    if missing and not is_done:
        text += f"; waiting for {shorten_list(missing, 4)}"
    outcome, status = (PollOutcome.DONE, "Ready") if is_done else (PollOutcome.PENDING, "NotReady")
    return PollResult(outcome, f"{text}.", status, data)


def _describe_missing_node(row: NodeRow) -> str:
    return f"{row.name} ({'not Ready' if row.joined else 'not joined'})"


def _progress_data(detail: NodesDetail) -> dict[str, Any]:
    return {
        "answers": detail.answers,
        "ready": detail.ready,
        "expected": detail.expected,
        "groups": [
            {"name": one.name, "ready": one.ready, "joined": one.joined, "expected": one.expected}
            for one in detail.groups
        ],
    }


def _result_or_error(future: Future[_T], error_type: type[Exception]) -> _T | Exception:
    """The result of a thread, or its error when it is of this type. Raises any other error."""
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
        text = f"The API server answers, and lists {plural(len(nodes), 'node')}"
        return _finding("api", CheckState.OK, "API server", text)
    if not isinstance(nodes, KubectlError):
        text = nodes.explain() if isinstance(nodes, CommandError) else str(nodes)
        options: tuple[Fix, ...] = (fixes.install_kubectl_fix(),) if isinstance(nodes, CommandNotFound) else ()
        if not text.startswith("kubectl"):
            text = text[:1].upper() + text[1:]
        return _finding("api", CheckState.BLOCKED, "API server", text, fixes=options)
    if nodes.kind is KubectlErrorKind.FORBIDDEN:
        text = f"The nodes could not be checked: {nodes.explain()}"
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
    options = fixes.debug_control_plane_fixes(context, _control_plane_row(context, node_rows))
    if nodes.kind in API_SERVER_DOWN_KINDS:
        options = (fixes.wait_for_nodes_fix(), *options)
    running = f" ({sum(one.state == 'running' for one in instances)} instances run)" if instances else ""
    text = f"The API server cannot be asked{running}: {nodes.explain()}"
    return _finding("api", CheckState.BLOCKED, "API server", text, raw=nodes.raw, fixes=options)


def _control_plane_row(context: CheckContext, node_rows: Sequence[NodeRow]) -> NodeRow | None:
    """A machine of the first group of the settings: the control plane runs there."""
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
        facts.append(Fact(label="Cordoned", value=shorten_list(cordoned)))
    note = f", {len(cordoned)} cordoned" if cordoned else ""
    text = f"{row.name}: {row.ready} of {row.expected} Ready{note}"
    state, options = CheckState.OK, tuple[Fix, ...]()
    if row.ready < row.expected:
        state, options = CheckState.BLOCKED, (fixes.wait_for_nodes_fix(),)
        text += _describe_missing(row, members)
    elif row.joined > row.expected:
        state = CheckState.WARN
        text += f", {row.joined - row.expected} more than expected"
    elif pressed:
        state = CheckState.WARN
        text += f"; under pressure: {shorten_list(pressed)}"
    return _finding(f"group.{row.name}", state, f"Group {row.name}", text, facts=tuple(facts), fixes=options)


def _describe_missing(row: NodeGroupRow, members: Sequence[NodeRow]) -> str:
    """The nodes that are missing, by state: joined but not Ready, running but not joined, without an instance."""
    unready = sum(one.joined and not one.ready for one in members)
    outside = sum(not one.joined for one in members)
    absent = max(0, row.expected - row.joined - outside)
    parts = []
    if unready:
        parts.append(f"{unready} joined and not Ready")
    if outside:
        parts.append(f"{plural(outside, 'instance')} not joined")
    if absent:
        parts.append(f"{absent} without a running instance" if row.running is not None else f"{absent} missing")
    return f": {', '.join(parts)}" if parts else ""


def _node_findings(context: CheckContext, kubectl: Kubectl, node_rows: Sequence[NodeRow]) -> list[Finding]:
    """One finding for each node that is not Ready, up to MAX_NODE_FINDINGS."""
    unready = [row for row in node_rows if not row.ready]
    jump_host = _control_plane_row(context, node_rows)
    findings = []
    for row in unready[:MAX_NODE_FINDINGS]:
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
                fixes=fixes.debug_node_fixes(context, kubectl, row, jump_host),
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
    unexpected = [row.name for row in node_rows if row.joined and not row.group]
    if not unexpected:
        return []
    text = f"{plural(len(unexpected), 'node')} in no group of the settings: {shorten_list(unexpected)}"
    return [_finding("unexpected", CheckState.WARN, "Unexpected nodes", text)]


def _instances_finding(
    context: CheckContext, instances: list[NodeInstance] | Exception, group_rows: Sequence[NodeGroupRow]
) -> Finding:
    if isinstance(instances, Exception):
        return context.aws.unknown_finding("nodes.ec2", STEP, "EC2 instances", instances, DESCRIBE_INSTANCES_ACTION)
    expected = sum(row.expected for row in group_rows)
    running = sum(one.state == "running" for one in instances)
    others = Counter(one.state for one in instances if one.state != "running")
    text = f"{running} of {plural(expected, 'expected instance')} running"
    if others:
        text += f": {', '.join(f'{count} {state}' for state, count in sorted(others.items()))}"
    state = CheckState.OK if running >= expected else CheckState.WARN
    return _finding("ec2", state, "EC2 instances", text)
