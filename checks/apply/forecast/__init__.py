"""A plan joined with the live account: what would fail when it is applied. Read-only."""
