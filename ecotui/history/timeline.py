"""The timeline of an apply, a row for each resource: as CSV, as one HTML page, and for a terminal.

It is built from recorded output, which was sanitised and redacted when it was written.
"""

from __future__ import annotations

import csv
import io
import time
from dataclasses import dataclass
from html import escape
from typing import Literal

from checks.apply.durations import DurationStats, parse_resource_type
from checks.apply.run.stream import ApplyProgress, FinishedOperation, RunningOperation
from checks.duration import format_stopwatch
from ecotui.history.svg import HATCH_PATTERN, TimeScale

OperationOutcome = Literal["done", "failed", "unfinished"]
OUTCOME_TEXTS = {"done": "done", "failed": "failed", "unfinished": "not finished"}
OUTCOME_ICONS = {"done": "✓", "failed": "✗", "unfinished": "…"}

_LABEL_WIDTH = 430
_PLOT_WIDTH = 900
_DURATION_WIDTH = 190
"""Pixels: for the addresses, for the bars, and for the times behind them."""
_ROW_HEIGHT = 20
_MAX_LABEL_CHARS = 57
"""Letters: at 12 pixels a monospaced one is a little over 7 wide."""


@dataclass(frozen=True)
class ResourceOperation:
    """One operation on one resource."""

    address: str
    action: str
    started: float
    """Seconds since the epoch."""
    seconds: float
    outcome: OperationOutcome
    usual: float | None = None
    """Seconds, where earlier applies are known."""
    error: str = ""

    @property
    def resource_type(self) -> str:
        return parse_resource_type(self.address)


@dataclass(frozen=True)
class ApplyTimeline:
    """An apply. Operations are in the order of their start."""

    title: str
    start_time: float
    end_time: float
    operations: tuple[ResourceOperation, ...]
    summary: str = ""
    planned_operations: int = 0

    @property
    def seconds(self) -> float:
        return max(self.end_time - self.start_time, 0.0)

    def count(self, outcome: OperationOutcome) -> int:
        return sum(span.outcome == outcome for span in self.operations)

    @property
    def result_text(self) -> str:
        """The result in numbers: `12 done, 1 failed, in 3:07`."""
        parts = [
            f"{self.count(outcome)} {OUTCOME_TEXTS[outcome]}"
            for outcome in ("done", "failed", "unfinished")
            if self.count(outcome) or outcome == "done"
        ]
        return f"{', '.join(parts)}, in {format_stopwatch(self.seconds)}"


def build_timeline(progress: ApplyProgress, title: str, stats: DurationStats | None = None) -> ApplyTimeline:
    """The timeline of an apply, finished or not."""
    durations = stats or progress.durations
    errors: dict[str, str] = {}
    for error in progress.errors:
        errors.setdefault(error.address, error.summary)
    if progress.crash:
        errors |= dict.fromkeys(progress.crash.addresses, progress.crash.title)

    def usual(address: str, action: str) -> float | None:
        found = durations.typical_duration(address, action)
        return found.seconds if found.sample_count else None

    def operation(
        row: RunningOperation | FinishedOperation, outcome: OperationOutcome, ended: float, error: str = ""
    ) -> ResourceOperation:
        seconds = max(ended - row.started_at, 0.0)
        return ResourceOperation(
            row.address, row.action, row.started_at, seconds, outcome, usual(row.address, row.action), error
        )

    operations = [
        *(operation(row, "done", row.ended_at) for row in progress.finished_operations),
        *(operation(row, "failed", row.ended_at, errors.get(row.address, "")) for row in progress.failed_operations),
        *(operation(row, "unfinished", progress.last_line_at) for row in progress.running_operations),
    ]
    operations.sort(key=lambda row: (row.started, row.address))
    started = min((row.started for row in operations), default=progress.started_at)
    return ApplyTimeline(
        title=title,
        start_time=min(started, progress.started_at or started),
        end_time=max(progress.last_line_at, started),
        operations=tuple(operations),
        summary=progress.summary,
        planned_operations=progress.total_count,
    )


