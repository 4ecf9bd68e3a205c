"""Ask for all kinds at once, and judge what was seen."""

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
    """What one look at the account brought."""

    leftovers: tuple[Leftover, ...]
    """In the order of deletion; what is kept comes last."""
    resources_by_key: dict[str, AwsResource]
    failed_queries: dict[str, tuple[FailedQuery, ...]]
    """By kind: what could not be looked at."""
    kinds: tuple[LeftoverKind, ...]


def selected_kinds(selectors: CleanupSettings) -> tuple[LeftoverKind, ...]:
    """The kinds that the settings ask for, all by default."""
    return tuple(kind for kind in KINDS if not selectors.kinds or kind.id in selectors.kinds)


def scan_account(
    aws: AwsSession,
    region: str,
    selectors: CleanupSettings,
    known_resources: KnownResources,
    kinds: Sequence[LeftoverKind] | None = None,
) -> Scan:
    """Look for all kinds side by side. Never raises for what AWS refuses: that is in `troubles`."""
    kinds = tuple(selected_kinds(selectors) if kinds is None else kinds)
    found: dict[str, AwsResource] = {}
    verdicts: dict[str, OwnershipDecision] = {}
    troubles: dict[str, tuple[FailedQuery, ...]] = {}
    with (
        ThreadPoolExecutor(MAX_PARALLEL_REQUESTS, thread_name_prefix="detail") as details,
        ThreadPoolExecutor(MAX_PARALLEL_REQUESTS, thread_name_prefix="kind") as pool,
    ):

        def one(kind: LeftoverKind) -> tuple[list[AwsResource], list[FailedQuery]]:
            asking = AwsQuery(
                aws,
                region,
                details,
                is_listed=lambda seen: (
                    decide_ownership(seen, selectors, known_resources, kind.terraform_types).is_listed
                ),
            )
            nothing: list[AwsResource] = []
            listed = asking.call_or_default(kind.list_permission, lambda: list(kind.list_resources(asking)), nothing)
            return listed, asking.failed_queries

        for kind, (listed, refused) in zip(kinds, pool.map(one, kinds), strict=True):
            if refused:
                troubles[kind.id] = tuple(refused)
            for seen in listed:
                verdict = decide_ownership(seen, selectors, known_resources, kind.terraform_types)
                if verdict.is_listed:
                    found[seen.key], verdicts[seen.key] = seen, verdict
    _exclude_parts_of_managed(found, verdicts)
    return Scan(_build_leftovers(found, verdicts, kinds), found, troubles, kinds)


def _exclude_parts_of_managed(
    resources_by_key: dict[str, AwsResource], decisions: dict[str, OwnershipDecision]
) -> None:
    """What hangs on something that terraform manages is no leftover: a root volume carries the tags of its instance."""
    for key, seen in resources_by_key.items():
        whole = decisions.get(seen.parent_key)
        if whole and whole.ownership is Ownership.IN_STATE:
            decisions[key] = replace(
                decisions[key],
                ownership=Ownership.IN_STATE,
                reason=f"part of {seen.parent_key}, in terraform's state",
                preselected=False,
            )


def _monthly_cost(resource: AwsResource, list_of_prices: PriceList) -> float | None:
    """None as soon as the price of one part is not known: half a price would mislead."""
    parts = [list_of_prices.monthly_cost(item, resource.region, quantity) for item, quantity in resource.price_items]
    known = [part for part in parts if part is not None]
    return sum(known) if parts and len(known) == len(parts) else None


def _build_leftovers(
    resources_by_key: dict[str, AwsResource], decisions: dict[str, OwnershipDecision], kinds: Sequence[LeftoverKind]
) -> tuple[Leftover, ...]:
    now = time.time()
    actions = {kind.id: kind.action for kind in kinds}
    edges = graph.find_blockers(resources_by_key.values())
    list_of_prices = load_prices()
    blocks: dict[str, set[str]] = {key: set() for key in resources_by_key}
    for key, before in edges.items():
        for one in before:
            blocks[one].add(key)
    goes = [key for key in resources_by_key if decisions[key].deletable]
    stays = [key for key in resources_by_key if not decisions[key].deletable]
    rows = []
    for key in (*graph.deletion_order(goes, edges), *stays):
        seen, verdict = resources_by_key[key], decisions[key]
        action = actions[seen.kind] if verdict.deletable else "keep"
        if verdict.ownership is Ownership.IN_STATE:
            action = "terraform-destroy"
        rows.append(
            Leftover(
                key=key,
                kind=seen.kind,
                id=seen.id,
                name=one_line(seen.name),
                arn=seen.arn,
                region=seen.region,
                ownership=verdict.ownership,
                why=verdict.reason,
                action=action,
                blocked_by=tuple(sorted(edges[key])),
                blocks=tuple(sorted(blocks[key])),
                uses=tuple(one_line(use) for use in seen.uses),
                state=one_line(seen.state),
                age_seconds=max(0.0, now - seen.created_at) if seen.created_at else None,
                size=one_line(seen.size),
                tags={one_line(name): one_line(value) for name, value in seen.tags.items()},
                fingerprint=seen.fingerprint,
                preselected=verdict.preselected,
                protected=verdict.protection_reason,
                billed=bool(seen.price_items),
                monthly=_monthly_cost(seen, list_of_prices),
            )
        )
    return tuple(rows)
