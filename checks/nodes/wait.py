"""One look of somebody who waits for the nodes: where it stands, in a line."""

from __future__ import annotations

from typing import Any

import msgspec

from checks.context import CheckContext
from checks.finding import CheckState
from checks.nodes.check import check_nodes
from checks.nodes.model import NodeRow, NodesDetail
from checks.polling import PollOutcome, PollResult

_PERMANENT_ERRORS = ("is not installed", "cannot be started", "not allowed to")


def poll_nodes(context: CheckContext) -> PollResult:
    """Look at nodes and instances. An API server that does not answer is waited out; a missing kubectl is not."""
    report = check_nodes(context, include_workloads=False)
    detail = msgspec.convert(report.detail, NodesDetail)
    data = _progress_data(detail)
    if not detail.answers:
        api = report.findings[0]
        never = api.state is CheckState.UNKNOWN or any(words in detail.reason for words in _PERMANENT_ERRORS)
        verdict = PollOutcome.FAILED if never else PollOutcome.PENDING
        machines = sum(row.instance_state == "running" for row in detail.rows)
        there = f" {machines} of {detail.expected} instances run." if machines else ""
        return PollResult(verdict, f"No answer from the API server: {detail.reason}.{there}", "Down", data)
    if detail.expected:
        done = detail.ready >= detail.expected
    else:
        done = bool(detail.rows) and all(row.ready for row in detail.rows)
    whole = f"{detail.ready} of {detail.expected} nodes Ready" if detail.expected else "No nodes are expected"
    parts = [f"{group.name} {group.ready}/{group.expected}" for group in detail.groups]
    text = f"{whole} ({', '.join(parts)})" if parts else whole
    missing = [_describe_missing_node(row) for row in detail.rows if not row.ready and row.group]
    if missing and not done:
        more = f" and {len(missing) - 4} more" if len(missing) > 4 else ""
        text += f"; waiting for {', '.join(missing[:4])}{more}"
    return PollResult(
        PollOutcome.DONE if done else PollOutcome.PENDING, f"{text}.", "Ready" if done else "NotReady", data
    )


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
