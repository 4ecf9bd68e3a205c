"""A picture over time as SVG: its axis, and bars in rows. Colours are CSS classes of the page around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

TICK_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
"""Seconds between two lines of the axis: lengths that people count in."""
MAX_TICKS = 10
HATCH_PATTERN = (
    '<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path class="hatch" d="M0 0V7"/></pattern></defs>'
)
"""For bars that colour alone must not tell apart; CSS fills with `url(#hatch)`."""


@dataclass(frozen=True)
class TimeScale:
    """Time from left to right: seconds since the epoch to units of the picture."""

    start: float
    seconds: float
    left: int
    width: int

    def x(self, timestamp: float) -> float:
        """Where a time is; what lies outside is put at the edge."""
        return self.left + min(max(timestamp - self.start, 0.0) / max(self.seconds, 0.001), 1.0) * self.width

    def axis(self, top: int, bottom: int) -> Iterator[str]:
        """A vertical line for each tick, with its time since the start above."""
        tick = next((tick for tick in TICK_SECONDS if self.seconds / tick <= MAX_TICKS), TICK_SECONDS[-1])
        for offset in range(0, int(self.seconds) + 1, tick):
            x = self.x(self.start + offset)
            yield f'<path class="axis" d="M{x:.1f} {top}V{bottom}"/>'
            yield f'<text class="dim" x="{x:.1f}" y="{top - 7}" text-anchor="middle">{_format_offset(offset)}</text>'

    def bar(self, css_class: str, start: float, seconds: float, y: int, height: int, title: str = "") -> str:
        """A bar, wide enough to be seen; `title` is escaped text."""
        left, right = self.x(start), self.x(start + seconds)
        shape = f'x="{left:.1f}" y="{y}" width="{max(right - left, 2.0):.1f}" height="{height}"'
        return f'<rect class="{css_class}" {shape}>{f"<title>{title}</title>" if title else ""}</rect>'


def _format_offset(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
