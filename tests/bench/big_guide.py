"""A guide of 20 MB, as no team writes one: how long it takes to open, and one key of a search in it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TypeVar

from config.load import load_settings
from ecotui.guide.reading.library import open_library
from ecotui.guide.search import EntryIndex

from .table import Row

T = TypeVar("T")
SIZE = 20_000_000
"""Bytes of the document."""
ENTRY = """### {chapter}.{number}. 항목 {chapter}-{number}: The ledger of shard {number} is behind

#### 문제
```
Error: shard {number} of ledger {chapter} is behind by {number} blocks and refuses writes
```

**원인**: 이전 배포의 노드가 삭제되지 않고 남아 있음. A node of an earlier deployment still holds the lease.

#### 해결 방법 1
```bash
ecoctl lease release --shard {number} --ledger {chapter}
```

#### 해결 방법 2: 다시 만들기
정리한 뒤 다시 만듭니다. Clean up, then make it anew; 5-15분 정도 걸립니다.

---

"""
WORDS = ("버", "ㅎㄱ ㅂㅂ", "lease", "정리한", "nosuchword", "12.34", "다시 만들")
"""What is typed: syllables, initial consonants, English, a number."""


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        parts = ["# Big guide\n\n"]
        size = chapter = 0
        while size < SIZE:
            chapter += 1
            parts.append(f"## {chapter}. Chapter {chapter}\n\n")
            for number in range(1, 101):
                parts.append(ENTRY.format(chapter=chapter, number=number))
                size += len(parts[-1].encode())
        (project / "big.md").write_text("".join(parts), encoding="utf-8")
        settings = load_settings(project, None, overrides=["guide.documents=[big.md]"], env={}).settings
        library, opening = _timed(lambda: open_library(settings, project, {}))
        _, again = _timed(lambda: open_library(settings, project, {}))
        index, indexing = _timed(lambda: EntryIndex(library))
        keys = [_timed(lambda word=word: index.search(word))[1] for word in WORDS]
    return [
        Row("a guide of 20 MB opened", f"{len(library.entries):,} entries", "", opening, 5, unit=" s"),
        Row("  opened again, unchanged", "", "", again, 1, unit=" s"),
        Row("  made ready for the first search", "", "", indexing, 5, unit=" s"),
        Row(
            "  one key of a search in it",
            f"median of {len(keys)} words",
            "",
            median(keys) * 1000,
            200,
            unit=" ms",
        ),
        Row("  the slowest of them", "", "", max(keys) * 1000, 500, unit=" ms"),
    ]


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    begun = time.perf_counter()
    made = work()
    return made, time.perf_counter() - begun
