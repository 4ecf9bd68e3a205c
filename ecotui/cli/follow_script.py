"""Follows a run of the team's script: prints its lines, its stages with their times, and guide entries for its errors."""

from __future__ import annotations

import csv
import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from checks.duration import format_duration
from checks.finding import STATE_ICONS, CheckState
from checks.script.stages import StageParser
from ecotui import exit_codes
from ecotui.cli.follow import OutputHandler

if TYPE_CHECKING:
    from checks.context import CheckContext
    from ecotui.supervisor.running import RunningCommand

HEARTBEAT_SECONDS = 60.0
"""Seconds without output after which a line says that the script still runs."""
STAGES_FILE = "stages.csv"


class ScriptOutput(OutputHandler):
    """Prints a script's output, with its stages and their times."""

    INTERRUPT_NOTICE = "Interrupted: the script and what it runs were asked to stop. Again: by force."
    FORCE_NOTICE = "Stopping by force: resources may be left that no state knows"

    def __init__(
        self,
        running: RunningCommand,
        context: CheckContext,
        clock: Callable[[], float] = time.time,
        *,
        stages: Sequence[str] | None = None,
        leftovers_hint: str = "What it left: ecotui recover",
    ) -> None:
        """`stages`: regular expressions of its headings; `leftovers_hint`: printed when the script fails."""
        self._running = running
        self._folder = running.command.folder
        self._leftovers_hint = leftovers_hint
        self._context = context
        self._clock = clock
        self._stages = StageParser(context.settings.rebuild.stages if stages is None else stages)
        self._started_at = clock()
        self._last_output = self._started_at

    def handle_lines(self, lines: list[str]) -> None:
        """Print lines, each stage announced above its heading."""
        self._last_output = self._clock()
        for line in lines:
            for stage in self._stages.feed([line], self._last_output):
                number = len(self._stages.stages)
                self.print_line(
                    f"[stage {number}, after {format_duration(self._last_output - self._started_at)}] {stage.title}"
                )
            self.print_line(line)

    def print_line(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def handle_idle(self) -> None:
        now = self._clock()
        if now - self._last_output >= HEARTBEAT_SECONDS:
            self._last_output = now
            at = f", at: {self._stages.current_heading}" if self._stages.current_heading else ""
            self.print_line(f"… still running after {format_duration(now - self._started_at)}{at}")

    def finish(self, outcome: str, message: str) -> int:
        now = self._clock()
        stages = self._stages.finish(now)
        width = max((len(one.title) for one in stages), default=0)
        if stages:
            self.print_line("Stages:")
        for one in stages:
            self.print_line(f"    {one.title:<{width}}  {format_duration(one.duration_seconds(now))}")
        self._write_stages_file(now)
        good = outcome == "succeeded"
        if not good:
            self._print_guide_entries()
        if good:
            self.print_line(
                f"{STATE_ICONS[CheckState.OK]} The script ended after {format_duration(now - self._started_at)}"
            )
            return exit_codes.OK
        at = f" in: {stages[-1].title}" if stages else ""
        if outcome == "interrupted":
            self.print_line(f"Interrupted after {format_duration(now - self._started_at)}{at}. {self._leftovers_hint}")
            return exit_codes.INTERRUPTED
        self.print_line(
            f"{STATE_ICONS[CheckState.BLOCKED]} The script failed after {format_duration(now - self._started_at)}{at}"
            f" ({message or outcome or 'it ended'}). {self._leftovers_hint}"
        )
        return exit_codes.ERROR

    def _print_guide_entries(self) -> None:
        """Print the entries of the guide that match the output."""
        from ecotui.guide.matching.matcher import Diagnosis
        from ecotui.guide.reading.library import GuideError, open_library
        from ecotui.session.private_files import open_private_file
        from ecotui.supervisor.paths import OUTPUT_LOG

        try:
            library = open_library(self._context.settings, self._context.project, self._context.env)
            diagnosis = Diagnosis(library)
            self._running.wait_for_log()
            with os.fdopen(open_private_file(self._folder / OUTPUT_LOG, os.O_RDONLY), "rb") as stream:
                diagnosis.read(stream)
        except (GuideError, OSError) as error:
            self.print_line(f"{STATE_ICONS[CheckState.UNKNOWN]} The guide could not be opened: {error}")
            return
        for match in diagnosis.matches[:5]:
            self.print_line(f"    guide {match.entry}: {match.title} (line {match.line}; ecotui guide {match.entry})")
        if not diagnosis.matches:
            self.print_line("    the guide has nothing about this output")

    def _write_stages_file(self, now: float) -> None:
        """Write the stages as a table beside the log; a failure to do so is only reported."""
        from ecotui.session import SessionError
        from ecotui.session.private_files import replace_atomically

        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(("stage", "started", "seconds"))
        for one in self._stages.stages:
            rows.writerow((one.title, f"{one.started_at:.3f}", f"{one.duration_seconds(now):.3f}"))
        try:
            replace_atomically(self._folder / STAGES_FILE, out.getvalue().encode("utf-8", "replace"))
        except (OSError, SessionError):
            self.print_line("The table of the stages could not be written")
