"""How long the steps usually take, over the past sessions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from checks.steps import STEPS
from ecotui.session.index import SessionIndex
from ecotui.session.log import SessionSummary
from ecotui.session.query import SessionQuery

MAX_SESSIONS_COMPARED = 200
"""The newest sessions, which are compared: older ones say little about today's project."""
BAR_CHARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class StepSample:
    """One step of one session."""

    session_id: str
    session_start: float
    """When the session started, in seconds since the epoch."""
    seconds: float
    """The duration of the step's commands, in all."""
    state: str
    """Of the step's last check; empty where there was none."""


@dataclass(frozen=True)
class StepDurations:
    """One step over the sessions in which it ran something, oldest first."""

    step: str
    title: str
    samples: tuple[StepSample, ...]

    @property
    def successful_seconds(self) -> tuple[float, ...]:
        """The durations of the sessions in which the step succeeded; of all, where it never did."""
        successful = tuple(sample.seconds for sample in self.samples if sample.state in ("ok", "warn"))
        return successful or tuple(sample.seconds for sample in self.samples)

    @property
    def median(self) -> float:
        return median(self.successful_seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The lower and the upper quartile; of fewer than four times, the shortest and the longest."""
        times = self.successful_seconds
        if len(times) < 4:
            return min(times), max(times)
        lower, _, upper = quantiles(times, n=4, method="inclusive")
        return lower, upper

    @property
    def longest(self) -> float:
        return max(sample.seconds for sample in self.samples)

    def sparkline(self, width: int) -> str:
        """The newest sessions as a line of bars, the newest at the right, scaled to the longest."""
        shown = self.samples[-width:]
        longest = max((sample.seconds for sample in shown), default=0.0) or 1.0
        return "".join(
            BAR_CHARS[min(int(sample.seconds / longest * len(BAR_CHARS)), len(BAR_CHARS) - 1)] for sample in shown
        )


def read_step_durations(
    index: SessionIndex, query: SessionQuery | None = None, limit: int = MAX_SESSIONS_COMPARED
) -> tuple[StepDurations, ...]:
    """The steps in their order, without those that never ran a command. Raises SessionError."""
    return step_durations(index.find_summaries(query, limit, with_step_times=True))


def step_durations(summaries: Sequence[SessionSummary]) -> tuple[StepDurations, ...]:
    """The same, from summaries, newest first."""

    def samples(step: str) -> Iterable[StepSample]:
        for summary in reversed(summaries):
            if (seconds := (summary.took or {}).get(step)) is not None:
                yield StepSample(summary.id, summary.started, seconds, summary.steps.get(step, ""))

    steps = (StepDurations(step.id, step.title, tuple(samples(step.id))) for step in STEPS)
    return tuple(step for step in steps if step.samples)


def step_durations_to_json(durations: Iterable[StepDurations]) -> list[dict[str, Any]]:
    """The shape of `ecotui.sessions.durations/1`."""
    return [
        {
            "step": step.step,
            "median_s": round(step.median, 1),
            "lower_s": round(step.quartiles[0], 1),
            "upper_s": round(step.quartiles[1], 1),
            "sessions": [
                {"id": sample.session_id, "seconds": round(sample.seconds, 1), "state": sample.state}
                for sample in step.samples
            ],
        }
        for step in durations
    ]
