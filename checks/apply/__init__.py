"""The apply step: terraform's state and plan, the forecast of the plan, and the run."""
