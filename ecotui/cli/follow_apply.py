"""How `ecotui apply` follows terraform: lines for people, or terraform's own lines, with ours among them, for a screen."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from checks.apply.plan.model import Plan
from checks.apply.run.durations import Times, not_awaited
from checks.apply.run.progress import Estimate, about, running
from checks.apply.run.stream import ApplyProgress, Explained, Progress
from checks.duration import span
from checks.finding import State
from checks.sanitize import one_line
from ecotui import exit_codes
from ecotui.cli.follow import Attendant
from ecotui.cli.printing import SIGNS

if TYPE_CHECKING:
    from checks.context import World
    from checks.tools.terraform_crash import Crash
    from checks.tools.terraform_errors import Diagnostic
    from ecotui.guide.reading.library import Library
    from ecotui.supervisor import Command

HEARTBEAT = 15.0
"""Seconds without news after which what is running is told again."""
EXPLAINED = 3
"""Entries of the guide that are named for one error."""
TRACE_LINES = 12
"""Lines of a crash's stack trace that are told at the end: what broke stands at its top."""
FIRST_LINES = 400
"""Lines of provisioners that are told of one run, in a log for people; all of them are in the output file."""

_ON = (
    "What is made stays made: `ecotui plan` goes on from there."
    " `ecotui recover` shows what was begun and not finished."
)


