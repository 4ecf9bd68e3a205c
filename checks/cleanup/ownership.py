"""Whose a resource is: pure decisions over what was seen, the selectors, and what is known. Nothing here asks AWS.

An exclusion beats an inclusion, always: a resource that is protected is never deletable, whatever else matches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase

from checks.cleanup.made import proof
from checks.cleanup.model import PROVEN, UNREAD, Ownership, Seen
from checks.remembered import Made
from config.model import Cleanup


@dataclass(frozen=True)
class Known:
    """What terraform's state and earlier sessions know."""

    state_read: bool = True
    """False: the state could not be read, so anything tagged as ours may still be managed."""
    why_unread: str = ""
    in_state: frozenset[tuple[str, str]] = frozenset()
    """(terraform type, id or name or ARN) of everything that the state manages."""
    state_arns: frozenset[str] = frozenset()
    by_sessions: Mapping[tuple[str, str], tuple[Made, ...]] = field(default_factory=dict)
    """What earlier sessions created in this account and region, by terraform type and id."""
    in_earlier_state: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(terraform type, id) of what a state that is not the present one holds, and the file that says so."""
    state_storage: frozenset[str] = frozenset()
    """Buckets and tables that hold terraform's state and its lock."""
    to_import: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(terraform type, import id) of what import blocks of the configuration take in, and the file that has the block."""


@dataclass(frozen=True)
class Verdict:
    ownership: Ownership
    why: str = ""
    protected: str = ""
    preselected: bool = False
    listed: bool = field(default=True)

    @property
    def deletable(self) -> bool:
        """The one place where it is decided that something may be deleted when a person asks for it."""
        return not self.protected and self.ownership in PROVEN | {Ownership.NAME_ONLY}


def judge(seen: Seen, selectors: Cleanup, known: Known, terraform_types: tuple[str, ...] = ()) -> Verdict:
    """Whose `seen` is, why it was found, and whether it may ever be deleted."""
    found = _why(seen, selectors)
    tagged = bool(selectors.tags) and carries(seen.tags, selectors.tags)
    remembered, memory = recall(seen, selectors, known, terraform_types)
    if managed(seen, known, terraform_types):
        return Verdict(
            Ownership.IN_STATE, why="in terraform's state", protected=protection(seen, selectors, known)
        )
    if tagged:
        ownership = Ownership.TAGGED
        why = f"tagged {', '.join(f'{key}={value}' for key, value in selectors.tags.items())}"
    elif remembered:
        ownership, why = Ownership.SESSION, memory
    elif found or memory:
        ownership, why = Ownership.NAME_ONLY, "; ".join(filter(None, (found, memory)))
    else:
        return Verdict(Ownership.FOREIGN, listed=False)
    protected = protection(seen, selectors, known) or taken_in(seen, known, terraform_types)
    if ownership in PROVEN and found:
        why = f"{why}; {found}"
    if ended := keep(seen.tags, selectors)[1]:
        why = f"{why}; {ended}"
    return Verdict(
        ownership,
        why=why,
        protected=protected,
        preselected=ownership in PROVEN and not protected and known.state_read,
    )


def recall(
    seen: Seen, selectors: Cleanup, known: Known, terraform_types: tuple[str, ...]
) -> tuple[bool, str]:
    """Whether an earlier session proves it ours, and what sessions and earlier states say of it, in words."""
    ids = [(kind, id) for kind in terraform_types for id in (seen.id, seen.arn) if id]
    runs = [run for one in ids for run in known.by_sessions.get(one, ())]
    if runs:
        proven, words = proof(seen, runs)
        # Whoever tagged it for something else since has taken it over: what was ours once is no proof any more.
        if other := [
            f"{key}={seen.tags[key]}"
            for key, value in selectors.tags.items()
            if seen.tags.get(key, value) != value
        ]:
            return False, f"{words}, but tagged {', '.join(other)}"
        return proven, words
    states = list(dict.fromkeys(known.in_earlier_state[one] for one in ids if one in known.in_earlier_state))
    return False, f"in an earlier state of terraform ({', '.join(states)})" if states else ""


def managed(seen: Seen, known: Known, terraform_types: tuple[str, ...]) -> bool:
    """True when terraform's state holds it. A same name of the same type counts: when in doubt, it is terraform's."""
    if seen.arn and seen.arn in known.state_arns:
        return True
    names = {seen.id, seen.name, seen.arn} - {""}
    return any((kind, name) in known.in_state for kind in terraform_types for name in names)


def taken_in(seen: Seen, known: Known, terraform_types: tuple[str, ...]) -> str:
    """Why it stays, where an import block says that the next apply takes it in; empty where none does."""
    names = {seen.id, seen.name, seen.arn} - {""}
    files = {known.to_import.get((kind, name), "") for kind in terraform_types for name in names} - {""}
    return f"to be adopted: an import block in {', '.join(sorted(files))}" if files else ""


def protection(seen: Seen, selectors: Cleanup, known: Known) -> str:
    """Why it is never deleted, in words; empty when it may be."""
    if seen.guarded:
        return seen.guarded
    names = {seen.id, seen.name, seen.arn, seen.key, *seen.aliases} - {""}
    if names & known.state_storage:
        return "holds terraform's state or its lock"
    for pattern in selectors.protect:
        if any(_matches(pattern, name) for name in names):
            return f"cleanup.protect: {pattern}"
    return keep(seen.tags, selectors)[0]


FOREVER = frozenset({"", "forever", "true", "yes", "always"})
"""Values of the keep tag that have no end."""


def keep(tags: Mapping[str, str], selectors: Cleanup, today: date | None = None) -> tuple[str, str]:
    """What the keep tag says: why it is kept, or that the time has passed; both empty without the tag.

    The day itself still counts, in UTC. A value that is no date keeps: somebody wanted that it stays.
    """
    name = selectors.keep_tag
    if name and tags == UNREAD:
        return f"whether its tag {name} keeps it could not be looked at", ""
    if not name or name not in tags:
        return "", ""
    value = tags[name].strip()
    if value.lower() in FOREVER:
        return f"kept by its tag {name}", ""
    try:
        last = datetime.fromisoformat(value).date()
    except ValueError:
        return f"kept by its tag {name}, whose date cannot be read: {value}", ""
    if last < (today or datetime.now(UTC).date()):
        return "", f"its tag {name} ended on {last}"
    return f"kept until {last} by its tag {name}", ""


def carries(tags: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """True when all the wanted tags are there with these very values."""
    return all(tags.get(key) == value for key, value in wanted.items())


def _why(seen: Seen, selectors: Cleanup) -> str:
    """The selector that matches, in words; empty when none does. An empty selector matches nothing."""
    names = [name for name in (seen.name, *seen.aliases) if name]
    for wanted in selectors.exact:
        if wanted and wanted in names:
            return f"named exactly {wanted}"
    for prefix in selectors.prefixes:
        if prefix and any(name.startswith(prefix) for name in names):
            return f"name starts with {prefix}"
    for pattern in selectors.names:
        if pattern and any(fnmatchcase(name, pattern) for name in names):
            return f"name matches {pattern}"
    for domain in selectors.domains:
        if domain and any(belongs(name, domain) for name in seen.domains):
            return f"in the domain {domain}"
    return ""


def belongs(name: str, domain: str) -> bool:
    """True for the domain itself and what is under it; `notexample.com` is not under `example.com`."""
    name, domain = name.rstrip(".").lower(), domain.strip(".").lower()
    return bool(domain) and (name == domain or name.endswith(f".{domain}"))


def _matches(pattern: str, name: str) -> bool:
    # Protection is generous: the case does not matter, so that a protected name cannot be missed by a capital.
    return bool(pattern) and fnmatchcase(name.lower(), pattern.lower())
