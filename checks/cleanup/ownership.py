"""Whose a resource is: pure decisions over what was seen, the selectors, and what is known. Nothing here asks AWS.

An exclusion beats an inclusion, always: a resource that is protected is never deletable, whatever else matches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase

from checks.cleanup.made import find_session_proof
from checks.cleanup.model import PROVEN_OWNERSHIPS, UNREADABLE_TAGS, AwsResource, Ownership
from checks.context import CreatedResource
from config.model import CleanupSettings


@dataclass(frozen=True)
class KnownResources:
    """What terraform's state and earlier sessions know."""

    state_read: bool = True
    """False: the state could not be read, so anything tagged as ours may still be managed."""
    state_error: str = ""
    state_ids: frozenset[tuple[str, str]] = frozenset()
    """(terraform type, id or name or ARN) of everything that the state manages."""
    state_arns: frozenset[str] = frozenset()
    session_resources: Mapping[tuple[str, str], tuple[CreatedResource, ...]] = field(default_factory=dict)
    """What earlier sessions created in this account and region, by terraform type and id."""
    earlier_state_files: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(terraform type, id) of what a state that is not the present one holds, and the file that says so."""
    state_storage: frozenset[str] = frozenset()
    """Buckets and tables that hold terraform's state and its lock."""
    import_blocks: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(terraform type, import id) of what import blocks of the configuration take in, and the file that has the block."""


@dataclass(frozen=True)
class OwnershipDecision:
    ownership: Ownership
    reason: str = ""
    protection_reason: str = ""
    preselected: bool = False
    is_listed: bool = field(default=True)

    @property
    def deletable(self) -> bool:
        """The one place where it is decided that something may be deleted when a person asks for it."""
        return not self.protection_reason and self.ownership in PROVEN_OWNERSHIPS | {Ownership.NAME_ONLY}


def decide_ownership(
    resource: AwsResource,
    selectors: CleanupSettings,
    known_resources: KnownResources,
    terraform_types: tuple[str, ...] = (),
) -> OwnershipDecision:
    """Whose `seen` is, why it was found, and whether it may ever be deleted."""
    found = _find_matching_selector(resource, selectors)
    tagged = bool(selectors.tags) and has_tags(resource.tags, selectors.tags)
    remembered, memory = find_earlier_evidence(resource, selectors, known_resources, terraform_types)
    if is_in_state(resource, known_resources, terraform_types):
        return OwnershipDecision(
            Ownership.IN_STATE,
            reason="in terraform's state",
            protection_reason=find_protection(resource, selectors, known_resources),
        )
    if tagged:
        ownership = Ownership.TAGGED
        why = f"tagged {', '.join(f'{key}={value}' for key, value in selectors.tags.items())}"
    elif remembered:
        ownership, why = Ownership.SESSION, memory
    elif found or memory:
        ownership, why = Ownership.NAME_ONLY, "; ".join(filter(None, (found, memory)))
    else:
        return OwnershipDecision(Ownership.FOREIGN, is_listed=False)
    protected = find_protection(resource, selectors, known_resources) or find_import_protection(
        resource, known_resources, terraform_types
    )
    if ownership in PROVEN_OWNERSHIPS and found:
        why = f"{why}; {found}"
    if ended := read_keep_tag(resource.tags, selectors)[1]:
        why = f"{why}; {ended}"
    return OwnershipDecision(
        ownership,
        reason=why,
        protection_reason=protected,
        preselected=ownership in PROVEN_OWNERSHIPS and not protected and known_resources.state_read,
    )


def find_earlier_evidence(
    resource: AwsResource, selectors: CleanupSettings, known_resources: KnownResources, terraform_types: tuple[str, ...]
) -> tuple[bool, str]:
    """Whether an earlier session proves it ours, and what sessions and earlier states say of it, in words."""
    ids = [(kind, id) for kind in terraform_types for id in (resource.id, resource.arn) if id]
    runs = [run for one in ids for run in known_resources.session_resources.get(one, ())]
    if runs:
        proven, words = find_session_proof(resource, runs)
        # Whoever tagged it for something else since has taken it over: what was ours once is no proof any more.
        if other := [
            f"{key}={resource.tags[key]}"
            for key, value in selectors.tags.items()
            if resource.tags.get(key, value) != value
        ]:
            return False, f"{words}, but tagged {', '.join(other)}"
        return proven, words
    states = list(
        dict.fromkeys(
            known_resources.earlier_state_files[one] for one in ids if one in known_resources.earlier_state_files
        )
    )
    return False, f"in an earlier state of terraform ({', '.join(states)})" if states else ""


def is_in_state(resource: AwsResource, known_resources: KnownResources, terraform_types: tuple[str, ...]) -> bool:
    """True when terraform's state holds it. A same name of the same type counts: when in doubt, it is terraform's."""
    if resource.arn and resource.arn in known_resources.state_arns:
        return True
    names = {resource.id, resource.name, resource.arn} - {""}
    return any((kind, name) in known_resources.state_ids for kind in terraform_types for name in names)


def find_import_protection(
    resource: AwsResource, known_resources: KnownResources, terraform_types: tuple[str, ...]
) -> str:
    """Why it stays, where an import block says that the next apply takes it in; empty where none does."""
    names = {resource.id, resource.name, resource.arn} - {""}
    files = {known_resources.import_blocks.get((kind, name), "") for kind in terraform_types for name in names} - {""}
    return f"to be adopted: an import block in {', '.join(sorted(files))}" if files else ""


def find_protection(resource: AwsResource, selectors: CleanupSettings, known_resources: KnownResources) -> str:
    """Why it is never deleted, in words; empty when it may be."""
    if resource.protection_reason:
        return resource.protection_reason
    names = {resource.id, resource.name, resource.arn, resource.key, *resource.aliases} - {""}
    if names & known_resources.state_storage:
        return "holds terraform's state or its lock"
    for pattern in selectors.protect:
        if any(_matches_protect_pattern(pattern, name) for name in names):
            return f"cleanup.protect: {pattern}"
    return read_keep_tag(resource.tags, selectors)[0]


KEEP_FOREVER_VALUES = frozenset({"", "forever", "true", "yes", "always"})
"""Values of the keep tag that have no end."""


def read_keep_tag(tags: Mapping[str, str], selectors: CleanupSettings, today: date | None = None) -> tuple[str, str]:
    """What the keep tag says: why it is kept, or that the time has passed; both empty without the tag.

    The day itself still counts, in UTC. A value that is no date keeps: somebody wanted that it stays.
    """
    name = selectors.keep_tag
    if name and tags == UNREADABLE_TAGS:
        return f"whether its tag {name} keeps it could not be looked at", ""
    if not name or name not in tags:
        return "", ""
    value = tags[name].strip()
    if value.lower() in KEEP_FOREVER_VALUES:
        return f"kept by its tag {name}", ""
    try:
        last = datetime.fromisoformat(value).date()
    except ValueError:
        return f"kept by its tag {name}, whose date cannot be read: {value}", ""
    if last < (today or datetime.now(UTC).date()):
        return "", f"its tag {name} ended on {last}"
    return f"kept until {last} by its tag {name}", ""


def has_tags(tags: Mapping[str, str], required: Mapping[str, str]) -> bool:
    """True when all the wanted tags are there with these very values."""
    return all(tags.get(key) == value for key, value in required.items())


def _find_matching_selector(resource: AwsResource, selectors: CleanupSettings) -> str:
    """The selector that matches, in words; empty when none does. An empty selector matches nothing."""
    names = [name for name in (resource.name, *resource.aliases) if name]
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
        if domain and any(is_in_domain(name, domain) for name in resource.domains):
            return f"in the domain {domain}"
    return ""


def is_in_domain(name: str, domain: str) -> bool:
    """True for the domain itself and what is under it; `notexample.com` is not under `example.com`."""
    name, domain = name.rstrip(".").lower(), domain.strip(".").lower()
    return bool(domain) and (name == domain or name.endswith(f".{domain}"))


def _matches_protect_pattern(pattern: str, name: str) -> bool:
    # Protection is generous: the case does not matter, so that a protected name cannot be missed by a capital.
    return bool(pattern) and fnmatchcase(name.lower(), pattern.lower())
