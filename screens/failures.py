"""A worker that fails says so: silence would look like waiting."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen
from textual.worker import Worker, WorkerState


def notify_worker_error(screen: Screen[Any], event: Worker.StateChanged) -> None:
    """Show why a worker of this screen failed; nothing for every other change."""
    if event.state is WorkerState.ERROR:
        error = event.worker.error
        screen.notify(
            f"{event.worker.name}: {type(error).__name__}: {error}",
            title="ecotui itself failed here",
            severity="error",
            markup=False,
            timeout=30,
        )
