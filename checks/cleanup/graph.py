"""What must go before what: pure functions over keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from checks.cleanup.model import AwsResource

Edges = Mapping[str, frozenset[str]]
"""For each key the keys that must be gone first."""


def find_blockers(resources: Iterable[AwsResource]) -> dict[str, frozenset[str]]:
    """The edges among the resources given; what is not among them is left out."""
    listed = {one.key: one for one in resources}
    meant = {name: one.key for one in listed.values() for name in one.other_keys} | {key: key for key in listed}
    found: dict[str, set[str]] = {key: set() for key in listed}
    for one in listed.values():
        found[one.key].update(meant[key] for key in one.blocked_by if key in meant)
        for blocked in one.blocks:
            if blocked in meant:
                found[meant[blocked]].add(one.key)
        found[one.key].discard(one.key)
    return {key: frozenset(keys) for key, keys in found.items()}


def deletion_order(keys: Sequence[str], edges: Edges) -> list[str]:
    """The keys so that every one comes after what blocks it; among equals in the order given.

    A circle cannot be ordered; it is broken at its first key, and deleting it takes retries.
    """
    edges = {key: frozenset(edges.get(key, ())) & set(keys) for key in keys}
    while True:
        sorter = TopologicalSorter(edges)
        try:
            sorter.prepare()
            break
        except CycleError as circle:
            first = min(circle.args[1], key=list(keys).index)
            edges = {**edges, first: frozenset()}
    rank = {key: position for position, key in enumerate(keys)}
    ordered: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=rank.__getitem__)
        ordered += ready
        sorter.done(*ready)
    return ordered


def remove_cycles(keys: Sequence[str], edges: Edges) -> dict[str, frozenset[str]]:
    """The edges that `order` respects: those that lead backward in it. Without a circle these are all."""
    position = {key: place for place, key in enumerate(deletion_order(keys, edges))}
    return {
        key: frozenset(one for one in edges.get(key, ()) if one in position and position[one] < position[key])
        for key in keys
    }
