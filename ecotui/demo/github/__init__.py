"""A small GitHub behind an HTTPS proxy on loopback, so that gh sees an ordinary github.com login."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class GitHub:
    """A running GitHub. `env` is what gh (and nothing else) has to be started with."""

    env: dict[str, str]
    demo_token: str
    """A token with every scope that a rebuild needs, to be printed on the demo's screen and pasted."""

    def stop(self) -> None:
        """Stop listening; connections that are open are dropped."""


def start(folder: Path, scopes: Sequence[str] = ("repo", "write:packages"), login: str = "eco-operator") -> GitHub:
    """Start it, with a login stored for gh under `folder` whose token has `scopes`."""
    raise NotImplementedError
