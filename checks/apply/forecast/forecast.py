"""The forecast: a plan joined with the live account, before anything is applied.

Names and quotas are looked up side by side; what comes of it is in `checks.apply.forecast.model`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from checks.apply.forecast.model import Collision, Forecast, Unknown
from checks.apply.forecast.quota_needs import quotas
from checks.apply.plan.configuration import without_keys
from checks.apply.plan.model import Planned
from checks.apply.plan.source_locations import Written
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.apply.forecast.collisions.collision import Existing, Kind, Listings
    from checks.context import World

ADOPT, DELETE, RENAME, STOP = "adopt", "delete", "rename", "stop"
"""The ways out of a collision: an import block; the cleanup step; another name in the configuration; nothing yet."""
RESTORE = "restore"
"""The way out where the name belongs to something that is only marked as deleted."""

_NAMING = ("name", "identifier", "cluster_identifier", "domain_name", "function_name")
"""Attributes that name things: a type with one of them that is not covered is told, never passed over."""


def forecast(world: World, planned: Sequence[Planned]) -> Forecast:
    """Look at the account for everything that would make this plan fail. Read-only; raises nothing for AWS's errors."""
    from checks.apply.forecast.bucket_names import just_deleted
    from checks.apply.forecast.collisions.collision import Listings
    from checks.apply.forecast.destroy.protected import kept
    from checks.apply.forecast.warnings import notices

    clock = time.perf_counter()
    world.say("names that the plan wants to create")
    questions, unknown = _questions(planned)
    written = Written(world.terraform_folder, world.env)
    collisions: list[Collision] = list(_twice(questions, written))
    broken: dict[str, Unknown] = {}
    for service, region in dict.fromkeys((kind.service, one.region) for kind, one, _ in questions):
        try:
            world.aws.client(service, region or None)
        except Exception as error:  # noqa: BLE001 - no credentials, no region: said once, for all of the service
            trouble = world.aws.explain(error)
            broken[service] = Unknown(
                what=f"names in {service}", why=trouble.summary, denied=trouble.denied, failed=True
            )
    unknown += broken.values()
    asked = [question for question in questions if question[0].service not in broken]
    listings = Listings()
    going = _going(planned)
    with ThreadPoolExecutor(max_workers=8, thread_name_prefix="forecast") as pool:
        pending = pool.submit(quotas, world.aws, planned, world.say)
        noticed = pool.submit(notices, world, planned)
        held = pool.submit(kept, world, planned)
        deleted = pool.submit(just_deleted, world, planned)
        answers = list(pool.map(lambda question: _ask(world, listings, going, written, *question), asked))
        world.say("quotas")
        needs, unlooked, tight = pending.result()
        warned, unread = noticed.result()
        stay, unasked = held.result()
        late, untold = deleted.result()
    collisions += [answer for answer in answers if isinstance(answer, Collision)]
    unknown += [answer for answer in answers if isinstance(answer, Unknown)]
    taken = {one.address for one in collisions}
    # Where a name is taken that is told, and no more: not who had it before, not where its record leads.
    warned = [one for one in [*warned, *late] if one.address not in taken]
    return Forecast(
        quotas=tuple(needs),
        collisions=tuple(sorted(collisions, key=lambda one: one.address)),
        unknown=_folded([*unlooked, *unknown, *unread, *unasked, *untold]),
        looked=len(asked),
        seconds=time.perf_counter() - clock,
        warnings=tuple(dict.fromkeys([*warned, *tight])),
        kept=tuple(stay),
    )


def is_late(one: Planned, attribute: str) -> bool:
    """The configuration sets the attribute, wholly or in part, to something that is known only after the apply."""
    if one.configured is not None and attribute not in one.configured:
        return False
    return _any_true(one.unknown.get(attribute))


def _any_true(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_any_true(one) for one in value.values())
    if isinstance(value, list):
        return any(_any_true(one) for one in value)
    return value is True


def _made_here(one: Planned, attribute: str, container: str, created: Mapping[str, str]) -> bool:
    """Whether a value that is known later is the id of something that this very plan makes: nothing is in it yet."""
    if one.sources is None:
        return True
    return any(created.get(source) == container for source in one.sources(attribute))


def _questions(planned: Sequence[Planned]) -> tuple[list[tuple[Kind, Planned, str]], list[Unknown]]:
    """Which names to look up; and which cannot be."""
    from checks.apply.forecast.collisions import all_kinds

    kinds = all_kinds()
    created = {without_keys(one.address): one.type for one in planned if one.creates}
    found: list[tuple[Kind, Planned, str]] = []
    unknown: list[Unknown] = []
    for one in planned:
        kind = kinds.get(one.type)
        if not one.creates and not (kind and kind.adds and kind.adds(one)):
            continue
        if kind is None:
            unknown += _uncovered(one)
            continue
        if kind.applies is not None and not kind.applies(one):
            continue
        if kind.within and one.value(kind.within[0]) is None and is_late(one, kind.within[0]):
            attribute, container = kind.within
            if not _made_here(one, attribute, container, created):
                why = (
                    f"its {attribute} is known only after the apply, and with it where the name must be free"
                )
                unknown.append(Unknown(address=one.address, type=one.type, what="name", why=why))
            continue
        if is_late(one, kind.attribute):
            why = f"its {kind.attribute} is known only after the apply"
            unknown.append(Unknown(address=one.address, type=one.type, what="name", why=why))
        name = "" if kind.unnamed and one.after.get(kind.attribute) == "" else _name(one, kind.attribute)
        if name is None:
            continue  # without a name of its own, the provider makes one that nobody has
        if one.actions == ("delete", "create") and one.before.get(kind.attribute) == one.after.get(
            kind.attribute
        ):
            continue  # the old one is gone before the new one comes
        found.append((kind, one, name))
    return found, unknown


