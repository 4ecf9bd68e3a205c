"""A stand-in for kubectl: reads the demo's cluster, as far as ecotui and a curious operator ask."""
