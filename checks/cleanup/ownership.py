"""Who owns a resource: pure decisions from the resource, the selectors and what is known. Nothing here queries AWS.

An exclusion always beats an inclusion: a protected resource is never deletable, whatever else matches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase

from checks.cleanup.model import PROVEN_OWNERSHIPS, UNREADABLE_TAGS, AwsResource, Ownership
from checks.context import CreatedResource
from config.model import CleanupSettings

CLOCK_TOLERANCE_SECONDS = 300.0
"""Seconds by which the clocks of AWS and of the operator's machine may differ."""
KINDS_WITH_UNIQUE_IDS = frozenset({
    "acm-certificate", "cloudfront", "cloudfront-oac", "cloudfront-oai", "customer-gateway", "ec2-instance",
    "egress-gateway", "elastic-ip", "internet-gateway", "launch-template", "load-balancer", "nat-gateway",
    "network-acl", "network-interface", "route-table", "route53-zone", "security-group", "subnet", "target-group",
    "volume", "vpc", "vpc-endpoint", "vpc-peering", "vpn-connection", "vpn-gateway",
})  # fmt: skip
"""Kinds whose `id` AWS makes up and gives once: ids of EC2, CloudFront and Route53, ARNs that end in a part made by AWS.

Every other kind has an id that a person chose, and that somebody else may choose again, whatever it looks like.
"""


@dataclass(frozen=True)
class KnownResources:
    """What terraform's state, its configuration and earlier sessions know of resources."""

    state_read: bool = True
    """False: the state could not be read, so terraform may still manage anything that has our tags."""
    state_error: str = ""
    state_ids: frozenset[tuple[str, str]] = frozenset()
    """(terraform type, id, name or ARN) of everything in the state."""
    state_arns: frozenset[str] = frozenset()
    session_resources: Mapping[tuple[str, str], tuple[CreatedResource, ...]] = field(default_factory=dict)
    """What earlier sessions created in this account and region, by terraform type and id."""
    earlier_state_files: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(terraform type, id) of everything in a backup or an unsaved state, and the name of that file."""
    state_storage: frozenset[str] = frozenset()
    """Buckets and tables that hold terraform's state and its lock."""
    session_storage: Mapping[str, str] = field(default_factory=dict)
    """Buckets that hold ecotui's own lock, summaries and archive, and the reason to protect each."""
    import_blocks: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(terraform type, import id) of every import block, and the name of the file that has it."""


@dataclass(frozen=True)
class OwnershipDecision:
    ownership: Ownership
    reason: str = ""
    protection_reason: str = ""
    preselected: bool = False
    is_listed: bool = True

    @property
    def deletable(self) -> bool:
        """May be deleted when a person asks for it. Decided here only."""
        return not self.protection_reason and self.ownership in PROVEN_OWNERSHIPS | {Ownership.NAME_ONLY}


def decide_ownership(
    resource: AwsResource,
    selectors: CleanupSettings,
    known_resources: KnownResources,
    terraform_types: tuple[str, ...] = (),
) -> OwnershipDecision:
    """Who owns the resource, why it is listed, and whether it may ever be deleted."""
    matched = _find_matching_selector(resource, selectors)
    created, evidence = find_earlier_evidence(resource, selectors, known_resources, terraform_types)
    if is_in_state(resource, known_resources, terraform_types):
        protection = find_protection(resource, selectors, known_resources)
        return OwnershipDecision(Ownership.IN_STATE, reason="in terraform's state", protection_reason=protection)
    if selectors.tags and has_tags(resource.tags, selectors.tags):
        ownership = Ownership.TAGGED
        reasons = [f"tagged {', '.join(f'{key}={value}' for key, value in selectors.tags.items())}", matched]
    elif created:
        ownership, reasons = Ownership.SESSION, [evidence, matched]
    elif matched or evidence:
        ownership, reasons = Ownership.NAME_ONLY, [matched, evidence]
    else:
        return OwnershipDecision(Ownership.FOREIGN, is_listed=False)
    protection = find_protection(resource, selectors, known_resources) or find_import_protection(
        resource, known_resources, terraform_types
    )
    reasons.append(read_keep_tag(resource.tags, selectors)[1])
    return OwnershipDecision(
        ownership,
        reason="; ".join(filter(None, reasons)),
        protection_reason=protection,
        preselected=ownership in PROVEN_OWNERSHIPS and not protection and known_resources.state_read,
    )


def find_earlier_evidence(
    resource: AwsResource, selectors: CleanupSettings, known_resources: KnownResources, terraform_types: tuple[str, ...]
) -> tuple[bool, str]:
    """Whether an earlier session proves that it is ours, and what sessions and earlier states know of it, in words."""
    ids = [(type_, id) for type_ in terraform_types for id in (resource.id, resource.arn) if id]
    if runs := [run for key in ids for run in known_resources.session_resources.get(key, ())]:
        proven, words = find_session_proof(resource, runs)
        # Whoever tagged it for something else since has taken it over: then the session proves nothing any more.
        if other := [
            f"{key}={resource.tags[key]}"
            for key, value in selectors.tags.items()
            if resource.tags.get(key, value) != value
        ]:
            return False, f"{words}, but tagged {', '.join(other)}"
        return proven, words
    files = known_resources.earlier_state_files
    states = dict.fromkeys(files[key] for key in ids if key in files)
    return False, f"in an earlier state of terraform ({', '.join(states)})" if states else ""


def find_session_proof(resource: AwsResource, runs: Iterable[CreatedResource]) -> tuple[bool, str]:
    """Whether one of these runs created this very resource, and that in words.

    A session has terraform's type and id. That is proof where AWS gives an id of this kind once. Where a person gave it
    as a name, a later resource of somebody else may have it: then the creation date decides.
    """
    if resource.kind in KINDS_WITH_UNIQUE_IDS:
        return True, "created by an earlier session"
    if resource.created_at is None:
        return False, "an earlier session created one of this name; AWS does not say whether it is this one"
    if any(
        run.create_started - CLOCK_TOLERANCE_SECONDS <= resource.created_at <= run.run_ended + CLOCK_TOLERANCE_SECONDS
        for run in runs
    ):
        return True, "created by an earlier session"
    return False, "an earlier session created one of this name, but at another time"


def is_in_state(resource: AwsResource, known_resources: KnownResources, terraform_types: tuple[str, ...]) -> bool:
    """True when it is in terraform's state. The same name of the same type counts: in doubt, terraform manages it."""
    if resource.arn and resource.arn in known_resources.state_arns:
        return True
    names = {resource.id, resource.name, resource.arn} - {""}
    return any((kind, name) in known_resources.state_ids for kind in terraform_types for name in names)


