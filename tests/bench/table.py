"""The table that the benchmark prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measurement beside its target."""

    what: str
    measured: str
    beside: str
    """What it is compared with."""
    value: float
    target: float
    """The value is to be at most this; with `at_least`, at least."""
    at_least: bool = False
    unit: str = "x"

    @property
    def met(self) -> bool:
        return self.value >= self.target if self.at_least else self.value <= self.target

    @property
    def verdict(self) -> str:
        word = "at least" if self.at_least else "at most"
        sign = "✓" if self.met else "✗"
        return f"{sign} {self.value:.3g}{self.unit} ({word} {self.target:g}{self.unit})"


def show(rows: Sequence[Row]) -> None:
    """Print the rows in columns."""
    cells = [(row.what, row.measured, row.beside, row.verdict) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
