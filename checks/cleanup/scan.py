"""One scan of the account: lists the resources of all kinds in parallel and decides who owns each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from checks.cleanup import graph
from checks.cleanup.aws_query import MAX_PARALLEL_REQUESTS, AwsQuery, FailedQuery
from checks.cleanup.kinds import KINDS
from checks.cleanup.leftover_kind import LeftoverKind
from checks.cleanup.model import AwsResource, Leftover, Ownership
from checks.cleanup.ownership import KnownResources, OwnershipDecision, decide_ownership
from checks.sanitize import one_line
from config.model import CleanupSettings
from config.prices import PriceList, load_prices

if TYPE_CHECKING:
    from checks.aws.session import AwsSession


@dataclass(frozen=True)
class Scan:
    leftovers: tuple[Leftover, ...]
    """In the order of deletion; what the cleanup never deletes comes last."""
    resources_by_key: dict[str, AwsResource]
    failed_queries: dict[str, tuple[FailedQuery, ...]]
    """By kind: what could not be checked."""
    kinds: tuple[LeftoverKind, ...]


def scan_account(
    aws: AwsSession,
    region: str,
    selectors: CleanupSettings,
    known_resources: KnownResources,
    kinds: Sequence[LeftoverKind] | None = None,
) -> Scan:
    """List the kinds that the settings name, all by default. Never raises for what AWS refuses: see `failed_queries`."""
    if kinds is None:
        kinds = [kind for kind in KINDS if not selectors.kinds or kind.id in selectors.kinds]
    resources: dict[str, AwsResource] = {}
    decisions: dict[str, OwnershipDecision] = {}
    failed: dict[str, tuple[FailedQuery, ...]] = {}

    def decide(kind: LeftoverKind, resource: AwsResource) -> OwnershipDecision:
        return decide_ownership(resource, selectors, known_resources, kind.terraform_types)

    with (
        ThreadPoolExecutor(MAX_PARALLEL_REQUESTS, thread_name_prefix="detail") as details,
        ThreadPoolExecutor(MAX_PARALLEL_REQUESTS, thread_name_prefix="kind") as pool,
    ):

        def list_kind(kind: LeftoverKind) -> tuple[list[AwsResource], list[FailedQuery]]:
            query = AwsQuery(aws, region, details, is_listed=lambda resource: decide(kind, resource).is_listed)
            nothing: list[AwsResource] = []
            listed = query.call_or_default(kind.list_permission, lambda: list(kind.list_resources(query)), nothing)
            return listed, query.failed_queries

        for kind, (listed, failed_queries) in zip(kinds, pool.map(list_kind, kinds), strict=True):
            if failed_queries:
                failed[kind.id] = tuple(failed_queries)
            for resource in listed:
                decision = decide(kind, resource)
                if decision.is_listed:
                    resources[resource.key], decisions[resource.key] = resource, decision
    _exclude_parts_of_managed(resources, decisions)
    return Scan(_build_leftovers(resources, decisions, kinds), resources, failed, tuple(kinds))


def _exclude_parts_of_managed(
    resources_by_key: dict[str, AwsResource], decisions: dict[str, OwnershipDecision]
) -> None:
    """What is attached to something that terraform manages is no leftover: a root volume has its instance's tags."""
    for key, resource in resources_by_key.items():
        parent = decisions.get(resource.parent_key)
        if parent and parent.ownership is Ownership.IN_STATE:
            decisions[key] = replace(
                decisions[key],
                ownership=Ownership.IN_STATE,
                reason=f"part of {resource.parent_key}, in terraform's state",
                preselected=False,
            )


def _monthly_cost(resource: AwsResource, prices: PriceList) -> float | None:
    """US dollars a month; None where the price of one part is unknown: half a price would mislead."""
    parts = [prices.monthly_cost(item, resource.region, quantity) for item, quantity in resource.price_items]
    known = [part for part in parts if part is not None]
    return sum(known) if parts and len(known) == len(parts) else None


def _build_leftovers(
    resources_by_key: dict[str, AwsResource], decisions: dict[str, OwnershipDecision], kinds: Sequence[LeftoverKind]
) -> tuple[Leftover, ...]:
    now, prices = time.time(), load_prices()
    actions = {kind.id: kind.action for kind in kinds}
    blocked_by = graph.find_blockers(resources_by_key.values())
    blocks: dict[str, set[str]] = {key: set() for key in resources_by_key}
    for key, blockers in blocked_by.items():
        for blocker in blockers:
            blocks[blocker].add(key)
    deletable = [key for key in resources_by_key if decisions[key].deletable]
    others = [key for key in resources_by_key if not decisions[key].deletable]
    rows = []
    for key in (*graph.deletion_order(deletable, blocked_by), *others):
        resource, decision = resources_by_key[key], decisions[key]
        action = actions[resource.kind] if decision.deletable else "keep"
        if decision.ownership is Ownership.IN_STATE:
            action = "terraform-destroy"
        rows.append(
            Leftover(
                key=key,
                kind=resource.kind,
                id=resource.id,
                name=one_line(resource.name),
                arn=resource.arn,
                region=resource.region,
                ownership=decision.ownership,
                why=decision.reason,
                action=action,
                blocked_by=tuple(sorted(blocked_by[key])),
                blocks=tuple(sorted(blocks[key])),
                uses=tuple(one_line(use) for use in resource.uses),
                state=one_line(resource.state),
                age_seconds=max(0.0, now - resource.created_at) if resource.created_at else None,
                size=one_line(resource.size),
                content=resource.content,
                tags={one_line(name): one_line(value) for name, value in resource.tags.items()},
                fingerprint=resource.fingerprint,
                preselected=decision.preselected,
                protected=decision.protection_reason,
                billed=bool(resource.price_items),
                monthly=_monthly_cost(resource, prices),
            )
        )
    return tuple(rows)
