"""What several operators and machines share: the project's lock and its handoff, the lease, session summaries."""
