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

from checks.aws.errors import is_in_use, is_not_found, is_transient
from checks.cleanup import graph
from checks.cleanup.approval import Approval, ApprovedItem, describe_change
from checks.cleanup.aws_query import MAX_PARALLEL_REQUESTS, AwsQuery
from checks.cleanup.kinds import KINDS_BY_ID
from checks.cleanup.leftover_kind import DeletionRefused, DeletionTask, ResourceInUse, RetryLater
from checks.cleanup.model import DeletionProgress, DeletionState, Ownership
from checks.cleanup.ownership import KnownResources, decide_ownership
from checks.sanitize import one_line
from config.model import CleanupSettings

if TYPE_CHECKING:
    from checks.aws.session import AwsSession

FINAL_STATES = frozenset({DeletionState.FAILED, DeletionState.SKIPPED, DeletionState.GONE})
MAX_REFUSALS = 8
"""Refusals in a row that may pass, after which one that waits for nothing that we delete is given up."""
BACKOFF_SECONDS = (0.5, 20.0)
"""Seconds before the second try, doubled from there, and the most."""
RECHECK_SECONDS = 1.0
"""Seconds between a deletion that was accepted and the look whether it is gone, where it is not gone at once; doubled
from there: lists of AWS may show for a minute what is gone."""

MAX_DELAY_FRACTION = 0.02
"""Of the time that something has taken so far: the most by which its end may be seen late."""


