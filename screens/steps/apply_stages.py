"""The stages of the team's script, drawn while it runs and after: a sign, the heading, its time."""

from __future__ import annotations

from textual.content import Content

from checks.duration import stopwatch
from checks.script.stages import Stage, Stages
from screens.style.columns import hang

OURS = (r"^\[stage \d+, after [^\]]+\] (.*)$",)
"""How `ecotui script --run` announces a stage."""
MOST = 14
"""Stages that are drawn: the last ones; the log has them all."""


def new() -> Stages:
    """The stages of our own apply, none of which has begun."""
    return Stages(OURS)


def drawn(stages: Stages, now: float, width: int, *, running: bool) -> list[Content]:
    """One line a stage, the last ones; nothing when none was seen."""
    every = stages.all
    lines = [_line(one, now, width, running=running and not one.ended) for one in every[-MOST:]]
    if len(every) > MOST:
        lines.insert(0, Content.styled(f"{len(every) - MOST} stages before", "$foreground 62%"))
    return lines


def _line(one: Stage, now: float, width: int, *, running: bool) -> Content:
    sign = Content.styled(
        "▶ " if running else "✓ " if one.ended else "· ", "$text-primary" if running else ""
    )
    time = Content.styled(f"{stopwatch(one.seconds(now)):>8}  ", "$foreground 62%")
    return hang(sign + time, one.title, width)
