"""A run as a timeline: rows by resource, for a spreadsheet (CSV), a browser (one HTML file) and a terminal.

Everything in it comes from a recorded stream, which was sanitised and redacted when it was written.
"""

from __future__ import annotations

import csv
import io
import time
from dataclasses import dataclass
from html import escape
from typing import Literal

from checks.apply.run.durations import Times, type_of
from checks.apply.run.stream import ApplyProgress
from checks.duration import stopwatch

Outcome = Literal["done", "failed", "unfinished"]
WORD = {"done": "done", "failed": "failed", "unfinished": "not finished"}
SIGN = {"done": "✓", "failed": "✗", "unfinished": "…"}

_LABEL = 430
_PLOT = 900
_AFTER = 190
"""Pixels: for the addresses, for the bars, and for the times behind them."""
_ROW = 20
_LONGEST_LABEL = 57
"""Letters: at 12 pixels a monospaced one is a little over 7 wide."""
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
"""Seconds between two lines of the axis: lengths that people count in."""


@dataclass(frozen=True)
class Span:
    """One operation on one resource."""

    address: str
    action: str
    started: float
    """Seconds since the epoch."""
    seconds: float
    outcome: Outcome
    usual: float | None = None
    """Seconds, where earlier runs tell."""
    error: str = ""

    @property
    def type(self) -> str:
        return type_of(self.address)


@dataclass(frozen=True)
class Timeline:
    """A run. Rows are in the order in which they began."""

    title: str
    started: float
    ended: float
    spans: tuple[Span, ...]
    summary: str = ""
    total: int = 0

    @property
    def seconds(self) -> float:
        return max(self.ended - self.started, 0.0)

    def count(self, outcome: Outcome) -> int:
        return sum(span.outcome == outcome for span in self.spans)

    @property
    def sentence(self) -> str:
        """What became of it, with the numbers."""
        parts = [
            f"{self.count(outcome)} {WORD[outcome]}"
            for outcome in ("done", "failed", "unfinished")
            if self.count(outcome) or outcome == "done"
        ]
        return f"{', '.join(parts)}, in {stopwatch(self.seconds)}"


def of(progress: ApplyProgress, title: str, times: Times | None = None) -> Timeline:
    """The timeline of a stream that was read to its end, or as far as it is."""
    known = times or progress.usual
    errors: dict[str, str] = {}
    for one in progress.errors:
        errors.setdefault(one.address, one.summary)
    if progress.crash:
        errors |= dict.fromkeys(progress.crash.addresses, progress.crash.title)

    def usual(address: str, action: str) -> float | None:
        found = known.usual(address, action)
        return found.seconds if found.runs else None

    spans = [
        Span(
            done.address,
            done.action,
            done.started,
            max(done.ended - done.started, 0.0),
            "done",
            usual(done.address, done.action),
        )
        for done in progress.finished
    ]
    spans += [
        Span(
            done.address,
            done.action,
            done.started,
            max(done.ended - done.started, 0.0),
            "failed",
            usual(done.address, done.action),
            errors.get(done.address, ""),
        )
        for done in progress.broken
    ]
    spans += [
        Span(
            row.address,
            row.action,
            row.started,
            max(progress.last - row.started, 0.0),
            "unfinished",
            usual(row.address, row.action),
        )
        for row in progress.running
    ]
    spans.sort(key=lambda span: (span.started, span.address))
    started = min((span.started for span in spans), default=progress.started)
    return Timeline(
        title=title,
        started=min(started, progress.started or started),
        ended=max(progress.last, started),
        spans=tuple(spans),
        summary=progress.summary,
        total=progress.total,
    )


def stamp(at: float) -> str:
    """`2025-11-24T16:00:00.250Z`."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
    return f"{whole}.{int(at % 1 * 1000):03}Z"


def as_csv(timeline: Timeline) -> str:
    """One line for each operation; times in UTC, lengths in seconds."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        (
            "address",
            "type",
            "action",
            "outcome",
            "started",
            "ended",
            "offset_s",
            "seconds",
            "usual_s",
            "error",
        )
    )
    for span in timeline.spans:
        writer.writerow(
            (
                _cell(span.address),
                _cell(span.type),
                _cell(span.action),
                span.outcome,
                stamp(span.started),
                stamp(span.started + span.seconds) if span.outcome != "unfinished" else "",
                f"{span.started - timeline.started:.1f}",
                f"{span.seconds:.1f}",
                "" if span.usual is None else f"{span.usual:g}",
                _cell(span.error),
            )
        )
    return out.getvalue()