def find_import_protection(
    resource: AwsResource, known_resources: KnownResources, terraform_types: tuple[str, ...]
) -> str:
    """Why it is protected, where an import block says that the next apply imports it; empty where none does."""
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
    if reasons := [known_resources.session_storage[name] for name in names if name in known_resources.session_storage]:
        return reasons[0]
    for pattern in selectors.protect:
        if any(_matches_protect_pattern(pattern, name) for name in names):
            return f"cleanup.protect: {pattern}"
    return read_keep_tag(resource.tags, selectors)[0]


KEEP_FOREVER_VALUES = frozenset({"", "forever", "true", "yes", "always"})
"""Values of the keep tag that have no end."""


def read_keep_tag(tags: Mapping[str, str], selectors: CleanupSettings, today: date | None = None) -> tuple[str, str]:
    """Why the keep tag protects it, or that the tag's date is over; both empty without the tag.

    Capital letters in its key make no difference; of several such tags, one that protects counts.
    """
    name = selectors.keep_tag
    if name and tags == UNREADABLE_TAGS:
        return f"whether its tag {name} keeps it could not be checked", ""
    found = [_read_keep_value(key, tags[key], today) for key in tags if name and key.casefold() == name.casefold()]
    return next((one for one in found if one[0]), found[0] if found else ("", ""))


def _read_keep_value(key: str, value: str, today: date | None) -> tuple[str, str]:
    """What one keep tag means, as `read_keep_tag`.

    The day itself still counts, in UTC. A value that is no date protects: somebody set the tag on purpose.
    """
    value = value.strip()
    if value.lower() in KEEP_FOREVER_VALUES:
        return f"kept by its tag {key}", ""
    try:
        last = datetime.fromisoformat(value).date()
    except ValueError:
        return f"kept by its tag {key}, whose date cannot be read: {value}", ""
    if last < (today or datetime.now(UTC).date()):
        return "", f"its tag {key} ended on {last}"
    return f"kept until {last} by its tag {key}", ""


def has_tags(tags: Mapping[str, str], required: Mapping[str, str]) -> bool:
    """True when it has all the required tags with exactly these values."""
    return all(tags.get(key) == value for key, value in required.items())


def _find_matching_selector(resource: AwsResource, selectors: CleanupSettings) -> str:
    """The selector that matches, in words; empty when none does. An empty selector matches nothing."""
    names = [name for name in (resource.name, *resource.aliases) if name]
    for exact in selectors.exact:
        if exact and exact in names:
            return f"named exactly {exact}"
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
    # Case does not matter, so that a capital letter cannot undo a protection.
    return bool(pattern) and fnmatchcase(name.lower(), pattern.lower())
