"""The types of the cleanup: resources, leftovers and the progress of a deletion. No boto3 here: screens import it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Mapping
from enum import StrEnum

import msgspec

from checks.finding import FrozenStruct


class Ownership(StrEnum):
    """Who owns a resource, from the surest proof to none."""

    IN_STATE = "in-state"
    """Terraform manages it: `terraform destroy` deletes it, the cleanup never does."""
    TAGGED = "tagged"
    """Carries all the tags of `cleanup.tags`."""
    SESSION = "session"
    """An earlier session of ecotui created it."""
    NAME_ONLY = "name-only"
    """A selector matches its name, or an earlier session or state has that name: a hint, no proof."""
    FOREIGN = "foreign"
    """Nothing says that it is ours: never listed, never touched."""


PROVEN_OWNERSHIPS = frozenset({Ownership.TAGGED, Ownership.SESSION})
"""The ownerships that may be selected without a person naming the resource."""


UNREADABLE_TAGS = {"(tags)": "could not be read"}
"""In place of tags that could not be read: they prove nothing, and one of them may be the keep tag."""


class AwsResource(FrozenStruct, frozen=True):
    """A resource as AWS describes it, before its ownership is decided."""

    kind: str
    id: str
    """What the API deletes it by, unique within its kind and account."""
    name: str
    """What people call it; the selectors are matched against it."""
    arn: str = ""
    region: str = ""
    """Empty where the kind is global."""
    aliases: tuple[str, ...] = ()
    """Other names that the selectors are matched against: aliases, comments, unique ids."""
    domains: tuple[str, ...] = ()
    """DNS names that `cleanup.domains` is matched against."""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    """`UNREADABLE_TAGS` where they could not be read."""
    created_at: float | None = None
    """Seconds since the epoch; None where AWS does not say."""
    size: str = ""
    """In words: `3 versions`, `1,000+ objects`."""
    state: str = ""
    """As AWS shows it: `InProgress, enabled`."""
    uses: tuple[str, ...] = ()
    """What it is attached to or serves. A deletion may shorten the list; when it grows, somebody uses the resource."""
    content: int | None = 0
    """How many versions of objects it holds; one more than a page of the listing for more than that. None: not known."""
    identity: tuple[str, ...] = ()
    """What tells it from a later resource of the same name: unique id, creation date."""
    blocked_by: tuple[str, ...] = ()
    """Keys of resources that must be deleted first."""
    blocks: tuple[str, ...] = ()
    """Keys of resources that cannot be deleted before this one, where only this side knows."""
    other_keys: tuple[str, ...] = ()
    """Other keys that `blocks` and `blocked_by` of others may name it by: `internet-of:vpc-1` of an internet gateway."""
    parent_key: str = ""
    """The key of what it is attached to: while terraform manages that, this is no leftover either."""
    protection_reason: str = ""
    """Why it must never be deleted, whatever the selectors say: `service-linked role`. Empty when it may be."""
    price_items: tuple[tuple[str, float], ...] = ()
    """What it costs while it exists: items of the price list, and how much of each."""

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.id}"

    @property
    def fingerprint(self) -> str:
        """Another one when the resource or its tags are; a partial deletion does not change it."""
        parts = [self.kind, self.id, self.arn, self.region, sorted(self.tags.items()), list(self.identity)]
        return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:24]


class Leftover(FrozenStruct, frozen=True):
    """One row of the cleanup: a resource, who owns it, and what the cleanup would do with it."""

    key: str
    """`kind:id`, the same in every check."""
    kind: str
    id: str
    name: str
    ownership: Ownership
    why: str
    """Why it is listed, in words: a selector, tags, an earlier session."""
    action: str
    """`delete`, `detach+delete`, `empty+delete`, `disable+delete`, `terminate`, `release`; `keep`, `terraform-destroy`."""
    arn: str = ""
    region: str = ""
    blocked_by: tuple[str, ...] = ()
    """Keys of leftovers that must be deleted before this one."""
    blocks: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    """What it is attached to; the deletion detaches it."""
    state: str = ""
    age_seconds: float | None = None
    size: str = ""
    content: int | None = 0
    """As `AwsResource.content`."""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    fingerprint: str = ""
    preselected: bool = False
    """Proven to be ours, and not protected."""
    protected: str = ""
    """Why it is never deleted; empty when it may be."""
    billed: bool = False
    """Whether it costs money while it exists."""
    monthly: float | None = None
    """What it costs a month in US dollars, by the list that `CleanupDetail.prices` names; None where the price is unknown."""

    @property
    def age(self) -> str:
        """`12 days old`, `3 h old`; empty where AWS does not say."""
        if self.age_seconds is None:
            return ""
        days, hours = self.age_seconds / 86_400, self.age_seconds / 3600
        if days >= 2:
            return f"{days:.0f} days old"
        return f"{hours:.0f} h old" if hours >= 1 else "less than an hour old"

    @property
    def cost(self) -> str:
        """`$43.07 a month`, or that the price is unknown; empty for a resource that costs nothing."""
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
    """What a person types to consent: the alias, else the name in the settings, else the id."""
    region: str = ""
    resources: tuple[Leftover, ...] = ()
    """In the order of deletion; what the cleanup never deletes comes last."""
    looked_at: tuple[str, ...] = ()
    """Kinds that were checked completely."""
    not_looked_at: tuple[str, ...] = ()
    """Kinds of which something could not be checked."""
    state_read: bool = True
    """False when terraform's state could not be read: then nothing is preselected."""
    prices: str = ""
    """The price list of `Leftover.monthly`, and its day: `AWS list prices, on demand, of 2026-10-01, without tax`."""

    def cost(self, keys: Container[str]) -> str:
        """What these resources cost a month in all, and by which list; empty when they cost nothing."""
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
    """How far the deletion of an approved item is."""

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
    """The key of the item; empty for a line about the whole deletion."""
    state: str = ""
    message: str = ""
