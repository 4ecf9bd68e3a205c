"""The embedded world of `ecotui demo`: an AWS, a GitHub and a Kubernetes API on loopback ports."""
