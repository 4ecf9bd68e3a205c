"""A small GitHub on loopback that the real gh logs in to."""
