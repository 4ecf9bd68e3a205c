"""The durations of earlier applies, collected from their recorded streams. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from statistics import median

from checks.apply.durations import DurationStats, parse_resource_type
from checks.apply.run.stream import read_completed

MAX_SAMPLES = 20
"""Durations of one address that count, and ten times as many of a type: the newest ones."""


class DurationHistory:
    """Collects durations from the recorded streams of earlier applies, the newest first."""

    def __init__(self) -> None:
        self._addresses: dict[str, list[float]] = {}
        self._types: dict[str, list[float]] = {}
        self._runs = 0

    def add_run(self, lines: Iterable[bytes], *, same_project: bool = True) -> None:
        """Add one apply. Of another project only the types count. Never raises for the content of the lines."""
        has_durations = False
        for line in lines:
            if (completed := read_completed(line)) is None:
                continue
            has_durations = True
            address, action, seconds = completed
            if same_project:
                _add_sample(self._addresses, f"{action} {address}", seconds, MAX_SAMPLES)
            _add_sample(self._types, f"{action} {parse_resource_type(address)}", seconds, 10 * MAX_SAMPLES)
        self._runs += has_durations

    def stats(self, addresses: Collection[str] | None = None, *, parallelism: int = 10) -> DurationStats:
        """The medians; of these addresses only, when they are given."""
        selected = None if addresses is None else set(addresses)
        return DurationStats(
            addresses={
                key: (median(found), len(found))
                for key, found in self._addresses.items()
                if selected is None or key.partition(" ")[2] in selected
            },
            types={key: (median(found), len(found)) for key, found in self._types.items()},
            runs=self._runs,
            parallelism=parallelism,
        )


def _add_sample(table: dict[str, list[float]], key: str, seconds: float, max_samples: int) -> None:
    found = table.setdefault(key, [])
    if len(found) < max_samples:
        found.append(max(seconds, 0.0))
