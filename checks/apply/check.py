"""The check of the apply step: is the configuration valid, can the state be used, is anything left to apply? Read-only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import msgspec

from checks.apply import plan_store
from checks.apply.fixes import (
    apply_fix,
    blocked_step_fixes,
    edit_fix,
    plan_fix,
    recover_fixes,
    script_fix,
    show_interrupted_fix,
    terraform_error_fixes,
    terraform_init_fix,
    unlock_fix,
    untaint_fix,
)
from checks.apply.forecast import import_blocks
from checks.apply.forecast.findings import cleanup_selection, forecast_findings
from checks.apply.forecast.model import SavedReview
from checks.apply.model import ApplyDetail
from checks.apply.plan.model import ChangeAction
from checks.apply.state import errored
from checks.apply.state import lock as state_lock
from checks.apply.state.tainted import UNTAINTABLE_TYPES
from checks.context import CheckContext
from checks.finding import CheckState, Fact, Finding, Report, ReportBuilder, build_finding
from checks.sanitize import one_line, sanitize
from checks.script import check as script
from checks.text import plural
from checks.tools.run import CommandError
from checks.tools.terraform import StateSummary, Terraform, TerraformError
from checks.tools.terraform_backend import read_backend
from checks.tools.terraform_errors import Diagnostic, StateLock, guide_entries_for_diagnostics, needs_init

_configuration_finding = partial(build_finding, "apply", "configuration", title="Configuration")
_state_finding = partial(build_finding, "apply", "state", title="State")
_changes_finding = partial(build_finding, "apply", "changes", title="Changes")

EMPTY_STATE_BYTES = 400
"""Bytes: a local state with less than that holds no resource; terraform writes some 180 for an empty one."""
_SKIPPED = "Waits until the configuration is in order"


def check(context: CheckContext) -> Report:
    """Check the configuration, the state, and what is left to apply; takes seconds, as terraform is started."""
    report = ReportBuilder("apply")
    findings, detail = _check_project(context)
    if findings[-1].state is CheckState.WARN:
        findings[-1] = _add_script_fix(context, findings[-1])
    return report.build([*findings, *_forecast_findings(context, detail)], detail)


def _add_script_fix(context: CheckContext, changes: Finding) -> Finding:
    """Where something is left to apply, the team's own script is a fix as well."""
    found = script.check_rebuild_script(context)
    if found.trouble or not found.argv:
        return changes
    return msgspec.structs.replace(changes, fixes=(*changes.fixes, script_fix(found)))


def _forecast_findings(context: CheckContext, detail: ApplyDetail) -> list[Finding]:
    """What the last plan would run into; nothing once that plan cannot be applied any more."""
    if not detail.plan_file or detail.stale_reason:
        return []
    try:
        return forecast_findings(plan_store.read_review(Path(detail.plan_file)), context.terraform_folder, context.env)
    except plan_store.PlanNotReviewed:
        return []


def _check_project(context: CheckContext) -> tuple[list[Finding], ApplyDetail]:
    """The findings about configuration, state and changes, in this order."""
    terraform = Terraform(context)
    if missing := _missing_configuration_finding(terraform):
        skipped = [
            finding(state=CheckState.SKIPPED, summary=_SKIPPED) for finding in (_state_finding, _changes_finding)
        ]
        return [missing, *skipped], ApplyDetail(folder=str(terraform.folder))

    # Side by side: the state, its lock and, where a plan would only say that everything is to be created, the validation.
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="apply") as pool:
        context.on_progress(f"{terraform.name} state pull, and who holds the lock")
        lock_status = pool.submit(state_lock.read_state_lock, context)
        validation = pool.submit(_validate, terraform) if _is_probably_empty(context) else None
        state, error = _read_state(terraform)
        return _build_findings(context, terraform, state, error, lock_status.result(), validation)


def _is_probably_empty(context: CheckContext) -> bool:
    """Whether the state probably holds no resources yet; a guess, made before it is read."""
    backend = read_backend(context)
    if not backend.is_local:  # then: was anything ever planned here?
        return not plan_store.plan_and_review_paths(plan_store.default_plan_folder(context))[0].is_file()
    try:
        return backend.state_file.stat().st_size < EMPTY_STATE_BYTES
    except OSError:
        return True


