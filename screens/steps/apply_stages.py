"""The stages of the team's script, drawn while it runs and after: a sign, the heading, its time."""

from __future__ import annotations

from textual.content import Content

from checks.duration import format_stopwatch
from checks.script.stages import ScriptStage, StageParser
from screens.style.columns import hanging_indent
from screens.style.themes import MUTED

STAGE_PATTERNS = (r"^\[stage \d+, after [^\]]+\] (.*)$",)
"""How `ecotui script --run` announces a stage."""
MAX_STAGES = 14
"""Stages that are drawn: the last ones; the log has them all."""


def create_stages() -> StageParser:
    """The stages of our own apply, none of which has begun."""
    return StageParser(STAGE_PATTERNS)


def render_stages(stages: StageParser, now: float, width: int, *, running: bool) -> list[Content]:
    """One line a stage, the last ones; nothing when none was seen."""
    every = stages.stages
    lines = [_render_stage(one, now, width, running=running and not one.ended_at) for one in every[-MAX_STAGES:]]
    if len(every) > MAX_STAGES:
        lines.insert(0, Content.styled(f"{len(every) - MAX_STAGES} stages before", MUTED))
    return lines


def _render_stage(stage: ScriptStage, now: float, width: int, *, running: bool) -> Content:
    sign = Content.styled("▶ " if running else "✓ " if stage.ended_at else "· ", "$text-primary" if running else "")
    time = Content.styled(f"{format_stopwatch(stage.duration_seconds(now)):>8}  ", MUTED)
    return hanging_indent(sign + time, stage.title, width)