def _uncovered(one: Planned) -> list[Unknown]:
    from checks.apply.forecast.collisions import CANNOT_COLLIDE

    if not one.type.startswith("aws_") or one.type in CANNOT_COLLIDE:
        return []
    if not any(one.value(attribute) or is_late(one, attribute) for attribute in _NAMING):
        return []
    why = f"ecotui does not know whether AWS refuses a second {one.type} of one name"
    return [Unknown(type=one.type, what="names", why=why)]


def _going(planned: Sequence[Planned]) -> dict[tuple[str, str, str], Planned]:
    """What this plan takes away, by type, name and region: names that are taken now, and will not be."""
    from checks.apply.forecast.collisions import all_kinds

    kinds = all_kinds()
    found = {}
    for one in planned:
        kind = kinds.get(one.type)
        if kind is None or not (one.destroys or kind.adds):
            continue
        names = _list(one.before.get(kind.attribute))
        if not one.destroys:
            names -= _list(one.after.get(kind.attribute))
        found.update(dict.fromkeys(((one.type, name, one.region) for name in names), one))
    return found


def _list(value: Any) -> set[str]:
    return {part for part in (value if isinstance(value, list) else [value]) if isinstance(part, str)}


def _name(one: Planned, attribute: str) -> str | None:
    value = one.after.get(attribute)
    if isinstance(value, list):
        return ", ".join(part for part in value if isinstance(part, str)) or None
    return one.value(attribute)


def _twice(questions: Sequence[tuple[Kind, Planned, str]], written: Written) -> list[Collision]:
    """Names that the plan itself gives twice."""
    seen: dict[tuple[str, ...], str] = {}
    found = []
    for kind, one, name in questions:
        if kind.type == "aws_route53_record":
            extra = tuple(str(one.after.get(key)) for key in ("zone_id", "type", "set_identifier"))
        elif kind.type == "aws_iam_service_linked_role":
            extra = (str(one.after.get("custom_suffix")),)
        else:
            extra = (str(one.after.get(kind.within[0])) if kind.within else "",)
        names = sorted(_list(one.after.get(kind.attribute))) if kind.adds else [name]
        for each in names:
            key = (
                kind.type,
                each.lower() if kind.fold else each,
                "" if kind.worldwide else one.region,
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
                        place=written.place(one.address, kind.attribute),
                    )
                )
    return found


def _ask(
    world: World,
    listings: Listings,
    going: Mapping[tuple[str, str, str], Planned],
    written: Written,
    kind: Kind,
    one: Planned,
    name: str,
) -> Collision | Unknown | None:
    from checks.apply.forecast.collisions.collision import Question

    try:
        existing = kind.find(Question(aws=world.aws, planned=one, name=name, listings=listings))
    except Exception as error:  # noqa: BLE001 - whatever AWS answers, this name was not looked at: that is said
        trouble = world.aws.explain(error, kind.action)
        return Unknown(
            address=one.address,
            type=one.type,
            what=f"name {one_line(name)}" if name else "name",
            why=trouble.summary,
            denied=trouble.denied,
            failed=True,
        )
    if existing is None:
        return None
    goes = next(
        (goes for each in (name, existing.name) if (goes := going.get((one.type, each, one.region)))), None
    )
    words, ways = _existing(existing, one, goes)
    return Collision(
        address=one.address,
        type=one.type,
        name=one_line(existing.name or name),
        existing=one_line(words),
        ways_out=ways,
        import_id=existing.import_id if ADOPT in ways else "",
        guide=kind.guide,
        place=written.place(one.address, kind.attribute),
        restore=existing.restore,
    )


def _existing(existing: Existing, one: Planned, goes: Planned | None) -> tuple[str, tuple[str, ...]]:
    """What has the name, in words; and the ways out."""
    if goes is not None and goes.address == one.address:
        words = f"{existing.id}: the old one, which is destroyed only after the new one is made"
        return words, (RENAME, STOP)
    if goes is not None and not goes.destroys:
        return (
            f"{existing.id}: this plan takes it away there ({goes.address}), in no order that can be relied on",
            (
                RENAME,
                STOP,
            ),
        )
    if goes is not None:
        words = (
            f"{existing.id}, which this plan destroys as {goes.address}, in no order that can be relied on"
            " (a `moved` block would keep it)"
        )
        return words, (RENAME, STOP)
    if not existing.ours:
        return f"{existing.id}, which belongs to another account", (RENAME, STOP)
    if existing.restore:
        return existing.id, (RESTORE, RENAME, STOP)
    if not one.creates:
        return existing.id, (DELETE, RENAME, STOP)
    return existing.id, (ADOPT, DELETE, RENAME, STOP)


def _folded(unknown: Sequence[Unknown]) -> tuple[Unknown, ...]:
    """Each once: a type that is not covered, or a missing permission, is not told for every resource anew."""
    return tuple(dict.fromkeys(unknown))
