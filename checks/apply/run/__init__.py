"""An apply that runs: its stream, its progress, and what AWS shows of a resource."""