class DeletionClock:
    """The time, and waiting; tests have one of their own."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass
class _DeletionJob:
    item: ApprovedItem
    state: DeletionState = DeletionState.WAITING
    message: str = ""
    next_try_at: float = 0.0
    """When it may be tried next, on the clock."""
    tries: int = 0
    refusals: int = 0
    """In a row, such as may pass; waiting that AWS orders is none."""
    deleted_count: int = 0
    """How many items of the list had gone at its latest refusal."""
    waiting_since: float | None = None
    """When AWS first made it wait."""
    block_message: str = ""
    """What held it when it was last refused for that: worth more, in the end, than a server error that came after."""


@dataclass
class Deletion:
    """One run over an approved list. `tell` hears every change; it is called from several threads, one at a time."""

    aws: AwsSession
    approval: Approval
    selectors: CleanupSettings
    known_resources: KnownResources
    on_progress: Callable[[DeletionProgress], None]
    clock: DeletionClock = field(default_factory=DeletionClock)
    max_parallel: int = MAX_PARALLEL_REQUESTS
    stop_event: threading.Event = field(default_factory=threading.Event)
    _jobs: dict[str, _DeletionJob] = field(default_factory=dict)
    _blockers: graph.Edges = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def run(self) -> Mapping[str, tuple[DeletionState, str]]:
        """Delete, and return state and last message by key. `stopping` ends it after what is under way."""
        self._jobs = {item.key: _DeletionJob(item) for item in self.approval.items}
        keys = list(self._jobs)
        self._blockers = graph.remove_cycles(
            keys, {key: frozenset(job.item.blocked_by) for key, job in self._jobs.items()}
        )
        with (
            ThreadPoolExecutor(MAX_PARALLEL_REQUESTS, thread_name_prefix="detail") as details,
            ThreadPoolExecutor(self.max_parallel, thread_name_prefix="delete") as pool,
        ):
            asking = AwsQuery(self.aws, self.approval.region, details, raise_transient=True)
            under_way: dict[Future[None], str] = {}
            try:
                self._run_jobs(pool, asking, under_way)
            except BaseException:
                self.stop_event.set()
                raise
        return {key: (job.state, job.message) for key, job in self._jobs.items()}

    def counts(self) -> dict[str, int]:
        with self._lock:
            states = [job.state for job in self._jobs.values()]
            return {state.value: states.count(state) for state in DeletionState}

    def _run_jobs(
        self,
        pool: ThreadPoolExecutor,
        query: AwsQuery,
        under_way: dict[Future[None], str],
    ) -> None:
        while True:
            self._fail_blocked()
            busy = set(under_way.values())
            open_jobs = [job for key, job in self._jobs.items() if job.state not in FINAL_STATES and key not in busy]
            if self.stop_event.is_set():
                open_jobs = []
            now = self.clock.now()
            free = [job for job in open_jobs if self._is_unblocked(job)]
            for job in free:
                if job.next_try_at <= now and len(under_way) < self.max_parallel:
                    under_way[pool.submit(self._delete_item, query, job)] = job.item.key
            later = [job.next_try_at for job in free if job.next_try_at > now]
            if under_way:
                pause = max(0.05, min(later) - now) if later else None
                done, _ = wait(under_way, timeout=pause, return_when=FIRST_COMPLETED)
                for future in done:
                    under_way.pop(future)
                    future.result()
            elif later:
                self.clock.sleep(min(1.0, max(0.0, min(later) - now)))
            elif not open_jobs:
                return

    def _is_unblocked(self, job: _DeletionJob) -> bool:
        return all(self._jobs[key].state is DeletionState.GONE for key in self._blockers[job.item.key])

    def _fail_blocked(self) -> None:
        """What waits for something that will not go cannot go either; in order, so that it passes on."""
        for key in graph.deletion_order(list(self._jobs), self._blockers):
            job = self._jobs[key]
            stuck = [
                one
                for one in sorted(self._blockers[key])
                if self._jobs[one].state in {DeletionState.FAILED, DeletionState.SKIPPED}
            ]
            if job.state is DeletionState.WAITING and stuck:
                self._set_state(job, DeletionState.FAILED, f"blocked by {', '.join(stuck)}")

    def _delete_item(self, query: AwsQuery, job: _DeletionJob) -> None:
        """One go at one item. Whatever happens to it ends in its state; the others go on."""
        item = job.item
        kind = KINDS_BY_ID.get(item.kind)
        if kind is None:
            return self._set_state(job, DeletionState.SKIPPED, f"this version does not know the kind {item.kind}")
        try:
            seen = kind.read_resource(query, item.id, item.region)
            if seen is None:
                return self._set_state(job, DeletionState.GONE, "gone" if job.tries else "already gone")
            verdict = decide_ownership(seen, self.selectors, self.known_resources, kind.terraform_types)
            if not verdict.deletable:
                why = verdict.protection_reason or (
                    "terraform manages it"
                    if verdict.ownership is Ownership.IN_STATE
                    else "no selector finds it any more"
                )
                return self._set_state(job, DeletionState.SKIPPED, f"kept: {why}")
            if difference := describe_change(item, seen):
                return self._set_state(job, DeletionState.SKIPPED, difference)
            if job.tries == 0:
                self._set_state(job, DeletionState.DELETING, "deleting")
            job.tries += 1
            task = DeletionTask(
                report_progress=lambda message: self._set_state(job, DeletionState.DELETING, message),
                stop_event=self.stop_event,
            )
            kind.delete(query, seen, task)
            if kind.read_resource(query, item.id, item.region) is None:
                return self._set_state(job, DeletionState.GONE, "gone")
            job.block_message = ""
            seconds = min(BACKOFF_SECONDS[1], RECHECK_SECONDS * 2**job.refusals)
            return self._schedule_retry(
                job, "deleted; waiting until it no longer shows", seconds, counts_as_refusal=True
            )
        except RetryLater as patience:
            counted = isinstance(patience, ResourceInUse)
            job.block_message = str(patience) if counted else ""
            return self._schedule_retry(
                job, str(patience), self._poll_interval(job, counted), counts_as_refusal=counted
            )
        except DeletionRefused as refusal:
            return self._set_state(job, DeletionState.FAILED, str(refusal))
        except Exception as error:  # noqa: BLE001 - one item that breaks must not end the others
            if is_not_found(error):
                # Gone between two questions, or something that it refers to is: the next go tells.
                seconds = min(BACKOFF_SECONDS[1], BACKOFF_SECONDS[0] * 2**job.refusals)
                return self._schedule_retry(job, "something it refers to has gone", seconds, counts_as_refusal=True)
            if is_transient(error):
                seconds = min(BACKOFF_SECONDS[1], BACKOFF_SECONDS[0] * 2 ** min(job.tries, 10))
                if is_in_use(error):
                    job.block_message = self._describe_error(error)
                return self._schedule_retry(job, self._describe_error(error), seconds, counts_as_refusal=True)
            return self._set_state(job, DeletionState.FAILED, self._describe_error(error))

    def _schedule_retry(self, job: _DeletionJob, message: str, seconds: float, *, counts_as_refusal: bool) -> None:
        """Try again, up to an end: by tries for refusals while nothing else goes on, by `cleanup.wait` for everything."""
        now = self.clock.now()
        job.waiting_since = now if job.waiting_since is None else job.waiting_since
        # What has gone since the last refusal, or while this one was under way, may be just what it was about.
        gone = self._count_deleted()
        job.refusals = job.refusals + 1 if counts_as_refusal and job.deleted_count == gone else 0
        job.deleted_count = gone
        # What only waits for others gives no hope by itself: it may wait for this very one.
        others = any(
            one.state not in FINAL_STATES and one.refusals < MAX_REFUSALS and self._is_unblocked(one)
            for one in self._jobs.values()
        )
        told = message if job.block_message in ("", message) else f"{job.block_message}; at last: {message}"
        if now - job.waiting_since >= self.selectors.wait:
            return self._set_state(job, DeletionState.FAILED, f"not gone after {self.selectors.wait:.0f} s: {told}")
        if job.refusals >= MAX_REFUSALS and not others:
            return self._set_state(job, DeletionState.FAILED, told)
        job.next_try_at = now + seconds
        return self._set_state(job, DeletionState.DELETING, message)

    def _poll_interval(self, job: _DeletionJob, counts_as_refusal: bool) -> float:
        """Seconds to the next look: `cleanup.poll`, or less where that would be much of what it has waited so far."""
        if counts_as_refusal or job.waiting_since is None:
            return self.selectors.poll if counts_as_refusal else min(self.selectors.poll, RECHECK_SECONDS)
        return min(
            self.selectors.poll, max(RECHECK_SECONDS, (self.clock.now() - job.waiting_since) * MAX_DELAY_FRACTION)
        )

    def _count_deleted(self) -> int:
        return sum(job.state is DeletionState.GONE for job in self._jobs.values())

    def _describe_error(self, error: Exception) -> str:
        from checks.aws.errors import aws_error_types

        if isinstance(error, aws_error_types()):
            trouble = self.aws.explain(error)
            return trouble.summary
        return one_line(f"{type(error).__name__}: {error}")

    def _set_state(self, job: _DeletionJob, state: DeletionState, message: str) -> None:
        message = one_line(message)
        with self._lock:
            if (job.state, job.message) == (state, message):
                return
            job.state, job.message = state, message
            self.on_progress(
                DeletionProgress(counts=self.counts(), item=job.item.key, state=state.value, message=message)
            )
