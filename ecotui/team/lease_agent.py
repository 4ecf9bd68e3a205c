"""The lease agent: a process that holds the team's lease for a project, and shares the summaries of its sessions.

It runs while any TUI or headless command on this machine uses the lease, or a command in one of their sessions still
runs: the lease outlives the terminal as the work does. Then it releases the lease; when this machine dies, the lease
ends by itself. It never kills anything: it reports and logs a lost lease.
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
"""Seconds between two reads of the files: short for a person."""
RENEWALS_PER_LEASE = 4
"""Renewals in the length of a lease: three may fail, and it still holds."""
MAX_RETRY_INTERVAL = 5.0
"""Seconds between two reads of a lease that somebody else has, at most."""
OTHER_AGENT_TIMEOUT = 2.0
"""Seconds to wait for another agent that is ending."""
MAX_SESSIONS_TO_CATCH_UP = 30
"""Sessions, newest first, that are compared with what is shared: S3 may have been unreachable then."""


class LeaseAgent:
    """The agent of one project. `run` returns when nobody needs the lease any more."""

    def __init__(
        self,
        folder: Path,
        context: CheckContext,
        claim: LeaseRecord,
        *,
        clock: Callable[[], float] = seconds_since_boot,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`claim` says who we are. `clock`: `seconds_since_boot`, which goes on while the machine sleeps."""
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
        """Until then nobody else can have taken the lease, whatever happens to the network."""
        self._next_renewal_at = 0.0
        self._released_claim = ""
        """The claim that we released for somebody else. We do not take it back before they had it,"""
        self._handoff_deadline = 0.0
        """or did not take it for the length of a lease."""
        self._status = LeaseStatus()
        self._status_fd = -1
        """The descriptor that locks the newest status file."""
        self._session_ids: set[str] = set()
        self._terminal = ""
        """The terminal of the newest client."""
        self._shared_versions: dict[str, tuple[int, int]] = {}
        self._has_caught_up = False
        self._handoff_requester = ""
        """In whose name we asked the holder to release it."""
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
        """Signal handler: release the lease, and end."""
        self.stop_requested = True

    def _lock_agent_file(self) -> int:
        """Lock the file that marks a running agent; -1 when another one runs."""
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

    # -- clients -------------------------------------------------------------------------------------------------

    def _can_stop(self) -> bool:
        """Whether nobody needs the lease, and no new client can still read that it is held.

        A client writes its file first and reads the status then. So we remove the status first and read the clients'
        files again: either we find the client, or it finds no status and waits for the next agent.
        """
        if self._is_needed():
            return False
        (self._folder / STATUS_FILE).unlink(missing_ok=True)
        if not self._is_needed():
            return True
        self._write_status()
        return False

    def _is_needed(self) -> bool:
        """Whether a client lives, or a command of its session runs."""
        has_client = False
        for path in (self._folder / CLIENTS_FOLDER).iterdir():
            if not is_locked(path):
                path.unlink(missing_ok=True)  # its owner died
                continue
            has_client = True
            if (client := self._read_json_object(path)) is not None:
                self._terminal = str(client.get("terminal", ""))
                if session := str(client.get("session", "")):
                    self._session_ids.add(session)
        return has_client or self._has_running_commands()

    @property
    def _claim_sessions(self) -> str:
        """The ids of the newest two sessions: a claim is small."""
        return " ".join(sorted(self._session_ids)[-2:])

    def _has_running_commands(self) -> bool:
        for id in self._session_ids:
            with suppress(SessionError, OSError):
                if list_running_commands(self._session_store.open(id)):
                    return True
        return False

    # -- the lease -----------------------------------------------------------------------------------------------

    def _renew_or_acquire(self) -> None:
        """Renew the lease, or try to take it."""
        started_at = self._clock()
        try:
            store = self._connect()
            if self._lease is not None:
                claim = msgspec.structs.replace(
                    self._lease.record, session=self._claim_sessions, terminal=self._terminal
                )
                self._lease = lease.renew_lease(store, self._account, AcquiredLease(claim, self._lease.etag))
                self._record_lease(self._lease, started_at)
                request = lease.read_lease_handoff_request(store, self._account, self._lease.record)
                requester = request.by if request and not request.refused else ""
                self._set_status(msgspec.structs.replace(self._status, question=requester))
            else:
                self._try_acquire(store, started_at)
            self._share_summaries(store)
        except LeaseLost as lost:
            self._lease = None
            self._next_renewal_at = self._clock() + MAX_RETRY_INTERVAL
            self._set_status(LeaseStatus(state="lost", account=self._account, holder=lost.holder.holder_text))
        except ObjectStoreError as error:
            self._record_unreachable(str(error))

    def _try_acquire(self, store: ObjectStore, started_at: float) -> None:
        is_reserved = self._released_claim and started_at < self._handoff_deadline
        found = lease.read_lease(store, self._account) if is_reserved else None
        if found is not None and found.record.id == self._released_claim:  # the requester has not taken it yet
            self._next_renewal_at = self._clock() + MAX_RETRY_INTERVAL
            return
        claim = msgspec.structs.replace(self._own_claim, session=self._claim_sessions, terminal=self._terminal)
        taken = lease.acquire_lease(store, self._account, claim)
        if isinstance(taken, AcquiredLease):
            self._lease, self._released_claim = taken, ""
            self._record_lease(taken, started_at)
            return
        request = lease.read_lease_handoff_request(store, self._account, taken.record)
        self._record_other_holder(
            taken, refused=request is not None and request.refused and request.by == self._handoff_requester
        )

    def _record_lease(self, lease: AcquiredLease, started_at: float) -> None:
        """It is ours since a request to S3 that we sent at `started_at`: the lease did not start earlier."""
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
        """S3 cannot be reached. A lease that we have holds until its end; then nobody can say."""
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
        """The store; finds out in which account we are. Raises ObjectStoreError."""
        from checks.aws.session import aws_error_types

        if self._object_store is None:
            store = ObjectStore(self._context.aws, self._context.settings.sessions.team)
            try:
                self._account = self._context.aws.refetch_identity().account
            except aws_error_types() as error:
                raise ObjectStoreError(self._context.aws.explain(error, "sts:GetCallerIdentity").summary) from error
            self._object_store = store
        return self._object_store

    # -- requests ------------------------------------------------------------------------------------------------

    def _handle_requests(self) -> None:
        """Pass on what clients wrote: a request to the holder, or their answer to one."""
        if (
            (request := self._read_json_object(self._folder / HANDOFF_REQUEST_FILE)) is not None
            and self._object_store is not None
            and self._lease is None
        ):
            (self._folder / HANDOFF_REQUEST_FILE).unlink(missing_ok=True)
            with suppress(ObjectStoreError):
                found = lease.read_lease(self._object_store, self._account)
                if found is not None and not found.is_available:
                    self._handoff_requester = one_line(str(request.get("by", "")))
                    lease.request_lease_handoff(
                        self._object_store, self._account, found.record, self._handoff_requester
                    )
            self._next_renewal_at = 0.0
        if (answer := self._read_json_object(self._folder / HANDOFF_ANSWER_FILE)) is not None:
            (self._folder / HANDOFF_ANSWER_FILE).unlink(missing_ok=True)
            if self._lease is not None and answer.get("of") == self._lease.record.id:
                self._answer_handoff(release=bool(answer.get("yield")) and not self._has_running_commands())

    def _answer_handoff(self, *, release: bool) -> None:
        assert self._lease is not None and self._object_store is not None
        claim = self._lease.record
        try:
            if not release:
                if request := lease.read_lease_handoff_request(self._object_store, self._account, claim):
                    lease.refuse_lease_handoff(self._object_store, self._account, request)
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

    @staticmethod
    def _read_json_object(path: Path) -> dict[str, Any] | None:
        try:
            plain = json.loads(read_bytes(path, limit=10_000))
        except (OSError, ValueError):
            return None
        return plain if isinstance(plain, dict) else None

    # -- the status ----------------------------------------------------------------------------------------------

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
        status = LeaseStatusFile(**msgspec.structs.asdict(self._status), until=self._lease_until)
        before, self._status_fd = (
            self._status_fd,
            replace_and_lock(self._folder / STATUS_FILE, msgspec.json.encode(status)),
        )
        if before >= 0:
            os.close(before)

    def _log_lock_event(self, event: events.TeamLockChanged) -> None:
        """Log the change in every open session of a client: who reads it later must know under which lock it worked."""
        for id in self._session_ids:
            with suppress(SessionError, OSError):
                session = self._session_store.open(id)
                if session.read_summary().ended is None:
                    session.append(event)
                session.close()

    def _share_summaries(self, store: ObjectStore) -> None:
        """Write the summaries that changed to where other machines list them. Raises ObjectStoreError."""
        from ecotui.team import summaries

        if not self._has_caught_up:
            self._has_caught_up = True
            summaries.publish_missing_summaries(
                store, self._session_store, self._context.project, MAX_SESSIONS_TO_CATCH_UP
            )
        for id in self._session_ids:
            version = summaries.summary_version(self._session_store, id)
            if version is not None and self._shared_versions.get(id) != version:
                summaries.publish_summary(store, self._session_store, id)
                self._shared_versions[id] = version

    def _shut_down(self) -> None:
        # Before the lease is released: nobody may work by an old status.
        (self._folder / STATUS_FILE).unlink(missing_ok=True)
        with suppress(ObjectStoreError):
            if self._object_store is not None:
                self._share_summaries(self._object_store)
                if self._lease is not None:
                    lease.release_lease(self._object_store, self._account, self._lease)


def run_lease_agent(folder: Path, context: CheckContext, env: Mapping[str, str]) -> None:
    """Run the agent of this folder until nobody needs it. Raises OSError."""
    from ecotui.session.lock import current_process_as_holder

    me = current_process_as_holder(env, context.project)
    claim = LeaseRecord(
        user=me.user,
        host=me.host,
        since=f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC",
        project=context.settings.project or context.project.name,
        seconds=context.settings.sessions.lease,
    )
    agent = LeaseAgent(folder, context, claim)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, agent.request_stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    agent.run()
