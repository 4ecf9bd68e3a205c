"""The panel of the quota step: what is allowed, taken and wanted, as bars."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from checks.finding import Report
from checks.quota.model import QuotaDetail, QuotaRow, format_quantity
from screens.steps.panel import StepPanel
from screens.style.columns import render_bar, render_table
from screens.style.icons import state_icon, state_style
from screens.style.themes import MUTED

BAR_WIDTH = 16


class QuotaPanel(StepPanel):
    def compose_detail(self) -> Iterable[Widget]:
        yield Static(classes="detail")

    def show_detail(self, report: Report) -> None:
        detail = msgspec.convert(report.detail or {}, type=QuotaDetail)
        own = self.query_one(".detail", Static)
        own.display = bool(detail.rows)
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
        own.update(Content("\n").join(lines))


def _render_usage_bar(row: QuotaRow) -> Content:
    """The bar of a quota: full when use and need together reach the limit."""
    if row.limit is None or row.used is None:
        return Content.styled("not known", MUTED)
    wanted = row.used + (row.needed or 0)
    share = wanted / row.limit if row.limit else 1.0
    return Content.assemble(
        render_bar(share, BAR_WIDTH, state_style(row.state)),
        f" {format_quantity(wanted)} of {format_quantity(row.limit)}",
    )
