"""The steps of a rebuild, in order. A new step is one module with `look`, and one line here."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from checks.context import World
from checks.finding import Finding, Look, Report, State


@dataclass(frozen=True)
class Step:
    id: str
    title: str
    purpose: str
    """What the step makes sure of, in a line."""
    module: str

    def look(self, world: World) -> Report:
        """Look, read-only. Never raises: what goes wrong in a look is a finding with state `unknown`."""
        begun = Look(self.id)
        try:
            look: Callable[[World], Report] = importlib.import_module(self.module).look
            return look(world)
        except Exception as error:  # noqa: BLE001 - a look that breaks must not take the other steps with it
            broken = Finding(
                id=f"{self.id}.look",
                step=self.id,
                state=State.UNKNOWN,
                title=f"{self.title} could not be looked at",
                summary=f"The look itself failed: {type(error).__name__}: {error}",
                raw=repr(error),
            )
            return begun.report((broken,))


STEPS = (
    Step(
        "environment",
        "Environment",
        "tools, AWS identity, variables and files are in place",
        "checks.environment.check",
    ),
    Step("quota", "Quotas", "the account may run what the plan needs", "checks.quota.check"),
    Step("github", "GitHub", "the login and its scopes are enough", "checks.github.check"),
    Step("cleanup", "Cleanup", "nothing of an earlier deployment is in the way", "checks.cleanup"),
    Step("apply", "Apply", "terraform has built what the project describes", "checks.apply"),
    Step("cloudfront", "CloudFront", "the distributions are deployed", "checks.cloudfront.check"),
    Step("nodes", "Nodes", "every expected node is Ready", "checks.nodes.check"),
)

BY_ID = {step.id: step for step in STEPS}

NUMBERS = f"1 … {len(STEPS)}"
"""The keys that go to them."""
