"""The team's own script, as an alternative to plan and apply: what its text says, whether it can run, how far it is."""
