"""Resources that the plan destroys but AWS refuses to delete: a protected database, an attached policy, a full bucket.

What the plan shows is decided here; what the account shows, in `blockers`.
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
from checks.text import shorten_list

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
"""Type to the attribute that protects it. What counts is its present value, not the one of the configuration."""
FINAL_SNAPSHOT_TYPES = frozenset({"aws_db_instance", "aws_docdb_cluster", "aws_neptune_cluster", "aws_rds_cluster"})
"""The provider destroys these only with a name for the final snapshot, or with `skip_final_snapshot`."""
MAX_NAMED_BLOCKERS = 4
"""Blockers that a sentence names; the rest is counted."""


def find_protected(
    context: CheckContext, planned: Sequence[PlannedChange]
) -> tuple[list[ProtectedResource], list[NotChecked]]:
    """The protected resources, and what could not be checked. Raises nothing."""
    destroy_set = DestroySet(planned)
    source_index = SourceIndex(context.terraform_folder, context.env)
    found: list[ProtectedResource] = []
    checks: list[tuple[PlannedChange, BlockerCheck]] = []
    for one in destroy_set.resources():
        if own := _own_protection(one):
            found.append(_protected_resource(one, own[1], source_index.locate(one.address, own[0])))
            continue
        check = BLOCKER_CHECKS.get(one.type)
        if check is not None and not (check.unless_attribute and one.before.get(check.unless_attribute) is True):
            checks.append((one, check))
    services = ((check.service, one.region) for one, check in checks)
    unusable = unusable_services(context.aws, services, "what blocks the destruction of things of {service}")
    usable = [(one, check) for one, check in checks if check.service not in unusable]
    with ThreadPoolExecutor(max_workers=8, thread_name_prefix="protected") as pool:
        answers = list(pool.map(lambda pair: _check_blockers(context, destroy_set, source_index, *pair), usable))
    found += [answer for answer in answers if isinstance(answer, ProtectedResource)]
    not_checked = [*unusable.values(), *(answer for answer in answers if isinstance(answer, NotChecked))]
    return sorted(found, key=lambda one: one.address), not_checked


def _own_protection(change: PlannedChange) -> tuple[str, str] | None:
    """Attribute and reason, where an attribute of the resource protects it."""
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
        blockers = sorted(set(check.find_blockers(context.aws, change, destroy_set)))
    except Exception as error:  # noqa: BLE001 - whatever AWS answers, it was not checked: that is reported
        return failed_check(context.aws, error, "whether it can be destroyed", check.action, change)
    if not blockers:
        return None
    why = f"{shorten_list([one_line(one) for one in blockers], MAX_NAMED_BLOCKERS)}; {check.refusal}"
    location = source_index.locate(change.address, check.unless_attribute or "name")
    return _protected_resource(change, why, location, check.guide)


def _protected_resource(
    change: PlannedChange, why: str, location: str, guide: tuple[str, ...] = ()
) -> ProtectedResource:
    named = (change.before.get(key) for key in ("name", "bucket", "identifier", "id"))
    return ProtectedResource(
        address=change.address,
        type=change.type,
        name=one_line(next((each for each in named if isinstance(each, str) and each), "")),
        why=why,
        replaced=change.creates,
        guide=guide,
        location=location,
    )
