"""The keeper: a process that holds the team's lock for a project while somebody here needs it, and shares summaries.

Needed is it by whoever has a seat (a TUI, a headless command), and by every command that still runs in their sessions:
so the lock outlives the terminal as the work does. When nobody is left it is let go; when this machine dies, the lease
ends by itself. It never kills anything: a lost lock is told and logged.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from checks.aws import lease
from checks.aws.lease import AcquiredLease, LeaseLost, LeaseRecord, LeaseSnapshot
from checks.aws.object_store import ObjectStore, ObjectStoreError
from checks.sanitize import one_line
from ecotui.session import SessionError, events
from ecotui.session.private_files import is_locked, open_private_file, read_bytes, replace_and_lock
from ecotui.session.store import SessionStore
from ecotui.supervisor.commands import list_running_commands
from ecotui.team.lease_client import (
    AGENT_LOCK_FILE,
    CLIENTS_FOLDER,
    HANDOFF_ANSWER_FILE,
    HANDOFF_REQUEST_FILE,
    NOT_RENEWED_MESSAGE,
    STATUS_FILE,
    LeaseStatus,
    LeaseStatusFile,
    seconds_since_boot,
)

if TYPE_CHECKING:
    from checks.context import CheckContext

POLL_INTERVAL = 0.2
"""Seconds between two looks at the files: what a person perceives as soon."""
RENEWALS_PER_LEASE = 4
"""Renewals in the length of a lease: three may fail, and it still holds."""
MAX_RETRY_INTERVAL = 5.0
"""Seconds between two looks at a lock that another one has, at most."""
OTHER_AGENT_TIMEOUT = 2.0
"""Seconds to wait for another keeper that is just leaving."""
MAX_SESSIONS_TO_CATCH_UP = 30
"""Sessions, newest first, that are compared with what is shared: those of a time when S3 was away."""


class LeaseAgent:
    """One project's. `run` returns when nobody needs it any more."""

    def __init__(
        self,
        folder: Path,
        context: CheckContext,
        claim: LeaseRecord,
        *,
        clock: Callable[[], float] = seconds_since_boot,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`claim` says who we are. `clock`: as `since_boot`; after a machine's sleep the lock is looked at first."""
        self._folder = folder
        self._context = context
        self._own_claim = claim
        self._clock = clock
        self._sleep = sleep
        self._session_store = SessionStore(folder.parent.parent)
        self._object_store: ObjectStore | None = None
        self._account = ""
        self._lease: AcquiredLease | None = None
        self._lease_until = 0.0
        """Until then the lease holds whatever happens to the network."""
        self._next_renewal_at = 0.0
        self._released_claim = ""
        """The claim that was let go for another: it is not taken back before another one had it,"""
        self._handoff_deadline = 0.0
        """or did not come for the length of a lease."""
        self._status = LeaseStatus()
        self._status_fd = -1
        """The descriptor that holds what we said last."""
        self._session_ids: set[str] = set()
        self._terminal = ""
        """Of whoever sits here."""
        self._shared_versions: dict[str, tuple[int, int]] = {}
        self._has_caught_up = False
        self._handoff_requester = ""
        """In whose name we asked the holder to let go."""
        self.stop_requested = False

    def run(self) -> None:
        """Raises SessionError when the folder cannot be used."""
        fd = self._lock_agent_file()
        if fd < 0:
            return
        try:
            self._set_status(self._status)
            while not self.stop_requested and not self._can_stop():
                self._handle_requests()
                if self._clock() >= self._next_renewal_at:
                    self._renew_or_acquire()
                self._sleep(POLL_INTERVAL)
            self._shut_down()
        finally:
            os.close(fd)
            if self._status_fd >= 0:
                os.close(self._status_fd)
                self._status_fd = -1

    def request_stop(self, signal_number: int, frame: object) -> None:
        """A signal: let go, and end."""
        self.stop_requested = True

    def _lock_agent_file(self) -> int:
        """The lock that says that a keeper is at work; -1 when another one is."""
        path = self._folder / AGENT_LOCK_FILE
        fd = open_private_file(path, os.O_RDWR | os.O_CREAT)
        until = self._clock() + OTHER_AGENT_TIMEOUT
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if self._clock() > until:
                    os.close(fd)
                    return -1
                self._sleep(POLL_INTERVAL)
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps({"pid": os.getpid()}).encode(), 0)
        for name in (STATUS_FILE, HANDOFF_REQUEST_FILE, HANDOFF_ANSWER_FILE):
            (self._folder / name).unlink(missing_ok=True)
        return fd

    # -- who needs it --------------------------------------------------------------------------------------------

    def _can_stop(self) -> bool:
        """Whether nobody needs it, and nobody who comes now can still read that the lock is held.

        Whoever comes takes a seat first and reads the standing then. So the standing goes first here, and the seats are
        looked at again: either we see them, or they see nothing and wait for the next keeper.
        """
        if self._is_needed():
            return False
        (self._folder / STATUS_FILE).unlink(missing_ok=True)
        if not self._is_needed():
            return True
        self._write_status()
        return False

    def _is_needed(self) -> bool:
        """Whether somebody has a seat, or a command of theirs runs."""
        seated = False
        for path in (self._folder / CLIENTS_FOLDER).iterdir():
            if not is_locked(path):
                path.unlink(missing_ok=True)  # its owner died
                continue
            seated = True
            if (told := self._read_json_object(path)) is not None:
                self._terminal = str(told.get("terminal", ""))
                if session := str(told.get("session", "")):
                    self._session_ids.add(session)
        return seated or self._has_running_commands()

    @property
    def _claim_sessions(self) -> str:
        """The ids of the sessions that this is for, the newest two: a claim is small."""
        return " ".join(sorted(self._session_ids)[-2:])

    def _has_running_commands(self) -> bool:
        for id in self._session_ids:
            with suppress(SessionError, OSError):
                if list_running_commands(self._session_store.open(id)):
                    return True
        return False

    # -- the lock ------------------------------------------------------------------------------------------------

    def _renew_or_acquire(self) -> None:
        """Renew it, or try to get it."""
        begun = self._clock()
        try:
            store = self._connect()
            if self._lease is not None:
                claim = msgspec.structs.replace(
                    self._lease.record, session=self._claim_sessions, terminal=self._terminal
                )
                self._lease = lease.renew_lease(store, self._account, AcquiredLease(claim, self._lease.etag))
                self._record_lease(self._lease, begun)
                asked = lease.read_lease_handoff_request(store, self._account, self._lease.record)
                by = asked.by if asked and not asked.refused else ""
                self._set_status(msgspec.structs.replace(self._status, question=by))
            else:
                self._try_acquire(store, begun)
            self._share_summaries(store)
        except LeaseLost as lost:
            self._lease = None
            self._next_renewal_at = self._clock() + MAX_RETRY_INTERVAL
            self._set_status(LeaseStatus(state="lost", account=self._account, holder=lost.holder.holder_text))
        except ObjectStoreError as error:
            self._record_unreachable(str(error))

    def _try_acquire(self, store: ObjectStore, started_at: float) -> None:
        waits = self._released_claim and started_at < self._handoff_deadline
        seen = lease.read_lease(store, self._account) if waits else None
        if seen is not None and seen.record.id == self._released_claim:  # whoever asked for it has not come yet
            self._next_renewal_at = self._clock() + MAX_RETRY_INTERVAL
            return
        wanted = msgspec.structs.replace(self._own_claim, session=self._claim_sessions, terminal=self._terminal)
        taken = lease.acquire_lease(store, self._account, wanted)
        if isinstance(taken, AcquiredLease):
            self._lease, self._released_claim = taken, ""
            self._record_lease(taken, started_at)
            return
        asked = lease.read_lease_handoff_request(store, self._account, taken.record)
        self._record_other_holder(
            taken, refused=asked is not None and asked.refused and asked.by == self._handoff_requester
        )

    def _record_lease(self, lease: AcquiredLease, started_at: float) -> None:
        """It is ours, by what S3 was asked at a moment of our clock: not earlier than that its lease began."""
        seconds = lease.record.seconds
        self._lease_until = started_at + seconds
        self._next_renewal_at = started_at + seconds / RENEWALS_PER_LEASE
        if self._status.state == "held" and self._status.claim == lease.record.id:
            self._set_status(self._status)
        else:
            self._set_status(LeaseStatus(state="held", account=self._account, claim=lease.record.id))

    def _record_other_holder(self, lease: LeaseSnapshot, *, refused: bool) -> None:
        self._released_claim = "" if lease.record.id != self._released_claim else self._released_claim
        self._next_renewal_at = self._clock() + min(MAX_RETRY_INTERVAL, lease.record.seconds / RENEWALS_PER_LEASE)
        state: Literal["lost", "taken"] = "lost" if self._status.state == "lost" else "taken"
        self._set_status(
            LeaseStatus(state=state, account=self._account, holder=lease.record.holder_text, refused=refused)
        )

    def _record_unreachable(self, message: str) -> None:
        """S3 cannot be reached. What is held still holds until its lease is over; then nobody can say."""
        self._next_renewal_at = self._clock() + min(
            MAX_RETRY_INTERVAL, self._context.settings.sessions.lease / RENEWALS_PER_LEASE
        )
        if self._lease is None:
            self._set_status(LeaseStatus(state="unreachable", account=self._account, message=message))
        elif self._clock() >= self._lease_until:
            self._set_status(
                LeaseStatus(state="lost", account=self._account, message=f"{NOT_RENEWED_MESSAGE}: {message}")
            )

    def _connect(self) -> ObjectStore:
        """The store, and whose account we are in. Raises StoreError."""
        from checks.aws.session import aws_error_types

        if self._object_store is None:
            store = ObjectStore(self._context.aws, self._context.settings.sessions.team)
            try:
                self._account = self._context.aws.refetch_identity().account
            except aws_error_types() as error:
                raise ObjectStoreError(self._context.aws.explain(error, "sts:GetCallerIdentity").summary) from error
            self._object_store = store
        return self._object_store

    # -- questions -----------------------------------------------------------------------------------------------

    def _handle_requests(self) -> None:
        """What those with a seat want to be said."""
        if (
            (ask := self._read_request(HANDOFF_REQUEST_FILE)) is not None
            and self._object_store is not None
            and self._lease is None
        ):
            (self._folder / HANDOFF_REQUEST_FILE).unlink(missing_ok=True)
            with suppress(ObjectStoreError):
                seen = lease.read_lease(self._object_store, self._account)
                if seen is not None and not seen.is_available:
                    self._handoff_requester = one_line(str(ask.get("by", "")))
                    lease.request_lease_handoff(self._object_store, self._account, seen.record, self._handoff_requester)
            self._next_renewal_at = 0.0
        if (answer := self._read_request(HANDOFF_ANSWER_FILE)) is not None:
            (self._folder / HANDOFF_ANSWER_FILE).unlink(missing_ok=True)
            if self._lease is not None and answer.get("of") == self._lease.record.id:
                self._answer_handoff(release=bool(answer.get("yield")) and not self._has_running_commands())

    def _answer_handoff(self, *, release: bool) -> None:
        assert self._lease is not None and self._object_store is not None
        claim = self._lease.record
        try:
            if not release:
                if asked := lease.read_lease_handoff_request(self._object_store, self._account, claim):
                    lease.refuse_lease_handoff(self._object_store, self._account, asked)
                self._set_status(msgspec.structs.replace(self._status, question=""))
                return
            lease.release_lease(self._object_store, self._account, self._lease)
        except ObjectStoreError as error:
            self._record_unreachable(str(error))
            return
        holder = self._status.question or "somebody else"
        self._lease, self._released_claim = None, claim.id
        self._handoff_deadline = self._clock() + claim.seconds
        self._next_renewal_at = self._clock() + MAX_RETRY_INTERVAL
        self._set_status(LeaseStatus(state="yielded", account=self._account, holder=holder))

    def _read_request(self, name: str) -> dict[str, Any] | None:
        return self._read_json_object(self._folder / name)

    @staticmethod
    def _read_json_object(path: Path) -> dict[str, Any] | None:
        try:
            plain = json.loads(read_bytes(path, limit=10_000))
        except (OSError, ValueError):
            return None
        return plain if isinstance(plain, dict) else None

    # -- telling -------------------------------------------------------------------------------------------------

    def _set_status(self, status: LeaseStatus) -> None:
        before, self._status = self._status, status
        with suppress(OSError):
            self._write_status()
        if status.state != before.state and status.state != "asking":
            self._log_lock_event(
                events.TeamLockChanged(
                    state=status.state, account=status.account, holder=status.holder or status.message
                )
            )

    def _write_status(self) -> None:
        """Raises OSError."""
        word = LeaseStatusFile(**msgspec.structs.asdict(self._status), until=self._lease_until)
        before, self._status_fd = (
            self._status_fd,
            replace_and_lock(self._folder / STATUS_FILE, msgspec.json.encode(word)),
        )
        if before >= 0:
            os.close(before)

    def _log_lock_event(self, event: events.TeamLockChanged) -> None:
        """In every session that is open here: who reads it later must know under which lock it worked."""
        for id in self._session_ids:
            with suppress(SessionError, OSError):
                session = self._session_store.open(id)
                if session.read_summary().ended is None:
                    session.append(event)
                session.close()

    def _share_summaries(self, store: ObjectStore) -> None:
        """Write the summaries that changed to where other machines list them. Raises StoreError."""
        from ecotui.team import summaries

        if not self._has_caught_up:
            self._has_caught_up = True
            summaries.publish_missing_summaries(
                store, self._session_store, self._context.project, MAX_SESSIONS_TO_CATCH_UP
            )
        for id in self._session_ids:
            mark = summaries.summary_version(self._session_store, id)
            if mark is not None and self._shared_versions.get(id) != mark:
                summaries.publish_summary(store, self._session_store, id)
                self._shared_versions[id] = mark

    def _shut_down(self) -> None:
        # Before the lock goes: nobody may work on an old word.
        (self._folder / STATUS_FILE).unlink(missing_ok=True)
        with suppress(ObjectStoreError):
            if self._object_store is not None:
                self._share_summaries(self._object_store)
                if self._lease is not None:
                    lease.release_lease(self._object_store, self._account, self._lease)


def run_lease_agent(folder: Path, context: CheckContext, env: Mapping[str, str]) -> None:
    """Be the keeper of this place until nobody needs it. Raises OSError."""
    from ecotui.session.lock import current_process_as_holder

    me = current_process_as_holder(env, context.project)
    claim = LeaseRecord(
        user=me.user,
        host=me.host,
        since=f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC",
        project=context.settings.project or context.project.name,
        seconds=context.settings.sessions.lease,
    )
    keeper = LeaseAgent(folder, context, claim)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, keeper.request_stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    keeper.run()
