"""The look of the apply step: is the configuration sound, can the state be used, is anything left to apply?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec

from checks.apply import plan_store, validate
from checks.apply.findings import CHANGES_ID, STATE_ID, apply_finding, not_checked_finding, skipped_finding
from checks.apply.fixes import (
    apply_fix,
    blocked_step_fixes,
    plan_fix,
    recover_fixes,
    script_fix,
    show_interrupted_fix,
    unlock_fixes,
    untaint_fix,
)
from checks.apply.forecast import import_blocks
from checks.apply.forecast.findings import cleanup_selection, forecast_findings
from checks.apply.forecast.model import SavedReview
from checks.apply.model import ApplyDetail
from checks.apply.plan.model import ChangeAction
from checks.apply.state import errored
from checks.apply.state import lock as state_lock
from checks.apply.state import tainted as half_made
from checks.context import CheckContext
from checks.finding import CheckState, Fact, Finding, Fix, Report, ReportBuilder
from checks.sanitize import one_line, sanitize
from checks.script import check as script
from checks.tools.run import CommandError
from checks.tools.terraform import StateSummary, Terraform, TerraformError, terraform_init_fix
from checks.tools.terraform_backend import read_backend
from checks.tools.terraform_errors import StateLock

EMPTY_STATE_BYTES = 400
"""Bytes: a local state with less than that holds no resource; terraform writes some 180 for an empty one."""


def check(context: CheckContext) -> Report:
    """Look at the configuration, the state, and what is left to apply; a few seconds, as terraform is started."""
    begun = ReportBuilder("apply")
    findings, detail = _check_project(context)
    return begun.build([*map(_script_fix_adder(context), findings), *_forecast_findings(context, detail)], detail)


def _script_fix_adder(context: CheckContext) -> Callable[[Finding], Finding]:
    """Where something is left to apply, the team's own script is a way as well."""

    def add(finding: Finding) -> Finding:
        if finding.id != CHANGES_ID or finding.state is not CheckState.WARN:
            return finding
        found = script.check_rebuild_script(context)
        if found.trouble or not found.argv:
            return finding
        return msgspec.structs.replace(finding, fixes=(*finding.fixes, script_fix(found)))

    return add


def _forecast_findings(context: CheckContext, detail: ApplyDetail) -> list[Finding]:
    """What the last plan would run into; nothing, once that plan cannot be applied any more."""
    if not detail.plan or detail.stale:
        return []
    try:
        return forecast_findings(plan_store.read_review(Path(detail.plan)), context.terraform_folder, context.env)
    except plan_store.PlanNotReviewed:
        return []


def _check_project(context: CheckContext) -> tuple[list[Finding], ApplyDetail]:
    terraform = Terraform(context)
    folder = terraform.folder
    detail = ApplyDetail(folder=str(folder))
    trouble = validate.folder_finding(terraform)
    if trouble:
        return [trouble, skipped_finding(STATE_ID), skipped_finding(CHANGES_ID)], detail

    # Side by side: the state, its lock and, where a plan would only tell that all is to be made, the validation.
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="apply") as pool:
        context.on_progress(f"{terraform.name} state pull, and who holds the lock")
        looked_at = pool.submit(state_lock.read_state_lock, context)
        validated = pool.submit(validate.validation_finding, terraform) if _is_probably_empty(context) else None
        held, refused = _read_state(terraform)
        return _build_findings(context, terraform, held, refused, looked_at.result(), validated)


def _is_probably_empty(context: CheckContext) -> bool:
    """Whether the state probably holds no resources yet; that is known when it was read."""
    where = read_backend(context)
    if not where.is_local:
        return not plan_store.plan_and_review_paths(plan_store.default_plan_folder(context))[
            0
        ].is_file()  # nothing was ever planned here
    try:
        return where.state_file.stat().st_size < EMPTY_STATE_BYTES
    except OSError:
        return True


