"""The forecast: a plan joined with the live account, before anything is applied.

Names and quotas are looked up side by side; what comes of it is in `checks.apply.review`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from checks.apply.needs import quotas
from checks.apply.plan import Planned
from checks.apply.review import Collision, Forecast, Unknown
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.apply.collisions import Kind
    from checks.world import World

ADOPT, DELETE, RENAME, STOP = "adopt", "delete", "rename", "stop"
"""The ways out of a collision: an import block; the cleanup step; another name in the configuration; nothing yet."""


def forecast(world: World, planned: Sequence[Planned]) -> Forecast:
    """Look at the account for everything that would make this plan fail. Read-only; raises nothing for AWS's errors."""
    clock = time.perf_counter()
    world.say("names that the plan wants to create")
    questions, unknown = _questions(planned)
    collisions: list[Collision] = list(_twice(questions))
    broken: dict[str, Unknown] = {}
    for service, region in dict.fromkeys((kind.service, one.region) for kind, one, _ in questions):
        try:
            world.aws.client(service, region or None)
        except Exception as error:  # noqa: BLE001 - no credentials, no region: said once, for all of the service
            trouble = world.aws.explain(error)
            broken[service] = Unknown(what=f"names in {service}", why=trouble.summary, denied=trouble.denied)
    unknown += broken.values()
    asked = [question for question in questions if question[0].service not in broken]
    with ThreadPoolExecutor(max_workers=8, thread_name_prefix="forecast") as pool:
        pending = pool.submit(quotas, world.aws, planned)
        answers = list(pool.map(lambda question: _ask(world, *question), asked))
        world.say("quotas")
        needs, unlooked = pending.result()
    collisions += [answer for answer in answers if isinstance(answer, Collision)]
    unknown += [answer for answer in answers if isinstance(answer, Unknown)]
    return Forecast(
        quotas=tuple(needs),
        collisions=tuple(sorted(collisions, key=lambda one: one.address)),
        unknown=_folded([*unlooked, *unknown]),
        looked=len(asked),
        seconds=time.perf_counter() - clock,
    )


def _questions(planned: Sequence[Planned]) -> tuple[list[tuple[Kind, Planned, str]], list[Unknown]]:
    """Which names to look up; and which cannot be."""
    from checks.apply.collisions import CANNOT_COLLIDE, all_kinds

    kinds = all_kinds()
    found: list[tuple[Kind, Planned, str]] = []
    unknown: list[Unknown] = []
    for one in planned:
        if not one.creates or "importing" in one.actions:
            continue
        kind = kinds.get(one.type)
        if kind is None:
            if one.type.startswith("aws_") and one.value("name") and one.type not in CANNOT_COLLIDE:
                unknown.append(
                    Unknown(
                        type=one.type,
                        what="names",
                        why=f"ecotui does not know whether AWS refuses a second {one.type} of one name",
                    )
                )
            continue
        if kind.applies is not None and not kind.applies(one):
            continue
        name = _name(one, kind.attribute)
        if name is None:
            if one.is_late(kind.attribute):
                why = f"its {kind.attribute} is known only after the apply"
                unknown.append(Unknown(address=one.address, type=one.type, what="name", why=why))
            continue  # without a name of its own, the provider makes one that nobody has
        if one.actions == ("delete", "create") and one.before.get(kind.attribute) == one.after.get(
            kind.attribute
        ):
            continue  # the old one is gone before the new one comes
        found.append((kind, one, name))
    return found, unknown


def _name(one: Planned, attribute: str) -> str | None:
    value = one.after.get(attribute)
    if isinstance(value, list):
        return ", ".join(part for part in value if isinstance(part, str)) or None
    return one.value(attribute)


def _twice(questions: Sequence[tuple[Kind, Planned, str]]) -> list[Collision]:
    """Names that the plan itself gives twice."""
    seen: dict[tuple[str, ...], str] = {}
    found = []
    for kind, one, name in questions:
        if kind.type == "aws_route53_record":
            extra = tuple(str(one.after.get(key)) for key in ("zone_id", "type", "set_identifier"))
        else:
            extra = (str(one.after.get("vpc_id")) if kind.type == "aws_security_group" else "",)
        key = (kind.type, name.lower() if kind.fold else name, "" if kind.worldwide else one.region, *extra)
        if key in seen:
            found.append(
                Collision(
                    address=one.address,
                    type=one.type,
                    name=one_line(name),
                    existing=f"this plan creates it twice: also as {seen[key]}",
                    ways_out=(RENAME, STOP),
                    guide=kind.guide,
                )
            )
        seen.setdefault(key, one.address)
    return found


def _ask(world: World, kind: Kind, one: Planned, name: str) -> Collision | Unknown | None:
    from checks.apply.collisions import Question

    try:
        existing = kind.find(Question(aws=world.aws, planned=one, name=name))
    except Exception as error:  # noqa: BLE001 - whatever AWS answers, this name was not looked at: that is said
        trouble = world.aws.explain(error, kind.action)
        return Unknown(
            address=one.address,
            type=one.type,
            what=f"name {one_line(name)}",
            why=trouble.summary,
            denied=trouble.denied,
        )
    if existing is None:
        return None
    ways = (ADOPT, DELETE, RENAME, STOP) if existing.ours else (RENAME, STOP)
    return Collision(
        address=one.address,
        type=one.type,
        name=one_line(existing.name or name),
        existing=one_line(
            existing.id if existing.ours else f"{existing.id}, which belongs to another account"
        ),
        ways_out=ways,
        import_id=existing.import_id if existing.ours else "",
        guide=kind.guide,
    )


def _folded(unknown: Sequence[Unknown]) -> tuple[Unknown, ...]:
    """Each once: a type that is not covered, or a missing permission, is not told for every resource anew."""
    return tuple(dict.fromkeys(unknown))
