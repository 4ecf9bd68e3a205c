"""The findings of the apply step about the last forecast: each with its fixes."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from checks.apply.fixes import edit_action, plan_fix
from checks.apply.forecast.import_blocks import IMPORT_FILE, IMPORT_NOTES, read_imported_addresses
from checks.apply.forecast.model import (
    ADOPT,
    DELETE,
    RENAME,
    Collision,
    ForecastWarning,
    NotChecked,
    ProtectedResource,
    QuotaNeed,
    SavedReview,
)
from checks.cleanup.kinds import KINDS
from checks.finding import (
    CheckState,
    CopyText,
    Fact,
    Finding,
    Fix,
    OpenStep,
    Risk,
    RunCommand,
    build_finding,
)
from checks.sanitize import one_line
from checks.text import plural

MAX_COLLISION_FINDINGS = 40
"""Collisions that get a finding each; a plan with more of them was made for another account."""

DELETE_COMMANDS = {
    "aws_autoscaling_group": "autoscaling delete-auto-scaling-group --auto-scaling-group-name {name}",
    "aws_cloudformation_stack": "cloudformation delete-stack --stack-name {name}",
    "aws_codebuild_project": "codebuild delete-project --name {name}",
    "aws_db_parameter_group": "rds delete-db-parameter-group --db-parameter-group-name {name}",
    "aws_db_subnet_group": "rds delete-db-subnet-group --db-subnet-group-name {name}",
    "aws_ecr_repository": "ecr delete-repository --repository-name {name}",
    "aws_eks_cluster": "eks delete-cluster --name {name}",
    "aws_elasticache_subnet_group": "elasticache delete-cache-subnet-group --cache-subnet-group-name {name}",
    "aws_iam_group": "iam delete-group --group-name {name}",
    "aws_iam_server_certificate": "iam delete-server-certificate --server-certificate-name {name}",
    "aws_iam_user": "iam delete-user --user-name {name}",
    "aws_kms_alias": "kms delete-alias --alias-name {name}",
    "aws_lambda_function": "lambda delete-function --function-name {name}",
    "aws_sfn_state_machine": "stepfunctions delete-state-machine --state-machine-arn {id}",
    "aws_sqs_queue": "sqs delete-queue --queue-url {id}",
    "aws_ssm_document": "ssm delete-document --name {name}",
}
"""Terraform type to the aws command that deletes one, where the cleanup step has no such kind; `{id}`: the import id.

