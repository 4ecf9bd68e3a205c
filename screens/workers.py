"""Background work of the main screen: workers that run checks and follow commands, and only post messages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from textual.screen import Screen
from textual.worker import Worker, WorkerState

from screens.messages import CheckProgressed, ChecksFinished, CommandExited, CommandOutputReceived, StepChecked
from screens.widgets.command_status import RECENT_LINES, StepCommand

if TYPE_CHECKING:
    from ecotui.project import OpenProject
    from ecotui.supervisor import Command

OUTPUT_POLL_SECONDS = 0.1
"""Seconds between two reads of a running command's output: what a person perceives as at once."""

MAX_LINES_PER_POLL = 2_000
"""Lines of one read. A faster command is skipped forward, and the log says so: the file has everything."""

CHECK_WORKER_PREFIX = "check:"
"""Begins the names of the workers that run checks; the ids of the steps follow, with commas."""


def notify_worker_error(screen: Screen[Any], event: Worker.StateChanged) -> None:
    """Show why a worker of this screen failed: silence would look like waiting. Nothing for other changes."""
    if event.state is WorkerState.ERROR:
        error = event.worker.error
        screen.notify(
            f"{event.worker.name}: {type(error).__name__}: {error}",
            title="ecotui itself failed here",
            severity="error",
            markup=False,
            timeout=30,
        )


def start_checks(screen: Screen[Any], project: OpenProject, steps: tuple[str, ...]) -> None:
    """Check steps in a child process, so that no import and no answer ever holds up the screen."""

    from ecotui.check_runner import CheckFailed, run_checks
    from ecotui.stream import CheckProgress

    def report_progress(progress: CheckProgress) -> None:
        screen.post_message(CheckProgressed(progress.step, progress.text))

    async def run() -> None:
        message = ""
        try:
            async for report in run_checks(
                steps, options=project.child_options(), env=project.child_env(), on_progress=report_progress
            ):
                screen.post_message(StepChecked(report))
        except CheckFailed as error:
            message = error.message
        screen.post_message(ChecksFinished(steps, message))

    # One worker for each set of steps: checking one step again must not break off the others.
    name = f"{CHECK_WORKER_PREFIX}{','.join(steps)}"
    _worker: Worker[None] = screen.run_worker(run, name=name, group=name, exclusive=True, exit_on_error=False)


def follow_command(screen: Screen[Any], command: Command) -> StepCommand:
    """Follow a command's output file until its exit record is there."""
    from ecotui.supervisor import Tail, read_command_status

    step_command = StepCommand(command)

    async def follow() -> None:
        tail = Tail(command.folder)
        tail.seek_end(RECENT_LINES)
        while True:
            # Read before the output: what was written before the end is then read in any case.
            status = read_command_status(command.folder)
            lines = tail.read(MAX_LINES_PER_POLL)
            skipped = tail.skip_to_end(MAX_LINES_PER_POLL) if len(lines) == MAX_LINES_PER_POLL else 0
            if lines:
                step_command.recent_lines.extend(lines)
            if lines or status.state == "running":
                screen.post_message(CommandOutputReceived(command, tuple(lines), skipped))
            if status.state != "running" and not lines:
                screen.post_message(CommandExited(command, status))
                return
            await asyncio.sleep(OUTPUT_POLL_SECONDS)

    _worker: Worker[None] = screen.run_worker(
        follow, name=f"follow:{command.id}", group=f"follow:{command.step}", exclusive=True, exit_on_error=False
    )
    return step_command
