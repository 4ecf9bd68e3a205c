"""What the last forecast found, as findings of the apply step: each thing in the way with its ways out."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from checks.apply.fixes import edit_action, plan_fix
from checks.apply.forecast import import_blocks
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
from checks.finding import CheckState, CopyText, Fact, Finding, Fix, OpenStep, Risk, RunCommand
from checks.sanitize import one_line

MAX_COLLISION_FINDINGS = 40
"""Collisions that are told one by one; a plan that collides with more was made for another account."""


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


def forecast_findings(review: SavedReview, folder: Path, env: Mapping[str, str] | None = None) -> list[Finding]:
    """The findings of a review that still holds. Their ids are `apply.` and the id that `--override` takes."""
    seen = review.forecast
    taken_in = import_blocks.read_imported_addresses(folder)
    found = [
        _imported_finding(one) if one.address in taken_in else _collision_finding(one, folder, env or {})
        for one in seen.collisions[:MAX_COLLISION_FINDINGS]
    ]
    if len(seen.collisions) > MAX_COLLISION_FINDINGS:
        found.append(_more_collisions_finding(seen.collisions[MAX_COLLISION_FINDINGS:]))
    found += [_protected_finding(one, folder, env or {}) for one in seen.protected]
    found += [_quota_finding(one) for one in seen.insufficient_quotas]
    found += _not_checked_findings(seen.not_checked)
    found += _known_after_apply_findings(seen.not_checked)
    found += _warning_findings(seen.warnings)
    return found


def cleanup_selection(collisions: Iterable[Collision], imported_addresses: Collection[str] = ()) -> tuple[str, ...]:
    """What the cleanup step preselects: `kind:word`, where the word is an id, a name or an ARN of that kind.

    The kind goes with it: a role and an instance profile of one name are two things. `taken_in`: addresses that are to be
    adopted; what is to be kept is never offered for deletion.
    """
    found: dict[str, None] = {}
    for one in collisions:
        if one.address in imported_addresses or DELETE not in one.fixes:
            continue
        first = one.existing.partition(" ")[0]
        # `arn:...`, `key-1`, `sg-1 in vpc-1`; a sentence begins with a word that names nothing.
        words = (first if first.startswith("arn:") or "-" in first else "", one.import_id, one.name)
        for kind in _cleanup_kinds_for(one.type):
            found.update(dict.fromkeys(f"{kind}:{word}" for word in words if word))
    return tuple(found)


def _cleanup_kinds_for(type_: str) -> list[str]:
    """The cleanup step's kinds of a terraform type; none when it does not look for such things."""
    from checks.cleanup.kinds import KINDS

    return [kind.id for kind in KINDS if type_ in kind.terraform_types]


def _collision_finding(collision: Collision, folder: Path, env: Mapping[str, str]) -> Finding:
    return Finding(
        id=f"apply.{collision.id}",
        step="apply",
        state=CheckState.BLOCKED,
        title=collision.address,
        summary=f"{_describe_resource(collision)} exists already{_existing_suffix(collision)}",
        facts=(
            Fact(label="resource", value=collision.address),
            Fact(label="existing", value=collision.existing),
            *((Fact(label="written", value=collision.location),) if collision.location else ()),
        ),
        guide=collision.guide,
        fixes=tuple(_collision_fixes(collision, folder, env)),
    )


def _describe_resource(resource: Collision | ProtectedResource) -> str:
    return f"{resource.type.removeprefix('aws_').replace('_', ' ')} {resource.name}"


def _existing_suffix(collision: Collision) -> str:
    """What has the name, unless it is an ARN that says no more than the name itself."""
    return "" if collision.existing.startswith("arn:") and " " not in collision.existing else f": {collision.existing}"


def _imported_finding(collision: Collision) -> Finding:
    """The import block is there, and the saved plan is older: it would still make a new one."""
    return Finding(
        id=f"apply.{collision.id}",
        step="apply",
        state=CheckState.BLOCKED,
        title=collision.address,
        summary=f"{_describe_resource(collision)} is to be adopted ({import_blocks.IMPORT_FILE}): plan again, this plan knows nothing of it",
        facts=(Fact(label="existing", value=collision.existing),),
        fixes=(
            plan_fix(recommended=True),
            _undo_import_fix(collision.address),
        ),
    )


def _undo_import_fix(address: str) -> Fix:
    return Fix(
        id="apply.unadopt",
        title="Do not adopt it: take its import block away",
        action=RunCommand(argv=("ecotui", "adopt", "--undo", address)),
        changes=f"{import_blocks.IMPORT_FILE} in the terraform folder; nothing in the account or the state",
        risk=Risk.CHANGES,
    )