def _read_state(terraform: Terraform) -> tuple[StateSummary | None, CommandError | None]:
    try:
        return terraform.pull_state(), None
    except CommandError as error:
        return None, error


def _build_findings(
    context: CheckContext,
    terraform: Terraform,
    state_summary: StateSummary | None,
    state_error: CommandError | None,
    lock_status: state_lock.StateLockStatus,
    pending_validation: Future[Finding] | None,
) -> tuple[list[Finding], ApplyDetail]:
    """`pending_validation` runs already, where it was started beside the reading of the state."""
    lock = lock_status.lock
    if lock is None and isinstance(state_error, TerraformError) and state_error.lock:
        lock = state_lock.add_holder_status(state_error.lock, terraform.folder, terraform.name)
    detail = _build_detail(context, terraform, state_summary, lock)
    state = _add_lock_status(_check_state(terraform, state_summary, state_error, lock), lock_status)

    if state_summary is not None and state_summary.resources:
        # A plan validates as well: the provider is started once, not twice.
        context.on_progress(f"{terraform.name} plan against the state: what is left to apply")
        try:
            pending, warnings = terraform.count_pending_changes(timeout=context.settings.terraform.timeout)
        except CommandError as error:
            diagnostics = error.errors if isinstance(error, TerraformError) else ()
            validation = _validate(terraform)
            if validation.state is CheckState.BLOCKED:
                changes = _changes_finding(state=CheckState.SKIPPED, summary=_SKIPPED)
            else:
                changes = _failed_finding(_changes_finding, error, terraform)
            return [validation, state, changes], msgspec.structs.replace(detail, diagnostics=diagnostics)
        detail = msgspec.structs.replace(detail, pending=pending, diagnostics=warnings)
        changes = _pending_finding(pending, state_summary, detail)
        return [_valid_finding(terraform, warnings), state, changes], detail

    context.on_progress(f"{terraform.name} validate")
    validation = pending_validation.result() if pending_validation else _validate(terraform)
    if state_summary is None:
        summary = "Whether anything is left to apply is not known before the state can be read"
        changes = _changes_finding(state=CheckState.WARN, summary=summary, fixes=(plan_fix(recommended=True),))
    else:
        planned = f": {detail.plan_sentence}" if detail.plan_file and not detail.stale_reason else ""
        changes = _unapplied_finding(f"Nothing is applied yet{planned}", detail)
    return [validation, state, changes], detail


def _build_detail(
    context: CheckContext, terraform: Terraform, state_summary: StateSummary | None, lock: StateLock | None
) -> ApplyDetail:
    detail = ApplyDetail(
        folder=str(terraform.folder),
        initialised=terraform.is_initialised(),
        resources=None if state_summary is None else len(state_summary.resources),
        types=dict(Counter(one.type for one in state_summary.resources).most_common()) if state_summary else {},
        serial=state_summary.serial if state_summary else -1,
        lock=lock,
    )
    folder = plan_store.default_plan_folder(context)
    try:
        review = plan_store.read_review(folder)
    except plan_store.PlanNotReviewed:
        return detail
    return msgspec.structs.replace(
        detail,
        plan_file=str(plan_store.plan_and_review_paths(folder)[0]),
        plan_sentence=review.plan.sentence,
        target=f"account {review.account}, {review.region}" if review.account else "",
        data_loss_count=len(review.plan.data_losses),
        destroyed=_destroyed_addresses(review),
        forecast_sentence=review.forecast.sentence,
        blocking_ids=review.forecast.blocking_ids,
        cleanup_selection=cleanup_selection(
            review.forecast.collisions, import_blocks.read_imported_addresses(terraform.folder)
        ),
        stale_reason=plan_store.why_stale(context, folder, review, state_summary),
    )


def _destroyed_addresses(review: SavedReview) -> tuple[str, ...]:
    """`destroy aws_vpc.a`: what holds data first."""
    found = [one for one in review.plan.changes if one.action in (ChangeAction.DESTROY, ChangeAction.REPLACE)]
    return tuple(f"{one.action.value} {one.address}" for one in sorted(found, key=lambda one: not one.stateful))


# Configuration


