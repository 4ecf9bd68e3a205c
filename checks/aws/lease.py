"""The lease that machines share: one object in S3 for each AWS account, which ends by itself.

Nothing is ever deleted: a release writes that the lease is free. A lease is over when its object was not renewed for
its length, by S3's clock; the clock of this machine is never used.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import msgspec

from checks.aws.object_store import ConditionFailed, ObjectStore, ObjectStoreError, StoredObject
from checks.sanitize import one_line
from config.model import LEASE_SECONDS_RANGE

EXPIRY_GRACE_SECONDS = 5.0
"""Seconds that a lease is honoured beyond its end, and a quarter of it at most: a renewal may be on its way."""
MAX_LEASE_SECONDS = LEASE_SECONDS_RANGE[1]
"""Seconds. A longer lease is over after this: no ecotui wrote it."""
MAX_CONFLICT_RETRIES = 5
"""Times that a lease is read again because somebody wrote in between."""


class LeaseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the object: who has the account, and for how long without a renewal."""

    schema: str = "ecotui.lease/1"
    id: str = ""
    """Random, new each time that the lease is taken: identifies the claim."""
    user: str = ""
    host: str = ""
    terminal: str = ""
    since: str = ""
    """For a person: 2026-11-23 14:03 UTC."""
    project: str = ""
    session: str = ""
    seconds: float = 120.0
    """How long it holds after each renewal."""
    renewals: int = 0
    free: bool = False
    """Released by its holder."""

    @property
    def holder_text(self) -> str:
        """The holder in words: hana@bastion on pts/7, since 2026-11-23 14:03 UTC."""
        text = f"{self.user or 'somebody'}@{self.host or 'a machine without a name'}"
        if self.terminal:
            text += f" on {self.terminal}"
        return f"{text}, since {self.since}" if self.since else text


@dataclass(frozen=True)
class LeaseSnapshot:
    """The lease as it was read."""

    record: LeaseRecord
    etag: str
    age: float
    """Seconds since the last renewal, by S3's clock."""

    @property
    def is_available(self) -> bool:
        """Whether it may be taken: released, or not renewed in time."""
        return self.record.free or self.seconds_left <= 0

    @property
    def seconds_left(self) -> float:
        """Seconds until it ends by itself."""
        length = min(self.record.seconds, MAX_LEASE_SECONDS)
        return max(length + min(EXPIRY_GRACE_SECONDS, length / 4) - self.age, 0.0)


@dataclass(frozen=True)
class AcquiredLease:
    """A lease that is ours. The next renewal replaces the object with this ETag."""

    record: LeaseRecord
    etag: str


class LeaseHandoffRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks the holder to release it. In an object of its own: written into the lease, it would renew it."""

    schema: str = "ecotui.lease-question/1"
    of: str = ""
    """The id of the claim that is asked for."""
    by: str = ""
    """Who asks, in words."""
    refused: bool = False
    """The holder's answer; a granted request is answered by the release."""


class LeaseLost(Exception):
    """Somebody else has the lease by now."""

    def __init__(self, holder: LeaseRecord) -> None:
        super().__init__(holder.holder_text)
        self.holder = holder


def lease_key(account: str) -> str:
    """The key of an account's lease."""
    return f"locks/{account}.json"


def read_lease(store: ObjectStore, account: str) -> LeaseSnapshot | None:
    """The lease of the account; None when nobody ever took it. Raises ObjectStoreError."""
    return _decode_lease(store.read(lease_key(account)))


