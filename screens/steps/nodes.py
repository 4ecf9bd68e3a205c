"""The panel of the nodes step: each group against the nodes expected in it, then every node."""

from __future__ import annotations

import msgspec
from textual.content import Content

from checks.finding import CheckState, Report
from checks.nodes.model import NodeGroupRow, NodeRow, NodesDetail
from screens.steps.panel import StepPanel
from screens.style.columns import render_bar, render_table
from screens.style.icons import state_icon, state_style
from screens.style.themes import MUTED

BAR_WIDTH = 13
MAX_ROWS = 60
"""Rows drawn; nodes that are not Ready come first, and `ecotui nodes` lists all."""


class NodesPanel(StepPanel):
    def render_detail(self, report: Report) -> Content | None:
        if not report.detail:
            return None
        detail = msgspec.convert(report.detail, type=NodesDetail)
        parts = []
        if detail.groups:
            groups = [_node_group_cells(row, detail.answers) for row in detail.groups]
            parts.append(
                render_table(
                    ["", "group", "Ready", "instances", "type", ""],
                    groups,
                    self.text_width,
                    right=frozenset({2, 3}),
                )
            )
        if detail.rows:
            rows = [_node_cells(row) for row in detail.rows[:MAX_ROWS]]
            parts.append(render_table(["", "node", "status", "instance", "version", "address"], rows, self.text_width))
        if len(detail.rows) > MAX_ROWS:
            parts.append(Content.styled(f"and {len(detail.rows) - MAX_ROWS} more: ecotui nodes", MUTED))
        return Content("\n\n").join(parts)


def _node_group_cells(row: NodeGroupRow, api_reachable: bool) -> list[Content | str]:
    state = CheckState.OK if row.ready >= row.expected else CheckState.BLOCKED
    return [
        Content.styled(state_icon(state), state_style(state)),
        row.name,
        f"{row.ready if api_reachable else '?'}/{row.expected}",
        "?" if row.running is None else str(row.running),
        row.type,
        render_bar(row.ready / row.expected if row.expected else 1.0, BAR_WIDTH, state_style(state)),
    ]


def _node_cells(row: NodeRow) -> list[Content | str]:
    state = CheckState.OK if row.ready else CheckState.BLOCKED
    status = "Ready" if row.ready else (", ".join(row.conditions) or ("NotReady" if row.joined else "not joined"))
    if not row.schedulable:
        status += ", cordoned"
    return [
        Content.styled(state_icon(state), state_style(state)),
        row.name,
        status,
        f"{row.instance_id} {row.instance_state}".strip(),
        row.version,
        row.internal_ip,
    ]
