"""The lock that machines share: one object in S3 for each AWS account, a lease that ends by itself.

Nothing is ever deleted: who lets go writes that it is free. A lease is over when its object was not renewed for its
length, by S3's clock; this machine's clock is never asked.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import msgspec

from checks.aws.object_store import ConditionFailed, ObjectStore, Stored, StoreError
from checks.sanitize import one_line
from config.validation import LEASE

SLACK = 5.0
"""Seconds that a lease is honoured beyond its end, and a quarter of it at most: a renewal may be on its way."""
LONGEST = LEASE[1]
"""Seconds. A lease that says more is over after this: it was not written by an ecotui."""
ROUNDS = 5
"""Times that a lock is read again because somebody wrote in between."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the lock: who holds the account, and for how long without a word."""

    schema: str = "ecotui.lease/1"
    id: str = ""
    """Random, one for each time that the lock is taken: whose it is."""
    user: str = ""
    host: str = ""
    terminal: str = ""
    since: str = ""
    """For a person: 2026-11-23 14:03 UTC."""
    project: str = ""
    session: str = ""
    seconds: float = 120.0
    """The lease: how long it holds after each renewal."""
    renewals: int = 0
    free: bool = False
    """Let go by its holder."""

    @property
    def who(self) -> str:
        """The holder in words: hana@bastion on pts/7, since 2026-11-23 14:03 UTC."""
        told = f"{self.user or 'somebody'}@{self.host or 'a machine without a name'}"
        if self.terminal:
            told += f" on {self.terminal}"
        return f"{told}, since {self.since}" if self.since else told


@dataclass(frozen=True)
class Seen:
    """The lock as it was read."""

    claim: Claim
    etag: str
    age: float
    """Seconds since the last renewal, by S3's clock."""

    @property
    def over(self) -> bool:
        """Whether it may be taken: let go, or not renewed in time."""
        return self.claim.free or self.left <= 0

    @property
    def left(self) -> float:
        """Seconds until it ends by itself."""
        length = min(self.claim.seconds, LONGEST)
        return max(length + min(SLACK, length / 4) - self.age, 0.0)


@dataclass(frozen=True)
class Held:
    """The lock is ours; the ETag is what the next renewal stands on."""

    claim: Claim
    etag: str


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks the holder to let go. It lies beside the lock: written into it, it would lengthen the lease."""

    schema: str = "ecotui.lease-question/1"
    of: str = ""
    """The id of the claim that is asked for."""
    by: str = ""
    """Who asks, in words."""
    refused: bool = False
    """The holder's answer; the other one is to let go."""


class Lost(Exception):
    """Another one holds the lock by now."""

    def __init__(self, holder: Claim) -> None:
        super().__init__(holder.who)
        self.holder = holder


def key(account: str) -> str:
    """Where the lock of an account lies."""
    return f"locks/{account}.json"


def look(store: ObjectStore, account: str) -> Seen | None:
    """Who holds the account; None when nobody ever did. Raises StoreError."""
    return _seen(store.read(key(account)))


def take(store: ObjectStore, account: str, wanted: Claim) -> Held | Seen:
    """Take the account, or learn who has it. The claim gets an id of its own. Raises StoreError."""
    claim = msgspec.structs.replace(wanted, id=secrets.token_hex(16), renewals=0, free=False)
    for _ in range(ROUNDS):
        found = look(store, account)
        if found is not None and found.claim.id == claim.id:  # an answer of S3 was lost on its way
            return Held(claim, found.etag)
        if found is not None and not found.over:
            return found
        try:
            body = _encode(claim)
            etag = (
                store.create(key(account), body)
                if found is None
                else store.replace(key(account), body, found.etag)
            )
        except ConditionFailed:
            continue
        return Held(claim, etag)
    raise StoreError(f"The lock of account {account} changes faster than it can be read.")


def renew(store: ObjectStore, account: str, held: Held) -> Held:
    """Hold it for another length. Raises Lost when another one has it, StoreError when S3 cannot be reached."""
    claim = msgspec.structs.replace(held.claim, renewals=held.claim.renewals + 1)
    etag = held.etag
    for _ in range(ROUNDS):
        try:
            return Held(claim, store.replace(key(account), _encode(claim), etag))
        except ConditionFailed:
            found = look(store, account)
        if found is None:  # somebody emptied the bucket
            try:
                return Held(claim, store.create(key(account), _encode(claim)))
            except ConditionFailed:
                continue
        if found.claim.id != claim.id:
            raise Lost(found.claim)
        etag = found.etag  # our own renewal, whose answer was lost
    raise StoreError(f"The lock of account {account} changes faster than it can be read.")


def release(store: ObjectStore, account: str, held: Held) -> None:
    """Let go; that another one has it already is no error. Raises StoreError."""
    claim = msgspec.structs.replace(held.claim, free=True)
    etag = held.etag
    for _ in range(ROUNDS):
        try:
            store.replace(key(account), _encode(claim), etag)
            return
        except ConditionFailed:
            found = look(store, account)
            if found is None or found.claim.id != claim.id or found.claim.free:
                return
            etag = found.etag


def ask(store: ObjectStore, account: str, holder: Claim, by: str) -> None:
    """Ask the holder to let go; the newest question is the one that counts. Raises StoreError."""
    store.write(_question(account), msgspec.json.encode(Question(of=holder.id, by=by)))


def question(store: ObjectStore, account: str, holder: Claim) -> Question | None:
    """What this holder is asked, or was; None when nothing. Raises StoreError."""
    stored = store.read(_question(account))
    if stored is None:
        return None
    try:
        found = msgspec.json.decode(stored.body, type=Question)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return msgspec.structs.replace(found, by=one_line(found.by)) if found.of == holder.id else None


def refuse(store: ObjectStore, account: str, asked: Question) -> None:
    """Answer that the lock is kept. Raises StoreError."""
    store.write(_question(account), msgspec.json.encode(msgspec.structs.replace(asked, refused=True)))


def _question(account: str) -> str:
    return f"locks/{account}.asked.json"


def _seen(stored: Stored | None) -> Seen | None:
    """From outside: what the lock says is text of another machine. What is no claim is somebody's, until it is over."""
    if stored is None:
        return None
    try:
        found = msgspec.json.decode(stored.body, type=Claim)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = Claim(user="somebody", host="unreadable")
    words = {
        name: one_line(getattr(found, name), limit=120)
        for name in ("id", "user", "host", "terminal", "since", "project", "session")
    }
    return Seen(msgspec.structs.replace(found, **words), stored.etag, stored.age)


def _encode(claim: Claim) -> bytes:
    return msgspec.json.format(msgspec.json.encode(claim))
