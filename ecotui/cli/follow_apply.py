"""Prints the output of an apply: lines for a person, or terraform's JSON lines with ours among them for a screen."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from checks.apply.durations import DurationStats, add_no_wait_estimates
from checks.apply.plan.model import Plan
from checks.apply.run.progress import RemainingTimeEstimate, format_approximate, operation_rows
from checks.apply.run.stream import ApplyProgress, ApplyStreamReader, GuideExplanation
from checks.duration import format_duration
from checks.finding import STATE_ICONS, CheckState
from checks.sanitize import one_line
from ecotui import exit_codes
from ecotui.cli.follow import OutputHandler
from ecotui.stream import Notice, encode_message

if TYPE_CHECKING:
    from checks.context import CheckContext
    from checks.tools.terraform_crash import Crash
    from checks.tools.terraform_errors import Diagnostic
    from ecotui.guide.reading.library import GuideLibrary
    from ecotui.supervisor import Command

HEARTBEAT_SECONDS = 15.0
"""Seconds without output after which the running resources are printed again."""
MAX_ENTRIES_PER_ERROR = 3
"""Entries of the guide that are named for one error."""
MAX_TRACE_LINES = 12
"""Lines of a crash's stack trace that are printed at the end: its top says what broke."""
MAX_PROVISIONER_LINES = 400
"""Lines of provisioners that are printed of one run; all of them are in the output file."""

_NEXT_STEPS = (
    "What is made stays made: `ecotui plan` goes on from there. `ecotui recover` shows what was begun and not finished."
)