def _build_findings(
    context: CheckContext,
    terraform: Terraform,
    state_summary: StateSummary | None,
    state_error: CommandError | None,
    lock_status: state_lock.StateLockStatus,
    pending_validation: Future[Finding] | None,
) -> tuple[list[Finding], ApplyDetail]:
    """What is told, once the state was read, or could not be; `validated` is the validation that is under way."""
    folder, lock = terraform.folder, lock_status.lock
    if lock is None and isinstance(state_error, TerraformError) and state_error.lock:
        lock = state_lock.add_holder_status(state_error.lock, folder, terraform.name)
    review, plan_file, stale = _read_saved_review(context, state_summary)
    detail = ApplyDetail(
        folder=str(folder),
        initialised=terraform.is_initialised(),
        resources=None if state_summary is None else len(state_summary.resources),
        types=dict(Counter(one.type for one in state_summary.resources).most_common()) if state_summary else {},
        serial=state_summary.serial if state_summary else -1,
        lock=lock,
        plan=plan_file if review else "",
        plan_sentence=review.plan.sentence if review else "",
        where=f"account {review.account}, {review.region}" if review and review.account else "",
        losses=len(review.plan.data_losses) if review else 0,
        gone=_destroyed_addresses(review) if review else (),
        forecast_sentence=review.forecast.sentence if review else "",
        blocking=review.forecast.blocking_ids if review else (),
        names_in_the_way=cleanup_selection(review.forecast.collisions, import_blocks.read_imported_addresses(folder))
        if review
        else (),
        stale=stale,
    )
    state = _add_lock_status(_state_finding(terraform, state_summary, state_error, lock), lock_status)

    if state_summary is not None and state_summary.resources:
        # A plan validates as well: the provider is started once, not twice.
        context.on_progress(f"{terraform.name} plan against the state: what is left to apply")
        try:
            pending, warnings = terraform.count_pending_changes(timeout=context.settings.terraform.timeout)
        except CommandError as error:
            diagnostics = error.errors if isinstance(error, TerraformError) else ()
            sound = validate.validation_finding(terraform)
            detail = msgspec.structs.replace(detail, diagnostics=diagnostics)
            return [sound, state, _plan_failed_finding(terraform, error, sound)], detail
        detail = msgspec.structs.replace(detail, pending=pending, diagnostics=warnings)
        sound = validate.validation_passed_finding(terraform, warnings)
        return [sound, state, _pending_finding(pending, state_summary, detail)], detail

    context.on_progress(f"{terraform.name} validate")
    sound = pending_validation.result() if pending_validation else validate.validation_finding(terraform)
    if state_summary is None:
        return [sound, state, _state_unreadable_finding()], detail
    return [sound, state, _nothing_applied_finding(detail)], detail


def _read_state(terraform: Terraform) -> tuple[StateSummary | None, CommandError | None]:
    try:
        return terraform.pull_state(), None
    except CommandError as error:
        return None, error


def _destroyed_addresses(review: SavedReview) -> tuple[str, ...]:
    """What is lost comes first, then all else that goes."""
    going = (ChangeAction.DESTROY, ChangeAction.REPLACE)
    found = [one for one in review.plan.changes if one.action in going]
    return tuple(f"{one.action.value} {one.address}" for one in sorted(found, key=lambda one: not one.stateful))


def _read_saved_review(
    context: CheckContext, state_summary: StateSummary | None
) -> tuple[SavedReview | None, str, str]:
    place = plan_store.default_plan_folder(context)
    try:
        review = plan_store.read_review(place)
    except plan_store.PlanNotReviewed:
        return None, "", ""
    return (
        review,
        str(plan_store.plan_and_review_paths(place)[0]),
        plan_store.why_stale(context, place, review, state_summary),
    )


def _state_finding(
    terraform: Terraform, state_summary: StateSummary | None, state_error: CommandError | None, lock: StateLock | None
) -> Finding:
    left = errored.read_errored_state(
        terraform.folder, state_summary, one_line(state_error.explain()) if state_error else ""
    )
    if left:
        return apply_finding(
            STATE_ID,
            CheckState.BLOCKED,
            left.sentence,
            facts=(
                Fact(label="in the file", value=f"{left.resources} resources, serial {left.serial}"),
                *(
                    ()
                    if left.there is None
                    else (Fact(label="state now", value=f"{left.there} resources, serial {left.there_serial}"),)
                ),
                *(Fact(label="only in the file", value=address) for address in left.gained[:12]),
                *(Fact(label="only in the state", value=address) for address in left.lost[:12]),
            ),
            fixes=recover_fixes(left),
            raw=sanitize(str(state_error)) if state_error else "",
        )
    if lock:
        return apply_finding(
            STATE_ID,
            CheckState.BLOCKED,
            f"{lock.sentence}; {lock.holder_status}",
            facts=(Fact(label="lock", value=lock.id), Fact(label="held by", value=lock.who)),
            fixes=() if lock.alive else unlock_fixes(lock),
            raw=sanitize(str(state_error)) if state_error else "",
        )
    if state_summary is None:
        assert state_error is not None
        if isinstance(state_error, TerraformError) and state_error.needs_init:
            return apply_finding(
                STATE_ID,
                CheckState.WARN,
                "The state cannot be read before the folder is initialised",
                fixes=(terraform_init_fix(terraform.name),),
                raw=state_error.raw,
            )
        return not_checked_finding(STATE_ID, state_error, terraform.name)
    tainted = [one.address for one in state_summary.resources if one.tainted]
    return apply_finding(
        STATE_ID,
        CheckState.OK,
        f"The state holds {len(state_summary.resources)} resources"
        + (f", {len(tainted)} of them half made (tainted), to be made again" if tainted else "")
        if state_summary.resources
        else "The state is empty",
        facts=tuple(
            Fact(label=type_, value=str(count))
            for type_, count in Counter(one.type for one in state_summary.resources).most_common(12)
        ),
    )


