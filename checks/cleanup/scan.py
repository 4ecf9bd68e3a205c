"""Ask for all kinds at once, and judge what was seen."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from checks.cleanup import graph
from checks.cleanup.aws_query import WIDTH, Asking, Trouble
from checks.cleanup.kinds import KINDS, Kind
from checks.cleanup.model import Leftover, Ownership, Seen
from checks.cleanup.ownership import Known, Verdict, judge
from checks.sanitize import one_line
from config.model import Cleanup
from config.prices import Prices, prices

if TYPE_CHECKING:
    from checks.aws.session import Aws


@dataclass(frozen=True)
class Scan:
    """What one look at the account brought."""

    resources: tuple[Leftover, ...]
    """In the order of deletion; what is kept comes last."""
    seen: dict[str, Seen]
    troubles: dict[str, tuple[Trouble, ...]]
    """By kind: what could not be looked at."""
    kinds: tuple[Kind, ...]


def chosen(selectors: Cleanup) -> tuple[Kind, ...]:
    """The kinds that the settings ask for, all by default."""
    return tuple(kind for kind in KINDS if not selectors.kinds or kind.id in selectors.kinds)


def scan(
    aws: Aws, region: str, selectors: Cleanup, known: Known, kinds: Sequence[Kind] | None = None
) -> Scan:
    """Look for all kinds side by side. Never raises for what AWS refuses: that is in `troubles`."""
    kinds = tuple(chosen(selectors) if kinds is None else kinds)
    found: dict[str, Seen] = {}
    verdicts: dict[str, Verdict] = {}
    troubles: dict[str, tuple[Trouble, ...]] = {}
    with (
        ThreadPoolExecutor(WIDTH, thread_name_prefix="detail") as details,
        ThreadPoolExecutor(WIDTH, thread_name_prefix="kind") as pool,
    ):

        def one(kind: Kind) -> tuple[list[Seen], list[Trouble]]:
            asking = Asking(
                aws,
                region,
                details,
                wanted=lambda seen: judge(seen, selectors, known, kind.terraform).listed,
            )
            nothing: list[Seen] = []
            listed = asking.attempt(kind.lists, lambda: list(kind.handler.find(asking)), nothing)
            return listed, asking.troubles

        for kind, (listed, refused) in zip(kinds, pool.map(one, kinds), strict=True):
            if refused:
                troubles[kind.id] = tuple(refused)
            for seen in listed:
                verdict = judge(seen, selectors, known, kind.terraform)
                if verdict.listed:
                    found[seen.key], verdicts[seen.key] = seen, verdict
    _parts_follow(found, verdicts)
    return Scan(_rows(found, verdicts, kinds), found, troubles, kinds)


def _parts_follow(found: dict[str, Seen], verdicts: dict[str, Verdict]) -> None:
    """What hangs on something that terraform manages is no leftover: a root volume carries the tags of its instance."""
    for key, seen in found.items():
        whole = verdicts.get(seen.part_of)
        if whole and whole.ownership is Ownership.IN_STATE:
            verdicts[key] = replace(
                verdicts[key],
                ownership=Ownership.IN_STATE,
                why=f"part of {seen.part_of}, in terraform's state",
                preselected=False,
            )


def _monthly(seen: Seen, list_of_prices: Prices) -> float | None:
    """None as soon as the price of one part is not known: half a price would mislead."""
    parts = [list_of_prices.monthly(item, seen.region, quantity) for item, quantity in seen.billed]
    known = [part for part in parts if part is not None]
    return sum(known) if parts and len(known) == len(parts) else None


def _rows(
    found: dict[str, Seen], verdicts: dict[str, Verdict], kinds: Sequence[Kind]
) -> tuple[Leftover, ...]:
    now = time.time()
    actions = {kind.id: kind.action for kind in kinds}
    edges = graph.blockers(found.values())
    list_of_prices = prices()
    blocks: dict[str, set[str]] = {key: set() for key in found}
    for key, before in edges.items():
        for one in before:
            blocks[one].add(key)
    goes = [key for key in found if verdicts[key].deletable]
    stays = [key for key in found if not verdicts[key].deletable]
    rows = []
    for key in (*graph.order(goes, edges), *stays):
        seen, verdict = found[key], verdicts[key]
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
                why=verdict.why,
                action=action,
                blocked_by=tuple(sorted(edges[key])),
                blocks=tuple(sorted(blocks[key])),
                uses=tuple(one_line(use) for use in seen.uses),
                state=one_line(seen.state),
                age_seconds=max(0.0, now - seen.created) if seen.created else None,
                size=one_line(seen.size),
                tags={one_line(name): one_line(value) for name, value in seen.tags.items()},
                fingerprint=seen.fingerprint,
                preselected=verdict.preselected,
                protected=verdict.protected,
                billed=bool(seen.billed),
                monthly=_monthly(seen, list_of_prices),
            )
        )
    return tuple(rows)
