"""Collisions: looks up in the account the names that a plan wants, and finds those that it gives twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from checks.apply.forecast.aws_calls import failed_check, unusable_services
from checks.apply.forecast.collisions import COLLISION_KINDS, NON_COLLIDING_TYPES
from checks.apply.forecast.collisions.kind import CollisionKind, ExistingResource, ListingCache
from checks.apply.forecast.model import ADOPT, DELETE, RENAME, RESTORE, STOP, Collision, NotChecked
from checks.apply.plan.configuration import strip_instance_keys
from checks.apply.plan.model import PlannedChange
from checks.apply.plan.source_locations import SourceIndex
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.context import CheckContext

_NAME_ATTRIBUTES = ("name", "identifier", "cluster_identifier", "domain_name", "function_name")
"""Attributes that name things: a type that has one and no kind is reported as not checked."""


class _Lookup(NamedTuple):
    """A name to look up."""

    kind: CollisionKind
    change: PlannedChange
    name: str


_ReleasedNames = Mapping[tuple[str, str, str], PlannedChange]
"""Type, name and region to the change that gives the name up."""


def find_collisions(
    context: CheckContext, planned: Sequence[PlannedChange]
) -> tuple[list[Collision], list[NotChecked], int]:
    """Names that are taken, what could not be checked, and how many names were looked up. Raises nothing."""
    lookups, not_checked = _name_lookups(planned)
    source_index = SourceIndex(context.terraform_folder, context.env)
    collisions = _find_duplicate_names(lookups, source_index)
    services = ((one.kind.service, one.change.region) for one in lookups)
    unusable = unusable_services(context.aws, services, "names in {service}")
    not_checked += unusable.values()
    usable = [one for one in lookups if one.kind.service not in unusable]
    released, listings = _released_names(planned), ListingCache()
    with ThreadPoolExecutor(max_workers=8, thread_name_prefix="collisions") as pool:
        answers = list(pool.map(lambda one: _look_up_name(context, listings, released, source_index, one), usable))
    collisions += [answer for answer in answers if isinstance(answer, Collision)]
    not_checked += [answer for answer in answers if isinstance(answer, NotChecked)]
    return sorted(collisions, key=lambda one: one.address), not_checked, len(usable)


def _is_created_by_plan(change: PlannedChange, attribute: str, container: str, created: Mapping[str, str]) -> bool:
    """Whether a value that is known later is the id of something that this plan creates: nothing is in it yet."""
    if change.sources is None:
        return True
    return any(created.get(source) == container for source in change.sources(attribute))


def _name_lookups(planned: Sequence[PlannedChange]) -> tuple[list[_Lookup], list[NotChecked]]:
    """The names to look up, and those that are not known yet."""
    created = {strip_instance_keys(one.address): one.type for one in planned if one.creates}
    found: list[_Lookup] = []
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
        if kind.scope and one.known_text(kind.scope[0]) is None and one.is_known_after_apply(kind.scope[0]):
            attribute, container = kind.scope
            if not _is_created_by_plan(one, attribute, container, created):
                why = f"its {attribute} is known only after the apply, and with it where the name must be free"
                unknown.append(NotChecked(address=one.address, type=one.type, what="name", why=why))
            continue
        if one.is_known_after_apply(kind.attribute):
            why = f"its {kind.attribute} is known only after the apply"
            unknown.append(NotChecked(address=one.address, type=one.type, what="name", why=why))
        is_empty = kind.allows_empty_name and one.after.get(kind.attribute) == ""
        name = "" if is_empty else _planned_name(one, kind.attribute)
        if name is None:
            continue  # without a name of its own, the provider makes one that nobody has
        if one.actions == ("delete", "create") and one.before.get(kind.attribute) == one.after.get(kind.attribute):
            continue  # the old one is gone before the new one comes
        found.append(_Lookup(kind, one, name))
    return found, unknown


def _uncovered_type(change: PlannedChange) -> list[NotChecked]:
    if not change.type.startswith("aws_") or change.type in NON_COLLIDING_TYPES:
        return []
    if not any(change.known_text(name) or change.is_known_after_apply(name) for name in _NAME_ATTRIBUTES):
        return []
    why = f"ecotui does not know whether AWS refuses a second {change.type} of one name"
    return [NotChecked(type=change.type, what="names", why=why)]


def _released_names(planned: Sequence[PlannedChange]) -> _ReleasedNames:
    """Names that are taken now, and that this plan gives up."""
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


def _find_duplicate_names(lookups: Sequence[_Lookup], source_index: SourceIndex) -> list[Collision]:
    """Names that the plan itself gives twice."""
    first_by_key: dict[tuple[str, ...], str] = {}
    found = []
    for kind, one, planned_name in lookups:
        scope = (*(kind.scope[:1] if kind.scope else ()), *kind.key_attributes)
        values = tuple(str(one.after.get(attribute)) for attribute in scope)
        names = sorted(_text_set(one.after.get(kind.attribute))) if kind.adds_names else [planned_name]
        for name in names:
            key = (
                kind.type,
                name.lower() if kind.ignores_case else name,
                "" if kind.is_global else one.region,
                *values,
            )
            first = first_by_key.setdefault(key, one.address)
            if first != one.address:
                found.append(
                    Collision(
                        address=one.address,
                        type=one.type,
                        name=one_line(name),
                        existing=f"this plan creates it twice: also as {first}",
                        fixes=(RENAME, STOP),
                        guide=kind.guide,
                        location=source_index.locate(one.address, kind.attribute),
                    )
                )
    return found


def _look_up_name(
    context: CheckContext,
    listings: ListingCache,
    released_names: _ReleasedNames,
    source_index: SourceIndex,
    lookup: _Lookup,
) -> Collision | NotChecked | None:
    kind, change, name = lookup
    try:
        existing = kind.find_existing(kind.query(context.aws, change, name, listings))
    except Exception as error:  # noqa: BLE001 - whatever AWS answers, this name was not checked: that is reported
        return failed_check(context.aws, error, f"name {one_line(name)}" if name else "name", kind.action, change)
    if existing is None:
        return None
    names = (name, existing.name)
    released_by = next((by for each in names if (by := released_names.get((change.type, each, change.region)))), None)
    words, ways_out = _describe_existing(existing, change, released_by)
    return Collision(
        address=change.address,
        type=change.type,
        name=one_line(existing.name or name),
        existing=one_line(words),
        fixes=ways_out,
        import_id=existing.import_id if ADOPT in ways_out else "",
        guide=kind.guide,
        location=source_index.locate(change.address, kind.attribute),
        restore=existing.restore,
    )


def _describe_existing(
    existing: ExistingResource, change: PlannedChange, released_by: PlannedChange | None
) -> tuple[str, tuple[str, ...]]:
    """What has the name, in words; and the fixes."""
    if released_by is not None:
        by = released_by.address
        if by == change.address:
            words = ": the old one, which is destroyed only after the new one is created"
        elif not released_by.destroys:
            words = f": this plan takes it away there ({by}), in no order that can be relied on"
        else:
            words = (
                f", which this plan destroys as {by}, in no order that can be relied on (a `moved` block would keep it)"
            )
        return existing.id + words, (RENAME, STOP)
    if not existing.is_own:
        return f"{existing.id}, which belongs to another account", (RENAME, STOP)
    if existing.restore:
        return existing.id, (RESTORE, RENAME, STOP)
    if not change.creates:
        return existing.id, (DELETE, RENAME, STOP)
    return existing.id, (ADOPT, DELETE, RENAME, STOP)
