"""Fixes of the nodes step: wait, build the cluster first, or copy a command that shows more."""

from __future__ import annotations

import re
import shlex

from checks.context import CheckContext
from checks.finding import CopyText, Fix, OpenStep, RunCommand
from checks.nodes.model import NodeRow
from checks.tools.kubectl import Kubectl


def wait_for_nodes_fix() -> Fix:
    """Fix: wait until every expected node is Ready."""
    return Fix(
        id="nodes.wait",
        title="Wait until every expected node is Ready",
        action=RunCommand(argv=("ecotui", "nodes", "--wait")),
        changes="nothing: checks until all are Ready",
        recommended=True,
    )


def build_cluster_fix() -> Fix:
    """Fix: go to the apply step, which builds the cluster."""
    return Fix(
        id="nodes.apply",
        title="Build the cluster first",
        action=OpenStep(step="apply"),
        changes="nothing yet",
        recommended=True,
    )


def install_kubectl_fix() -> Fix:
    """Fix: the page that tells how to install kubectl."""
    return Fix(
        id="nodes.install",
        title="How to install kubectl",
        action=CopyText(text="https://kubernetes.io/docs/tasks/tools/"),
        changes="nothing yet",
    )


def debug_node_fixes(
    context: CheckContext, kubectl: Kubectl, row: NodeRow, control_plane: NodeRow | None
) -> tuple[Fix, ...]:
    """Fixes: commands for one node that show its object in the API, the log of its kubelet, and its first start."""
    options = []
    if row.joined:
        options.append(
            _copy_command_fix(
                row, "describe", "What the API knows of it", kubectl.shell_command("describe", "node", row.name)
            )
        )
    login = _ssh_command(context, row, jump_host=control_plane)
    if login:
        start = "sudo tail -n 200 -f /var/log/cloud-init-output.log"
        kubelet = "sudo journalctl -u kubelet -n 200 -f"
        order = (("kubelet", "What its kubelet says", kubelet), ("start", "How its first start went", start))
        for id, title, command in order if row.joined else reversed(order):
            options.append(_copy_command_fix(row, id, title, f"{login} {shlex.quote(command)}"))
    return tuple(options)


def debug_control_plane_fixes(context: CheckContext, row: NodeRow | None) -> tuple[Fix, ...]:
    """Fixes: commands for a control plane that does not answer; `row` is an instance of its group."""
    login = _ssh_command(context, row) if row else ""
    if not row or not login:
        return ()
    control = "sudo crictl ps -a; sudo journalctl -u kubelet -n 100 --no-pager"
    start = "sudo tail -n 200 -f /var/log/cloud-init-output.log"
    return (
        _copy_command_fix(row, "start", "How the master's first start goes", f"{login} {shlex.quote(start)}"),
        _copy_command_fix(row, "control-plane", "What the control plane does", f"{login} {shlex.quote(control)}"),
    )


def _copy_command_fix(row: NodeRow, id: str, title: str, command: str) -> Fix:
    return Fix(
        id=f"nodes.{id}.{row.name}",
        title=f"{title}: {row.name}",
        action=CopyText(text=command),
        changes="nothing: to be run by hand",
    )


def _ssh_command(context: CheckContext, row: NodeRow, *, jump_host: NodeRow | None = None) -> str:
    """`ssh -i KEY -J ubuntu@MASTER ubuntu@NODE`; the jump where only the master has a public address."""
    address = row.public_ip or row.internal_ip
    if not address:
        return ""
    words = ["ssh"]
    key = context.settings.environment.ssh_key
    if key:
        # A tilde in quotes would not be expanded.
        words += ["-i", key if re.fullmatch(r"~?[\w./-]+", key) else shlex.quote(key)]
    if not row.public_ip and jump_host and jump_host.public_ip and jump_host.name != row.name:
        words += ["-J", shlex.quote(f"{jump_host.user or 'ubuntu'}@{jump_host.public_ip}")]
    return " ".join([*words, shlex.quote(f"{row.user or 'ubuntu'}@{address}")])