def _missing_configuration_finding(terraform: Terraform) -> Finding | None:
    """Why there is no configuration to check; None when there is one."""
    folder, state = one_line(str(terraform.folder)), CheckState.BLOCKED
    if not terraform.folder.is_dir():
        summary = f"The terraform folder {folder} does not exist: set terraform.directory in ecotui.yaml"
    else:
        try:
            if any(path.name.endswith((".tf", ".tf.json", ".tofu")) for path in terraform.folder.iterdir()):
                return None
            summary = f"There are no *.tf files in {folder}"
        except OSError as error:
            summary = f"The terraform folder {folder} cannot be read: {error.strerror}"
            return _configuration_finding(state=CheckState.UNKNOWN, summary=summary)
    return _configuration_finding(state=state, summary=summary, guide=("1.6",))


def _validate(terraform: Terraform) -> Finding:
    """The answer of `terraform validate`."""
    try:
        validation = terraform.validate()
    except CommandError as error:
        return _failed_finding(_configuration_finding, error, terraform)
    if validation.valid:
        return _valid_finding(terraform, validation.diagnostics)
    raw = _raw_diagnostics(validation.diagnostics)
    if needs_init(validation.errors) or not validation.errors:
        return _configuration_finding(
            state=CheckState.WARN,
            summary=f"The terraform folder is not initialised yet; `ecotui plan` runs {terraform.name} init",
            facts=_folder_facts(terraform),
            fixes=(terraform_init_fix(terraform.name),),
            raw=raw,
        )
    first, more = validation.errors[0], len(validation.errors) - 1
    location = f" at {first.location}" if first.location else ""
    errors = (
        Fact(label=one.location or "error", value=one_line(f"{one.summary}: {one.detail}"))
        for one in validation.errors[:10]
    )
    return _configuration_finding(
        state=CheckState.BLOCKED,
        summary=f"{terraform.name} refuses the configuration: {one_line(first.summary)}{location}"
        + (f", and {more} more" if more else ""),
        facts=(*_folder_facts(terraform), *errors),
        guide=guide_entries_for_diagnostics(validation.diagnostics),
        fixes=(edit_fix(terraform.folder, first, terraform.env),) if first.location else (),
        raw=raw,
    )


def _valid_finding(terraform: Terraform, diagnostics: Iterable[Diagnostic]) -> Finding:
    """A valid configuration. A warning that the guide explains makes it a warning."""
    warnings = [one for one in diagnostics if not one.is_error]
    guide = guide_entries_for_diagnostics(warnings)
    summary = "The configuration is valid"
    if warnings:
        summary += f", with {plural(len(warnings), 'warning')}: {one_line(warnings[0].summary)}"
    return _configuration_finding(
        state=CheckState.WARN if guide else CheckState.OK,
        summary=summary,
        facts=_folder_facts(terraform),
        guide=guide,
        raw=_raw_diagnostics(warnings),
    )


def _folder_facts(terraform: Terraform) -> tuple[Fact, ...]:
    return (Fact(label="folder", value=one_line(str(terraform.folder))),)


def _raw_diagnostics(diagnostics: Iterable[Diagnostic]) -> str:
    return sanitize("\n\n".join(one.text for one in diagnostics), limit=20_000)


def _failed_finding(finding: partial[Finding], error: CommandError, terraform: Terraform) -> Finding:
    """Terraform could not be asked, or refused."""
    refusal = error if isinstance(error, TerraformError) else None
    return finding(
        state=CheckState.UNKNOWN,
        summary=one_line(error.explain()),
        guide=refusal.guide if refusal else (),
        fixes=terraform_error_fixes(error, terraform.name),
        raw=refusal.raw if refusal else sanitize(str(error)),
    )


# State