Only types that hold no data, or that AWS refuses to delete while they do: no database."""

_blocked_finding = partial(build_finding, "apply", state=CheckState.BLOCKED)


class _Project(NamedTuple):
    """Where the fixes change the configuration."""

    folder: Path
    """Of the root module."""
    env: Mapping[str, str]
    imported_addresses: frozenset[str]
    """The addresses of the import blocks that ecotui wrote."""


def forecast_findings(review: SavedReview, folder: Path, env: Mapping[str, str] | None = None) -> list[Finding]:
    """The findings of a review that is not stale. Their ids are `apply.` and the id that `--override` takes."""
    forecast = review.forecast
    project = _Project(folder, env or {}, read_imported_addresses(folder))
    return [
        *(_collision_finding(one, project) for one in forecast.collisions[:MAX_COLLISION_FINDINGS]),
        *_more_collisions_finding(forecast.collisions[MAX_COLLISION_FINDINGS:]),
        *(_protected_finding(one, project) for one in forecast.protected),
        *map(_quota_finding, forecast.insufficient_quotas),
        *_not_checked_findings(one for one in forecast.not_checked if one.failed),
        *_known_after_apply_finding([one for one in forecast.not_checked if not one.failed]),
        *map(_warning_finding, forecast.warnings),
    ]


def cleanup_selection(collisions: Iterable[Collision], imported_addresses: Collection[str] = ()) -> tuple[str, ...]:
    """What the cleanup step preselects: `kind:word`, where the word is an id, a name or an ARN of that kind.

    The kind belongs to it: a role and an instance profile of one name are two things. What is imported is never offered for
    deletion.
    """
    found: dict[str, None] = {}
    for one in collisions:
        if one.address in imported_addresses or DELETE not in one.fixes:
            continue
        first = one.existing.partition(" ")[0]
        # `arn:...`, `key-1`, `sg-1 in vpc-1`; a sentence begins with a word that names nothing.
        words = (first if first.startswith("arn:") or "-" in first else "", one.import_id, one.name)
        for kind in KINDS:
            if one.type in kind.terraform_types:
                found.update(dict.fromkeys(f"{kind.id}:{word}" for word in words if word))
    return tuple(found)


def _collision_finding(collision: Collision, project: _Project) -> Finding:
    existing = Fact(label="existing", value=collision.existing)
    if collision.address in project.imported_addresses:
        # The saved plan is older than the import block: it would still create a new one.
        return _blocked_finding(
            id=collision.id,
            title=collision.address,
            summary=f"{_describe_resource(collision)} is to be imported ({IMPORT_FILE}): plan again, this plan does not know it",
            facts=(existing,),
            fixes=(plan_fix(recommended=True), _undo_import_fix(collision.address)),
        )
    # An ARN says no more than the name itself.
    is_arn = collision.existing.startswith("arn:") and " " not in collision.existing
    return _blocked_finding(
        id=collision.id,
        title=collision.address,
        summary=f"{_describe_resource(collision)} exists already{'' if is_arn else f': {collision.existing}'}",
        facts=(Fact(label="resource", value=collision.address), existing, *_location_facts(collision.location)),
        guide=collision.guide,
        fixes=tuple(_collision_fixes(collision, project)),
    )


def _more_collisions_finding(rest: tuple[Collision, ...]) -> Iterable[Finding]:
    if rest:
        yield _blocked_finding(
            id="collisions",
            title="More names that are taken",
            summary=f"{len(rest)} more names are taken: is this the account that you mean?",
            facts=tuple(Fact(label=one.address, value=one.existing) for one in rest[:200]),
            fixes=(plan_fix(recommended=False),),
        )


def _protected_finding(protected: ProtectedResource, project: _Project) -> Finding:
    is_imported = protected.address in project.imported_addresses
    fixes = [_override_fix(protected.id), plan_fix(recommended=False)]
    if is_imported:
        fixes.insert(0, _undo_import_fix(protected.address))
    if protected.location:
        fixes.insert(0, _edit_location_fix("apply.edit", "Change the configuration", protected.location, project))
    what = "replaced" if protected.replaced else "destroyed"
    return _blocked_finding(
        id=protected.id,
        title=protected.address,
        summary=f"{_describe_resource(protected)} cannot be {what}: {protected.why}",
        facts=(
            Fact(label="resource", value=protected.address),
            *_location_facts(protected.location),
            *((Fact(label="imported", value=f"by {IMPORT_FILE}"),) if is_imported else ()),
        ),
        guide=protected.guide,
        fixes=tuple(fixes),
    )


def _describe_resource(resource: Collision | ProtectedResource) -> str:
    return f"{resource.type.removeprefix('aws_').replace('_', ' ')} {resource.name}"


def _location_facts(location: str) -> tuple[Fact, ...]:
    return (Fact(label="written", value=location),) if location else ()


def _quota_finding(need: QuotaNeed) -> Finding:
    return _blocked_finding(
        id=need.id,
        title=need.title,
        summary=need.sentence,
        guide=("3.1",) if "vCPU" in need.title else (),
        fixes=(
            Fix(
                id="apply.quota",
                title="Go to the quotas: ask for more",
                action=OpenStep(step="quota"),
                changes="nothing yet",
                recommended=True,
            ),
            _override_fix(need.id),
            plan_fix(recommended=False),
        ),
    )


def _not_checked_findings(failed: Iterable[NotChecked]) -> Iterable[Finding]:
    """Checks that failed: one finding for each missing permission."""
    groups: dict[tuple[str, ...], list[NotChecked]] = {}
    for one in failed:
        groups.setdefault(one.denied or (one.why,), []).append(one)
    for group in groups.values():
        first = group[0]
        yield build_finding(
            "apply",
            f"unlooked:{'+'.join(first.denied) or one_line(first.what, limit=60)}",
            CheckState.UNKNOWN,
            "Not checked",
            first.sentence + (f", and {len(group) - 1} more" if len(group) > 1 else ""),
            facts=tuple(Fact(label=one.address or one.what, value=one.what) for one in group[:100]),
            denied=first.denied,
            fixes=(plan_fix(recommended=False),),
        )


def _known_after_apply_finding(not_known: list[NotChecked]) -> Iterable[Finding]:
    """What no check can show: one finding for all, a fact for each resource."""
    if not_known:
        yield build_finding(
            "apply",
            "unknowable",
            CheckState.WARN,
            "Not known before the apply",
            f"{plural(len(not_known), 'thing')} cannot be foreseen: {not_known[0].sentence}",
            facts=tuple(Fact(label=one.address or one.type, value=f"{one.what}: {one.why}") for one in not_known[:200]),
        )


def _warning_finding(warning: ForecastWarning) -> Finding:
    name = f"warned:{warning.address or warning.what}"
    return build_finding("apply", name, CheckState.WARN, warning.what, warning.sentence, guide=warning.guide)


# Fixes


def _collision_fixes(collision: Collision, project: _Project) -> Iterable[Fix]:
    if ADOPT in collision.fixes and collision.import_id:
        note = IMPORT_NOTES.get(collision.type)
        yield Fix(
            id="apply.adopt",
            title="Import it: write an import block, then plan again",
            action=RunCommand(argv=("ecotui", "adopt", "--write", collision.address)),
            changes=f"{IMPORT_FILE} in the terraform folder, nothing in the account{f'; {note}' if note else ''}",
            risk=Risk.CHANGES,
        )
    if DELETE in collision.fixes and (selection := cleanup_selection([collision])):
        yield Fix(
            id="apply.cleanup",
            title="Delete it: go to the leftovers, with this one selected",
            action=OpenStep(step="cleanup", select=selection),
            changes="nothing yet: there the deletion is typed",
        )
    elif DELETE in collision.fixes and (command := _delete_command(collision)):
        yield Fix(
            id="apply.delete",
            title="Delete it by hand: copy the command",
            action=CopyText(text=command),
            changes="nothing yet: where you run it, it is gone for good; the cleanup step has no such kind",
            risk=Risk.DESTROYS,
        )
    if collision.restore:
        yield Fix(
            id="apply.restore",
            title="Restore it, then plan again and import it",
            action=CopyText(text=shlex.join(collision.restore)),
            changes="it is no longer marked as deleted",
            risk=Risk.CHANGES,
        )
    if RENAME in collision.fixes and collision.location:
        yield _edit_location_fix("apply.rename", "Give another name", collision.location, project)
    yield _override_fix(collision.id)
    yield plan_fix(recommended=False)


def _undo_import_fix(address: str) -> Fix:
    return Fix(
        id="apply.unadopt",
        title="Do not import it: remove its import block",
        action=RunCommand(argv=("ecotui", "adopt", "--undo", address)),
        changes=f"{IMPORT_FILE} in the terraform folder; nothing in the account or the state",
        risk=Risk.CHANGES,
    )


def _edit_location_fix(id_: str, title: str, location: str, project: _Project) -> Fix:
    """Open the configuration at `file:line`."""
    path, _, line = location.rpartition(":")
    return Fix(
        id=id_,
        title=f"{title}, in {location}",
        action=edit_action(project.folder / path, int(line) if line.isdigit() else 1, project.env),
        changes="your configuration, by hand",
        risk=Risk.CHANGES,
    )


def _override_fix(id_: str) -> Fix:
    return Fix(
        id="apply.anyway",
        title="Override it, with a reason for the log",
        action=CopyText(text=f"ecotui apply --override {shlex.quote(f'{id_}=REASON')}"),
        changes="nothing yet: the apply starts, and most likely fails at this resource",
        risk=Risk.COSTS,
    )


def _delete_command(collision: Collision) -> str:
    """A line for a shell that deletes what has the name; empty where none is known."""
    words = DELETE_COMMANDS.get(collision.type)
    if words is None or not collision.import_id:
        return ""
    # By its import id: a name of another case is written there as AWS has it.
    name = collision.name if collision.import_id.startswith(("arn:", "https:")) else collision.import_id
    filled = words.format(name=shlex.quote(name), id=shlex.quote(collision.import_id))
    region = collision.existing.split(":")[3] if collision.existing.startswith("arn:") else ""
    return f"aws {filled}{f' --region {region}' if region else ''}"
