"""The progress of an apply against typical durations, and the estimate of the remaining time. Pure."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping, Sequence

from checks.apply.durations import DurationStats, TypicalDuration
from checks.apply.plan.configuration import strip_instance_keys
from checks.apply.run.stream import ApplyProgress
from checks.finding import FrozenStruct

LATE_FACTOR = 1.5
"""Times its usual time after which something is called late,"""
LATE_MIN_SECONDS = 20.0
"""and this many seconds after it: three seconds instead of two do not matter."""
OVERDUE_REMAINING_SHARE = 0.1
"""Share of its elapsed time that an overdue operation is expected to still take; an assumption."""


class OperationRow(FrozenStruct, frozen=True):
    """A running operation, and its typical duration."""

    address: str
    action: str
    elapsed: float
    """Seconds."""
    typical: TypicalDuration
    note: str = ""

    @property
    def is_late(self) -> bool:
        return self.elapsed > max(LATE_FACTOR * self.typical.seconds, self.typical.seconds + LATE_MIN_SECONDS)

    @property
    def remaining_seconds(self) -> float:
        """Seconds that it will probably still take."""
        return max(self.typical.seconds - self.elapsed, OVERDUE_REMAINING_SHARE * self.elapsed)


def operation_rows(progress: ApplyProgress, now: float) -> tuple[OperationRow, ...]:
    """The running operations at `now` (seconds since the epoch), the longest first."""
    rows = [
        OperationRow(
            address=one.address,
            action=one.action,
            elapsed=max(now - one.started_at, one.elapsed, 0.0),
            typical=progress.durations.typical_duration(one.address, one.action),
            note=one.note,
        )
        for one in progress.running_operations
    ]
    return tuple(sorted(rows, key=lambda row: -row.elapsed))


class RemainingTimeEstimate:
    """How long the rest takes: the longest chain of dependencies, or all work shared among terraform's workers.

    Locals hide some dependencies (a plan does not show what they refer to), so that the estimate can be too short.
    """

    def __init__(self, changes: Iterable[tuple[str, Sequence[str]]], dependencies: Mapping[str, Sequence[str]]) -> None:
        """`changes`: address and actions of each change of the plan. `dependencies`: `Plan.dependencies`."""
        self._changes = [
            (address, strip_instance_keys(address), tuple(one for one in actions if one in _COUNTED_ACTIONS))
            for address, actions in changes
        ]
        self._dependencies = {plain: tuple(others) for plain, others in dependencies.items()}
        try:
            self._order = tuple(graphlib.TopologicalSorter(self._dependencies).static_order())
        except graphlib.CycleError:  # no plan of terraform has one; then no dependency is known
            self._dependencies, self._order = {}, ()

    def remaining_seconds(self, progress: ApplyProgress, now: float) -> float | None:
        """Seconds until the end; None without a plan, 0.0 when the apply is over."""
        if progress.is_complete:
            return 0.0
        if not self._changes:
            return None
        alone: dict[str, float] = {}
        work = 0.0
        times: DurationStats = progress.durations
        rows = {(row.address, row.action): row for row in operation_rows(progress, now)}
        finished = {(done.address, done.action) for done in progress.finished_operations}
        skipped = self._skipped_after_failure({strip_instance_keys(one.address) for one in progress.failed_operations})
        for address, plain, actions in self._changes:
            seconds = 0.0
            for action in actions:
                if row := rows.get((address, action)):
                    seconds += row.remaining_seconds
                elif (address, action) not in finished and plain not in skipped:
                    seconds += times.typical_duration(address, action).seconds
            work += seconds
            alone[plain] = max(alone.get(plain, 0.0), seconds)
        ends: dict[str, float] = {}
        for plain in self._order:
            waits = max((ends.get(one, 0.0) for one in self._dependencies.get(plain, ())), default=0.0)
            ends[plain] = waits + alone.get(plain, 0.0)
        chain = max((*ends.values(), *alone.values()), default=0.0)
        return max(chain, work / max(times.parallelism, 1))

    def total_seconds(self, durations: DurationStats) -> float:
        """Seconds that the whole apply takes, before it starts."""
        start = ApplyProgress(total_count=0, done_count=0, failed_count=0, durations=durations)
        return self.remaining_seconds(start, 0.0) or 0.0

    def _skipped_after_failure(self, failed: set[str]) -> set[str]:
        """What failed, and what depends on it: terraform does not start it."""
        skipped = set(failed)
        for plain in self._order if failed else ():
            if any(one in skipped for one in self._dependencies.get(plain, ())):
                skipped.add(plain)
        return skipped


_COUNTED_ACTIONS = ("create", "update", "delete")


def format_approximate(seconds: float) -> str:
    """An estimate, rounded: `about 6 min`, `a few seconds`."""
    if seconds < 8:
        return "a few seconds"
    if seconds < 55:
        return f"about {5 * max(round(seconds / 5), 1)} s"
    minutes = max(round(seconds / 60), 1)
    if minutes < 60:
        return f"about {minutes} min"
    hours, rest = divmod(5 * round(minutes / 5), 60)
    return f"about {hours} h {rest} min" if rest else f"about {hours} h"
