"""A small account in memory that stands for AWS: dependencies, slow deletions, faults, changes by others and kills.

It decides for itself what may be deleted, apart from the code under test: see `Account.wrongly_deleted`.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError

from checks.aws.errors import explain_aws_error
from checks.cleanup.approval import Approval, build_approval
from checks.cleanup.aws_query import AwsQuery
from checks.cleanup.leftover_kind import DeletionTask, LeftoverKind, ResourceInUse, RetryLater
from checks.cleanup.model import AwsResource, CleanupDetail
from checks.cleanup.ownership import KnownResources
from checks.cleanup.scan import scan_account
from config.model import CleanupSettings

OURS = {"Project": "eco2"}
SELECTORS = CleanupSettings(tags=OURS, prefixes=("ours-",), protect=("*-protected",), poll=5.0, wait=36_000.0)
KINDS = ("engine", "wagon", "track", "signal", "tunnel")
TRANSIENT_FAULTS = ("Throttling", "RequestLimitExceeded", "ServiceUnavailable", "InternalError", "no answer")
MAX_FAULTS = 5
"""Faults for one resource in a run: with more in a row the code under test rightly gives up."""


class ProcessKilled(BaseException):
    """The process is dead: this call, and every one after it, never reaches the account."""


@dataclass
class FakeResource:
    """A resource, and what is true of it whatever the code under test decides."""

    kind: str
    id: str
    owner: str
    """tagged, named, foreign, kept, guarded, protected, managed."""
    blockers: tuple[str, ...] = ()
    """Keys of what must be deleted first."""
    tells_blockers: bool = True
    """False: only a refused deletion says what blocks it."""
    reads_after_deletion: int = 0
    """How many reads still show it after its deletion was accepted."""
    change: str = ""
    """What somebody else does to it: `vanish`, `replace`, `keep` (a tag), `guard` (deletion protection), or nothing,"""
    changed_at_read: int = 0
    """and at which read of the deletion."""
    creator: str = "first"
    is_deleting: bool = False
    reads: int = 0

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.id}"

    @property
    def tags(self) -> dict[str, str]:
        if self.owner == "kept":
            return {**OURS, "ecotui:keep": "forever"}
        return {} if self.owner in ("foreign", "named") else OURS

    @property
    def name(self) -> str:
        begin = "theirs" if self.owner == "foreign" else "ours"
        return f"{begin}-{self.id}{'-protected' if self.owner == 'protected' else ''}"

    @property
    def deletable(self) -> bool:
        return self.owner in ("tagged", "named")

    def as_resource(self) -> AwsResource:
        return AwsResource(
            kind=self.kind,
            id=self.id,
            name=self.name,
            tags=self.tags,
            identity=(self.creator,),
            blocked_by=self.blockers if self.tells_blockers else (),
            protection_reason="belongs to a service" if self.owner == "guarded" else "",
            state="deleting" if self.is_deleting else "",
        )


@dataclass
class Account:
    """All resources by key, and how AWS fails."""

    resources: dict[str, FakeResource]
    seed: int = 0
    faults: float = 0.0
    """The chance that a call fails with a transient error."""
    denied: frozenset[str] = frozenset()
    """Kinds of which nothing may be deleted."""
    kill_at: int = 0
    """The call at which the process is killed; 0: none. Chance decides whether that call took effect."""
    approved: dict[str, str] = field(default_factory=dict)
    """Key to creator of what was approved: nothing else may be deleted."""
    wrongly_deleted: list[str] = field(default_factory=list)
    calls: int = 0
    aws: Any = None

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._lock = threading.RLock()
        self._met = Counter[str]()
        self.aws = SimpleNamespace(explain=explain_aws_error)

    def kinds(self) -> dict[str, LeftoverKind]:
        """The kinds of leftovers that this account has, instead of AWS's."""
        return {kind: self._kind(kind) for kind in KINDS}

    def _kind(self, kind: str) -> LeftoverKind:
        def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
            self.call(kind)
            return [one.as_resource() for one in list(self.resources.values()) if one.kind == kind]

        def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
            killed = self.call(f"{kind}:{id}")
            resource = self.read(f"{kind}:{id}")
            if killed:
                raise ProcessKilled
            return resource

        def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
            killed = self.call(resource.key)
            if resource.state == "deleting":
                raise RetryLater("on its way")
            self.delete(resource.key)
            if killed:
                raise ProcessKilled

        return LeftoverKind(
            id=kind,
            singular=kind,
            terraform_types=(f"aws_{kind}",),
            list_permission=f"rail:List{kind}",
            list_resources=list_resources,
            read_resource=read_resource,
            delete=delete,
        )

    @property
    def known(self) -> KnownResources:
        managed = [one for one in self.resources.values() if one.owner == "managed"]
        return KnownResources(state_ids=frozenset((f"aws_{one.kind}", one.id) for one in managed))

    def detail(self) -> CleanupDetail:
        """A scan without faults."""
        kinds = list(self.kinds().values())
        faults, self.faults, kill_at, self.kill_at = self.faults, 0.0, self.kill_at, 0
        try:
            scan = scan_account(self.aws, "", SELECTORS, self.known, kinds)
        finally:
            self.faults, self.kill_at = faults, kill_at
        return CleanupDetail(account="1", region="", resources=scan.leftovers)

    def approve(self) -> Approval:
        """Everything that the code under test lets a person approve, also what matches by name only."""
        detail = self.detail()
        keys = [one.key for one in detail.resources if one.deletable]
        self.approved = {key: self.resources[key].creator for key in keys}
        return build_approval(detail, keys)

    def undeletable(self) -> set[str]:
        """Approved resources that cannot be deleted: denied, changed since, or blocked by one that remains."""
        remaining = {
            one.key
            for one in self.resources.values()
            if one.key not in self.approved
            or one.kind in self.denied
            or (one.change not in ("", "vanish") and not one.is_deleting)
        }
        before = -1
        while before != len(remaining):
            before = len(remaining)
            remaining |= {one.key for one in self.resources.values() if set(one.blockers) & remaining}
        return remaining

    def begin(self, kill_at: int = 0) -> None:
        """A new process, which is killed at this call; 0: never."""
        self.calls, self.kill_at = 0, kill_at
        self._met.clear()

    def call(self, name: str) -> bool:
        """Raises what a call may meet. True: the process is killed right after the call took effect."""
        with self._lock:
            self.calls += 1
            if self.kill_at and self.calls > self.kill_at:
                raise ProcessKilled
            if self.kill_at == self.calls:
                if self._chance.random() < 0.5:
                    raise ProcessKilled
                return True
            if self._chance.random() < self.faults and self._met[name] < MAX_FAULTS:
                self._met[name] += 1
                fault = self._chance.choice(TRANSIENT_FAULTS)
                if fault == "no answer":
                    raise ConnectTimeoutError(endpoint_url="https://rail.example")
                raise refusal(fault)
            return False

    def read(self, key: str) -> AwsResource | None:
        with self._lock:
            one = self.resources.get(key)
            if one is None:
                return None
            if self.approved:
                self._apply_change(one)
            if one.is_deleting:
                one.reads_after_deletion -= 1
                if one.reads_after_deletion < 0:
                    del self.resources[key]
                    return None
            return self.resources[key].as_resource() if key in self.resources else None

    def _apply_change(self, one: FakeResource) -> None:
        one.reads += 1
        if one.is_deleting or not one.change or one.reads != one.changed_at_read + 1:
            return
        if one.change == "vanish":
            del self.resources[one.key]
        elif one.change == "replace":
            one.creator = "somebody else"
        else:
            one.owner = "kept" if one.change == "keep" else "guarded"

    def delete(self, key: str) -> None:
        """A deletion that reaches the account: refused while something blocks it, and recorded when it is wrong."""
        with self._lock:
            one = self.resources.get(key)
            if one is None:
                raise refusal("NoSuchEntity")
            if one.kind in self.denied:
                raise refusal("AccessDenied")
            blockers = [key for key in one.blockers if key in self.resources]
            if blockers:
                if one.kind in ("track", "tunnel"):  # as EC2, which does not say by what
                    raise refusal("DependencyViolation")
                raise ResourceInUse(f"still used by {', '.join(blockers)}")
            if not one.deletable or self.approved.get(key) != one.creator:
                self.wrongly_deleted.append(f"{key} ({one.owner}, of {one.creator})")
            one.is_deleting = True
            if one.reads_after_deletion <= 0:
                del self.resources[key]


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"{code}."}}, "Operation")