def _collision_fixes(collision: Collision, folder: Path, env: Mapping[str, str]) -> Iterable[Fix]:
    if ADOPT in collision.fixes and collision.import_id:
        note = import_blocks.IMPORT_NOTES.get(collision.type)
        yield Fix(
            id="apply.adopt",
            title="Adopt it: an import block, then plan again",
            action=RunCommand(argv=("ecotui", "adopt", "--write", collision.address)),
            changes=f"{import_blocks.IMPORT_FILE} in the terraform folder, nothing in the account{f'; {note}' if note else ''}",
            risk=Risk.CHANGES,
        )
    if DELETE in collision.fixes and (marked := cleanup_selection([collision])):
        yield Fix(
            id="apply.cleanup",
            title="Delete it: go to the leftovers, with this one marked",
            action=OpenStep(step="cleanup", select=marked),
            changes="nothing yet: there the deletion is typed",
        )
    elif DELETE in collision.fixes and (line := _delete_command(collision)):
        yield Fix(
            id="apply.delete",
            title="Delete it by hand: copy the command",
            action=CopyText(text=line),
            changes="nothing yet: where you run it, it is gone for good; cleanup looks for no such things",
            risk=Risk.DESTROYS,
        )
    if collision.restore:
        yield Fix(
            id="apply.restore",
            title="Bring it back, then plan again and adopt it",
            action=CopyText(text=shlex.join(collision.restore)),
            changes="it is no longer marked as deleted",
            risk=Risk.CHANGES,
        )
    if RENAME in collision.fixes and collision.location:
        yield _edit_location_fix("apply.rename", "Give another name", collision.location, folder, env)
    yield _override_fix(collision.id)
    yield plan_fix(recommended=False)


def _edit_location_fix(id_: str, title: str, location: str, folder: Path, env: Mapping[str, str]) -> Fix:
    """Open the configuration where something is written: `place` is `file:line`."""
    path, _, line = location.rpartition(":")
    return Fix(
        id=id_,
        title=f"{title}, in {location}",
        action=edit_action(folder / path, int(line) if line.isdigit() else 1, env),
        changes="your configuration, by hand",
        risk=Risk.CHANGES,
    )


def _override_fix(id_: str) -> Fix:
    return Fix(
        id="apply.anyway",
        title="Go on all the same, with a reason for the log",
        action=CopyText(text=f"ecotui apply --override {shlex.quote(f'{id_}=REASON')}"),
        changes="nothing yet: the apply starts, and most likely fails at this resource",
        risk=Risk.COSTS,
    )


def _more_collisions_finding(rest: tuple[Collision, ...]) -> Finding:
    return Finding(
        id="apply.collisions",
        step="apply",
        state=CheckState.BLOCKED,
        title="More names that are taken",
        summary=f"{len(rest)} more names are taken: is this the account that you mean?",
        facts=tuple(Fact(label=one.address, value=one.existing) for one in rest[:200]),
        fixes=(plan_fix(recommended=False),),
    )


def _protected_finding(protected: ProtectedResource, folder: Path, env: Mapping[str, str]) -> Finding:
    adopted = protected.address in import_blocks.read_imported_addresses(folder)
    change = "Change the configuration"
    fixes = (
        *([_edit_location_fix("apply.edit", change, protected.location, folder, env)] if protected.location else []),
        *([_undo_import_fix(protected.address)] if adopted else []),
        _override_fix(protected.id),
        plan_fix(recommended=False),
    )
    what = "replaced" if protected.replaced else "destroyed"
    return Finding(
        id=f"apply.{protected.id}",
        step="apply",
        state=CheckState.BLOCKED,
        title=protected.address,
        summary=f"{_describe_resource(protected)} cannot be {what}: {protected.why}",
        facts=(
            Fact(label="resource", value=protected.address),
            *((Fact(label="written", value=protected.location),) if protected.location else ()),
            *((Fact(label="adopted", value=f"by {import_blocks.IMPORT_FILE}"),) if adopted else ()),
        ),
        guide=protected.guide,
        fixes=fixes,
    )


def _quota_finding(need: QuotaNeed) -> Finding:
    return Finding(
        id=f"apply.{need.id}",
        step="apply",
        state=CheckState.BLOCKED,
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


def _not_checked_findings(unknown: Iterable[NotChecked]) -> list[Finding]:
    """Looks that failed, folded by the missing permission: each names it."""
    groups: dict[tuple[str, ...], list[NotChecked]] = {}
    for one in unknown:
        if one.failed:
            groups.setdefault(one.denied or (one.why,), []).append(one)
    return [
        Finding(
            id=f"apply.unlooked:{'+'.join(ones[0].denied) or one_line(ones[0].what, limit=60)}",
            step="apply",
            state=CheckState.UNKNOWN,
            title="Not looked at",
            summary=ones[0].sentence + (f", and {len(ones) - 1} more" if len(ones) > 1 else ""),
            facts=tuple(Fact(label=one.address or one.what, value=one.what) for one in ones[:100]),
            denied=ones[0].denied,
            fixes=(plan_fix(recommended=False),),
        )
        for ones in groups.values()
    ]


def _known_after_apply_findings(unknown: Iterable[NotChecked]) -> list[Finding]:
    """What no look can show: one finding for all, a fact for each resource."""
    open_ = [one for one in unknown if not one.failed]
    if not open_:
        return []
    plural = "s" if len(open_) != 1 else ""
    return [
        Finding(
            id="apply.unknowable",
            step="apply",
            state=CheckState.WARN,
            title="Not known before the apply",
            summary=f"{len(open_)} thing{plural} cannot be foreseen: {open_[0].sentence}",
            facts=tuple(Fact(label=one.address or one.type, value=f"{one.what}: {one.why}") for one in open_[:200]),
        )
    ]


def _warning_findings(warnings: Iterable[ForecastWarning]) -> list[Finding]:
    return [
        Finding(
            id=f"apply.warned:{one.address or one.what}",
            step="apply",
            state=CheckState.WARN,
            title=one.what,
            summary=one.sentence,
            guide=one.guide,
        )
        for one in warnings
    ]


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
