"""What several tests stand on: the paths of the repository, and a module for each thing that tests set up."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The repository."""

DATA = ROOT / "tests" / "data"
"""Recorded outputs, labelled errors, terraform projects and sessions."""
