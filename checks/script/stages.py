"""Recognises headings in a script's output as stages, with their times. Pure; fed line by line.

Teams write them in three ways: numbered (`Step 2: Apply`, `[2/5] Apply`, `2단계`, `2️⃣ Apply`), ruled (`=== Apply ===`,
or a title between two rules), and with an emoji in front. Numbered ones go before ruled ones, and these before emoji:
once a script has printed a stronger kind, the weaker ones are only its current heading.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from checks.finding import FrozenStruct
from checks.sanitize import one_line, sanitize

MAX_STAGES = 500
"""Stages that are recorded; a script with more is in a loop."""
_MAX_TITLE_WIDTH = 100
"""Characters of a title."""


class ScriptStage(FrozenStruct, frozen=True):
    title: str
    started_at: float
    """Seconds since the epoch."""
    ended_at: float = 0.0
    """0.0 while it runs."""
    rank: int = 0

    def duration_seconds(self, now: float) -> float:
        return max(0.0, (self.ended_at or now) - self.started_at)


_EMOJI_RANGES = "\U0001f300-\U0001faff\u2600-\u27bf\u2b00-\u2bff"
_NUMBERED_HEADING = re.compile(
    r"""^[^\w\[(]{0,8}(?:
        (?:step|stage|phase|part)\s*\#?\d+[a-z]?\b .* |
        [\[(]\s*\d+\s*(?:/|of)\s*\d+\s*[\])]\s*\S.* |
        \d{1,2}\s*단계.* | 단계\s*\d+.* |
        \d\ufe0f?\u20e3\s*\S.* )$""",
    re.IGNORECASE | re.VERBOSE,
)
_RULED_HEADING = re.compile(r"^\s*([=\-#*━─═~_])\1{1,}\s*(?P<title>[^\s=\-#*━─═~_].*?)\s*[=\-#*━─═~_]*\s*$")
_RULE_LINE = re.compile(r"^\s*([=\-#*━─═~_])\1{7,}\s*$")
_EMOJI_HEADING = re.compile(rf"^\s*[{_EMOJI_RANGES}▶►➤»][\ufe0f\u200d{_EMOJI_RANGES}]*\s+\S.*$")
# Ticks, crosses, warnings and hints end something; they begin no stage.
_STATUS_EMOJI = re.compile("^\\s*[\u2705\u274c\u2714\u2716\u2713\u2717\u26a0\u2139\U0001f4a1]")
_BOX_DRAWING = re.compile("^[\\s\u2500-\u257f]+|[\\s\u2500-\u257f]+$")


class StageParser:
    """Fed with lines and the time at which they came."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        """`patterns`: regular expressions of the team's own headings; with any, no other line is a heading."""
        self._custom_patterns = [re.compile(one) for one in patterns]
        self._stages: list[ScriptStage] = []
        self._under_rule = False
        self._after_title = False
        """The line before was the title below a rule."""
        self._highest_rank = 0
        self.current_heading = ""
        """The last line that looks like a heading, of whatever kind."""

    def feed(self, lines: Sequence[str], now: float) -> tuple[ScriptStage, ...]:
        """The stages that began in these lines."""
        begun = [stage for line in lines if (stage := self._parse_line(line, now)) is not None]
        return tuple(begun)

    def finish(self, now: float) -> tuple[ScriptStage, ...]:
        """End the last stage, and return every stage."""
        self._end_last_stage(now)
        return self.stages

    @property
    def stages(self) -> tuple[ScriptStage, ...]:
        """The stages of the strongest kind of heading so far, in order."""
        return tuple(one for one in self._stages if one.rank == self._highest_rank)

    def _parse_line(self, raw: str, now: float) -> ScriptStage | None:
        line = sanitize(raw, limit=2_000).rstrip()
        if _RULE_LINE.match(line):
            # The rule below a title closes it; any other one may have a title under it.
            self._under_rule = not self._after_title
            self._after_title = False
            return None
        rank, title = self._classify(line)
        self._after_title = self._under_rule and bool(rank)
        self._under_rule = False
        if not rank:
            return None
        title = one_line(title, limit=_MAX_TITLE_WIDTH)
        self.current_heading = title
        if rank < self._highest_rank or len(self._stages) >= MAX_STAGES:
            return None
        if self.stages and self.stages[-1].title == title and not self.stages[-1].ended_at:
            return None  # printed twice: above and below a rule
        if rank > self._highest_rank:
            self._end_last_stage(now)
            self._highest_rank = rank
        self._end_last_stage(now)
        stage = ScriptStage(title=title, started_at=now, rank=rank)
        self._stages.append(stage)
        return stage

    def _classify(self, line: str) -> tuple[int, str]:
        text = _BOX_DRAWING.sub("", line).strip()
        if not text:
            return 0, ""
        if self._custom_patterns:
            for pattern in self._custom_patterns:
                if found := pattern.search(line):
                    return 3, found[1] if pattern.groups and found[1] else text
            return 0, ""
        ruled = _RULED_HEADING.match(line)
        inner = ruled["title"] if ruled else text
        if _NUMBERED_HEADING.match(inner):
            return 3, inner
        if ruled or self._under_rule:
            return 2, inner
        if _EMOJI_HEADING.match(line) and not _STATUS_EMOJI.match(line):
            return 1, text
        return 0, ""

    def _end_last_stage(self, now: float) -> None:
        if self._stages and not self._stages[-1].ended_at:
            last = self._stages[-1]
            self._stages[-1] = ScriptStage(title=last.title, started_at=last.started_at, ended_at=now, rank=last.rank)