class Follower(Attendant):
    """Reads the command's output to its end and tells it."""

    LINES = 5_000
    LONGEST = 1 << 20  # whole JSON lines

    def __init__(
        self,
        command: Command,
        plan: Plan,
        times: Times,
        where: World,
        *,
        progress: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`times`: what earlier runs tell. `progress`: JSON lines. `clock`: seconds since the epoch."""
        super().__init__(command)
        self._raw = progress
        self._progress = Progress(plan.operations)
        self._estimate = Estimate([(one.address, one.actions) for one in plan.changes], plan.after)
        self._where = where
        self._clock = clock
        self._told: set[tuple[str, str]] = set()
        self._finished = 0
        self._broken = 0
        self._errors = 0
        self._spoken = 0
        self._provision: tuple[str, ...] = ()
        self._news = time.monotonic()
        self._library: Library | None = None
        # Its own progress is told in the same words that a screen is given.
        unwaited = (
            one.address
            for one in plan.changes
            if any((part.path, part.after) == ("wait_for_deployment", "false") for part in one.attributes)
        )
        said = self._line(_times_said(times), usual=msgspec.to_builtins(not_awaited(times, unwaited)))
        self._progress.feed([said])
        if self._raw:
            print(said, flush=True)
        elif times.runs:
            print(_times_said(times), flush=True)

    def interrupt(self, *, first: bool) -> None:
        """The first Ctrl-C asks terraform to end by itself; the next one, after a question, makes it end."""
        from ecotui.supervisor import interrupt

        if first:
            interrupt(self._command.folder)
            self._tell(
                "Interrupted: terraform finishes what it has begun and saves the state. Again: by force."
            )
        elif self._raw or not sys.stdin.isatty() or self._sure():
            interrupt(self._command.folder, force=True)
            self._tell("Stopping by force: resources may be left that the state does not know")

    @staticmethod
    def _sure() -> bool:
        try:
            return input("By force, resources can be lost from the state. Type `force`: ").strip() == "force"
        except (EOFError, KeyboardInterrupt):
            return False

    def take(self, lines: list[str]) -> None:
        """Lines came: tell what is new in them."""
        self._progress.feed(lines)
        if self._raw:
            sys.stdout.write("\n".join(lines) + "\n")
            sys.stdout.flush()
        now = self._progress.snapshot()
        if not self._raw:
            self._tell_rows(now)
            self._tell_provisioners(now)
        for number, error in enumerate(now.errors[self._errors :], self._errors):
            self._tell_error(number, error, now)
        self._errors = len(now.errors)

    def _tell_rows(self, now: ApplyProgress) -> None:
        for row in now.running:
            key = (row.address, row.action)
            if key not in self._told:
                self._told.add(key)
                usual = now.usual.usual(row.address, row.action)
                # What takes a moment needs no forecast.
                often = f" (usually {about(usual.seconds)}, {usual.basis})" if usual.seconds >= 8 else ""
                self._tell(f"[{now.done}/{now.total}] {row.action} {row.address}{often}")
        for done in now.finished[self._finished :]:
            self._told.discard((done.address, done.action))
            self._tell(
                f"[{now.done}/{now.total}] {SIGNS[State.OK]} {done.address} {done.action} ended after {done.seconds:g} s"
            )
        self._finished = len(now.finished)
        for done in now.broken[self._broken :]:
            self._told.discard((done.address, done.action))
            self._tell(
                f"[{now.done}/{now.total}] {SIGNS[State.BLOCKED]} {done.address} {done.action} failed after"
                f" {done.seconds:g} s; terraform says why when what runs has ended"
            )
        self._broken = len(now.broken)

    def _tell_provisioners(self, now: ApplyProgress) -> None:
        """What provisioners say; the last ones that are kept overlap with those of before."""
        before, self._provision = self._provision, now.provision
        fresh = list(now.provision)
        if before and before[-1] in fresh:
            # The newest line of before, at its last place: what follows is new.
            fresh = fresh[len(fresh) - fresh[::-1].index(before[-1]) :]
        for line in fresh:
            self._spoken += 1
            if self._spoken <= FIRST_LINES:
                self._tell(f"    │ {line}")
            elif self._spoken == FIRST_LINES + 1:
                self._tell(f"    │ … and more: {self._command.folder / 'output.log'}")

    def _tell_error(self, number: int, error: Diagnostic, now: ApplyProgress) -> None:
        if now.crash and error == now.crash.diagnostic:
            for line in now.crash.lines[:1]:  # the rest at the end: terraform prints the trace only then
                self._tell(f"{SIGNS[State.BLOCKED]} {line}")
            return
        found = self._explain(number, error)
        if self._raw:
            if found:
                told = ", ".join(f"{one.entry} {one.title}" for one in found)
                line = self._line(f"The guide explains: {told}", explained=msgspec.to_builtins(found))
                self._progress.feed([line])
                print(line, flush=True)
            return
        where = f"{error.address}: " if error.address else ""
        place = f" ({error.place})" if error.place else ""
        self._tell(f"{SIGNS[State.BLOCKED]} {where}{one_line(error.summary, limit=1000)}{place}")
        for one in found:
            self._tell(f"    guide {one.entry}: {one.title} (ecotui guide {one.entry})")
        if not found and error.is_error:
            self._tell("    the guide has nothing about this")

    def _explain(self, number: int, error: Diagnostic) -> list[Explained]:
        """What the guide says about an error; nothing when there is no guide that can be read."""
        from ecotui.guide.matching.matcher import Diagnosis
        from ecotui.guide.reading.library import GuideError, open_library

        try:
            if self._library is None:
                self._library = open_library(self._where.settings, self._where.project, self._where.env)
        except GuideError:
            return []
        diagnosis = Diagnosis(self._library)
        diagnosis.feed(error.text.splitlines())
        return [
            Explained(entry=match.entry, title=one_line(match.title), error=number)
            for match in diagnosis.end()[:EXPLAINED]
        ]

    def wait(self) -> None:
        if self._raw or time.monotonic() - self._news < HEARTBEAT:
            return
        self._tell(self.standing())

    def standing(self) -> str:
        """What runs, against its usual time, and how long the rest will take."""
        now, at = self._progress.snapshot(), self._clock()
        rows = running(now, at)
        told = ", ".join(
            f"{row.address} ({span(row.elapsed)}, usually {about(row.usual.seconds)}{', late' if row.late else ''})"
            for row in rows[:6]
        )
        more = f" and {len(rows) - 6} more" if len(rows) > 6 else ""
        left = self._estimate.left(now, at)
        rest = f"; {about(left)} left" if left is not None and rows else ""
        late = next((row for row in rows if row.late), None)
        why = f"; why: ecotui why {shlex.quote(late.address)}" if late else ""
        return f"[{now.done}/{now.total}] running: {told or 'terraform prepares'}{more}{rest}{why}"

    def _tell(self, text: str) -> None:
        self._news = time.monotonic()
        print(self._line(text) if self._raw else text, flush=True)

    @staticmethod
    def _line(text: str, **more: Any) -> str:
        return json.dumps({"type": "ecotui", "@message": text, **more}, ensure_ascii=False)

    def conclude(self, outcome: str, message: str) -> int:
        now = self._progress.snapshot()
        code = self._tell_end(now, outcome, message)
        self._draw(now)
        return code

    def _draw(self, now: ApplyProgress) -> None:
        """The run as a table and as a picture, beside its log."""
        from ecotui.history import timeline
        from ecotui.session.private_files import replace_file

        if not (now.finished or now.broken or now.running):
            return
        drawn = timeline.of(now, self._command.title)
        page = self._command.folder / "timeline.html"
        try:
            replace_file(self._command.folder / "timeline.csv", timeline.as_csv(drawn).encode())
            replace_file(page, timeline.as_html(drawn).encode())
        except OSError as error:  # the run is over, and its log is there: no reason to fail
            self._tell(f"The timeline could not be written: {error.strerror}")
        else:
            self._tell(f"Timeline: {page}")

    def _tell_crash(self, now: ApplyProgress, crash: Crash) -> None:
        """What crashed and how to go on, with the raw text behind; other errors were told when they came."""
        first, *rest = crash.lines
        self._tell(f"Failed at {now.done} of {now.total}. {first}")
        for line in rest:
            self._tell(f"  {line}")
        for line in () if self._raw else crash.trace[:TRACE_LINES]:
            self._tell(f"    │ {line}")
        self._tell(f"All of it: {self._command.folder / 'output.log'}")

    def _tell_end(self, now: ApplyProgress, outcome: str, message: str) -> int:
        if outcome == "succeeded":
            self._tell(now.summary or "Applied")
            for name, value in now.outputs.items() if not self._raw else ():
                self._tell(f"  {name} = {short(value)}")
            return exit_codes.OK
        log = self._command.folder / "output.log"
        if any("saved plan is stale" in one.summary.lower() for one in now.errors):
            # terraform ends with 1; for whoever calls us it is what our own look before the apply says with 3.
            self._tell(
                "Nothing was applied: the state changed after the plan was made. Plan again: ecotui plan"
            )
            return exit_codes.BLOCKED
        if self.stopped(outcome):
            self._tell(f"Interrupted at {now.done} of {now.total}. {_ON}")
            return exit_codes.INTERRUPTED
        if now.crash:
            self._tell_crash(now, now.crash)
            return exit_codes.ERROR
        why = message or (f"{len(now.errors)} errors" if now.errors else outcome or "it ended")
        self._tell(f"Failed at {now.done} of {now.total}: {one_line(why)}. `ecotui diagnose {log}` explains.")
        self._tell(_ON)
        for line in () if now.errors or self._raw else now.other[-20:]:
            self._tell(f"  {line}")
        return exit_codes.ERROR


def _times_said(times: Times) -> str:
    if not times.runs:
        return "No earlier apply is on record: usual times are rules of thumb"
    return f"Usual times: from {times.runs} earlier appl{'y' if times.runs == 1 else 'ies'}"


def short(value: Any) -> str:
    """An output's value on one line."""
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
