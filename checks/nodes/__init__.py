"""Step 7: the nodes of the cluster."""