class ApplyOutput(OutputHandler):
    """Prints terraform's output: lines for a person, or its own JSON lines with ours among them."""

    INTERRUPT_NOTICE = "Interrupted: terraform finishes what it has begun and saves the state. Again: by force."
    FORCE_NOTICE = "Stopping by force: resources may be left that the state does not know"

    def __init__(
        self,
        command: Command,
        plan: Plan,
        stats: DurationStats,
        context: CheckContext,
        *,
        as_json: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`stats`: durations of earlier runs. `clock`: seconds since the epoch."""
        self._command = command
        self._as_json = as_json
        self._progress = ApplyStreamReader(plan.operations)
        self._estimate = RemainingTimeEstimate([(one.address, one.actions) for one in plan.changes], plan.dependencies)
        self._context = context
        self._clock = clock
        self._announced: set[tuple[str, str]] = set()
        self._finished_count = 0
        self._failed_count = 0
        self._error_count = 0
        self._provisioner_line_count = 0
        self._provisioner_lines: tuple[str, ...] = ()
        self._last_output = time.monotonic()
        self._library: GuideLibrary | None = None
        # Our own progress is computed from the same line that a screen is given.
        notice = self._json_line(
            _typical_times_notice(stats),
            usual=add_no_wait_estimates(stats, plan.no_wait_addresses),
        )
        self._progress.feed([notice])
        if as_json:
            print(notice, flush=True)
        elif stats.runs:
            print(_typical_times_notice(stats), flush=True)

    def confirm_force(self) -> bool:
        if self._as_json or not sys.stdin.isatty():
            return True
        try:
            return input("By force, resources can be lost from the state. Type `force`: ").strip() == "force"
        except (EOFError, KeyboardInterrupt):
            return False

    def handle_lines(self, lines: list[str]) -> None:
        """Print what is new in the lines."""
        self._progress.feed(lines)
        if self._as_json:
            sys.stdout.write("\n".join(lines) + "\n")
            sys.stdout.flush()
        now = self._progress.snapshot()
        if not self._as_json:
            self._print_resource_changes(now)
            self._print_provisioner_output(now)
        for number, error in enumerate(now.errors[self._error_count :], self._error_count):
            self._print_error(number, error, now)
        self._error_count = len(now.errors)

    def _print_resource_changes(self, snapshot: ApplyProgress) -> None:
        for row in snapshot.running_operations:
            key = (row.address, row.action)
            if key not in self._announced:
                self._announced.add(key)
                usual = snapshot.durations.typical_duration(row.address, row.action)
                # What takes a moment needs no forecast.
                often = f" (usually {format_approximate(usual.seconds)}, {usual.basis})" if usual.seconds >= 8 else ""
                self.print_line(f"[{snapshot.done_count}/{snapshot.total_count}] {row.action} {row.address}{often}")
        for done in snapshot.finished_operations[self._finished_count :]:
            self._announced.discard((done.address, done.action))
            self.print_line(
                f"[{snapshot.done_count}/{snapshot.total_count}] {STATE_ICONS[CheckState.OK]} {done.address} {done.action} ended after {done.duration:g} s"
            )
        self._finished_count = len(snapshot.finished_operations)
        for done in snapshot.failed_operations[self._failed_count :]:
            self._announced.discard((done.address, done.action))
            self.print_line(
                f"[{snapshot.done_count}/{snapshot.total_count}] {STATE_ICONS[CheckState.BLOCKED]} {done.address} {done.action} failed after"
                f" {done.duration:g} s; terraform says why when what runs has ended"
            )
        self._failed_count = len(snapshot.failed_operations)

    def _print_provisioner_output(self, snapshot: ApplyProgress) -> None:
        """What provisioners say; the last ones that are kept overlap with those of before."""
        before, self._provisioner_lines = self._provisioner_lines, snapshot.provisioner_lines
        fresh = list(snapshot.provisioner_lines)
        if before and before[-1] in fresh:
            # The newest line of before, at its last place: what follows is new.
            fresh = fresh[len(fresh) - fresh[::-1].index(before[-1]) :]
        for line in fresh:
            self._provisioner_line_count += 1
            if self._provisioner_line_count <= MAX_PROVISIONER_LINES:
                self.print_line(f"    │ {line}")
            elif self._provisioner_line_count == MAX_PROVISIONER_LINES + 1:
                self.print_line(f"    │ … and more: {self._command.folder / 'output.log'}")

    def _print_error(self, number: int, error: Diagnostic, snapshot: ApplyProgress) -> None:
        if snapshot.crash and error == snapshot.crash.diagnostic:
            for line in snapshot.crash.lines[:1]:  # the rest at the end: terraform prints the trace only then
                self.print_line(f"{STATE_ICONS[CheckState.BLOCKED]} {line}")
            return
        found = self._find_guide_entries(number, error)
        if self._as_json:
            if found:
                told = ", ".join(f"{one.entry} {one.title}" for one in found)
                line = self._json_line(f"The guide explains: {told}", explained=tuple(found))
                self._progress.feed([line])
                print(line, flush=True)
            return
        where = f"{error.address}: " if error.address else ""
        place = f" ({error.location})" if error.location else ""
        self.print_line(f"{STATE_ICONS[CheckState.BLOCKED]} {where}{one_line(error.summary, limit=1000)}{place}")
        for one in found:
            self.print_line(f"    guide {one.entry}: {one.title} (ecotui guide {one.entry})")
        if not found and error.is_error:
            self.print_line("    the guide has nothing about this")

    def _find_guide_entries(self, number: int, error: Diagnostic) -> list[GuideExplanation]:
        """What the guide says about an error; nothing when there is no guide that can be read."""
        from ecotui.guide.matching.matcher import Diagnosis
        from ecotui.guide.reading.library import GuideError, open_library

        try:
            if self._library is None:
                self._library = open_library(self._context.settings, self._context.project, self._context.env)
        except GuideError:
            return []
        diagnosis = Diagnosis(self._library)
        diagnosis.feed(error.text.splitlines())
        return [
            GuideExplanation(entry=match.entry, title=one_line(match.title), error=number)
            for match in diagnosis.finish()[:MAX_ENTRIES_PER_ERROR]
        ]

    def handle_idle(self) -> None:
        if self._as_json or time.monotonic() - self._last_output < HEARTBEAT_SECONDS:
            return
        self.print_line(self.status_line())

    def status_line(self) -> str:
        """What runs, against its usual time, and how long the rest will take."""
        now, at = self._progress.snapshot(), self._clock()
        rows = operation_rows(now, at)
        told = ", ".join(
            f"{row.address} ({format_duration(row.elapsed)}, usually {format_approximate(row.typical.seconds)}{', late' if row.is_late else ''})"
            for row in rows[:6]
        )
        more = f" and {len(rows) - 6} more" if len(rows) > 6 else ""
        left = self._estimate.remaining_seconds(now, at)
        rest = f"; {format_approximate(left)} left" if left is not None and rows else ""
        late = next((row for row in rows if row.is_late), None)
        why = f"; why: ecotui why {shlex.quote(late.address)}" if late else ""
        return f"[{now.done_count}/{now.total_count}] running: {told or 'terraform prepares'}{more}{rest}{why}"

    def print_line(self, text: str) -> None:
        self._last_output = time.monotonic()
        print(self._json_line(text) if self._as_json else text, flush=True)

    @staticmethod
    def _json_line(text: str, **fields: Any) -> str:
        return encode_message(Notice(message=text, **fields)).decode()

    def finish(self, outcome: str, message: str) -> int:
        now = self._progress.snapshot()
        code = self._print_result(now, outcome, message)
        self._write_timeline(now)
        return code

    def _write_timeline(self, snapshot: ApplyProgress) -> None:
        """The run as a table and as a picture, beside its log."""
        from ecotui.history import timeline
        from ecotui.session.private_files import replace_atomically

        if not (snapshot.finished_operations or snapshot.failed_operations or snapshot.running_operations):
            return
        drawn = timeline.build_timeline(snapshot, self._command.title)
        page = self._command.folder / "timeline.html"
        try:
            replace_atomically(self._command.folder / "timeline.csv", timeline.as_csv(drawn).encode())
            replace_atomically(page, timeline.as_html(drawn).encode())
        except OSError as error:  # the run is over, and its log is there: no reason to fail
            self.print_line(f"The timeline could not be written: {error.strerror}")
        else:
            self.print_line(f"Timeline: {page}")

    def _print_crash(self, snapshot: ApplyProgress, crash: Crash) -> None:
        """What crashed and how to go on, with the raw text behind; other errors were told when they came."""
        first, *rest = crash.lines
        self.print_line(f"Failed at {snapshot.done_count} of {snapshot.total_count}. {first}")
        for line in rest:
            self.print_line(f"  {line}")
        for line in () if self._as_json else crash.trace[:MAX_TRACE_LINES]:
            self.print_line(f"    │ {line}")
        self.print_line(f"All of it: {self._command.folder / 'output.log'}")

    def _print_result(self, snapshot: ApplyProgress, outcome: str, message: str) -> int:
        if outcome == "succeeded":
            self.print_line(snapshot.summary or "Applied")
            for name, value in snapshot.outputs.items() if not self._as_json else ():
                self.print_line(f"  {name} = {format_output_value(value)}")
            return exit_codes.OK
        log = self._command.folder / "output.log"
        if any("saved plan is stale" in one.summary.lower() for one in snapshot.errors):
            # terraform ends with 1; for whoever calls us it is what our own look before the apply says with 3.
            self.print_line("Nothing was applied: the state changed after the plan was made. Plan again: ecotui plan")
            return exit_codes.BLOCKED
        if outcome == "interrupted":
            self.print_line(f"Interrupted at {snapshot.done_count} of {snapshot.total_count}. {_NEXT_STEPS}")
            return exit_codes.INTERRUPTED
        if snapshot.crash:
            self._print_crash(snapshot, snapshot.crash)
            return exit_codes.ERROR
        why = message or (f"{len(snapshot.errors)} errors" if snapshot.errors else outcome or "it ended")
        self.print_line(
            f"Failed at {snapshot.done_count} of {snapshot.total_count}: {one_line(why)}. `ecotui diagnose {log}` explains."
        )
        self.print_line(_NEXT_STEPS)
        for line in () if snapshot.errors or self._as_json else snapshot.other_lines[-20:]:
            self.print_line(f"  {line}")
        return exit_codes.ERROR


def _typical_times_notice(stats: DurationStats) -> str:
    if not stats.runs:
        return "No earlier apply is on record: usual times are estimates"
    return f"Usual times: from {stats.runs} earlier appl{'y' if stats.runs == 1 else 'ies'}"


def format_output_value(value: Any) -> str:
    """An output's value on one line."""
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
