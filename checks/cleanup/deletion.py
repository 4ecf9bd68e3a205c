"""Delete what was approved: in the order of the graph, side by side where nothing forbids it, waiting without a slot.

Idempotent: what is gone already counts as gone, so the same list run again after a kill finishes the job.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from checks.cleanup import graph
from checks.cleanup.approval import Approval, Item, changed
from checks.cleanup.aws_query import (
    CONFLICTS,
    WIDTH,
    Asking,
    InUse,
    NotYet,
    Refused,
    code,
    is_missing,
    is_passing,
)
from checks.cleanup.kinds import BY_ID, Task
from checks.cleanup.model import ItemState, Ownership, Progress
from checks.cleanup.ownership import Known, judge
from checks.sanitize import one_line
from config.model import Cleanup

if TYPE_CHECKING:
    from checks.aws.session import Aws

FINAL = frozenset({ItemState.FAILED, ItemState.SKIPPED, ItemState.GONE})
TRIES = 8
"""Refusals in a row that may pass, after which one that waits for nothing that we delete is given up."""
BACKOFF = (0.5, 20.0)
"""Seconds before the second try, doubled from there, and the most."""
SETTLE = 1.0
"""Seconds between a deletion that was accepted and the look whether it is gone, where it is not gone at once; doubled
from there: lists of AWS may show for a minute what is gone."""

LATE = 0.02
"""Of the time that something has taken so far: the most by which its end may be seen late."""


class Clock:
    """The time, and waiting; tests have one of their own."""

    def now(self) -> float:
        return time.monotonic()

    def rest(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass
class _Job:
    item: Item
    state: ItemState = ItemState.WAITING
    message: str = ""
    due: float = 0.0
    """When it may be tried next, on the clock."""
    tries: int = 0
    refusals: int = 0
    """In a row, such as may pass; waiting that AWS orders is none."""
    gone: int = 0
    """How many items of the list had gone at its latest refusal."""
    started: float | None = None
    """When AWS first made it wait."""
    held: str = ""
    """What held it when it was last refused for that: worth more, in the end, than a server error that came after."""


@dataclass
class Deletion:
    """One run over an approved list. `tell` hears every change; it is called from several threads, one at a time."""

    aws: Aws
    approval: Approval
    selectors: Cleanup
    known: Known
    tell: Callable[[Progress], None]
    clock: Clock = field(default_factory=Clock)
    width: int = WIDTH
    stopping: threading.Event = field(default_factory=threading.Event)
    _jobs: dict[str, _Job] = field(default_factory=dict)
    _before: graph.Edges = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def run(self) -> Mapping[str, tuple[ItemState, str]]:
        """Delete, and return state and last message by key. `stopping` ends it after what is under way."""
        self._jobs = {item.key: _Job(item) for item in self.approval.items}
        keys = list(self._jobs)
        self._before = graph.acyclic(
            keys, {key: frozenset(job.item.blocked_by) for key, job in self._jobs.items()}
        )
        with (
            ThreadPoolExecutor(WIDTH, thread_name_prefix="detail") as details,
            ThreadPoolExecutor(self.width, thread_name_prefix="delete") as pool,
        ):
            asking = Asking(self.aws, self.approval.region, details, again=True)
            under_way: dict[Future[None], str] = {}
            try:
                self._loop(pool, asking, under_way)
            except BaseException:
                self.stopping.set()
                raise
        return {key: (job.state, job.message) for key, job in self._jobs.items()}

    def counts(self) -> dict[str, int]:
        with self._lock:
            states = [job.state for job in self._jobs.values()]
            return {state.value: states.count(state) for state in ItemState}

    def _loop(
        self,
        pool: ThreadPoolExecutor,
        asking: Asking,
        under_way: dict[Future[None], str],
    ) -> None:
        while True:
            self._give_up_blocked()
            busy = set(under_way.values())
            open_jobs = [job for key, job in self._jobs.items() if job.state not in FINAL and key not in busy]
            if self.stopping.is_set():
                open_jobs = []
            now = self.clock.now()
            free = [job for job in open_jobs if self._free(job)]
            for job in free:
                if job.due <= now and len(under_way) < self.width:
                    under_way[pool.submit(self._attempt, asking, job)] = job.item.key
            later = [job.due for job in free if job.due > now]
            if under_way:
                pause = max(0.05, min(later) - now) if later else None
                done, _ = wait(under_way, timeout=pause, return_when=FIRST_COMPLETED)
                for future in done:
                    under_way.pop(future)
                    future.result()
            elif later:
                self.clock.rest(min(1.0, max(0.0, min(later) - now)))
            elif not open_jobs:
                return

    def _free(self, job: _Job) -> bool:
        return all(self._jobs[key].state is ItemState.GONE for key in self._before[job.item.key])

    def _give_up_blocked(self) -> None:
        """What waits for something that will not go cannot go either; in order, so that it passes on."""
        for key in graph.order(list(self._jobs), self._before):
            job = self._jobs[key]
            stuck = [
                one
                for one in sorted(self._before[key])
                if self._jobs[one].state in {ItemState.FAILED, ItemState.SKIPPED}
            ]
            if job.state is ItemState.WAITING and stuck:
                self._set(job, ItemState.FAILED, f"blocked by {', '.join(stuck)}")

    def _attempt(self, asking: Asking, job: _Job) -> None:
        """One go at one item. Whatever happens to it ends in its state; the others go on."""
        item = job.item
        kind = BY_ID.get(item.kind)
        if kind is None:
            return self._set(job, ItemState.SKIPPED, f"this version does not know the kind {item.kind}")
        try:
            seen = kind.handler.again(asking, item.id, item.region)
            if seen is None:
                return self._set(job, ItemState.GONE, "gone" if job.tries else "already gone")
            verdict = judge(seen, self.selectors, self.known, kind.terraform)
            if not verdict.deletable:
                why = verdict.protected or (
                    "terraform manages it"
                    if verdict.ownership is Ownership.IN_STATE
                    else "no selector finds it any more"
                )
                return self._set(job, ItemState.SKIPPED, f"kept: {why}")
            if difference := changed(item, seen):
                return self._set(job, ItemState.SKIPPED, difference)
            if job.tries == 0:
                self._set(job, ItemState.DELETING, "deleting")
            job.tries += 1
            task = Task(
                say=lambda message: self._set(job, ItemState.DELETING, message), stopping=self.stopping
            )
            kind.handler.delete(asking, seen, task)
            if kind.handler.again(asking, item.id, item.region) is None:
                return self._set(job, ItemState.GONE, "gone")
            job.held = ""
            seconds = min(BACKOFF[1], SETTLE * 2**job.refusals)
            return self._later(job, "deleted; waiting until it no longer shows", seconds, counted=True)
        except NotYet as patience:
            counted = isinstance(patience, InUse)
            job.held = str(patience) if counted else ""
            return self._later(job, str(patience), self._patience(job, counted), counted=counted)
        except Refused as refusal:
            return self._set(job, ItemState.FAILED, str(refusal))
        except Exception as error:  # noqa: BLE001 - one item that breaks must not end the others
            if is_missing(error):
                # Gone between two questions, or something that it refers to is: the next go tells.
                seconds = min(BACKOFF[1], BACKOFF[0] * 2**job.refusals)
                return self._later(job, "something it refers to has gone", seconds, counted=True)
            if is_passing(error):
                seconds = min(BACKOFF[1], BACKOFF[0] * 2 ** min(job.tries, 10))
                if code(error) in CONFLICTS:
                    job.held = self._words(error)
                return self._later(job, self._words(error), seconds, counted=True)
            return self._set(job, ItemState.FAILED, self._words(error))

    def _later(self, job: _Job, message: str, seconds: float, *, counted: bool) -> None:
        """Try again, up to an end: by tries for refusals while nothing else goes on, by `cleanup.wait` for everything."""
        now = self.clock.now()
        job.started = now if job.started is None else job.started
        # What has gone since the last refusal, or while this one was under way, may be just what it was about.
        gone = self._gone()
        job.refusals = job.refusals + 1 if counted and job.gone == gone else 0
        job.gone = gone
        # What only waits for others gives no hope by itself: it may wait for this very one.
        others = any(
            one.state not in FINAL and one.refusals < TRIES and self._free(one) for one in self._jobs.values()
        )
        told = message if job.held in ("", message) else f"{job.held}; at last: {message}"
        if now - job.started >= self.selectors.wait:
            return self._set(job, ItemState.FAILED, f"not gone after {self.selectors.wait:.0f} s: {told}")
        if job.refusals >= TRIES and not others:
            return self._set(job, ItemState.FAILED, told)
        job.due = now + seconds
        return self._set(job, ItemState.DELETING, message)

    def _patience(self, job: _Job, counted: bool) -> float:
        """Seconds to the next look: `cleanup.poll`, or less where that would be much of what it has waited so far."""
        if counted or job.started is None:
            return self.selectors.poll if counted else min(self.selectors.poll, SETTLE)
        return min(self.selectors.poll, max(SETTLE, (self.clock.now() - job.started) * LATE))

    def _gone(self) -> int:
        return sum(job.state is ItemState.GONE for job in self._jobs.values())

    def _words(self, error: Exception) -> str:
        from checks.aws.session import errors

        if isinstance(error, errors()):
            trouble = self.aws.explain(error)
            return trouble.summary
        return one_line(f"{type(error).__name__}: {error}")

    def _set(self, job: _Job, state: ItemState, message: str) -> None:
        message = one_line(message)
        with self._lock:
            if (job.state, job.message) == (state, message):
                return
            job.state, job.message = state, message
            self.tell(Progress(counts=self.counts(), item=job.item.key, state=state.value, message=message))
