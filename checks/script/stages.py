"""The headings in a script's output, recognised as stages with their times. Pure; fed line by line.

Teams write them in three ways: numbered (`Step 2: Apply`, `[2/5] Apply`, `2단계`, `2️⃣ Apply`), ruled (`=== Apply ===`,
or a title between two rules), and with an emoji in front. Numbered ones go before ruled ones, and these before emoji:
once a script has shown a stronger kind, the weaker ones are only what it is at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from checks.finding import Value
from checks.sanitize import one_line, sanitize

MOST = 500
"""Stages that are kept: a script in a loop has no more to tell."""
_TITLE = 100
"""Cells of a title."""


class Stage(Value, frozen=True):
    title: str
    started: float
    """Seconds since the epoch."""
    ended: float = 0.0
    """0.0 while it runs."""
    rank: int = 0

    def seconds(self, now: float) -> float:
        return max(0.0, (self.ended or now) - self.started)


_EMOJI = "\U0001f300-\U0001faff\u2600-\u27bf\u2b00-\u2bff"
_NUMBERED = re.compile(
    r"""^[^\w\[(]{0,8}(?:
        (?:step|stage|phase|part)\s*\#?\d+[a-z]?\b .* |
        [\[(]\s*\d+\s*(?:/|of)\s*\d+\s*[\])]\s*\S.* |
        \d{1,2}\s*단계.* | 단계\s*\d+.* |
        \d\ufe0f?\u20e3\s*\S.* )$""",
    re.IGNORECASE | re.VERBOSE,
)
_RULED = re.compile(r"^\s*([=\-#*━─═~_])\1{1,}\s*(?P<title>[^\s=\-#*━─═~_].*?)\s*[=\-#*━─═~_]*\s*$")
_RULE = re.compile(r"^\s*([=\-#*━─═~_])\1{7,}\s*$")
_MARKED = re.compile(rf"^\s*[{_EMOJI}▶►➤»][\ufe0f\u200d{_EMOJI}]*\s+\S.*$")
# The endings of one thing are no beginnings of the next: ticks, crosses, warnings and hints.
_REMARK = re.compile("^\\s*[\u2705\u274c\u2714\u2716\u2713\u2717\u26a0\u2139\U0001f4a1]")
_BOX = re.compile("^[\\s\u2500-\u257f]+|[\\s\u2500-\u257f]+$")


class Stages:
    """Fed with lines and the time at which they came."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        """`patterns`: regular expressions of the team's own headings; nothing else is one then."""
        self._own = [re.compile(one) for one in patterns]
        self._found: list[Stage] = []
        self._under_rule = False
        self._titled = False
        """The line before was the title below a rule."""
        self._rank = 0
        self.at = ""
        """The last line that reads like a heading, of whatever kind."""

    def feed(self, lines: Sequence[str], now: float) -> tuple[Stage, ...]:
        """The stages that began in these lines."""
        begun = [stage for line in lines if (stage := self._take(line, now)) is not None]
        return tuple(begun)

    def end(self, now: float) -> tuple[Stage, ...]:
        """The script is over: every stage, the last one ended."""
        self._close(now)
        return self.all

    @property
    def all(self) -> tuple[Stage, ...]:
        """Of the strongest kind that was seen, in order."""
        return tuple(one for one in self._found if one.rank == self._rank)

    def _take(self, raw: str, now: float) -> Stage | None:
        line = sanitize(raw, limit=2_000).rstrip()
        if _RULE.match(line):
            # The rule below a title closes it; any other one may have a title under it.
            self._under_rule = not self._titled
            self._titled = False
            return None
        rank, title = self._judge(line)
        self._titled = self._under_rule and bool(rank)
        self._under_rule = False
        if not rank:
            return None
        title = one_line(title, limit=_TITLE)
        self.at = title
        if rank < self._rank or len(self._found) >= MOST:
            return None
        if self.all and self.all[-1].title == title and not self.all[-1].ended:
            return None  # said twice: above and below a rule
        if rank > self._rank:
            self._close(now)
            self._rank = rank
        self._close(now)
        stage = Stage(title=title, started=now, rank=rank)
        self._found.append(stage)
        return stage

    def _judge(self, line: str) -> tuple[int, str]:
        text = _BOX.sub("", line).strip()
        if not text:
            return 0, ""
        if self._own:
            for pattern in self._own:
                if found := pattern.search(line):
                    return 3, found[1] if pattern.groups and found[1] else text
            return 0, ""
        ruled = _RULED.match(line)
        inner = ruled["title"] if ruled else text
        if _NUMBERED.match(inner):
            return 3, inner
        if ruled or self._under_rule:
            return 2, inner
        if _MARKED.match(line) and not _REMARK.match(line):
            return 1, text
        return 0, ""

    def _close(self, now: float) -> None:
        if self._found and not self._found[-1].ended:
            last = self._found[-1]
            self._found[-1] = Stage(title=last.title, started=last.started, ended=now, rank=last.rank)
