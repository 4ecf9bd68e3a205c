"""The output of a deletion: lines for a person, or JSON lines for a screen, and a heartbeat while nothing changes."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

from checks.cleanup.model import DeletionProgress, DeletionState, format_counts
from checks.sanitize import one_line
from ecotui.stream import encode_message

HEARTBEAT_SECONDS = 10.0
"""Seconds without output after which the counters are printed again."""
MAX_NAMED_ITEMS = 3
"""Items that the heartbeat names."""


class DeletionReporter:
    """Prints the progress of one deletion; may be called from several threads."""

    def __init__(self, *, progress: bool, total: int) -> None:
        self._as_json = progress
        self._total = total
        self._lock = threading.Lock()
        self._last_output = time.monotonic()
        self._counts = {state.value: 0 for state in DeletionState} | {DeletionState.WAITING.value: total}
        self._in_progress: dict[str, tuple[float, str]] = {}

    def report(self, progress: DeletionProgress) -> None:
        with self._lock:
            self._counts = progress.counts
            if progress.state == DeletionState.DELETING.value:
                started, _ = self._in_progress.get(progress.item, (time.monotonic(), ""))
                self._in_progress[progress.item] = started, progress.message
            else:
                self._in_progress.pop(progress.item, None)
            self._write(progress)

    def print_line(self, message: str, *, error: bool = False) -> None:
        with self._lock:
            state = "error" if error else ""
            self._write(DeletionProgress(counts=self._counts, state=state, message=message))
        if error:
            print(f"ecotui cleanup: {message}", file=sys.stderr)

    def heartbeat(self) -> _Heartbeat:
        return _Heartbeat(self._print_heartbeat)

    def _print_heartbeat(self) -> None:
        with self._lock:
            if time.monotonic() - self._last_output >= HEARTBEAT_SECONDS:
                self._write(DeletionProgress(counts=self._counts, message=self._status_line()))

    def _status_line(self) -> str:
        """The counters, and the items that take longest: one line."""
        now = time.monotonic()
        oldest = sorted(self._in_progress.items(), key=lambda one: one[1][0])
        items = [f"{one_line(key)} {now - start:.0f} s: {text}" for key, (start, text) in oldest[:MAX_NAMED_ITEMS]]
        more = [f"and {len(oldest) - MAX_NAMED_ITEMS} more"] if len(oldest) > MAX_NAMED_ITEMS else []
        return "; ".join([format_counts(self._counts), *items, *more])

    def _write(self, progress: DeletionProgress) -> None:
        self._last_output = time.monotonic()
        if self._as_json:
            print(encode_message(progress).decode(), flush=True)
        elif progress.item:
            done = sum(progress.counts[state] for state in ("failed", "skipped", "gone"))
            print(
                f"[{done}/{self._total}] {progress.state:8} {one_line(progress.item)}: {progress.message}",
                flush=True,
            )
        elif progress.state != "error":
            print(progress.message, flush=True)


class _Heartbeat:
    """Calls `callback` every second while it is open."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._stop_event = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._stop_event.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop_event.wait(1.0):
            self._callback()
