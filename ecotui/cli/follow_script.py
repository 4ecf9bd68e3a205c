"""A script of the team's, followed to its end: its lines as they come, its stages with their times, its errors explained."""

from __future__ import annotations

import csv
import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from checks.duration import span
from checks.finding import State
from checks.script.stages import Stages
from ecotui import exit_codes
from ecotui.cli.follow import Attendant
from ecotui.cli.printing import SIGNS

if TYPE_CHECKING:
    from checks.context import World
    from ecotui.supervisor import Command

QUIET = 60.0
"""Seconds without a line after which it is said that the script still runs."""
TABLE = "stages.csv"


class ScriptFollower(Attendant):
    """Reads the command's output to its end and passes it on."""

    def __init__(
        self,
        command: Command,
        where: World,
        clock: Callable[[], float] = time.time,
        *,
        stages: Sequence[str] | None = None,
        left: str = "What it left: ecotui recover",
    ) -> None:
        """`stages`: regular expressions of its headings; `left`: what is said of what it leaves when it fails."""
        super().__init__(command)
        self._left = left
        self._where = where
        self._clock = clock
        self._stages = Stages(where.settings.rebuild.stages if stages is None else stages)
        self._begun = clock()
        self._heard = self._begun

    def take(self, lines: list[str]) -> None:
        """Lines came: pass them on, each stage announced above its heading."""
        self._heard = self._clock()
        for line in lines:
            for stage in self._stages.feed([line], self._heard):
                number = len(self._stages.all)
                self._tell(f"[stage {number}, after {span(self._heard - self._begun)}] {stage.title}")
            self._tell(line)

    def _tell(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def wait(self) -> None:
        now = self._clock()
        if now - self._heard >= QUIET:
            self._heard = now
            at = f", at: {self._stages.at}" if self._stages.at else ""
            self._tell(f"… still running after {span(now - self._begun)}{at}")

    def interrupt(self, *, first: bool) -> None:
        from ecotui.supervisor import interrupt

        interrupt(self._command.folder, force=not first)
        self._tell(
            "Interrupted: the script and what it runs were asked to stop. Again: by force."
            if first
            else "Stopping by force: resources may be left that no state knows"
        )

    def conclude(self, outcome: str, message: str) -> int:
        now = self._clock()
        stages = self._stages.end(now)
        width = max((len(one.title) for one in stages), default=0)
        if stages:
            self._tell("Stages:")
        for one in stages:
            self._tell(f"    {one.title:<{width}}  {span(one.seconds(now))}")
        self._keep(now)
        good = outcome == "succeeded"
        if not good:
            self._explain()
        if good:
            self._tell(f"{SIGNS[State.OK]} The script ended after {span(now - self._begun)}")
            return exit_codes.OK
        at = f" in: {stages[-1].title}" if stages else ""
        if self.stopped(outcome):
            self._tell(f"Interrupted after {span(now - self._begun)}{at}. {self._left}")
            return exit_codes.INTERRUPTED
        self._tell(
            f"{SIGNS[State.BLOCKED]} The script failed after {span(now - self._begun)}{at}"
            f" ({message or outcome or 'it ended'}). {self._left}"
        )
        return exit_codes.ERROR

    def _explain(self) -> None:
        """The entries of the guide that the output leads to."""
        from ecotui.guide.matching.matcher import Diagnosis
        from ecotui.guide.reading.library import GuideError, open_library
        from ecotui.session.private_files import open_file
        from ecotui.supervisor.paths import OUTPUT

        try:
            library = open_library(self._where.settings, self._where.project, self._where.env)
            diagnosis = Diagnosis(library)
            with os.fdopen(open_file(self._command.folder / OUTPUT, os.O_RDONLY), "rb") as stream:
                diagnosis.read(stream)
        except (GuideError, OSError) as error:
            self._tell(f"{SIGNS[State.UNKNOWN]} The guide could not be asked: {error}")
            return
        for match in diagnosis.matches[:5]:
            self._tell(
                f"    guide {match.entry}: {match.title} (line {match.line}; ecotui guide {match.entry})"
            )
        if not diagnosis.matches:
            self._tell("    the guide has nothing about this output")

    def _keep(self, now: float) -> None:
        """The stages as a table beside the log; without it the run is as good."""
        from ecotui.session import SessionError
        from ecotui.session.private_files import replace_file

        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(("stage", "started", "seconds"))
        for one in self._stages.all:
            rows.writerow((one.title, f"{one.started:.3f}", f"{one.seconds(now):.3f}"))
        try:
            replace_file(self._command.folder / TABLE, out.getvalue().encode("utf-8", "replace"))
        except (OSError, SessionError):
            self._tell("The table of the stages could not be written")
