"""The forecast: a plan joined with the live account, before anything is applied.

Names and quotas are looked up side by side; what comes of it is in `checks.apply.forecast.model`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from checks.apply.durations import DurationStats
from checks.apply.forecast.bucket_names import recently_deleted_warnings
from checks.apply.forecast.collisions import COLLISION_KINDS, NON_COLLIDING_TYPES
from checks.apply.forecast.collisions.kind import CollisionKind, ExistingResource, ListingCache
from checks.apply.forecast.destroy.protected import find_protected
from checks.apply.forecast.model import ADOPT, DELETE, RENAME, RESTORE, STOP, Collision, Forecast, NotChecked
from checks.apply.forecast.quotas import check_quota_needs
from checks.apply.forecast.warnings import find_warnings
from checks.apply.plan.configuration import strip_instance_keys
from checks.apply.plan.model import PlannedChange
from checks.apply.plan.source_locations import SourceIndex
from checks.apply.run.progress import RemainingTimeEstimate
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.context import CheckContext

_NAME_ATTRIBUTES = ("name", "identifier", "cluster_identifier", "domain_name", "function_name")
"""Attributes that name things: a type with one of them that is not covered is told, never passed over."""


def make_forecast(
    context: CheckContext,
    planned: Sequence[PlannedChange],
    *,
    dependencies: Mapping[str, Sequence[str]] = MappingProxyType({}),
    durations: DurationStats = DurationStats(),  # noqa: B008 - frozen
) -> Forecast:
    """Check the account for everything that would make this plan fail. Read-only. Raises nothing for AWS's errors.

    `dependencies` (`Plan.after`) and `durations` give the estimate of how long the apply takes.
    """
    clock = time.perf_counter()
    context.on_progress("names that the plan wants to create")
    questions, unknown = _name_lookups(planned)
    written = SourceIndex(context.terraform_folder, context.env)
    collisions: list[Collision] = list(_find_duplicate_names(questions, written))
    broken: dict[str, NotChecked] = {}
    for service, region in dict.fromkeys((kind.service, one.region) for kind, one, _ in questions):
        try:
            context.aws.client(service, region or None)
        except Exception as error:  # noqa: BLE001 - no credentials, no region: said once, for all of the service
            trouble = context.aws.explain(error)
            broken[service] = NotChecked(
                what=f"names in {service}", why=trouble.summary, denied=trouble.denied, failed=True
            )
    unknown += broken.values()
    asked = [question for question in questions if question[0].service not in broken]
    listings = ListingCache()
    going = _released_names(planned)
    estimate = RemainingTimeEstimate([(one.address, one.actions) for one in planned], dependencies)
    apply_seconds = estimate.total_seconds(durations)
    with ThreadPoolExecutor(max_workers=8, thread_name_prefix="forecast") as pool:
        pending = pool.submit(check_quota_needs, context.aws, planned, context.on_progress)
        noticed = pool.submit(find_warnings, context, planned, apply_seconds)
        held = pool.submit(find_protected, context, planned)
        deleted = pool.submit(recently_deleted_warnings, context, planned)
        answers = list(pool.map(lambda question: _look_up_name(context, listings, going, written, *question), asked))
        context.on_progress("quotas")
        needs, unlooked, tight = pending.result()
        warned, unread = noticed.result()
        stay, unasked = held.result()
        late, untold = deleted.result()
    collisions += [answer for answer in answers if isinstance(answer, Collision)]
    unknown += [answer for answer in answers if isinstance(answer, NotChecked)]
    taken = {one.address for one in collisions}
    # Where a name is taken that is told, and no more: not who had it before, not where its record leads.
    warned = [one for one in [*warned, *late] if one.address not in taken]
    return Forecast(
        quotas=tuple(needs),
        collisions=tuple(sorted(collisions, key=lambda one: one.address)),
        unknown=_deduplicate([*unlooked, *unknown, *unread, *unasked, *untold]),
        looked=len(asked),
        seconds=time.perf_counter() - clock,
        warnings=tuple(dict.fromkeys([*warned, *tight])),
        kept=tuple(stay),
    )


def is_known_after_apply(change: PlannedChange, attribute: str) -> bool:
    """The configuration sets the attribute, wholly or in part, to something that is known only after the apply."""
    if change.configured_attributes is not None and attribute not in change.configured_attributes:
        return False
    return _any_true(change.unknown.get(attribute))


def _any_true(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_any_true(one) for one in value.values())
    if isinstance(value, list):
        return any(_any_true(one) for one in value)
    return value is True


def _is_created_by_plan(change: PlannedChange, attribute: str, container: str, created: Mapping[str, str]) -> bool:
    """Whether a value that is known later is the id of something that this very plan makes: nothing is in it yet."""
    if change.sources is None:
        return True
    return any(created.get(source) == container for source in change.sources(attribute))


def _name_lookups(
    planned: Sequence[PlannedChange],
) -> tuple[list[tuple[CollisionKind, PlannedChange, str]], list[NotChecked]]:
    """Which names to look up; and which cannot be."""
    created = {strip_instance_keys(one.address): one.type for one in planned if one.creates}
    found: list[tuple[CollisionKind, PlannedChange, str]] = []
    unknown: list[NotChecked] = []
    for one in planned:
        kind = COLLISION_KINDS.get(one.type)
        if not one.creates and not (kind and kind.adds_names and kind.adds_names(one)):
            continue
        if kind is None:
            unknown += _uncovered_type(one)
            continue
        if kind.can_collide is not None and not kind.can_collide(one):
            continue
        if kind.scope and one.known_text(kind.scope[0]) is None and is_known_after_apply(one, kind.scope[0]):
            attribute, container = kind.scope
            if not _is_created_by_plan(one, attribute, container, created):
                why = f"its {attribute} is known only after the apply, and with it where the name must be free"
                unknown.append(NotChecked(address=one.address, type=one.type, what="name", why=why))
            continue
        if is_known_after_apply(one, kind.attribute):
            why = f"its {kind.attribute} is known only after the apply"
            unknown.append(NotChecked(address=one.address, type=one.type, what="name", why=why))
        name = (
            "" if kind.allows_empty_name and one.after.get(kind.attribute) == "" else _planned_name(one, kind.attribute)
        )
        if name is None:
            continue  # without a name of its own, the provider makes one that nobody has
        if one.actions == ("delete", "create") and one.before.get(kind.attribute) == one.after.get(kind.attribute):
            continue  # the old one is gone before the new one comes
        found.append((kind, one, name))
    return found, unknown


def _uncovered_type(change: PlannedChange) -> list[NotChecked]:
    if not change.type.startswith("aws_") or change.type in NON_COLLIDING_TYPES:
        return []
    if not any(
        change.known_text(attribute) or is_known_after_apply(change, attribute) for attribute in _NAME_ATTRIBUTES
    ):
        return []
    why = f"ecotui does not know whether AWS refuses a second {change.type} of one name"
    return [NotChecked(type=change.type, what="names", why=why)]


def _released_names(planned: Sequence[PlannedChange]) -> dict[tuple[str, str, str], PlannedChange]:
    """What this plan takes away, by type, name and region: names that are taken now, and will not be."""
    found = {}
    for one in planned:
        kind = COLLISION_KINDS.get(one.type)
        if kind is None or not (one.destroys or kind.adds_names):
            continue
        names = _text_set(one.before.get(kind.attribute))
        if not one.destroys:
            names -= _text_set(one.after.get(kind.attribute))
        found.update(dict.fromkeys(((one.type, name, one.region) for name in names), one))
    return found


def _text_set(value: Any) -> set[str]:
    return {part for part in (value if isinstance(value, list) else [value]) if isinstance(part, str)}


def _planned_name(change: PlannedChange, attribute: str) -> str | None:
    value = change.after.get(attribute)
    if isinstance(value, list):
        return ", ".join(part for part in value if isinstance(part, str)) or None
    return change.known_text(attribute)


def _find_duplicate_names(
    lookups: Sequence[tuple[CollisionKind, PlannedChange, str]], source_index: SourceIndex
) -> list[Collision]:
    """Names that the plan itself gives twice."""
    seen: dict[tuple[str, ...], str] = {}
    found = []
    for kind, one, name in lookups:
        if kind.type == "aws_route53_record":
            extra = tuple(str(one.after.get(key)) for key in ("zone_id", "type", "set_identifier"))
        elif kind.type == "aws_iam_service_linked_role":
            extra = (str(one.after.get("custom_suffix")),)
        else:
            extra = (str(one.after.get(kind.scope[0])) if kind.scope else "",)
        names = sorted(_text_set(one.after.get(kind.attribute))) if kind.adds_names else [name]
        for each in names:
            key = (
                kind.type,
                each.lower() if kind.ignores_case else each,
                "" if kind.is_global else one.region,
                *extra,
            )
            if seen.setdefault(key, one.address) != one.address:
                found.append(
                    Collision(
                        address=one.address,
                        type=one.type,
                        name=one_line(each),
                        existing=f"this plan creates it twice: also as {seen[key]}",
                        ways_out=(RENAME, STOP),
                        guide=kind.guide,
                        place=source_index.locate(one.address, kind.attribute),
                    )
                )
    return found


def _look_up_name(
    context: CheckContext,
    listings: ListingCache,
    released_names: Mapping[tuple[str, str, str], PlannedChange],
    source_index: SourceIndex,
    kind: CollisionKind,
    change: PlannedChange,
    name: str,
) -> Collision | NotChecked | None:
    try:
        existing = kind.find_existing(kind.query(context.aws, change, name, listings))
    except Exception as error:  # noqa: BLE001 - whatever AWS answers, this name was not looked at: that is said
        trouble = context.aws.explain(error, kind.action)
        return NotChecked(
            address=change.address,
            type=change.type,
            what=f"name {one_line(name)}" if name else "name",
            why=trouble.summary,
            denied=trouble.denied,
            failed=True,
        )
    if existing is None:
        return None
    goes = next(
        (goes for each in (name, existing.name) if (goes := released_names.get((change.type, each, change.region)))),
        None,
    )
    words, ways = _describe_existing(existing, change, goes)
    return Collision(
        address=change.address,
        type=change.type,
        name=one_line(existing.name or name),
        existing=one_line(words),
        ways_out=ways,
        import_id=existing.import_id if ADOPT in ways else "",
        guide=kind.guide,
        place=source_index.locate(change.address, kind.attribute),
        restore=existing.restore,
    )


def _describe_existing(
    existing: ExistingResource, change: PlannedChange, released_by: PlannedChange | None
) -> tuple[str, tuple[str, ...]]:
    """What has the name, in words; and the ways out."""
    if released_by is not None and released_by.address == change.address:
        words = f"{existing.id}: the old one, which is destroyed only after the new one is made"
        return words, (RENAME, STOP)
    if released_by is not None and not released_by.destroys:
        return (
            f"{existing.id}: this plan takes it away there ({released_by.address}), in no order that can be relied on",
            (
                RENAME,
                STOP,
            ),
        )
    if released_by is not None:
        words = (
            f"{existing.id}, which this plan destroys as {released_by.address}, in no order that can be relied on"
            " (a `moved` block would keep it)"
        )
        return words, (RENAME, STOP)
    if not existing.is_own:
        return f"{existing.id}, which belongs to another account", (RENAME, STOP)
    if existing.restore:
        return existing.id, (RESTORE, RENAME, STOP)
    if not change.creates:
        return existing.id, (DELETE, RENAME, STOP)
    return existing.id, (ADOPT, DELETE, RENAME, STOP)


def _deduplicate(unknown: Sequence[NotChecked]) -> tuple[NotChecked, ...]:
    """Each once: a type that is not covered, or a missing permission, is not told for every resource anew."""
    return tuple(dict.fromkeys(unknown))
