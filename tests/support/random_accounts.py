"""A small account in memory, behind the interface of the kinds: dependencies, slow deletions, faults, meddlers and kills.

It keeps its own books of what may be deleted, apart from the code under test: `wrong` tells what went that must not.
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
PASSING = ("Throttling", "RequestLimitExceeded", "ServiceUnavailable", "InternalError", "no answer")
MOST = 5
"""Faults of AWS that one thing meets in a run: with more in a row it is rightly given up."""


class Killed(BaseException):
    """The process is dead: this call, and every one after it, never reaches the account."""


@dataclass
class Thing:
    """One resource, and what is true of it whatever the code under test believes."""

    kind: str
    id: str
    whose: str
    """tagged, named, foreign, kept, guarded, protected, managed."""
    needs: tuple[str, ...] = ()
    """Keys of what must be gone first."""
    told: bool = True
    """False: the account does not tell what it needs; only a refused deletion does."""
    looks: int = 0
    """How often it still shows after its deletion was accepted."""
    meddled: str = ""
    """What somebody does to it: `vanish`, `replace`, `keep` (a tag), `guard` (deletion protection), or nothing,"""
    meddled_at: int = 0
    """and at which look of the deletion."""
    maker: str = "first"
    going: bool = False
    seen: int = 0

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.id}"

    @property
    def tags(self) -> dict[str, str]:
        if self.whose == "kept":
            return {**OURS, "ecotui:keep": "forever"}
        return {} if self.whose in ("foreign", "named") else OURS

    @property
    def name(self) -> str:
        begin = "theirs" if self.whose == "foreign" else "ours"
        return f"{begin}-{self.id}{'-protected' if self.whose == 'protected' else ''}"

    @property
    def deletable(self) -> bool:
        return self.whose in ("tagged", "named")

    def as_seen(self) -> AwsResource:
        return AwsResource(
            kind=self.kind,
            id=self.id,
            name=self.name,
            tags=self.tags,
            identity=(self.maker,),
            blocked_by=self.needs if self.told else (),
            protection_reason="belongs to a service" if self.whose == "guarded" else "",
            state="going" if self.going else "",
        )


@dataclass
class Account:
    """All things by key, and how badly AWS behaves."""

    things: dict[str, Thing]
    seed: int = 0
    faults: float = 0.0
    """The chance that a call fails in a way that passes."""
    denied: frozenset[str] = frozenset()
    """Kinds of which nothing may be deleted."""
    kill_at: int = 0
    """The call before which the process dies; 0: it lives. Whether that call took effect is for chance."""
    approved: dict[str, str] = field(default_factory=dict)
    """Key to maker of what was approved: nothing else may go."""
    wrong: list[str] = field(default_factory=list)
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
            return [one.as_seen() for one in list(self.things.values()) if one.kind == kind]

        def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
            dies = self.call(f"{kind}:{id}")
            resource = self.look(f"{kind}:{id}")
            if dies:
                raise Killed
            return resource

        def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
            dies = self.call(resource.key)
            if resource.state == "going":
                raise RetryLater("on its way")
            self.delete(resource.key)
            if dies:
                raise Killed

        return LeftoverKind(
            id=kind,
            singular=kind,
            plural=f"{kind}s",
            terraform_types=(f"aws_{kind}",),
            list_permission=f"rail:List{kind}",
            list_resources=list_resources,
            read_resource=read_resource,
            delete=delete,
        )

    @property
    def known(self) -> KnownResources:
        managed = [one for one in self.things.values() if one.whose == "managed"]
        return KnownResources(state_ids=frozenset((f"aws_{one.kind}", one.id) for one in managed))

    def detail(self) -> CleanupDetail:
        """A look, at a moment when nothing goes wrong."""
        kinds = list(self.kinds().values())
        quiet, self.faults, kill, self.kill_at = self.faults, 0.0, self.kill_at, 0
        try:
            seen = scan_account(self.aws, "", SELECTORS, self.known, kinds)
        finally:
            self.faults, self.kill_at = quiet, kill
        return CleanupDetail(account="1", region="", resources=seen.leftovers)

    def approve(self) -> Approval:
        """Everything that the code under test lets a person approve, also what matches by name only."""
        detail = self.detail()
        keys = [one.key for one in detail.resources if one.deletable]
        self.approved = {key: self.things[key].maker for key in keys}
        return build_approval(detail, keys)

    def hopeless(self) -> set[str]:
        """Approved things that cannot go, by the account's own rules: denied, changed since, or held by what stays."""
        stays = {
            one.key
            for one in self.things.values()
            if one.key not in self.approved
            or one.kind in self.denied
            or (one.meddled not in ("", "vanish") and not one.going)
        }
        before = -1
        while before != len(stays):
            before = len(stays)
            stays |= {one.key for one in self.things.values() if set(one.needs) & stays}
        return stays

    def begin(self, kill_at: int = 0) -> None:
        """A new process, which dies before this call; 0: it lives."""
        self.calls, self.kill_at = 0, kill_at
        self._met.clear()

    def call(self, thing: str) -> bool:
        """Everything that a call may meet. True: the process dies right after it took effect."""
        with self._lock:
            self.calls += 1
            if self.kill_at and self.calls > self.kill_at:
                raise Killed
            if self.kill_at == self.calls:
                if self._chance.random() < 0.5:
                    raise Killed
                return True
            if self._chance.random() < self.faults and self._met[thing] < MOST:
                self._met[thing] += 1
                fault = self._chance.choice(PASSING)
                if fault == "no answer":
                    raise ConnectTimeoutError(endpoint_url="https://rail.example")
                raise refusal(fault)
            return False

    def look(self, key: str) -> AwsResource | None:
        with self._lock:
            one = self.things.get(key)
            if one is None:
                return None
            if self.approved:
                self._meddle(one)
            if one.going:
                one.looks -= 1
                if one.looks < 0:
                    del self.things[key]
                    return None
            return self.things[key].as_seen() if key in self.things else None

    def _meddle(self, one: Thing) -> None:
        one.seen += 1
        if one.going or not one.meddled or one.seen != one.meddled_at + 1:
            return
        if one.meddled == "vanish":
            del self.things[one.key]
        elif one.meddled == "replace":
            one.maker = "somebody else"
        else:
            one.whose = "kept" if one.meddled == "keep" else "guarded"

    def delete(self, key: str) -> None:
        """A deletion that reaches the account: refused while something holds it, and written down when it is wrong."""
        with self._lock:
            one = self.things.get(key)
            if one is None:
                raise refusal("NoSuchEntity")
            if one.kind in self.denied:
                raise refusal("AccessDenied")
            held = [need for need in one.needs if need in self.things]
            if held:
                if one.kind in ("track", "tunnel"):  # as EC2 does: it says that, and not by what
                    raise refusal("DependencyViolation")
                raise ResourceInUse(f"still used by {', '.join(held)}")
            if not one.deletable or self.approved.get(key) != one.maker:
                self.wrong.append(f"{key} ({one.whose}, of {one.maker})")
            one.going = True
            if one.looks <= 0:
                del self.things[key]


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"{code}."}}, "Operation")
