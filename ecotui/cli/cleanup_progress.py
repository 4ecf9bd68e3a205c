"""How a deletion speaks: lines for a person who reads a log, or JSON lines for a screen; and a heartbeat in silence."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

import msgspec

from checks.cleanup.model import ItemState, Progress, counted
from checks.sanitize import one_line

HEARTBEAT = 10.0
"""Seconds without a word after which the counters are told again."""
NAMED = 3
"""Items that the heartbeat names."""


class Teller:
    """Progress for a person who reads a log, or as JSON lines for a screen that follows them."""

    def __init__(self, *, progress: bool, total: int) -> None:
        self._progress = progress
        self._total = total
        self._lock = threading.Lock()
        self._last = time.monotonic()
        self._counts = {state.value: 0 for state in ItemState} | {ItemState.WAITING.value: total}
        self._under_way: dict[str, tuple[float, str]] = {}

    def tell(self, progress: Progress) -> None:
        with self._lock:
            self._counts = progress.counts
            if progress.state == ItemState.DELETING.value:
                begun, _ = self._under_way.get(progress.item, (time.monotonic(), ""))
                self._under_way[progress.item] = begun, progress.message
            else:
                self._under_way.pop(progress.item, None)
            self._write(progress)

    def line(self, message: str, *, error: bool = False) -> None:
        with self._lock:
            state = "error" if error else ""
            self._write(Progress(counts=self._counts, state=state, message=message))
        if error:
            print(f"ecotui cleanup: {message}", file=sys.stderr)

    def heartbeat(self) -> _Heartbeat:
        return _Heartbeat(self._beat)

    def _beat(self) -> None:
        with self._lock:
            if time.monotonic() - self._last >= HEARTBEAT:
                self._write(Progress(counts=self._counts, message=self._standing()))

    def _standing(self) -> str:
        """The counters, and what has been under way for longest: one line."""
        now = time.monotonic()
        oldest = sorted(self._under_way.items(), key=lambda one: one[1][0])
        told = [f"{one_line(key)} {now - begun:.0f} s: {said}" for key, (begun, said) in oldest[:NAMED]]
        more = [f"and {len(oldest) - NAMED} more"] if len(oldest) > NAMED else []
        return "; ".join([counted(self._counts), *told, *more])

    def _write(self, progress: Progress) -> None:
        self._last = time.monotonic()
        if self._progress:
            print(
                msgspec.json.encode(
                    {
                        "counts": progress.counts,
                        "item": progress.item,
                        "state": progress.state,
                        "message": progress.message,
                    }
                ).decode(),
                flush=True,
            )
        elif progress.item:
            done = sum(progress.counts[state] for state in ("failed", "skipped", "gone"))
            print(
                f"[{done}/{self._total}] {progress.state:8} {one_line(progress.item)}: {progress.message}",
                flush=True,
            )
        elif progress.state != "error":
            print(progress.message, flush=True)


class _Heartbeat:
    """Calls `beat` every second while it is open."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(1.0):
            self._beat()
