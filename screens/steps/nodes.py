"""The panel of the nodes step: groups against what is expected of them, then every node."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from checks.finding import Report, State
from checks.nodes.model import GroupRow, NodeRow, NodesDetail
from screens.steps.panel import StepPanel
from screens.style.columns import bar, table
from screens.style.icons import sign, style

BAR = 13
SHOWN = 60
"""Rows drawn; nodes that are not Ready come first, and `ecotui nodes` lists all."""


class Panel(StepPanel):
    def compose_own(self) -> Iterable[Widget]:
        yield Static(classes="own")

    def show_own(self, report: Report) -> None:
        own = self.query_one(".own", Static)
        own.display = bool(report.detail)
        if not report.detail:
            return
        detail = msgspec.convert(report.detail, type=NodesDetail)
        parts = []
        if detail.groups:
            groups = [_group(row, detail.answers) for row in detail.groups]
            parts.append(
                table(
                    ["", "group", "Ready", "instances", "type", ""],
                    groups,
                    self.room,
                    right=frozenset({2, 3}),
                )
            )
        if detail.rows:
            rows = [_node(row) for row in detail.rows[:SHOWN]]
            parts.append(table(["", "node", "status", "instance", "version", "address"], rows, self.room))
        if len(detail.rows) > SHOWN:
            parts.append(
                Content.styled(f"and {len(detail.rows) - SHOWN} more: ecotui nodes", "$foreground 62%")
            )
        own.update(Content("\n\n").join(parts))


def _group(row: GroupRow, answers: bool) -> list[Content | str]:
    state = State.OK if row.ready >= row.expected else State.BLOCKED
    return [
        Content.styled(sign(state), style(state)),
        row.name,
        f"{row.ready if answers else '?'}/{row.expected}",
        "?" if row.running is None else str(row.running),
        row.type,
        bar(row.ready / row.expected if row.expected else 1.0, BAR, style(state)),
    ]


def _node(row: NodeRow) -> list[Content | str]:
    state = State.OK if row.ready else State.BLOCKED
    status = (
        "Ready" if row.ready else (", ".join(row.conditions) or ("NotReady" if row.joined else "not joined"))
    )
    if not row.schedulable:
        status += ", cordoned"
    return [
        Content.styled(sign(state), style(state)),
        row.name,
        status,
        f"{row.instance_id} {row.instance_state}".strip(),
        row.version,
        row.internal_ip,
    ]
