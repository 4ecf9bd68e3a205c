"""A finding of the environment step."""

from __future__ import annotations

from functools import partial

from checks.finding import finding_of

finding = partial(finding_of, "environment")
"""`id` is without the step: `region`, `file.scripts/run.sh`."""
