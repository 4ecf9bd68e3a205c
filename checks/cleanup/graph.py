"""The order of deletion: pure functions over keys of resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from checks.cleanup.model import AwsResource

Edges = Mapping[str, frozenset[str]]
"""For each key the keys that must be deleted first."""


def find_blockers(resources: Iterable[AwsResource]) -> dict[str, frozenset[str]]:
    """The edges among these resources only."""
    listed = {one.key: one for one in resources}
    key_of = {name: one.key for one in listed.values() for name in one.other_keys} | {key: key for key in listed}
    blockers: dict[str, set[str]] = {key: set() for key in listed}
    for one in listed.values():
        blockers[one.key].update(key_of[key] for key in one.blocked_by if key in key_of)
        for blocked in one.blocks:
            if blocked in key_of:
                blockers[key_of[blocked]].add(one.key)
        blockers[one.key].discard(one.key)
    return {key: frozenset(keys) for key, keys in blockers.items()}


def deletion_order(keys: Sequence[str], edges: Edges) -> list[str]:
    """The keys, each after what blocks it; among equals in the order given.

    A circle is broken at its first key, and its deletion takes retries.
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
    """The edges that `deletion_order` respects; without a circle these are all."""
    position = {key: number for number, key in enumerate(deletion_order(keys, edges))}
    return {
        key: frozenset(one for one in edges.get(key, ()) if one in position and position[one] < position[key])
        for key in keys
    }