def format_utc_milliseconds(timestamp: float) -> str:
    """`2025-11-24T16:00:00.250Z`."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(timestamp))
    return f"{whole}.{int(timestamp % 1 * 1000):03}Z"


def as_csv(timeline: ApplyTimeline) -> str:
    """One line for each operation; times in UTC, lengths in seconds."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ("address", "type", "action", "outcome", "started", "ended", "offset_s", "seconds", "usual_s", "error")
    )
    for operation in timeline.operations:
        writer.writerow(
            (
                _escape_csv_formula(operation.address),
                _escape_csv_formula(operation.resource_type),
                _escape_csv_formula(operation.action),
                operation.outcome,
                format_utc_milliseconds(operation.started),
                format_utc_milliseconds(operation.started + operation.seconds)
                if operation.outcome != "unfinished"
                else "",
                f"{operation.started - timeline.start_time:.1f}",
                f"{operation.seconds:.1f}",
                "" if operation.usual is None else f"{operation.usual:g}",
                _escape_csv_formula(operation.error),
            )
        )
    return out.getvalue()


def _escape_csv_formula(text: str) -> str:
    """Text that a spreadsheet does not read as a formula (OWASP, "CSV Injection")."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def as_text(timeline: ApplyTimeline, width: int = 100) -> str:
    """For a terminal: a bar for each operation."""
    label_width = max(min(width // 3, 40), 16)
    lines = [f"{timeline.title}", f"{format_utc_milliseconds(timeline.start_time)}  {timeline.result_text}", ""]
    total = max(timeline.seconds, 0.001)
    plot = max(width - label_width - 26, 10)
    for operation in timeline.operations:
        start = min(int((operation.started - timeline.start_time) / total * plot), plot - 1)
        length = max(round(operation.seconds / total * plot), 1)
        bar = {"done": "━", "failed": "╳", "unfinished": "┄"}[operation.outcome] * min(length, plot - start)
        address = (
            operation.address
            if len(operation.address) <= label_width
            else f"…{operation.address[-(label_width - 1) :]}"
        )
        lines.append(
            f"{OUTCOME_ICONS[operation.outcome]} {address:<{label_width}} {operation.action:<6} {format_stopwatch(operation.seconds):>7}  {' ' * start}{bar}"
        )
        if operation.error:
            lines.append(f"    {operation.error[: width - 4]}")
    return "\n".join(lines) + "\n"


_TIMELINE_CSS = """
:root { color-scheme: light dark; --fg: #1a202c; --dim: #5a6676; --bg: #ffffff; --line: #dde3ea; --done: #2b6cb0;
  --bad: #b3261e; --open: #8a6d00; }
@media (prefers-color-scheme: dark) { :root { --fg: #e6e9ee; --dim: #9aa5b4; --bg: #14181f; --line: #2c3440;
  --done: #63a4e8; --bad: #ff8a80; --open: #e3c04d; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--fg); background: var(--bg); margin: 2rem; }
h1 { font-size: 1.3rem; margin: 0 0 .3rem; } p { margin: .2rem 0; color: var(--dim); }
.picture { overflow-x: auto; margin-top: 1rem; }
svg text { font: 12px ui-monospace, monospace; fill: var(--fg); } svg .dim { fill: var(--dim); }
svg .axis { stroke: var(--line); } svg .done { fill: var(--done); }
svg .failed { fill: url(#hatch); stroke: var(--bad); stroke-width: 1.5; } svg .bad { fill: var(--bad); font-weight: bold; }
svg .unfinished { fill: none; stroke: var(--open); stroke-width: 1.5; stroke-dasharray: 5 3; } svg .open { fill: var(--open); }
svg .usual { stroke: var(--fg); stroke-width: 1.5; } svg .hatch { stroke: var(--bad); stroke-width: 2; }
table { border-collapse: collapse; margin-top: 1.2rem; } td, th { text-align: left; padding: .15rem .9rem .15rem 0;
  vertical-align: top; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
""".strip()


def as_html(timeline: ApplyTimeline) -> str:
    """One HTML page without scripts or external files. Failures are hatched, and have a sign and a word."""
    height = 34 + _ROW_HEIGHT * len(timeline.operations) + 10
    width = _LABEL_WIDTH + _PLOT_WIDTH + _DURATION_WIDTH
    scale = TimeScale(timeline.start_time, timeline.seconds, _LABEL_WIDTH, _PLOT_WIDTH)
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(timeline.title)}</title><style>{_TIMELINE_CSS}</style></head><body>",
            f"<h1>{escape(timeline.title)}</h1>",
            f"<p>{format_utc_milliseconds(timeline.start_time)} to {format_utc_milliseconds(timeline.end_time)} (UTC): {escape(timeline.result_text)}</p>",
            f"<p>{escape(timeline.summary)}</p>" if timeline.summary else "",
            "<p>Filled: done. Hatched with ✗: failed. Dashed with …: not finished. A short upright line: its usual"
            " time in earlier runs.</p>",
            '<div class="picture">',
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
            f' viewBox="0 0 {width} {height}" role="img" aria-label="{escape(timeline.result_text)}">',
            HATCH_PATTERN,
            *scale.axis(22, height),
            *(line for row, span in enumerate(timeline.operations) for line in _render_row(timeline, scale, span, row)),
            "</svg></div>",
            *_render_tables(timeline),
            "</body></html>",
            "",
        ]
    )


_ACTION_ICONS = {"create": "+", "update": "~", "delete": "−"}


def _render_row(timeline: ApplyTimeline, scale: TimeScale, operation: ResourceOperation, row: int) -> list[str]:
    """The name, the bar, a mark at the usual time, and the time in words behind them."""
    y = 30 + _ROW_HEIGHT * row
    name = operation.address
    if len(name) > _MAX_LABEL_CHARS - 2:
        name = f"…{name[-(_MAX_LABEL_CHARS - 3) :]}"
    seconds = format_stopwatch(operation.seconds)
    title = f"{operation.address} {operation.action}: {OUTCOME_TEXTS[operation.outcome]}, {seconds}"
    if operation.usual is not None:
        title += f", usually {format_stopwatch(operation.usual)}"
    if operation.error:
        title += f": {operation.error}"
    lines = [
        f"<g><title>{escape(title)}</title>",
        f'<text x="{_LABEL_WIDTH - 10}" y="{y + 12}" text-anchor="end">'
        f"{escape(_ACTION_ICONS.get(operation.action, operation.action))} {escape(name)}</text>",
        scale.bar(operation.outcome, operation.started, operation.seconds, y + 3, _ROW_HEIGHT - 7),
    ]
    end = operation.started + operation.seconds
    if operation.usual is not None and operation.started + operation.usual <= timeline.end_time:
        usual_end = operation.started + operation.usual
        lines.append(f'<path class="usual" d="M{scale.x(usual_end):.1f} {y}V{y + _ROW_HEIGHT - 1}"/>')
        end = max(end, usual_end)
    icon = (
        ""
        if operation.outcome == "done"
        else f"{OUTCOME_ICONS[operation.outcome]} {OUTCOME_TEXTS[operation.outcome]}, "
    )
    css_class = {"done": "dim", "failed": "bad", "unfinished": "open"}[operation.outcome]
    lines.append(f'<text class="{css_class}" x="{scale.x(end) + 8:.1f}" y="{y + 12}">{icon}{seconds}</text></g>')
    return lines


def _render_tables(timeline: ApplyTimeline) -> list[str]:
    """Tables of what failed, with its error, and of what took longest."""
    lines = []
    failed = [operation for operation in timeline.operations if operation.outcome != "done"]
    if failed:
        lines.append("<table><tr><th>Not done</th><th></th><th>Error</th></tr>")
        lines += [
            f"<tr><td>{OUTCOME_ICONS[operation.outcome]} {escape(operation.address)}</td><td>{OUTCOME_TEXTS[operation.outcome]}</td>"
            f"<td>{escape(operation.error)}</td></tr>"
            for operation in failed
        ]
        lines.append("</table>")
    longest = sorted(timeline.operations, key=lambda operation: -operation.seconds)[:10]
    if longest:
        lines.append("<table><tr><th>Longest</th><th>Action</th><th>Took</th><th>Usually</th></tr>")
        lines += [
            f'<tr><td>{escape(operation.address)}</td><td>{escape(operation.action)}</td><td class="n">{format_stopwatch(operation.seconds)}</td>'
            f'<td class="n">{"" if operation.usual is None else format_stopwatch(operation.usual)}</td></tr>'
            for operation in longest
        ]
        lines.append("</table>")
    return lines