def _check_state(
    terraform: Terraform, state_summary: StateSummary | None, state_error: CommandError | None, lock: StateLock | None
) -> Finding:
    raw = sanitize(str(state_error)) if state_error else ""
    reason = one_line(state_error.explain()) if state_error else ""
    if left := errored.read_errored_state(terraform.folder, state_summary, reason):
        return _errored_state_finding(left, raw)
    if lock:
        return _state_finding(
            state=CheckState.BLOCKED,
            summary=f"{lock.sentence}; {lock.holder_status}",
            facts=(Fact(label="lock", value=lock.id), Fact(label="held by", value=lock.who)),
            fixes=() if lock.alive else (unlock_fix(lock),),
            raw=raw,
        )
    if state_summary is None:
        assert state_error is not None
        if isinstance(state_error, TerraformError) and state_error.needs_init:
            return _state_finding(
                state=CheckState.WARN,
                summary="The state cannot be read before the folder is initialised",
                fixes=(terraform_init_fix(terraform.name),),
                raw=state_error.raw,
            )
        return _failed_finding(_state_finding, state_error, terraform)
    if not state_summary.resources:
        return _state_finding(state=CheckState.OK, summary="The state is empty")
    tainted = sum(one.tainted for one in state_summary.resources)
    types = Counter(one.type for one in state_summary.resources).most_common(12)
    return _state_finding(
        state=CheckState.OK,
        summary=f"The state holds {plural(len(state_summary.resources), 'resource')}"
        + (f", {tainted} of them tainted: the next plan replaces them" if tainted else ""),
        facts=tuple(Fact(label=type_, value=str(count)) for type_, count in types),
    )


def _errored_state_finding(left: errored.ErroredState, raw: str) -> Finding:
    facts = [Fact(label="in the file", value=f"{plural(left.resources, 'resource')}, serial {left.serial}")]
    if left.current_resources is not None:
        facts.append(
            Fact(label="state now", value=f"{plural(left.current_resources, 'resource')}, serial {left.current_serial}")
        )
    facts += [Fact(label="only in the file", value=address) for address in left.gained[:12]]
    facts += [Fact(label="only in the state", value=address) for address in left.lost[:12]]
    return _state_finding(
        state=CheckState.BLOCKED, summary=left.sentence, facts=tuple(facts), fixes=recover_fixes(left), raw=raw
    )


def _add_lock_status(finding: Finding, lock_status: state_lock.StateLockStatus) -> Finding:
    """A state that can be read may still be locked: where that could not be checked, the finding says so."""
    if not lock_status.unknown_reason or lock_status.lock:
        return finding
    facts = (*finding.facts, Fact(label="lock", value=lock_status.unknown_reason))
    if finding.state is not CheckState.OK or not lock_status.raw:
        # Nothing went wrong: this backend, or this configuration, has no lock that can be read.
        return msgspec.structs.replace(finding, facts=facts)
    return msgspec.structs.replace(
        finding,
        facts=facts,
        state=CheckState.UNKNOWN,
        summary=f"{finding.summary}; whether it is locked is not known: {lock_status.unknown_reason}",
        denied=(*finding.denied, *lock_status.denied),
        raw=lock_status.raw,
    )


# Changes


def _pending_finding(pending: dict[str, int], state_summary: StateSummary, detail: ApplyDetail) -> Finding:
    if not pending:
        summary = f"Everything is applied: {plural(len(state_summary.resources), 'resource')}, nothing left to do"
        return _changes_finding(state=CheckState.OK, summary=summary)
    names = {"delete": "destroy"}
    parts = ", ".join(f"{count} to {names.get(action, action)}" for action, count in sorted(pending.items()))
    tainted = sum(one.tainted and one.type in UNTAINTABLE_TYPES for one in state_summary.resources)
    return _unapplied_finding(f"Not everything is applied: {parts}", detail, tainted)


def _unapplied_finding(summary: str, detail: ApplyDetail, tainted: int = 0) -> Finding:
    """Something is left to apply; `tainted` resources may be complete."""
    is_ready = bool(detail.plan_file) and not detail.stale_reason
    fixes = [plan_fix(recommended=not is_ready)]
    facts: tuple[Fact, ...] = ()
    if is_ready:
        facts = (
            Fact(label="reviewed plan", value=detail.plan_sentence),
            Fact(label="forecast", value=detail.forecast_sentence),
        )
        if detail.blocking_ids:
            summary = f"{summary}; at the last plan {detail.forecast_sentence}"
            fixes = [*blocked_step_fixes(detail), plan_fix(recommended=True), apply_fix(detail, with_overrides=True)]
        else:
            fixes.insert(0, apply_fix(detail))
    elif detail.plan_file:
        facts = (Fact(label="saved plan", value=f"stale: {detail.stale_reason}"),)
        fixes.append(show_interrupted_fix())
    if tainted:
        fixes = [untaint_fix(tainted), *(msgspec.structs.replace(fix, recommended=False) for fix in fixes)]
    return _changes_finding(state=CheckState.WARN, summary=summary, facts=facts, fixes=tuple(fixes))
