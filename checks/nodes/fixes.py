"""The ways out of what the nodes step finds: wait, or look closer with a command to take away."""

from __future__ import annotations

import re
import shlex

from checks.context import World
from checks.finding import Copy, Fix, Run, Visit
from checks.nodes.model import NodeRow
from checks.tools.kubectl import Kubectl


def wait() -> Fix:
    """Wait until every expected node is Ready."""
    return Fix(
        id="nodes.wait",
        title="Wait until every expected node is Ready",
        action=Run(argv=("ecotui", "nodes", "--wait")),
        changes="nothing: it looks again and again, and ends when all are Ready",
        recommended=True,
    )


def apply() -> Fix:
    """Where the cluster comes from."""
    return Fix(
        id="nodes.apply",
        title="Build the cluster first",
        action=Visit(step="apply"),
        changes="nothing yet",
        recommended=True,
    )


def install() -> Fix:
    """Where kubectl comes from."""
    return Fix(
        id="nodes.install",
        title="How to install kubectl",
        action=Copy(text="https://kubernetes.io/docs/tasks/tools/"),
        changes="nothing yet",
    )


def debugging(world: World, kubectl: Kubectl, row: NodeRow, master: NodeRow | None) -> tuple[Fix, ...]:
    """Commands for one node: what the API knows of it, what its kubelet says, how its first start went."""
    found = []
    if row.joined:
        found.append(
            _copy(row, "describe", "What the API knows of it", kubectl.written("describe", "node", row.name))
        )
    login = _ssh(world, row, through=master)
    if login:
        start = "sudo tail -n 200 -f /var/log/cloud-init-output.log"
        kubelet = "sudo journalctl -u kubelet -n 200 -f"
        order = (("kubelet", "What its kubelet says", kubelet), ("start", "How its first start went", start))
        for id, title, command in order if row.joined else reversed(order):
            found.append(_copy(row, id, title, f"{login} {shlex.quote(command)}"))
    return tuple(found)


def master(world: World, row: NodeRow | None) -> tuple[Fix, ...]:
    """Commands for a control plane that does not answer; `row` is an instance of the group that holds it."""
    login = _ssh(world, row) if row else ""
    if not row or not login:
        return ()
    control = "sudo crictl ps -a; sudo journalctl -u kubelet -n 100 --no-pager"
    start = "sudo tail -n 200 -f /var/log/cloud-init-output.log"
    return (
        _copy(row, "start", "How the master's first start goes", f"{login} {shlex.quote(start)}"),
        _copy(row, "control-plane", "What the control plane does", f"{login} {shlex.quote(control)}"),
    )


def _copy(row: NodeRow, id: str, title: str, command: str) -> Fix:
    return Fix(
        id=f"nodes.{id}.{row.name}",
        title=f"{title}: {row.name}",
        action=Copy(text=command),
        changes="nothing: to be run by hand",
    )


def _ssh(world: World, row: NodeRow, *, through: NodeRow | None = None) -> str:
    """`ssh -i KEY -J ubuntu@MASTER ubuntu@NODE`; the jump where only the master has a public address."""
    address = row.public_ip or row.internal_ip
    if not address:
        return ""
    words = ["ssh"]
    key = world.settings.environment.ssh_key
    if key:
        # A tilde in quotes would not be expanded.
        words += ["-i", key if re.fullmatch(r"~?[\w./-]+", key) else shlex.quote(key)]
    if not row.public_ip and through and through.public_ip and through.name != row.name:
        words += ["-J", shlex.quote(f"{through.user or 'ubuntu'}@{through.public_ip}")]
    return " ".join([*words, shlex.quote(f"{row.user or 'ubuntu'}@{address}")])
