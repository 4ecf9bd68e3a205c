"""The nodes step: every expected node against the API server and EC2, with conditions, pods and services."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from checks.context import World
from checks.finding import Fact, Finding, Fix, Look, Report, State, finding_of
from checks.nodes import fixes
from checks.nodes.ec2 import ACTION, instances
from checks.nodes.matching import Instance, grouped, rows
from checks.nodes.model import GroupRow, NodeRow, NodesDetail, PodsRow
from checks.nodes.workloads import summary
from checks.tools.kubectl import DOWN, Kubectl, KubectlError, Node, Pod, Service, Why
from checks.tools.run import CommandError, CommandMissing, stop_all

STEP = "nodes"
GUIDE = ("7.2",)
_finding = partial(finding_of, STEP, guide=GUIDE)
NAMED = 20
"""The most nodes that get a finding of their own; the rest is in the table, and counted."""
_T = TypeVar("_T")


def look(world: World) -> Report:
    """Look at the cluster and at its instances, read-only. A cluster that does not answer is a state, not an error."""
    return seen(world, everything=True)


def seen(world: World, *, everything: bool) -> Report:
    """The look; without `everything`, nodes and instances only: for whoever waits and looks often."""
    begun = Look(STEP)
    kubectl = Kubectl(world)
    world.say("asking the API server for nodes, and EC2 for instances")
    try:
        with ThreadPoolExecutor(max_workers=4, thread_name_prefix="nodes") as pool:
            nodes_there = pool.submit(kubectl.nodes)
            machines_there = pool.submit(instances, world)
            pods_there = pool.submit(kubectl.pods) if everything else None
            services_there = pool.submit(kubectl.services) if everything else None
    except KeyboardInterrupt:
        # The threads wait for their commands, which do not hear Ctrl-C, and the program would wait for the threads.
        stop_all()
        raise
    nodes = _answer(nodes_there, CommandError)
    machines = _answer(machines_there, Exception)
    alive = machines if not isinstance(machines, Exception) else None
    groups = world.settings.nodes.groups
    found = rows(groups, nodes if not isinstance(nodes, Exception) else (), alive, begun.started)
    counted = grouped(groups, found, ec2=alive is not None)

    findings = [_api(world, nodes, found, alive)]
    pods: PodsRow | None = None
    if not isinstance(nodes, Exception):
        findings += [_group(row, found) for row in counted]
        findings += _nodes(world, kubectl, found)
        findings += _unexpected(found)
        if pods_there and services_there:
            pods_seen = _answer(pods_there, CommandError)
            services_seen = _answer(services_there, CommandError)
            pods, finding = _pods(pods_seen, services_seen)
            findings.append(finding)
    findings.append(_ec2(world, machines, counted))
    detail = NodesDetail(
        answers=not isinstance(nodes, Exception),
        reason=nodes.explain() if isinstance(nodes, CommandError) else "",
        expected=sum(group.count for group in groups),
        ready=sum(min(row.ready, row.expected) for row in counted),
        groups=counted,
        rows=found,
        pods=pods,
        context=world.settings.kubectl.context,
    )
    return begun.report(findings, detail)


def _answer(future: Future[_T], kind: type[Exception]) -> _T | Exception:
    """What a thread brought back: its answer, or its error if that is of this kind."""
    try:
        return future.result()
    except kind as error:
        return error


def _api(
    world: World, nodes: list[Node] | Exception, found: Sequence[NodeRow], alive: list[Instance] | None
) -> Finding:
    if not isinstance(nodes, Exception):
        text = f"The API server answers, and lists {_count(len(nodes), 'node')}"
        return _finding("api", State.OK, "API server", text)
    if not isinstance(nodes, KubectlError):
        text = nodes.explain() if isinstance(nodes, CommandError) else str(nodes)
        ways: tuple[Fix, ...] = (fixes.install(),) if isinstance(nodes, CommandMissing) else ()
        return _finding("api", State.BLOCKED, "API server", _capital(text), fixes=ways)
    if nodes.why is Why.FORBIDDEN:
        text = f"The nodes could not be looked at: {nodes.explain()}"
        return _finding(
            "api",
            State.UNKNOWN,
            "API server",
            text,
            raw=nodes.raw,
            denied=(nodes.denied,) if nodes.denied else (),
        )
    if alive is not None and not alive:
        text = f"There is no cluster yet: no instance of it runs, and {nodes.summary}"
        return _finding("api", State.BLOCKED, "API server", text, raw=nodes.raw, fixes=(fixes.apply(),))
    ways = fixes.master(world, _first(world, found))
    if nodes.why in DOWN:
        ways = (fixes.wait(), *ways)
    machines = f" ({sum(one.state == 'running' for one in alive)} instances run)" if alive else ""
    text = f"The API server cannot be asked{machines}: {nodes.explain()}"
    return _finding("api", State.BLOCKED, "API server", text, raw=nodes.raw, fixes=ways)


def _first(world: World, found: Sequence[NodeRow]) -> NodeRow | None:
    """A machine of the first group of the settings, which is where the control plane is."""
    groups = world.settings.nodes.groups
    return next((row for row in found if groups and row.group == groups[0].name), None)


def _group(row: GroupRow, found: Sequence[NodeRow]) -> Finding:
    members = [one for one in found if one.group == row.name]
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
        facts.append(Fact(label="Cordoned", value=_some(cordoned)))
    note = f", {len(cordoned)} cordoned" if cordoned else ""
    text = f"{row.name}: {row.ready} of {row.expected} Ready{note}"
    state, ways = State.OK, tuple[Fix, ...]()
    if row.ready < row.expected:
        state, ways = State.BLOCKED, (fixes.wait(),)
        text += _why_short(row, members)
    elif row.joined > row.expected:
        state = State.WARN
        text += f", {row.joined - row.expected} more than expected"
    elif pressed:
        state = State.WARN
        text += f"; under pressure: {_some(pressed)}"
    return _finding(f"group.{row.name}", state, f"Group {row.name}", text, facts=tuple(facts), fixes=ways)


def _why_short(row: GroupRow, members: Sequence[NodeRow]) -> str:
    """What the missing ones are: joined but not Ready, running but not joined, or not there at all."""
    unready = sum(one.joined and not one.ready for one in members)
    outside = sum(not one.joined for one in members)
    absent = max(0, row.expected - row.joined - outside)
    parts = []
    if unready:
        parts.append(f"{unready} joined and not Ready")
    if outside:
        parts.append(f"{_count(outside, 'instance')} not joined")
    if absent:
        parts.append(
            f"{absent} without a running instance" if row.running is not None else f"{absent} missing"
        )
    return f": {', '.join(parts)}" if parts else ""


def _nodes(world: World, kubectl: Kubectl, found: Sequence[NodeRow]) -> list[Finding]:
    """One finding for each that is not Ready, up to a limit."""
    bad = [row for row in found if not row.ready]
    jump = _first(world, found)
    findings = []
    for row in bad[:NAMED]:
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
                State.BLOCKED if row.group else State.WARN,
                f"Node {row.name}",
                text,
                facts=_facts(row),
                fixes=fixes.debugging(world, kubectl, row, jump),
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


def _unexpected(found: Sequence[NodeRow]) -> list[Finding]:
    strangers = [row.name for row in found if row.joined and not row.group]
    if not strangers:
        return []
    text = f"{_count(len(strangers), 'node')} in no group of the settings: {_some(strangers)}"
    return [_finding("unexpected", State.WARN, "Unexpected nodes", text)]


def _pods(pods: list[Pod] | Exception, services: list[Service] | Exception) -> tuple[PodsRow | None, Finding]:
    for answer in (pods, services):
        if isinstance(answer, Exception):
            return None, _unseen_pods(answer)
    assert isinstance(pods, list)
    assert isinstance(services, list)
    row = summary(pods, services)
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
        parts.append(f"{_count(len(row.without_address), 'service')} without an address")
    text = f"{row.running} of {_count(total, 'pod')} running, {_count(len(services), 'service')}"
    facts = tuple(Fact(label="In trouble", value=one) for one in row.troubled)
    facts += tuple(Fact(label=f"Services, {kind}", value=str(count)) for kind, count in row.services.items())
    facts += tuple(Fact(label="Without an address", value=name) for name in row.without_address)
    return row, _finding(
        "pods",
        State.WARN if parts else State.OK,
        "Pods and services",
        _joined(text, parts),
        facts=facts,
    )


def _unseen_pods(error: Exception) -> Finding:
    denied = error.denied if isinstance(error, KubectlError) else ""
    return _finding(
        "pods",
        State.UNKNOWN,
        "Pods and services",
        f"Pods and services could not be looked at: {error.explain() if isinstance(error, CommandError) else error}",
        raw=error.raw if isinstance(error, KubectlError) else "",
        denied=(denied,) if denied else (),
    )


def _joined(text: str, parts: Sequence[str]) -> str:
    return f"{text}: {', '.join(parts)}" if parts else text


def _ec2(world: World, machines: list[Instance] | Exception, counted: Sequence[GroupRow]) -> Finding:
    if isinstance(machines, Exception):
        return world.aws.unknown("nodes.ec2", STEP, "EC2 instances", machines, ACTION)
    expected = sum(row.expected for row in counted)
    running = sum(one.state == "running" for one in machines)
    others: dict[str, int] = {}
    for one in machines:
        if one.state != "running":
            others[one.state] = others.get(one.state, 0) + 1
    text = f"{running} of {_count(expected, 'expected instance')} running"
    text = _joined(text, [f"{count} {state}" for state, count in sorted(others.items())])
    state = State.OK if running >= expected else State.WARN
    return _finding("ec2", state, "EC2 instances", text)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _capital(text: str) -> str:
    return text if text.startswith("kubectl") else text[:1].upper() + text[1:]
