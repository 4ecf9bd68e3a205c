"""The types of the cleanup: what was seen in the account, and what is told about it. No boto3 here: screens import it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Mapping
from enum import StrEnum

import msgspec

from checks.finding import FrozenStruct


class Ownership(StrEnum):
    """Whose a resource is, from the surest proof to none."""

    IN_STATE = "in-state"
    """Terraform manages it: it goes with `terraform destroy`, never here."""
    TAGGED = "tagged"
    """Carries all the tags of `cleanup.tags`."""
    SESSION = "session"
    """An earlier session of ecotui created it."""
    NAME_ONLY = "name-only"
    """A selector matches its name, or an earlier session or state knows that name: a hint, no proof."""
    FOREIGN = "foreign"
    """Nothing says that it is ours: not listed, never touched."""


PROVEN_OWNERSHIPS = frozenset({Ownership.TAGGED, Ownership.SESSION})
"""The ownerships that may be selected without a person naming the resource."""


UNREADABLE_TAGS = {"(tags)": "could not be read"}
"""Stands for tags that could not be read: nothing is ours by them, and any of them may be one that keeps."""


class AwsResource(FrozenStruct, frozen=True):
    """A resource as the account showed it, before anything is judged."""

    kind: str
    id: str
    """What the API deletes it by, unique within its kind and account."""
    name: str
    """What people call it; matched against the selectors."""
    arn: str = ""
    region: str = ""
    """Empty where the kind is global."""
    aliases: tuple[str, ...] = ()
    """Other names that the selectors are matched against: aliases, comments, unique ids."""
    domains: tuple[str, ...] = ()
    """DNS names that `cleanup.domains` is matched against."""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    """`UNREAD` where they could not be read."""
    created_at: float | None = None
    """Seconds since the epoch; None where AWS does not tell."""
    size: str = ""
    """In words: `3 versions`, `1,000+ objects`."""
    state: str = ""
    """The state that AWS shows: `InProgress, enabled`."""
    uses: tuple[str, ...] = ()
    """What it is attached to or serves. It may shrink while a deletion is under way; growth means that somebody uses it."""
    identity: tuple[str, ...] = ()
    """What makes it this very resource and not a later one of the same name: unique id, creation date."""
    blocked_by: tuple[str, ...] = ()
    """Keys of resources that must be gone first."""
    blocks: tuple[str, ...] = ()
    """Keys of resources that this one keeps from going, where only this side knows."""
    other_keys: tuple[str, ...] = ()
    """Other keys that `blocks` and `blocked_by` of others may name it by: `internet-of:vpc-1` of an internet gateway."""
    parent_key: str = ""
    """The key of what it is attached to: while terraform manages that, it is no leftover either."""
    protection_reason: str = ""
    """Why it must never be deleted, whatever the selectors say: `service-linked role`. Empty: it may be."""
    price_items: tuple[tuple[str, float], ...] = ()
    """What it costs money for while it lies about: items of the price list, and how much of each."""

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.id}"

    @property
    def fingerprint(self) -> str:
        """Changes when the resource is another one or its tags changed; not by a deletion that is half done."""
        marks = [self.kind, self.id, self.arn, self.region, sorted(self.tags.items()), list(self.identity)]
        return hashlib.sha256(json.dumps(marks, ensure_ascii=False).encode()).hexdigest()[:24]


class Leftover(FrozenStruct, frozen=True):
    """One row of the cleanup: a resource, whose it is, and what would be done with it."""

    key: str
    """`kind:id`, stable from look to look."""
    kind: str
    id: str
    name: str
    ownership: Ownership
    why: str
    """Which selector found it, in words."""
    action: str
    """`delete`, `detach+delete`, `empty+delete`, `disable+delete`, `terminate`, `release`; `keep`, `terraform-destroy`."""
    arn: str = ""
    region: str = ""
    blocked_by: tuple[str, ...] = ()
    """Keys of leftovers that must be gone before this one can be."""
    blocks: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    """What it is attached to; the deletion detaches it there."""
    state: str = ""
    age_seconds: float | None = None
    size: str = ""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    fingerprint: str = ""
    preselected: bool = False
    """Proven to be ours, and nothing speaks against deleting it."""
    protected: str = ""
    """Why it is never deleted; empty when it may be."""
    billed: bool = False
    """Whether AWS takes money for it while it lies about."""
    monthly: float | None = None
    """What that is a month, by the list that `CleanupDetail.prices` names; None where it does not say."""

    @property
    def age(self) -> str:
        """`12 days old`, `3 h old`; empty where AWS does not tell."""
        if self.age_seconds is None:
            return ""
        days, hours = self.age_seconds / 86_400, self.age_seconds / 3600
        if days >= 2:
            return f"{days:.0f} days old"
        return f"{hours:.0f} h old" if hours >= 1 else "less than an hour old"

    @property
    def cost(self) -> str:
        """`$43.07 a month`, or that it is not known; empty for what costs nothing, or nothing that is known of."""
        if not self.billed:
            return ""
        return "monthly cost not known" if self.monthly is None else f"${self.monthly:,.2f} a month"

    @property
    def deletable(self) -> bool:
        return not self.protected and self.ownership in PROVEN_OWNERSHIPS | {Ownership.NAME_ONLY}


class CleanupDetail(FrozenStruct, frozen=True):
    """What the cleanup screen draws beyond the findings."""

    account: str = ""
    account_name: str = ""
    """What is typed to consent: the alias, else the name in the settings, else the id."""
    region: str = ""
    resources: tuple[Leftover, ...] = ()
    """In the order of deletion; what is kept comes last."""
    looked_at: tuple[str, ...] = ()
    """Kinds that were looked at wholly."""
    not_looked_at: tuple[str, ...] = ()
    """Kinds of which something could not be looked at."""
    state_read: bool = True
    """False when terraform's state could not be read: then nothing is preselected."""
    prices: str = ""
    """The price list of `Leftover.monthly`, and its day: `AWS list prices, on demand, of 2026-10-01, without tax`."""

    def cost(self, keys: Container[str]) -> str:
        """What these resources cost a month in all, with the list that says so; empty when nothing of it is known."""
        billed = [one for one in self.resources if one.key in keys and one.billed]
        known = [one.monthly for one in billed if one.monthly is not None]
        if not billed:
            return ""
        unknown = len(billed) - len(known)
        more = f", and {unknown} more whose price is not known" if unknown and known else ""
        if not known:
            return f"The price of {unknown} that cost money is not known here"
        return f"${sum(known):,.2f} a month{more} ({self.prices})"


class DeletionState(StrEnum):
    """Where one approved item is."""

    WAITING = "waiting"
    DELETING = "deleting"
    FAILED = "failed"
    SKIPPED = "skipped"
    GONE = "gone"


def format_counts(counts: Mapping[str, int]) -> str:
    """`3 waiting, 1 deleting, 0 failed, 0 skipped, 6 gone`."""
    return ", ".join(f"{number} {state}" for state, number in counts.items())


class DeletionProgress(FrozenStruct, frozen=True, omit_defaults=False, tag="deletion"):
    """One line of `ecotui cleanup --delete --progress` (`ecotui.stream`)."""

    counts: dict[str, int]
    """How many items are in each state; always all five."""
    item: str = ""
    """The key of the item that this is about; empty for the whole."""
    state: str = ""
    message: str = ""
