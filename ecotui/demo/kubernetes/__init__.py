"""A small Kubernetes API on loopback, for the real kubectl; its nodes come from whoever starts it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class NodeView:
    """A node as the cluster sees it: an instance whose kubelet has joined, or is about to."""

    name: str
    group: str
    instance_id: str
    instance_type: str
    zone: str
    internal_ip: str
    ready: bool
    joined: float
    """Seconds since the epoch; before that moment the node is not listed."""


class Kubernetes:
    """A running API server; refuses connections until the first master node has joined."""

    url: str

    def write_kubeconfig(self, path: Path) -> None:
        """Write a kubeconfig with the server, its authority and a token; mode 0600."""

    def stop(self) -> None:
        """Stop listening; watches are ended."""


def start(nodes: Callable[[], Sequence[NodeView]]) -> Kubernetes:
    """Start it. `nodes` is asked at most every half second, from any thread."""
    raise NotImplementedError
