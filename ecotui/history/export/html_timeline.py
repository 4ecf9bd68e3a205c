"""The picture on top of a handed-over page: a row for each step, its commands as bars over the time of the session."""

from __future__ import annotations

from collections.abc import Iterator

from checks.finding import State
from checks.steps import STEPS
from ecotui.history.anonymize import Clean
from ecotui.history.export.model import Ran, Story

LABEL, PLOT, ROW, TOP = 110, 860, 26, 24
"""Units of the picture: the names at the left, the room of the bars, a row, and the axis above."""
_EVERY = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
"""Seconds between two lines of the axis: lengths that people count in."""


def picture(told: Story, safe: Clean) -> Iterator[str]:
    """The lines of an SVG. Colours are classes of the page; failures are hatched, so that colour alone tells nothing."""
    moments = told.moments
    begin = told.began
    end = max([moments[-1].at, *(one.began + (one.seconds or 0.0) for one in told.ran)])
    length = max(end - begin, 1.0)
    rows = [
        step for step in STEPS if any(step.id in (one.step for one in kind) for kind in (told.ran, moments))
    ]
    height = TOP + ROW * len(rows) + 6

    def x(at: float) -> float:
        return LABEL + min(max(at - begin, 0.0) / length, 1.0) * PLOT

    yield (
        f'<svg viewBox="0 0 {LABEL + PLOT + 20} {height}" role="img" '
        'aria-label="The commands of the session in time"><defs><pattern id="hatch" width="7" height="7" '
        'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0V7"/></pattern></defs>'
    )
    every = next((one for one in _EVERY if length / one <= 10), _EVERY[-1])
    for number in range(int(length // every) + 1):
        at = x(begin + number * every)
        yield f'<path class="axis" d="M{at:.1f} {TOP - 6}V{height}"/>'
        yield f'<text class="dim" x="{at:.1f}" y="12" text-anchor="middle">{_offset(number * every)}</text>'
    for row, step in enumerate(rows):
        y = TOP + row * ROW
        yield f'<text x="{LABEL - 12}" y="{y + 16}" text-anchor="end">{step.title}</text>'
        for one in told.ran:
            if one.step == step.id:
                yield from _bar(one, x(one.began), x(one.began + (one.seconds or 0.0)), y, safe)
        for moment in moments:
            if moment.step != step.id:
                continue
            if moment.kind == "look" and moment.state is not None:
                yield (
                    f'<circle class="{moment.state.value}" cx="{x(moment.at):.1f}" cy="{y + 20}" r="3">'
                    f"<title>{safe(moment.text)}</title></circle>"
                )
            elif moment.decided:
                at = x(moment.at)
                yield (
                    f'<path class="warn" d="M{at:.1f} {y + 14}V{y}l8 3.5l-8 3.5z"><title>{safe(moment.text)}</title></path>'
                )
    yield "</svg>"


def _bar(one: Ran, left: float, right: float, y: int, safe: Clean) -> Iterator[str]:
    width = max(right - left, 3.0)
    kind = "open" if one.state is None else one.state.value
    shape = f'x="{left:.1f}" y="{y + 4}" width="{width:.1f}" height="12" rx="2"'
    yield f'<rect class="{kind}" {shape}><title>{safe(one.title)}: {safe(one.told)}</title></rect>'
    if one.state not in (None, State.OK):
        yield f'<rect fill="url(#hatch)" {shape}/>'


def _offset(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
