"""The panel of the quota step: what is allowed, taken and wanted, as bars."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from checks.finding import Report
from checks.quota.model import QuotaDetail, QuotaRow, number
from screens.steps.panel import StepPanel
from screens.style.columns import bar, table
from screens.style.icons import sign, style

BAR = 16


class Panel(StepPanel):
    def compose_own(self) -> Iterable[Widget]:
        yield Static(classes="own")

    def show_own(self, report: Report) -> None:
        detail = msgspec.convert(report.detail or {}, type=QuotaDetail)
        own = self.query_one(".own", Static)
        own.display = bool(detail.rows)
        narrow = self.room < 76
        head = ["", "quota", "limit", "in use", "needed", "" if narrow else "use and need of the limit"]
        rows = [
            [
                Content.styled(sign(row.state), style(row.state)),
                row.code if narrow else row.title,
                number(row.limit),
                number(row.used),
                number(row.needed),
                "" if narrow else _share(row),
            ]
            for row in detail.rows
        ]
        lines = [table(head, rows, self.room, right=frozenset({2, 3, 4}))]
        for row in detail.rows:
            lines += [
                Content.assemble(
                    Content.styled("request ", "$foreground 62%"),
                    f"{row.code} to {number(request.desired)}: ",
                    Content.styled(request.status, "bold"),
                    f"  {request.meaning}",
                )
                for request in row.requests[:3]
            ]
        own.update(Content("\n").join(lines))


def _share(row: QuotaRow) -> Content:
    """The bar of a quota: full when use and need together reach the limit."""
    if row.limit is None or row.used is None:
        return Content.styled("not known", "$foreground 62%")
    wanted = row.used + (row.needed or 0)
    share = wanted / row.limit if row.limit else 1.0
    return Content.assemble(bar(share, BAR, style(row.state)), f" {number(wanted)} of {number(row.limit)}")
