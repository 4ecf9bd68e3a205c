"""The panel of the quota step: limit, use and need of each quota, as bars."""

from __future__ import annotations

import msgspec
from textual.content import Content

from checks.finding import Report
from checks.quota.model import QuotaDetail, QuotaRow, format_quantity
from screens.steps.panel import StepPanel
from screens.style.columns import render_bar, render_table
from screens.style.icons import state_icon, state_style
from screens.style.themes import MUTED

BAR_WIDTH = 16


class QuotaPanel(StepPanel):
    def render_detail(self, report: Report) -> Content | None:
        detail = msgspec.convert(report.detail or {}, type=QuotaDetail)
        if not detail.rows:
            return None
        narrow = self.text_width < 76
        head = ["", "quota", "limit", "in use", "needed", "" if narrow else "use and need of the limit"]
        rows = [
            [
                Content.styled(state_icon(row.state), state_style(row.state)),
                row.code if narrow else row.title,
                format_quantity(row.limit),
                format_quantity(row.used),
                format_quantity(row.needed),
                "" if narrow else _render_usage_bar(row),
            ]
            for row in detail.rows
        ]
        lines = [render_table(head, rows, self.text_width, right=frozenset({2, 3, 4}))]
        for row in detail.rows:
            lines += [
                Content.assemble(
                    Content.styled("request ", MUTED),
                    f"{row.code} to {format_quantity(request.desired)}: ",
                    Content.styled(request.status, "bold"),
                    f"  {request.meaning}",
                )
                for request in row.requests[:3]
            ]
        return Content("\n").join(lines)


def _render_usage_bar(row: QuotaRow) -> Content:
    """The bar of a quota: full when use and need together reach the limit."""
    if row.limit is None or row.used is None:
        return Content.styled("not known", MUTED)
    total = row.used + (row.needed or 0)
    share = total / row.limit if row.limit else 1.0
    return Content.assemble(
        render_bar(share, BAR_WIDTH, state_style(row.state)),
        f" {format_quantity(total)} of {format_quantity(row.limit)}",
    )