def _cell(text: str) -> str:
    """A text that a spreadsheet does not take for a formula (OWASP, "CSV Injection")."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def as_text(timeline: Timeline, width: int = 100) -> str:
    """For a terminal: a bar for each operation."""
    room = max(min(width // 3, 40), 16)
    lines = [f"{timeline.title}", f"{stamp(timeline.started)}  {timeline.sentence}", ""]
    whole = max(timeline.seconds, 0.001)
    plot = max(width - room - 26, 10)
    for span in timeline.spans:
        begin = min(int((span.started - timeline.started) / whole * plot), plot - 1)
        length = max(round(span.seconds / whole * plot), 1)
        drawn = {"done": "━", "failed": "╳", "unfinished": "┄"}[span.outcome] * min(length, plot - begin)
        address = span.address if len(span.address) <= room else f"…{span.address[-(room - 1) :]}"
        lines.append(
            f"{SIGN[span.outcome]} {address:<{room}} {span.action:<6} {stopwatch(span.seconds):>7}  {' ' * begin}{drawn}"
        )
        if span.error:
            lines.append(f"    {span.error[: width - 4]}")
    return "\n".join(lines) + "\n"


_STYLE = """
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
svg .usual { stroke: var(--fg); stroke-width: 1.5; } #hatch path { stroke: var(--bad); stroke-width: 2; }
table { border-collapse: collapse; margin-top: 1.2rem; } td, th { text-align: left; padding: .15rem .9rem .15rem 0;
  vertical-align: top; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
""".strip()


def as_html(timeline: Timeline) -> str:
    """One file that needs nothing else: no script, nothing from outside. Failures show by hatching, sign and word."""
    height = 34 + _ROW * len(timeline.spans) + 10
    width = _LABEL + _PLOT + _AFTER
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(timeline.title)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{escape(timeline.title)}</h1>",
            f"<p>{stamp(timeline.started)} to {stamp(timeline.ended)} (UTC): {escape(timeline.sentence)}</p>",
            f"<p>{escape(timeline.summary)}</p>" if timeline.summary else "",
            "<p>Filled: done. Hatched with ✗: failed. Dashed with …: not finished. A short upright line: its usual"
            " time in earlier runs.</p>",
            '<div class="picture">',
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
            f' viewBox="0 0 {width} {height}" role="img" aria-label="{escape(timeline.sentence)}">',
            '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse"'
            ' patternTransform="rotate(45)"><path d="M0 0V6"/></pattern></defs>',
            *_axis(timeline, height),
            *(line for row, span in enumerate(timeline.spans) for line in _bar(timeline, span, row)),
            "</svg></div>",
            *_table(timeline),
            "</body></html>",
            "",
        ]
    )


def _place(timeline: Timeline, at: float) -> float:
    return _LABEL + (at - timeline.started) / max(timeline.seconds, 0.001) * _PLOT


def _axis(timeline: Timeline, height: int) -> list[str]:
    step = next((one for one in _STEPS if timeline.seconds / one <= 10), _STEPS[-1])
    lines = []
    for number in range(int(timeline.seconds // step) + 1):
        x = _place(timeline, timeline.started + number * step)
        minutes, seconds = divmod(number * step, 60)
        lines.append(f'<path class="axis" d="M{x:.1f} 22V{height}"/>')
        lines.append(
            f'<text class="dim" x="{x:.1f}" y="15" text-anchor="middle">{minutes}:{seconds:02}</text>'
        )
    return lines


_ACTIONS = {"create": "+", "update": "~", "delete": "−"}


def _bar(timeline: Timeline, span: Span, row: int) -> list[str]:
    y = 30 + _ROW * row
    x = _place(timeline, span.started)
    width = max(_place(timeline, span.started + span.seconds) - x, 2.0)
    name = span.address
    if len(name) > _LONGEST_LABEL - 2:
        name = f"…{name[-(_LONGEST_LABEL - 3) :]}"
    told = f"{span.address} {span.action}: {WORD[span.outcome]}, {stopwatch(span.seconds)}"
    if span.usual is not None:
        told += f", usually {stopwatch(span.usual)}"
    if span.error:
        told += f": {span.error}"
    kind = {"done": "dim", "failed": "bad", "unfinished": "open"}[span.outcome]
    word = (
        stopwatch(span.seconds)
        if span.outcome == "done"
        else f"{SIGN[span.outcome]} {WORD[span.outcome]}, {stopwatch(span.seconds)}"
    )
    lines = [
        f"<g><title>{escape(told)}</title>",
        f'<text x="{_LABEL - 10}" y="{y + 12}" text-anchor="end">{escape(_ACTIONS.get(span.action, span.action))} {escape(name)}</text>',
        f'<rect class="{span.outcome}" x="{x:.1f}" y="{y + 3}" width="{width:.1f}" height="{_ROW - 7}"/>',
    ]
    end = x + width
    if span.usual is not None and span.started + span.usual <= timeline.ended:
        mark = _place(timeline, span.started + span.usual)
        lines.append(f'<path class="usual" d="M{mark:.1f} {y}V{y + _ROW - 1}"/>')
        end = max(end, mark)
    lines.append(f'<text class="{kind}" x="{end + 6:.1f}" y="{y + 12}">{escape(word)}</text></g>')
    return lines


def _table(timeline: Timeline) -> list[str]:
    """What failed, with its error; and what took longest."""
    lines = []
    bad = [span for span in timeline.spans if span.outcome != "done"]
    if bad:
        lines.append("<table><tr><th>Not done</th><th></th><th>Error</th></tr>")
        lines += [
            f"<tr><td>{SIGN[span.outcome]} {escape(span.address)}</td><td>{WORD[span.outcome]}</td>"
            f"<td>{escape(span.error)}</td></tr>"
            for span in bad
        ]
        lines.append("</table>")
    slow = sorted(timeline.spans, key=lambda span: -span.seconds)[:10]
    if slow:
        lines.append("<table><tr><th>Longest</th><th>Action</th><th>Took</th><th>Usually</th></tr>")
        lines += [
            f'<tr><td>{escape(span.address)}</td><td>{escape(span.action)}</td><td class="n">{stopwatch(span.seconds)}</td>'
            f'<td class="n">{"" if span.usual is None else stopwatch(span.usual)}</td></tr>'
            for span in slow
        ]
        lines.append("</table>")
    return lines
