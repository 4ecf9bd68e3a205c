"""The progress of the whole rebuild: the state of each step, derived from reports, overrides and commands. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from checks.finding import CheckState, Finding, Report
from checks.steps import STEPS


def steps_to_recheck(step: str, argv: Sequence[str]) -> tuple[str, ...]:
    """The steps to check after a command of `step`, its own first: later steps may depend on what it changed.

    A plan changes nothing. An apply, or an import, makes managed resources of leftovers, and uses up quotas.
    """
    if tuple(argv[:2]) == ("ecotui", "plan"):
        return (step,)
    ids = tuple(one.id for one in STEPS)
    later = ids[ids.index(step) :]
    return (*later, "cleanup", "quota") if step == "apply" else later


@dataclass(frozen=True)
class RebuildProgress:
    """The last report of each step, the overrides, and the checks and commands that run."""

    reports: Mapping[str, Report] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)
    """Finding id to the reason that the operator gave."""
    active_checks: frozenset[str] = frozenset()
    check_messages: Mapping[str, str] = field(default_factory=dict)
    """Step id to what its running check does."""
    running_commands: Mapping[str, str] = field(default_factory=dict)
    """Step id to the title of the command that runs for it."""

    def with_report(self, report: Report) -> RebuildProgress:
        """A check is done: its report replaces the last one of the step."""
        return replace(self.without_checks(report.step), reports={**self.reports, report.step: report})

    def with_checks(self, *steps: str) -> RebuildProgress:
        return replace(self.without_checks(*steps), active_checks=self.active_checks | set(steps))

    def with_check_message(self, step: str, message: str) -> RebuildProgress:
        """A running check reports what it does."""
        return (
            replace(self, check_messages={**self.check_messages, step: message}) if step in self.active_checks else self
        )

    def without_checks(self, *steps: str) -> RebuildProgress:
        return replace(
            self,
            active_checks=self.active_checks - set(steps),
            check_messages={step: text for step, text in self.check_messages.items() if step not in steps},
        )

    def with_override(self, finding: str, reason: str) -> RebuildProgress:
        """Override a finding by its id. Raises ValueError without a reason."""
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
        """The findings of a step that block it and were not overridden."""
        report = self.reports.get(step)
        if report is None:
            return ()
        return tuple(
            finding
            for finding in report.findings
            if finding.state in (CheckState.BLOCKED, CheckState.UNKNOWN) and finding.id not in self.overrides
        )

    def step_state(self, step: str) -> CheckState | None:
        """The state of the last report of a step; None before the first."""
        report = self.reports.get(step)
        return None if report is None else report.state

    @property
    def next_step(self) -> str | None:
        """The first step that is not done; None when all are."""
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
