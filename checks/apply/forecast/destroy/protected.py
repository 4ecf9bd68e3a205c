"""What a plan destroys and AWS will not give up: a protected database, a policy that is attached, a bucket with objects.

What can be read in the plan is decided here; what has to be looked up, by `checks.apply.forecast.destroy.blockers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from checks.apply.forecast.destroy.blockers import LOOKS, Look
from checks.apply.forecast.destroy.destroyed import Going
from checks.apply.forecast.model import Kept, Unknown
from checks.apply.plan.model import Planned
from checks.apply.plan.source_locations import Written
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.context import World

PROTECTED = {
    "aws_alb": "enable_deletion_protection",
    "aws_cognito_user_pool": "deletion_protection",
    "aws_db_instance": "deletion_protection",
    "aws_docdb_cluster": "deletion_protection",
    "aws_dynamodb_table": "deletion_protection_enabled",
    "aws_instance": "disable_api_termination",
    "aws_lb": "enable_deletion_protection",
    "aws_neptune_cluster": "deletion_protection",
    "aws_rds_cluster": "deletion_protection",
}
"""The attribute that protects against a deletion. What counts is how it is now, not what the configuration wants."""
LAST_SNAPSHOT = frozenset({"aws_db_instance", "aws_docdb_cluster", "aws_neptune_cluster", "aws_rds_cluster"})
"""The provider destroys these only with a name for the last snapshot, or without one on purpose."""
NAMED = 4
"""Holders that are named; the rest is counted."""


def kept(world: World, planned: Sequence[Planned]) -> tuple[list[Kept], list[Unknown]]:
    """Everything of this kind, and what could not be looked at. Raises nothing."""
    going = Going(planned)
    written = Written(world.terraform_folder, world.env)
    found: list[Kept] = []
    questions: list[tuple[Planned, Look]] = []
    for one in going.every():
        told = _by_itself(one)
        if told:
            found.append(_kept(one, told[1], written.place(one.address, told[0])))
            continue
        look = LOOKS.get(one.type)
        if look is not None and not (look.unless and one.before.get(look.unless) is True):
            questions.append((one, look))
    unknown: list[Unknown] = []
    usable = _usable(world, questions, unknown)
    with ThreadPoolExecutor(max_workers=8, thread_name_prefix="kept") as pool:
        answers = list(pool.map(lambda question: _ask(world, going, written, *question), usable))
    found += [answer for answer in answers if isinstance(answer, Kept)]
    unknown += [answer for answer in answers if isinstance(answer, Unknown)]
    return sorted(found, key=lambda one: one.address), unknown


def _usable(
    world: World, questions: Sequence[tuple[Planned, Look]], unknown: list[Unknown]
) -> list[tuple[Planned, Look]]:
    """Those whose client can be made; made here, one after the other (see `Kind.service`)."""
    broken = set()
    for service, region in dict.fromkeys((look.service, one.region) for one, look in questions):
        try:
            world.aws.client(service, region or None)
        except Exception as error:  # noqa: BLE001 - no credentials, no region: said once, for all of the service
            trouble = world.aws.explain(error)
            broken.add(service)
            unknown.append(
                Unknown(
                    what=f"what holds things of {service} that are destroyed",
                    why=trouble.summary,
                    denied=trouble.denied,
                    failed=True,
                )
            )
    return [(one, look) for one, look in questions if look.service not in broken]


def _by_itself(one: Planned) -> tuple[str, str] | None:
    """Attribute and reason, where the resource itself says that it will not go."""
    attribute = PROTECTED.get(one.type, "")
    if attribute and one.before.get(attribute) in (True, "ACTIVE"):
        return attribute, f"it is protected ({attribute}): apply without that first, then destroy it"
    if (
        one.type in LAST_SNAPSHOT
        and one.before.get("skip_final_snapshot") is False
        and not one.before.get("final_snapshot_identifier")
        and not one.before.get("replicate_source_db")
    ):
        why = "it has neither final_snapshot_identifier nor skip_final_snapshot in the state: apply one of them first"
        return "skip_final_snapshot", why
    return None


def _ask(world: World, going: Going, written: Written, one: Planned, look: Look) -> Kept | Unknown | None:
    try:
        holders = sorted(set(look.holders(world.aws, one, going)))
    except Exception as error:  # noqa: BLE001 - whatever AWS answers, it was not looked at: that is said
        trouble = world.aws.explain(error, look.action)
        return Unknown(
            address=one.address,
            type=one.type,
            what="whether it can be destroyed",
            why=trouble.summary,
            denied=trouble.denied,
            failed=True,
        )
    if not holders:
        return None
    more = f" and {len(holders) - NAMED} more" if len(holders) > NAMED else ""
    why = f"{', '.join(map(one_line, holders[:NAMED]))}{more}; {look.why}"
    return _kept(one, why, written.place(one.address, look.unless or "name"), look.guide)


def _kept(one: Planned, why: str, place: str, guide: tuple[str, ...] = ()) -> Kept:
    named = (one.before.get(key) for key in ("name", "bucket", "identifier", "id"))
    return Kept(
        address=one.address,
        type=one.type,
        name=one_line(next((each for each in named if isinstance(each, str) and each), "")),
        why=why,
        replaced=one.creates,
        guide=guide,
        place=place,
    )
