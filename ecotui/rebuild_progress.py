"""The rebuild as a whole: which step stands where. Pure; what can be derived is derived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from checks.finding import Finding, Report, State
from checks.steps import STEPS


def looks_after(step: str, argv: Sequence[str]) -> tuple[str, ...]:
    """The steps to look at after a command of `step`, its own first: what one step changed, later ones may see.

    A plan changes nothing. An apply, or an adoption, makes leftovers into managed things, and uses up quotas.
    """
    if tuple(argv[:2]) == ("ecotui", "plan"):
        return (step,)
    every = tuple(one.id for one in STEPS)
    later = every[every.index(step) :]
    return (*later, "cleanup", "quota") if step == "apply" else later


@dataclass(frozen=True)
class Rebuild:
    """The last report of each step, what was overridden, and what runs or is being looked at."""

    reports: Mapping[str, Report] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)
    """Finding id to the reason that the operator gave."""
    looking: frozenset[str] = frozenset()
    sayings: Mapping[str, str] = field(default_factory=dict)
    """Step id to what its look, which is under way, is looking at."""
    running: Mapping[str, str] = field(default_factory=dict)
    """Step id to the title of the command that runs for it."""

    def looked(self, report: Report) -> Rebuild:
        """A look came back: its report replaces the step's last one."""
        return replace(self.look_failed(report.step), reports={**self.reports, report.step: report})

    def look_started(self, *steps: str) -> Rebuild:
        return replace(self.look_failed(*steps), looking=self.looking | set(steps))

    def look_said(self, step: str, saying: str) -> Rebuild:
        """A look that is under way says what it looks at."""
        return replace(self, sayings={**self.sayings, step: saying}) if step in self.looking else self

    def look_failed(self, *steps: str) -> Rebuild:
        return replace(
            self,
            looking=self.looking - set(steps),
            sayings={step: saying for step, saying in self.sayings.items() if step not in steps},
        )

    def overridden(self, finding: str, reason: str) -> Rebuild:
        """Let a blocked finding pass, by its id and with a reason. Raises ValueError without a reason."""
        if not reason.strip():
            raise ValueError("an override needs a reason")
        return replace(self, overrides={**self.overrides, finding: reason.strip()})

    def command_started(self, step: str, title: str) -> Rebuild:
        return replace(self, running={**self.running, step: title})

    def command_ended(self, step: str) -> Rebuild:
        return replace(self, running={key: title for key, title in self.running.items() if key != step})

    def blocking(self, step: str) -> tuple[Finding, ...]:
        """The findings of a step that stand in the way and were not overridden."""
        report = self.reports.get(step)
        if report is None:
            return ()
        return tuple(
            finding
            for finding in report.findings
            if finding.state in (State.BLOCKED, State.UNKNOWN) and finding.id not in self.overrides
        )

    def state(self, step: str) -> State | None:
        """The state of a step's last look; None before the first."""
        report = self.reports.get(step)
        return None if report is None else report.state

    @property
    def next_step(self) -> str | None:
        """The first step that is not done: where the operator should look. None when all is done."""
        for step in STEPS:
            report = self.reports.get(step.id)
            if report is None or self.blocking(step.id):
                return step.id
            if step.id in ("apply", "cloudfront", "nodes") and report.state is not State.OK:
                return step.id
        return None

    @property
    def done(self) -> bool:
        return len(self.reports) == len(STEPS) and self.next_step is None
