"""Deletes what was approved: in the order of dependencies, in parallel where possible; what waits takes no thread.

Idempotent: what is gone already counts as gone, so the same list finishes the deletion after a kill.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from checks.aws.errors import aws_error_types, is_in_use, is_not_found, is_transient
from checks.cleanup import graph
from checks.cleanup.approval import Approval, ApprovedItem, describe_change
from checks.cleanup.aws_query import MAX_PARALLEL_REQUESTS, AwsQuery
from checks.cleanup.kinds import KINDS_BY_ID
from checks.cleanup.leftover_kind import DeletionRefused, DeletionTask, LeftoverKind, ResourceInUse, RetryLater
from checks.cleanup.model import DeletionProgress, DeletionState, Ownership
from checks.cleanup.ownership import KnownResources, decide_ownership
from checks.sanitize import one_line
from config.model import CleanupSettings

if TYPE_CHECKING:
    from checks.aws.session import AwsSession

FINAL_STATES = frozenset({DeletionState.FAILED, DeletionState.SKIPPED, DeletionState.GONE})
MAX_REFUSALS = 8
"""Refusals in a row after which an item fails, unless other items are still being deleted."""
BACKOFF_SECONDS = (0.5, 20.0)
"""Seconds before the second try, doubled after each, and the maximum."""
RECHECK_SECONDS = 1.0
"""Seconds between an accepted deletion and the next check, doubled after each: AWS may show a deleted resource for a
minute."""

MAX_DELAY_FRACTION = 0.02
"""The end of a wait is noticed late by at most this fraction of the wait so far."""


class DeletionClock:
    """Time and sleep; tests have a clock of their own."""

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
    """On the clock."""
    tries: int = 0
    refusals: int = 0
    """In a row; a wait that AWS imposes is none."""
    deleted_count: int = 0
    """How many items were deleted at its latest refusal."""
    waiting_since: float | None = None
    """When AWS first made it wait."""
    block_message: str = ""
    """What blocked it last: tells more, in the end, than a server error that came after."""


@dataclass
class Deletion:
    """One run over an approved list. `on_progress` gets every change, from several threads, one call at a time."""

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
        """Delete, and return state and last message by key. `stop_event` ends it after the requests in progress."""
        self._jobs = {item.key: _DeletionJob(item) for item in self.approval.items}
        keys = list(self._jobs)
        self._blockers = graph.remove_cycles(
            keys, {key: frozenset(job.item.blocked_by) for key, job in self._jobs.items()}
        )
        with (
            ThreadPoolExecutor(MAX_PARALLEL_REQUESTS, thread_name_prefix="detail") as details,
            ThreadPoolExecutor(self.max_parallel, thread_name_prefix="delete") as pool,
        ):
            query = AwsQuery(self.aws, self.approval.region, details, raise_transient=True)
            try:
                self._run_jobs(pool, query)
            except BaseException:
                self.stop_event.set()
                raise
        return {key: (job.state, job.message) for key, job in self._jobs.items()}

    def counts(self) -> dict[str, int]:
        with self._lock:
            states = [job.state for job in self._jobs.values()]
            return {state.value: states.count(state) for state in DeletionState}

    def _run_jobs(self, pool: ThreadPoolExecutor, query: AwsQuery) -> None:
        running: dict[Future[None], str] = {}
        while True:
            self._fail_blocked()
            busy = set(running.values())
            open_jobs = [job for key, job in self._jobs.items() if job.state not in FINAL_STATES and key not in busy]
            if self.stop_event.is_set():
                open_jobs = []
            now = self.clock.now()
            free = [job for job in open_jobs if self._is_unblocked(job)]
            for job in free:
                if job.next_try_at <= now and len(running) < self.max_parallel:
                    running[pool.submit(self._delete_item, query, job)] = job.item.key
            later = [job.next_try_at for job in free if job.next_try_at > now]
            if running:
                pause = max(0.05, min(later) - now) if later else None
                done, _ = wait(running, timeout=pause, return_when=FIRST_COMPLETED)
                for future in done:
                    running.pop(future)
                    future.result()
            elif later:
                self.clock.sleep(min(1.0, max(0.0, min(later) - now)))
            elif not open_jobs:
                return

    def _is_unblocked(self, job: _DeletionJob) -> bool:
        return all(self._jobs[key].state is DeletionState.GONE for key in self._blockers[job.item.key])

    def _fail_blocked(self) -> None:
        """Fail what waits for a failed or skipped item; in order, so that the failure passes on."""
        for key in graph.deletion_order(list(self._jobs), self._blockers):
            job = self._jobs[key]
            blockers = [
                one
                for one in sorted(self._blockers[key])
                if self._jobs[one].state in {DeletionState.FAILED, DeletionState.SKIPPED}
            ]
            if job.state is DeletionState.WAITING and blockers:
                self._set_state(job, DeletionState.FAILED, f"blocked by {', '.join(blockers)}")

    def _delete_item(self, query: AwsQuery, job: _DeletionJob) -> None:
        """One try of one item. Whatever happens ends in its state; the others go on."""
        kind = KINDS_BY_ID.get(job.item.kind)
        if kind is None:
            return self._set_state(job, DeletionState.SKIPPED, f"this version does not know the kind {job.item.kind}")
        try:
            self._try_deletion(query, job, kind)
        except ResourceInUse as error:
            job.block_message = str(error)
            self._schedule_retry(job, str(error), self.selectors.poll, counts_as_refusal=True)
        except RetryLater as error:
            job.block_message = ""
            self._schedule_retry(job, str(error), self._poll_interval(job), counts_as_refusal=False)
        except DeletionRefused as error:
            self._set_state(job, DeletionState.FAILED, str(error))
        except Exception as error:  # noqa: BLE001 - one item that breaks must not end the others
            if is_not_found(error):
                # It was deleted between two requests, or something that it refers to was: the next try tells.
                seconds = min(BACKOFF_SECONDS[1], BACKOFF_SECONDS[0] * 2**job.refusals)
                return self._schedule_retry(job, "something it refers to is gone", seconds, counts_as_refusal=True)
            message = self._describe_error(error)
            if not is_transient(error):
                return self._set_state(job, DeletionState.FAILED, message)
            if is_in_use(error):
                job.block_message = message
            seconds = min(BACKOFF_SECONDS[1], BACKOFF_SECONDS[0] * 2 ** min(job.tries, 10))
            self._schedule_retry(job, message, seconds, counts_as_refusal=True)

    def _try_deletion(self, query: AwsQuery, job: _DeletionJob, kind: LeftoverKind) -> None:
        """Read the item again, and delete it only if it is still what was approved. Raises as the kind does."""
        item = job.item
        resource = kind.read_resource(query, item.id, item.region)
        if resource is None:
            return self._set_state(job, DeletionState.GONE, "gone" if job.tries else "already gone")
        decision = decide_ownership(resource, self.selectors, self.known_resources, kind.terraform_types)
        if not decision.deletable:
            managed = decision.ownership is Ownership.IN_STATE
            reason = decision.protection_reason or (
                "terraform manages it" if managed else "no selector finds it any more"
            )
            return self._set_state(job, DeletionState.SKIPPED, f"not deleted: {reason}")
        if change := describe_change(item, resource):
            return self._set_state(job, DeletionState.SKIPPED, change)
        if job.tries == 0:
            self._set_state(job, DeletionState.DELETING, "deleting")
        job.tries += 1
        report = partial(self._set_state, job, DeletionState.DELETING)
        kind.delete(query, resource, DeletionTask(report_progress=report, stop_event=self.stop_event))
        if kind.read_resource(query, item.id, item.region) is None:
            return self._set_state(job, DeletionState.GONE, "gone")
        job.block_message = ""
        seconds = min(BACKOFF_SECONDS[1], RECHECK_SECONDS * 2**job.refusals)
        return self._schedule_retry(job, "deleted; waiting until it no longer shows", seconds, counts_as_refusal=True)

    def _schedule_retry(self, job: _DeletionJob, message: str, seconds: float, *, counts_as_refusal: bool) -> None:
        """Try again later, or fail: after MAX_REFUSALS while no other item makes progress, after `cleanup.wait` in any case."""
        now = self.clock.now()
        job.waiting_since = now if job.waiting_since is None else job.waiting_since
        # What was deleted since the last refusal, or during this try, may be just what blocked it.
        deleted = sum(one.state is DeletionState.GONE for one in self._jobs.values())
        job.refusals = job.refusals + 1 if counts_as_refusal and job.deleted_count == deleted else 0
        job.deleted_count = deleted
        # An item that only waits for others is no progress: it may wait for this very one.
        others = any(
            one.state not in FINAL_STATES and one.refusals < MAX_REFUSALS and self._is_unblocked(one)
            for one in self._jobs.values()
        )
        full_message = message if job.block_message in ("", message) else f"{job.block_message}; at last: {message}"
        if now - job.waiting_since >= self.selectors.wait:
            return self._set_state(
                job, DeletionState.FAILED, f"not gone after {self.selectors.wait:.0f} s: {full_message}"
            )
        if job.refusals >= MAX_REFUSALS and not others:
            return self._set_state(job, DeletionState.FAILED, full_message)
        job.next_try_at = now + seconds
        return self._set_state(job, DeletionState.DELETING, message)

    def _poll_interval(self, job: _DeletionJob) -> float:
        """Seconds to the next try while AWS makes it wait: `cleanup.poll`, or less early in the wait."""
        waited = 0.0 if job.waiting_since is None else self.clock.now() - job.waiting_since
        return min(self.selectors.poll, max(RECHECK_SECONDS, waited * MAX_DELAY_FRACTION))

    def _describe_error(self, error: Exception) -> str:
        if isinstance(error, aws_error_types()):
            return self.aws.explain(error).summary
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
