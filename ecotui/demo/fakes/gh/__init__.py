"""A stand-in for gh: logs in to the demo's GitHub and asks it, as far as ecotui and a curious operator do."""
