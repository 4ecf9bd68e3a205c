"""The picture on top of a handed-over page: a row for each step, its commands as bars over the time of the session."""

from __future__ import annotations

from collections.abc import Iterator

from checks.finding import CheckState
from checks.steps import STEPS
from ecotui.history.anonymize import MaskText
from ecotui.history.export.model import ExportedCommand, SessionExport

LABEL_WIDTH, PLOT_WIDTH, ROW_HEIGHT, AXIS_HEIGHT = 110, 860, 26, 24
"""Units of the picture: the names at the left, the room of the bars, a row, and the axis above."""
_TICK_SECONDS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
"""Seconds between two lines of the axis: lengths that people count in."""


def render_svg_timeline(export: SessionExport, mask: MaskText) -> Iterator[str]:
    """The lines of an SVG. Colours are classes of the page; failures are hatched, so that colour alone tells nothing."""
    moments = export.entries
    begin = export.start_time
    end = max([moments[-1].timestamp, *(one.start_time + (one.seconds or 0.0) for one in export.commands)])
    length = max(end - begin, 1.0)
    rows = [step for step in STEPS if any(step.id in (one.step for one in kind) for kind in (export.commands, moments))]
    height = AXIS_HEIGHT + ROW_HEIGHT * len(rows) + 6

    def x(at: float) -> float:
        return LABEL_WIDTH + min(max(at - begin, 0.0) / length, 1.0) * PLOT_WIDTH

    yield (
        f'<svg viewBox="0 0 {LABEL_WIDTH + PLOT_WIDTH + 20} {height}" role="img" '
        'aria-label="The commands of the session in time"><defs><pattern id="hatch" width="7" height="7" '
        'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0V7"/></pattern></defs>'
    )
    every = next((one for one in _TICK_SECONDS if length / one <= 10), _TICK_SECONDS[-1])
    for number in range(int(length // every) + 1):
        at = x(begin + number * every)
        yield f'<path class="axis" d="M{at:.1f} {AXIS_HEIGHT - 6}V{height}"/>'
        yield f'<text class="dim" x="{at:.1f}" y="12" text-anchor="middle">{_format_offset(number * every)}</text>'
    for row, step in enumerate(rows):
        y = AXIS_HEIGHT + row * ROW_HEIGHT
        yield f'<text x="{LABEL_WIDTH - 12}" y="{y + 16}" text-anchor="end">{step.title}</text>'
        for one in export.commands:
            if one.step == step.id:
                yield from _render_bar(one, x(one.start_time), x(one.start_time + (one.seconds or 0.0)), y, mask)
        for moment in moments:
            if moment.step != step.id:
                continue
            if moment.kind == "look" and moment.state is not None:
                yield (
                    f'<circle class="{moment.state.value}" cx="{x(moment.timestamp):.1f}" cy="{y + 20}" r="3">'
                    f"<title>{mask(moment.text)}</title></circle>"
                )
            elif moment.is_decision:
                at = x(moment.timestamp)
                yield (
                    f'<path class="warn" d="M{at:.1f} {y + 14}V{y}l8 3.5l-8 3.5z"><title>{mask(moment.text)}</title></path>'
                )
    yield "</svg>"


def _render_bar(command: ExportedCommand, left: float, right: float, y: int, mask: MaskText) -> Iterator[str]:
    width = max(right - left, 3.0)
    kind = "open" if command.state is None else command.state.value
    shape = f'x="{left:.1f}" y="{y + 4}" width="{width:.1f}" height="12" rx="2"'
    yield f'<rect class="{kind}" {shape}><title>{mask(command.title)}: {mask(command.outcome_text)}</title></rect>'
    if command.state not in (None, CheckState.OK):
        yield f'<rect fill="url(#hatch)" {shape}/>'


def _format_offset(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
