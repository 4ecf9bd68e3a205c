"""A small Kubernetes API on loopback that the real kubectl reads."""
