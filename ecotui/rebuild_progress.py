"""The rebuild as a whole: which step stands where. Pure; what can be derived is derived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from checks.finding import CheckState, Finding, Report
from checks.steps import STEPS


def steps_to_recheck(step: str, argv: Sequence[str]) -> tuple[str, ...]:
    """The steps to look at after a command of `step`, its own first: what one step changed, later ones may see.

    A plan changes nothing. An apply, or an adoption, makes leftovers into managed things, and uses up quotas.
    """
    if tuple(argv[:2]) == ("ecotui", "plan"):
        return (step,)
    every = tuple(one.id for one in STEPS)
    later = every[every.index(step) :]
    return (*later, "cleanup", "quota") if step == "apply" else later


@dataclass(frozen=True)
class RebuildProgress:
    """The last report of each step, what was overridden, and what runs or is being looked at."""

    reports: Mapping[str, Report] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)
    """Finding id to the reason that the operator gave."""
    active_checks: frozenset[str] = frozenset()
    check_messages: Mapping[str, str] = field(default_factory=dict)
    """Step id to what its look, which is under way, is looking at."""
    running_commands: Mapping[str, str] = field(default_factory=dict)
    """Step id to the title of the command that runs for it."""

    def with_report(self, report: Report) -> RebuildProgress:
        """A look came back: its report replaces the step's last one."""
        return replace(self.without_checks(report.step), reports={**self.reports, report.step: report})

    def with_checks(self, *steps: str) -> RebuildProgress:
        return replace(self.without_checks(*steps), active_checks=self.active_checks | set(steps))

    def with_check_message(self, step: str, message: str) -> RebuildProgress:
        """A look that is under way says what it looks at."""
        return (
            replace(self, check_messages={**self.check_messages, step: message}) if step in self.active_checks else self
        )

    def without_checks(self, *steps: str) -> RebuildProgress:
        return replace(
            self,
            active_checks=self.active_checks - set(steps),
            check_messages={step: saying for step, saying in self.check_messages.items() if step not in steps},
        )

    def with_override(self, finding: str, reason: str) -> RebuildProgress:
        """Let a blocked finding pass, by its id and with a reason. Raises ValueError without a reason."""
        if not reason.strip():
            raise ValueError("an override needs a reason")
        return replace(self, overrides={**self.overrides, finding: reason.strip()})

    def with_command(self, step: str, title: str) -> RebuildProgress:
        return replace(self, running_commands={**self.running_commands, step: title})

    def without_command(self, step: str) -> RebuildProgress:
        return replace(
            self, running_commands={key: title for key, title in self.running_commands.items() if key != step}
        )

    def blocking_findings(self, step: str) -> tuple[Finding, ...]:
        """The findings of a step that stand in the way and were not overridden."""
        report = self.reports.get(step)
        if report is None:
            return ()
        return tuple(
            finding
            for finding in report.findings
            if finding.state in (CheckState.BLOCKED, CheckState.UNKNOWN) and finding.id not in self.overrides
        )

    def step_state(self, step: str) -> CheckState | None:
        """The state of a step's last look; None before the first."""
        report = self.reports.get(step)
        return None if report is None else report.state

    @property
    def next_step(self) -> str | None:
        """The first step that is not done: where the operator should look. None when all is done."""
        for step in STEPS:
            report = self.reports.get(step.id)
            if report is None or self.blocking_findings(step.id):
                return step.id
            if step.id in ("apply", "cloudfront", "nodes") and report.state is not CheckState.OK:
                return step.id
        return None

    @property
    def is_done(self) -> bool:
        return len(self.reports) == len(STEPS) and self.next_step is None
