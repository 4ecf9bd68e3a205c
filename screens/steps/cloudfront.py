"""The panel of the CloudFront step: each distribution's progress against the usual time."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from checks.cloudfront.check import CloudFrontDetail, DistributionRow
from checks.duration import stopwatch
from checks.finding import Report
from screens.steps.panel import StepPanel
from screens.style.columns import bar, table
from screens.style.icons import sign, style

BAR = 24


class Panel(StepPanel):
    def compose_own(self) -> Iterable[Widget]:
        yield Static(classes="own")

    def show_own(self, report: Report) -> None:
        detail = msgspec.convert(report.detail or {}, type=CloudFrontDetail)
        own = self.query_one(".own", Static)
        own.display = bool(detail.rows)
        low, high = detail.normal_minutes
        rows = [
            [
                Content.styled(sign(row.state), style(row.state)),
                row.name,
                row.status,
                "enabled" if row.enabled else "disabled",
                _progress(row, high * 60, narrow=self.room < 90),
            ]
            for row in detail.rows
        ]
        own.update(
            table(["", "distribution", "status", "", f"usually {low} to {high} minutes"], rows, self.room)
        )


def _progress(row: DistributionRow, usual: float, *, narrow: bool) -> Content:
    width = BAR // 2 if narrow else BAR
    if row.deployed:
        return bar(1.0, width, style(row.state))
    said = stopwatch(row.elapsed) if narrow else f"{stopwatch(row.elapsed)} since the last change"
    return Content.assemble(bar(row.elapsed / usual, width, "$text-accent"), f" {said}")
