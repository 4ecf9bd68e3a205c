"""A small Kubernetes API on loopback, for the real kubectl; its nodes come from whoever starts it.

Until the first node of the group `master` has joined, connections are refused, as on a control plane that boots.
"""

from __future__ import annotations

import base64
import os
import secrets
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecotui.demo.kubernetes.store import ClusterStore

KUBE_CONTEXT = "eco2-demo"

# Seconds between two questions whether there is a control plane.
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class NodeView:
    """A node as the cluster sees it: an instance whose kubelet has joined, or is about to."""

    name: str
    group: str
    instance_id: str
    instance_type: str
    zone: str
    internal_ip: str
    is_ready: bool
    joined_at: float
    """Seconds since the epoch; before that moment the node is not listed."""


class KubernetesServer:
    """A running API server; refuses connections until the first master node has joined."""

    def __init__(self, list_nodes: Callable[[], Sequence[NodeView]]) -> None:
        # Here, not above: the stand-in for kubectl reads this package's tables, and has to start at once.
        from ecotui.demo.certificates import CertificateAuthority
        from ecotui.demo.http_server import LoopbackServer, handler_for
        from ecotui.demo.kubernetes.api import KubernetesApi

        self._stop_event = threading.Event()
        self._store = ClusterStore(list_nodes)
        self.token = secrets.token_urlsafe(24)
        with tempfile.TemporaryDirectory(prefix="ecotui-demo-") as folder:
            authority = CertificateAuthority(Path(folder))
            tls = authority.server_context(("127.0.0.1", "localhost", "kubernetes"))
        self._authority_pem = authority.pem
        handler = handler_for(KubernetesApi(self._store, self.token, self._stop_event.is_set))
        self._server = LoopbackServer(handler, tls, listen=False)
        self.url = f"https://127.0.0.1:{self._server.port}"
        self._thread = threading.Thread(target=self._track_control_plane, name="control-plane", daemon=True)
        self._thread.start()

    @property
    def is_listening(self) -> bool:
        """Whether connections are accepted: there is a control plane."""
        return self._server.is_listening

    def _track_control_plane(self) -> None:
        """The port answers while there is a control plane, and refuses while there is none."""
        while True:
            try:
                up = self._store.has_master
            except Exception:  # noqa: BLE001 - the callable is not ours: an AWS that is just stopping, for one
                up = self._server.is_listening
            if up and not self._server.is_listening:
                self._server.start_listening()
            elif not up and self._server.is_listening:
                self._server.stop_listening()
            if self._stop_event.wait(_POLL_SECONDS):
                return

    def write_kubeconfig(self, path: Path) -> None:
        """Write a kubeconfig with the server, its authority and a token; mode 0600."""
        authority = base64.b64encode(self._authority_pem).decode()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(
                f"""apiVersion: v1
kind: Config
current-context: {KUBE_CONTEXT}
clusters:
- name: {KUBE_CONTEXT}
  cluster:
    server: {self.url}
    certificate-authority-data: {authority}
contexts:
- name: {KUBE_CONTEXT}
  context:
    cluster: {KUBE_CONTEXT}
    user: {KUBE_CONTEXT}-admin
users:
- name: {KUBE_CONTEXT}-admin
  user:
    token: {self.token}
"""
            )

    def stop(self) -> None:
        """Stop listening; watches are ended."""
        self._stop_event.set()
        self._thread.join(timeout=5)
        self._server.stop()


def start_kubernetes(list_nodes: Callable[[], Sequence[NodeView]]) -> KubernetesServer:
    """Start it. `nodes` is asked at most every half second, from any thread."""
    return KubernetesServer(list_nodes)
