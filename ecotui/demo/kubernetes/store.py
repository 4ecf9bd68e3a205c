"""The cluster's memory: what is there now, with resource versions, and what has changed since."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ecotui.demo.kubernetes.objects import MASTER_GROUP, ClusterNode, KubeObject, cluster_objects, with_heartbeat

# How long an answer of the callable is good for, in seconds; many watches then cost no more than one.
_CACHE_SECONDS = 0.5
# Changes that are remembered for watches; whoever comes with an older version is told to list again.
_MAX_CHANGES = 5_000


class NodeSource(Protocol):
    """What the store reads of a node (`ecotui.demo.kubernetes.server.NodeView` has it)."""

    @property
    def name(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def instance_id(self) -> str: ...
    @property
    def instance_type(self) -> str: ...
    @property
    def zone(self) -> str: ...
    @property
    def internal_ip(self) -> str: ...
    @property
    def is_ready(self) -> bool: ...
    @property
    def joined_at(self) -> float: ...


@dataclass(frozen=True)
class WatchEvent:
    """One event of a watch: ADDED, MODIFIED or DELETED."""

    version: int
    kind: str
    type: str
    object: KubeObject


class VersionExpired(Exception):
    """The version that a watch wants to start from is no longer remembered."""


class ClusterStore:
    """Asks for the nodes, derives the objects, and keeps the differences. Safe from any thread."""

    def __init__(self, list_nodes: Callable[[], Sequence[NodeSource]]) -> None:
        self._list_nodes = list_nodes
        self._lock = threading.Lock()
        self._refreshed_at = float("-inf")
        self._join_indexes: dict[str, int] = {}
        self._ready_since: dict[str, tuple[bool, float]] = {}
        self._objects: dict[tuple[str, str, str], tuple[str, KubeObject]] = {}
        self._changes: deque[WatchEvent] = deque(maxlen=_MAX_CHANGES)
        self._oldest_version = 1_000
        self._version = 1_000
        self._has_master = False

    @property
    def has_master(self) -> bool:
        """Whether a control plane has joined."""
        self._refresh()
        return self._has_master

    def list_objects(self, kind: str) -> tuple[int, list[KubeObject]]:
        """The version of the whole, and the objects of a kind sorted by namespace and name."""
        self._refresh()
        with self._lock:
            found = sorted(key for key in self._objects if key[0] == kind)
            now = time.time()
            return self._version, [with_heartbeat(self._objects[key][1], now) for key in found]

    def changes_since(self, kind: str, after: int) -> tuple[int, list[WatchEvent]]:
        """The version of the whole, and what changed after a version. Raises Expired when that is too old."""
        self._refresh()
        with self._lock:
            if after < self._oldest_version:
                raise VersionExpired
            return self._version, [change for change in self._changes if change.kind == kind and change.version > after]

    def _refresh(self) -> None:
        with self._lock:
            if time.monotonic() - self._refreshed_at < _CACHE_SECONDS:
                return
            now = time.time()
            nodes = sorted(
                (self._cluster_node(view, now) for view in self._list_nodes() if view.joined_at <= now),
                key=lambda seen: seen.name,
            )
            self._refreshed_at = time.monotonic()
            self._has_master = any(seen.group == MASTER_GROUP for seen in nodes)
            self._record_changes(cluster_objects(nodes))

    def _cluster_node(self, view: NodeSource, now: float) -> ClusterNode:
        before = self._ready_since.get(view.instance_id)
        if before is None or before[0] != view.is_ready:
            before = (view.is_ready, now if before else max(view.joined_at, 0.0))
            self._ready_since[view.instance_id] = before
        return ClusterNode(
            name=view.name,
            group=view.group,
            instance_id=view.instance_id,
            instance_type=view.instance_type,
            zone=view.zone,
            internal_ip=view.internal_ip,
            is_ready=view.is_ready,
            joined_at=view.joined_at,
            state_since=before[1],
            join_index=self._join_indexes.setdefault(view.instance_id, len(self._join_indexes)),
        )

    def _record_changes(self, kinds: dict[str, list[KubeObject]]) -> None:
        present: set[tuple[str, str, str]] = set()
        for kind, objects in kinds.items():
            for plain in objects:
                metadata = plain["metadata"]
                key = (kind, metadata.get("namespace", ""), metadata["name"])
                present.add(key)
                content = json.dumps(plain, sort_keys=True)
                before = self._objects.get(key)
                if before is None or before[0] != content:
                    kept = self._record_change(kind, "MODIFIED" if before else "ADDED", plain)
                    self._objects[key] = (content, kept)
        for key in [key for key in self._objects if key not in present]:
            self._record_change(key[0], "DELETED", self._objects.pop(key)[1])

    def _record_change(self, kind: str, event_type: str, item: KubeObject) -> KubeObject:
        self._version += 1
        metadata = {**item["metadata"], "resourceVersion": str(self._version)}
        kept = {**item, "metadata": metadata}
        if len(self._changes) == _MAX_CHANGES:
            self._oldest_version = self._changes[0].version
        self._changes.append(WatchEvent(self._version, kind, event_type, kept))
        return kept
