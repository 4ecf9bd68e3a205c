"""What a plan destroys and AWS will not give up: a protected database, a policy that is attached, a bucket with objects.

What can be read in the plan is decided here; what has to be looked up, by `checks.apply.forecast.destroy.blockers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from checks.apply.forecast.aws_calls import failed_check, unusable_services
from checks.apply.forecast.destroy.blockers import BLOCKER_CHECKS, BlockerCheck
from checks.apply.forecast.destroy.destroy_set import DestroySet
from checks.apply.forecast.model import NotChecked, ProtectedResource
from checks.apply.plan.model import PlannedChange
from checks.apply.plan.source_locations import SourceIndex
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.context import CheckContext

PROTECTION_ATTRIBUTES = {
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
FINAL_SNAPSHOT_TYPES = frozenset({"aws_db_instance", "aws_docdb_cluster", "aws_neptune_cluster", "aws_rds_cluster"})
"""The provider destroys these only with a name for the last snapshot, or without one on purpose."""
MAX_NAMED_BLOCKERS = 4
"""Holders that are named; the rest is counted."""


def find_protected(
    context: CheckContext, planned: Sequence[PlannedChange]
) -> tuple[list[ProtectedResource], list[NotChecked]]:
    """Everything of this kind, and what could not be looked at. Raises nothing."""
    going = DestroySet(planned)
    written = SourceIndex(context.terraform_folder, context.env)
    found: list[ProtectedResource] = []
    questions: list[tuple[PlannedChange, BlockerCheck]] = []
    for one in going.resources():
        told = _own_protection(one)
        if told:
            found.append(_protected_resource(one, told[1], written.locate(one.address, told[0])))
            continue
        look = BLOCKER_CHECKS.get(one.type)
        if look is not None and not (look.unless_attribute and one.before.get(look.unless_attribute) is True):
            questions.append((one, look))
    services = ((check.service, one.region) for one, check in questions)
    unusable = unusable_services(context.aws, services, "what blocks the destruction of things of {service}")
    unknown = list(unusable.values())
    usable = [(one, check) for one, check in questions if check.service not in unusable]
    with ThreadPoolExecutor(max_workers=8, thread_name_prefix="kept") as pool:
        answers = list(pool.map(lambda question: _check_blockers(context, going, written, *question), usable))
    found += [answer for answer in answers if isinstance(answer, ProtectedResource)]
    unknown += [answer for answer in answers if isinstance(answer, NotChecked)]
    return sorted(found, key=lambda one: one.address), unknown


def _own_protection(change: PlannedChange) -> tuple[str, str] | None:
    """Attribute and reason, where the resource itself says that it will not go."""
    attribute = PROTECTION_ATTRIBUTES.get(change.type, "")
    if attribute and change.before.get(attribute) in (True, "ACTIVE"):
        return attribute, f"it is protected ({attribute}): apply without that first, then destroy it"
    if (
        change.type in FINAL_SNAPSHOT_TYPES
        and change.before.get("skip_final_snapshot") is False
        and not change.before.get("final_snapshot_identifier")
        and not change.before.get("replicate_source_db")
    ):
        why = "it has neither final_snapshot_identifier nor skip_final_snapshot in the state: apply one of them first"
        return "skip_final_snapshot", why
    return None


def _check_blockers(
    context: CheckContext,
    destroy_set: DestroySet,
    source_index: SourceIndex,
    change: PlannedChange,
    check: BlockerCheck,
) -> ProtectedResource | NotChecked | None:
    try:
        holders = sorted(set(check.find_blockers(context.aws, change, destroy_set)))
    except Exception as error:  # noqa: BLE001 - whatever AWS answers, it was not looked at: that is said
        return failed_check(context.aws, error, "whether it can be destroyed", check.action, change)
    if not holders:
        return None
    more = f" and {len(holders) - MAX_NAMED_BLOCKERS} more" if len(holders) > MAX_NAMED_BLOCKERS else ""
    why = f"{', '.join(map(one_line, holders[:MAX_NAMED_BLOCKERS]))}{more}; {check.refusal}"
    return _protected_resource(
        change, why, source_index.locate(change.address, check.unless_attribute or "name"), check.guide
    )


def _protected_resource(change: PlannedChange, why: str, place: str, guide: tuple[str, ...] = ()) -> ProtectedResource:
    named = (change.before.get(key) for key in ("name", "bucket", "identifier", "id"))
    return ProtectedResource(
        address=change.address,
        type=change.type,
        name=one_line(next((each for each in named if isinstance(each, str) and each), "")),
        why=why,
        replaced=change.creates,
        guide=guide,
        place=place,
    )