def _add_lock_status(finding: Finding, lock_status: state_lock.StateLockStatus) -> Finding:
    """What could not be looked at is told: a state that can be read may still be locked."""
    if not lock_status.unknown_reason or lock_status.lock:
        return finding
    told = msgspec.structs.replace(
        finding, facts=(*finding.facts, Fact(label="lock", value=lock_status.unknown_reason))
    )
    if finding.state is not CheckState.OK or not lock_status.raw:
        return told  # nothing went wrong: this backend, or this configuration, has no lock that one could look at
    return msgspec.structs.replace(
        told,
        state=CheckState.UNKNOWN,
        summary=f"{finding.summary}; whether it is locked is not known: {lock_status.unknown_reason}",
        denied=(*finding.denied, *lock_status.denied),
        raw=lock_status.raw,
    )


def _nothing_applied_finding(detail: ApplyDetail) -> Finding:
    planned = f": {detail.plan_sentence}" if detail.plan and not detail.stale else ""
    return _changes_finding(CheckState.WARN, f"Nothing is applied yet{planned}", detail)


def _pending_finding(pending: dict[str, int], state_summary: StateSummary, detail: ApplyDetail) -> Finding:
    if not pending:
        return _changes_finding(
            CheckState.OK,
            f"Everything is applied: {len(state_summary.resources)} resources, nothing left to do",
            detail,
        )
    words = {"delete": "destroy"}
    parts = ", ".join(f"{count} to {words.get(action, action)}" for action, count in sorted(pending.items()))
    tainted = sum(one.tainted and one.type in half_made.UNTAINTABLE_TYPES for one in state_summary.resources)
    return _changes_finding(CheckState.WARN, f"Not everything is applied: {parts}", detail, tainted)


def _plan_failed_finding(terraform: Terraform, error: CommandError, configuration_finding: Finding) -> Finding:
    if configuration_finding.state is CheckState.BLOCKED:
        return skipped_finding(CHANGES_ID)
    return not_checked_finding(CHANGES_ID, error, terraform.name)


def _state_unreadable_finding() -> Finding:
    return apply_finding(
        CHANGES_ID,
        CheckState.WARN,
        "Whether anything is left to apply is not known before the state can be read",
        fixes=(plan_fix(recommended=True),),
    )


def _changes_finding(state: CheckState, summary: str, detail: ApplyDetail, tainted: int = 0) -> Finding:
    fixes: tuple[Fix, ...] = ()
    facts: tuple[Fact, ...] = ()
    if state is not CheckState.OK:
        ready = bool(detail.plan) and not detail.stale
        fixes = (plan_fix(recommended=not ready),)
        if ready:
            facts = (
                Fact(label="reviewed plan", value=detail.plan_sentence),
                Fact(label="forecast", value=detail.forecast_sentence),
            )
            if detail.blocking:
                summary = f"{summary}; at the last plan {detail.forecast_sentence}"
                fixes = (
                    *blocked_step_fixes(detail),
                    plan_fix(recommended=True),
                    apply_fix(detail, with_overrides=True),
                )
            else:
                fixes = (apply_fix(detail), *fixes)
        elif detail.plan:
            facts = (Fact(label="saved plan", value=f"stale: {detail.stale}"),)
            fixes = (*fixes, show_interrupted_fix())
        if tainted:
            fixes = (
                untaint_fix(tainted),
                *(msgspec.structs.replace(fix, recommended=False) for fix in fixes),
            )
    return apply_finding(CHANGES_ID, state, summary, facts=facts, fixes=fixes)
