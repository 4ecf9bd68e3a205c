"""Step 2: quotas against the need of the plan."""
