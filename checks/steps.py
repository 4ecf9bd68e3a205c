"""The steps of a rebuild, in order. A new step is one module with `check`, and one line here."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from checks.context import CheckContext
from checks.finding import CheckState, Finding, Report, ReportBuilder


@dataclass(frozen=True)
class RebuildStep:
    id: str
    title: str
    purpose: str
    """What the step makes sure of, in a line."""
    module: str

    def check(self, context: CheckContext) -> Report:
        """Check the step. Reads only. Never raises: an error is a finding with state `unknown`."""
        builder = ReportBuilder(self.id)
        try:
            check: Callable[[CheckContext], Report] = importlib.import_module(self.module).check
            return check(context)
        except Exception as error:  # noqa: BLE001 - a check that breaks must not take the other steps with it
            broken = Finding(
                id=f"{self.id}.look",
                step=self.id,
                state=CheckState.UNKNOWN,
                title=f"{self.title} could not be checked",
                summary=f"The check itself failed: {type(error).__name__}: {error}",
                raw=repr(error),
            )
            return builder.build((broken,))


STEPS = (
    RebuildStep(
        "environment",
        "Environment",
        "tools, AWS identity, variables and files are in place",
        "checks.environment.check",
    ),
    RebuildStep("quota", "Quotas", "the account may run what the plan needs", "checks.quota.check"),
    RebuildStep("github", "GitHub", "the login and its scopes are enough", "checks.github.check"),
    RebuildStep("cleanup", "Cleanup", "nothing of an earlier deployment is in the way", "checks.cleanup.check"),
    RebuildStep("apply", "Apply", "terraform has built what the project describes", "checks.apply.check"),
    RebuildStep("cloudfront", "CloudFront", "the distributions are deployed", "checks.cloudfront.check"),
    RebuildStep("nodes", "Nodes", "every expected node is Ready", "checks.nodes.check"),
)

STEPS_BY_ID = {step.id: step for step in STEPS}

STEP_KEYS = f"1 … {len(STEPS)}"
"""The keys that go to them."""
