"""The panel of the CloudFront step: each distribution's progress against the usual time."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from checks.cloudfront.model import CloudFrontDetail, DistributionRow
from checks.duration import format_stopwatch
from checks.finding import Report
from screens.steps.panel import StepPanel
from screens.style.columns import render_bar, render_table
from screens.style.icons import state_icon, state_style

BAR_WIDTH = 24


class CloudFrontPanel(StepPanel):
    def compose_detail(self) -> Iterable[Widget]:
        yield Static(classes="detail")

    def show_detail(self, report: Report) -> None:
        detail = msgspec.convert(report.detail or {}, type=CloudFrontDetail)
        own = self.query_one(".detail", Static)
        own.display = bool(detail.rows)
        low, high = detail.normal_minutes
        rows = [
            [
                Content.styled(state_icon(row.state), state_style(row.state)),
                row.name,
                row.status,
                "enabled" if row.enabled else "disabled",
                _render_progress(row, high * 60, narrow=self.text_width < 90),
            ]
            for row in detail.rows
        ]
        own.update(
            render_table(["", "distribution", "status", "", f"usually {low} to {high} minutes"], rows, self.text_width)
        )


def _render_progress(row: DistributionRow, typical_seconds: float, *, narrow: bool) -> Content:
    width = BAR_WIDTH // 2 if narrow else BAR_WIDTH
    if row.is_deployed:
        return render_bar(1.0, width, state_style(row.state))
    said = format_stopwatch(row.elapsed) if narrow else f"{format_stopwatch(row.elapsed)} since the last change"
    return Content.assemble(render_bar(row.elapsed / typical_seconds, width, "$text-accent"), f" {said}")
