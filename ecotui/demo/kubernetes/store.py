"""The cluster's memory: what is there now, with resource versions, and what has changed since."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ecotui.demo.kubernetes.objects import MASTER, Object, Seen, beating, cluster

# How long an answer of the callable is good for, in seconds; many watches then cost no more than one.
_FRESH = 0.5
# Changes that are remembered for watches; whoever comes with an older version is told to list again.
_REMEMBERED = 5_000


class View(Protocol):
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
    def ready(self) -> bool: ...
    @property
    def joined(self) -> float: ...


@dataclass(frozen=True)
class Change:
    """One event of a watch: ADDED, MODIFIED or DELETED."""

    version: int
    kind: str
    type: str
    object: Object


class Expired(Exception):
    """The version that a watch wants to start from is no longer remembered."""


class Store:
    """Asks for the nodes, derives the objects, and keeps the differences. Safe from any thread."""

    def __init__(self, nodes: Callable[[], Sequence[View]]) -> None:
        self._nodes = nodes
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._numbers: dict[str, int] = {}
        self._since: dict[str, tuple[bool, float]] = {}
        self._objects: dict[tuple[str, str, str], tuple[str, Object]] = {}
        self._changes: deque[Change] = deque(maxlen=_REMEMBERED)
        self._forgotten = 1_000
        self._version = 1_000
        self._has_master = False

    @property
    def has_master(self) -> bool:
        """Whether a control plane has joined."""
        self._look()
        return self._has_master

    def objects(self, kind: str) -> tuple[int, list[Object]]:
        """The version of the whole, and the objects of a kind sorted by namespace and name."""
        self._look()
        with self._lock:
            found = sorted(key for key in self._objects if key[0] == kind)
            now = time.time()
            return self._version, [beating(self._objects[key][1], now) for key in found]

    def changes(self, kind: str, after: int) -> tuple[int, list[Change]]:
        """The version of the whole, and what changed after a version. Raises Expired when that is too old."""
        self._look()
        with self._lock:
            if after < self._forgotten:
                raise Expired
            return self._version, [
                change for change in self._changes if change.kind == kind and change.version > after
            ]

    def _look(self) -> None:
        with self._lock:
            if time.monotonic() - self._looked < _FRESH:
                return
            now = time.time()
            nodes = sorted(
                (self._seen(view, now) for view in self._nodes() if view.joined <= now),
                key=lambda seen: seen.name,
            )
            self._looked = time.monotonic()
            self._has_master = any(seen.group == MASTER for seen in nodes)
            self._compare(cluster(nodes))

    def _seen(self, view: View, now: float) -> Seen:
        before = self._since.get(view.instance_id)
        if before is None or before[0] != view.ready:
            before = (view.ready, now if before else max(view.joined, 0.0))
            self._since[view.instance_id] = before
        return Seen(
            name=view.name,
            group=view.group,
            instance_id=view.instance_id,
            instance_type=view.instance_type,
            zone=view.zone,
            internal_ip=view.internal_ip,
            ready=view.ready,
            joined=view.joined,
            since=before[1],
            number=self._numbers.setdefault(view.instance_id, len(self._numbers)),
        )

    def _compare(self, kinds: dict[str, list[Object]]) -> None:
        present: set[tuple[str, str, str]] = set()
        for kind, objects in kinds.items():
            for plain in objects:
                metadata = plain["metadata"]
                key = (kind, metadata.get("namespace", ""), metadata["name"])
                present.add(key)
                content = json.dumps(plain, sort_keys=True)
                before = self._objects.get(key)
                if before is None or before[0] != content:
                    kept = self._note(kind, "MODIFIED" if before else "ADDED", plain)
                    self._objects[key] = (content, kept)
        for key in [key for key in self._objects if key not in present]:
            self._note(key[0], "DELETED", self._objects.pop(key)[1])

    def _note(self, kind: str, what: str, plain: Object) -> Object:
        self._version += 1
        metadata = {**plain["metadata"], "resourceVersion": str(self._version)}
        kept = {**plain, "metadata": metadata}
        if len(self._changes) == _REMEMBERED:
            self._forgotten = self._changes[0].version
        self._changes.append(Change(self._version, kind, what, kept))
        return kept