def acquire_lease(store: ObjectStore, account: str, record: LeaseRecord) -> AcquiredLease | LeaseSnapshot:
    """Take the lease, or read who has it. The claim gets a new id. Raises ObjectStoreError."""
    claim = msgspec.structs.replace(record, id=secrets.token_hex(16), renewals=0, free=False)
    for _ in range(MAX_CONFLICT_RETRIES):
        found = read_lease(store, account)
        if found is not None and found.record.id == claim.id:  # S3's answer was lost
            return AcquiredLease(claim, found.etag)
        if found is not None and not found.is_available:
            return found
        try:
            body = _encode_record(claim)
            etag = (
                store.create(lease_key(account), body)
                if found is None
                else store.replace(lease_key(account), body, found.etag)
            )
        except ConditionFailed:
            continue
        return AcquiredLease(claim, etag)
    raise ObjectStoreError(f"The team's lock of account {account} changes faster than it can be read.")


def renew_lease(store: ObjectStore, account: str, lease: AcquiredLease) -> AcquiredLease:
    """Renew our lease. Raises LeaseLost when somebody else has it, ObjectStoreError when S3 cannot be reached."""
    claim = msgspec.structs.replace(lease.record, renewals=lease.record.renewals + 1)
    etag = lease.etag
    for _ in range(MAX_CONFLICT_RETRIES):
        try:
            return AcquiredLease(claim, store.replace(lease_key(account), _encode_record(claim), etag))
        except ConditionFailed:
            found = read_lease(store, account)
        if found is None:  # somebody emptied the bucket
            try:
                return AcquiredLease(claim, store.create(lease_key(account), _encode_record(claim)))
            except ConditionFailed:
                continue
        if found.record.id != claim.id:
            raise LeaseLost(found.record)
        etag = found.etag  # our own renewal, whose answer was lost
    raise ObjectStoreError(f"The team's lock of account {account} changes faster than it can be read.")


def release_lease(store: ObjectStore, account: str, lease: AcquiredLease) -> None:
    """Release our lease. No error when somebody else has it already. Raises ObjectStoreError."""
    claim = msgspec.structs.replace(lease.record, free=True)
    etag = lease.etag
    for _ in range(MAX_CONFLICT_RETRIES):
        try:
            store.replace(lease_key(account), _encode_record(claim), etag)
            return
        except ConditionFailed:
            found = read_lease(store, account)
            if found is None or found.record.id != claim.id or found.record.free:
                return
            etag = found.etag


def request_lease_handoff(store: ObjectStore, account: str, holder: LeaseRecord, requester: str) -> None:
    """Ask the holder to release it; the newest request counts. Raises ObjectStoreError."""
    store.write(_handoff_request_key(account), msgspec.json.encode(LeaseHandoffRequest(of=holder.id, by=requester)))


def read_lease_handoff_request(store: ObjectStore, account: str, holder: LeaseRecord) -> LeaseHandoffRequest | None:
    """The request to this holder, answered or not; None when there is none. Raises ObjectStoreError."""
    stored = store.read(_handoff_request_key(account))
    if stored is None:
        return None
    try:
        found = msgspec.json.decode(stored.body, type=LeaseHandoffRequest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return msgspec.structs.replace(found, by=one_line(found.by)) if found.of == holder.id else None


def refuse_lease_handoff(store: ObjectStore, account: str, request: LeaseHandoffRequest) -> None:
    """Answer that we keep the lease. Raises ObjectStoreError."""
    store.write(_handoff_request_key(account), msgspec.json.encode(msgspec.structs.replace(request, refused=True)))


def _handoff_request_key(account: str) -> str:
    return f"locks/{account}.asked.json"


def _decode_lease(stored: StoredObject | None) -> LeaseSnapshot | None:
    """Sanitise the text of another machine. An object that cannot be decoded counts as somebody's, until it is over."""
    if stored is None:
        return None
    try:
        found = msgspec.json.decode(stored.body, type=LeaseRecord)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = LeaseRecord(user="somebody", host="unreadable")
    words = {
        name: one_line(getattr(found, name), limit=120)
        for name in ("id", "user", "host", "terminal", "since", "project", "session")
    }
    return LeaseSnapshot(msgspec.structs.replace(found, **words), stored.etag, stored.age)


def _encode_record(record: LeaseRecord) -> bytes:
    return msgspec.json.format(msgspec.json.encode(record))
