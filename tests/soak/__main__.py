"""`make soak`: a few hundred rounds, and what they gave. An argument is the number of rounds, a second one the seed."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from .rounds import soak


def main(words: list[str]) -> int:
    """Exit 0 when every round held, 1 otherwise."""
    rounds = int(words[0]) if words else 300
    seed = int(words[1]) if len(words) > 1 else int(time.time())
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="ecotui-soak-") as folder:
        told = soak(Path(folder), rounds=rounds, seed=seed)
    for what, number in told.counts.items():
        print(f"{number:>9,}  {what}")
    for fault in told.faults[:20]:
        print(f"✗ {fault}")
    held = "✓ everything held" if not told.faults else f"✗ {len(told.faults)} faults"
    print(f"{held}: {rounds} rounds in {time.perf_counter() - begun:.1f} s, seed {seed}")
    return 1 if told.faults else 0


sys.exit(main(sys.argv[1:]))
