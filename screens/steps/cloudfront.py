"""The panel of the CloudFront step: each distribution's progress against the usual time."""

from __future__ import annotations

import msgspec
from textual.content import Content

from checks.cloudfront.model import CloudFrontDetail, DistributionRow
from checks.duration import format_stopwatch
from checks.finding import Report
from screens.steps.panel import StepPanel
from screens.style.columns import render_bar, render_table
from screens.style.icons import state_icon, state_style

BAR_WIDTH = 24


class CloudFrontPanel(StepPanel):
    def render_detail(self, report: Report) -> Content | None:
        detail = msgspec.convert(report.detail or {}, type=CloudFrontDetail)
        if not detail.rows:
            return None
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
        head = ["", "distribution", "status", "", f"usually {low} to {high} minutes"]
        return render_table(head, rows, self.text_width)


def _render_progress(row: DistributionRow, typical_seconds: float, *, narrow: bool) -> Content:
    width = BAR_WIDTH // 2 if narrow else BAR_WIDTH
    if row.is_deployed:
        return render_bar(1.0, width, state_style(row.state))
    elapsed = format_stopwatch(row.elapsed) if narrow else f"{format_stopwatch(row.elapsed)} since the last change"
    return Content.assemble(render_bar(row.elapsed / typical_seconds, width, "$text-accent"), f" {elapsed}")
