"""`ecotui recover`: what an interrupted apply left: an unsaved state, orphaned resources, and tainted ones.

`--approve` saves the state, and names exactly the file that was shown; `--adopt` only writes import blocks, which the next
plan shows; `--keep` untaints.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from checks.finding import STATE_ICONS, CheckState
from config.folders import state_folder
from ecotui import exit_codes
from ecotui.cli.context import check_context
from ecotui.cli.locks import configure_override, hold_locks
from ecotui.cli.printing import print_document

if TYPE_CHECKING:
    from checks.apply.forecast.import_blocks import PlannedImport
    from checks.apply.state.errored import ErroredState
    from checks.apply.state.orphans import OrphanedResource
    from checks.apply.state.tainted import TaintedResource
    from checks.context import CheckContext
    from checks.tools.terraform import StateSummary, Terraform
    from ecotui.history.current_apply import CurrentApply


@dataclass(frozen=True)
class _RecoveryFindings:
    """What an interrupted apply left."""

    errored: ErroredState | None
    last_apply: CurrentApply | None
    """The last apply on record."""
    orphans: tuple[OrphanedResource, ...]
    state_error: str
    """Why the state could not be read; empty when it was."""
    tainted: tuple[TaintedResource, ...] = ()
    """The tainted resources of the state, each checked in AWS."""

    @property
    def exit_code(self) -> int:
        if self.errored or self.state_error or any(one.candidates for one in self.orphans):
            return exit_codes.BLOCKED
        unsure = any(one.unknown_reason for one in self.orphans) or any(one.denied for one in self.tainted)
        return exit_codes.WARNINGS if unsure else exit_codes.OK


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--approve", metavar="DIGEST", help="save the errored.tfstate with this digest, and move it aside"
    )
    parser.add_argument(
        "--adopt",
        metavar="ADDRESS[=ID]",
        nargs="?",
        const="",
        action="append",
        default=[],
        help="write an import block for an orphaned resource (the ID where several may be it); without an address, for all"
        " of which exactly one exists",
    )
    parser.add_argument(
        "--keep",
        metavar="ADDRESS",
        nargs="?",
        const="",
        action="append",
        default=[],
        help="untaint resources that exist in the account, so that they are not replaced; without an address, all of which"
        " only the wait was interrupted",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    configure_override(parser)


def run(args: argparse.Namespace) -> int:
    if (args.approve is not None) + bool(args.adopt) + bool(args.keep) > 1:
        return _print_refusal(
            "--approve, --keep and --adopt go one after the other: save the state first", exit_codes.USAGE
        )
    context = check_context(args)
    if args.approve is None and not args.adopt and not args.keep:
        return _dispatch(context, args)
    with hold_locks(context, args.override):
        return _dispatch(context, args)


def _dispatch(context: CheckContext, args: argparse.Namespace) -> int:
    from checks.tools.terraform import Terraform

    terraform = Terraform(context)
    state, state_error = _read_state(terraform)
    if args.approve is not None:
        return _push_errored_state(terraform, state, state_error, args.approve, as_json=args.json)
    findings = _collect_findings(context, terraform, state, state_error)
    if args.adopt:
        return _write_import_blocks(context, findings, args.adopt)
    if args.keep:
        return _untaint(terraform, findings, args.keep)
    if args.json:
        _print_recovery_document(findings)
    else:
        _print_findings(findings)
    return findings.exit_code


def _read_state(terraform: Terraform) -> tuple[StateSummary | None, str]:
    from checks.tools.run import CommandError

    try:
        return terraform.pull_state(), ""
    except CommandError as error:
        return None, error.explain()


def _collect_findings(
    context: CheckContext, terraform: Terraform, state: StateSummary | None, state_error: str
) -> _RecoveryFindings:
    from checks.apply.state import errored
    from checks.apply.state.orphans import find_interrupted_creations, find_orphan
    from checks.apply.state.tainted import check_tainted
    from ecotui.history import current_apply
    from ecotui.session import store

    left = errored.read_errored_state(terraform.folder, state, state_error)
    last_apply = current_apply.find_current_apply(
        store.SessionStore(state_folder(context.settings, context.env)), context.project
    )
    if last_apply is None or last_apply.is_running or state is None:
        return _RecoveryFindings(left, last_apply, (), state_error)
    addresses = {one.address for one in state.resources} | set(left.gained if left else ())
    changes = last_apply.plan.changes if last_apply.plan else ()
    known_ids = ({one.id for one in state.resources} | {one.arn for one in state.resources}) - {""}
    creations = find_interrupted_creations(last_apply.progress, changes, addresses)
    orphans = tuple(find_orphan(context, one, known_ids) for one in creations)
    tainted = check_tainted(context, [one for one in state.resources if one.tainted], last_apply.progress)
    return _RecoveryFindings(left, last_apply, orphans, state_error, tainted)


def _push_errored_state(
    terraform: Terraform, state: StateSummary | None, state_error: str, digest: str, *, as_json: bool
) -> int:
    from checks.apply.state import errored
    from checks.tools.run import CommandError

    left = errored.read_errored_state(terraform.folder, state, state_error)
    if left is None:
        return _print_refusal(f"there is no {errored.ERRORED_STATE_FILE} in {terraform.folder}; nothing was saved")
    if not digest or left.digest != digest:
        return _print_refusal(f"{errored.ERRORED_STATE_FILE} is another one by now ({left.digest}); nothing was saved")
    if not left.is_pushable and left.push_safety is not errored.PushSafety.SAME:
        return _print_refusal(f"{left.sentence}; nothing was saved")
    try:
        if left.is_pushable:
            terraform.push_state(terraform.folder / errored.ERRORED_STATE_FILE)
            missing = _missing_after_push(terraform, left)
            if missing:
                return _print_refusal(f"it was pushed, but the state then lacks {missing}; the file was not moved")
        aside = errored.archive_errored_state(terraform.folder, left.digest)
    except CommandError as error:
        return _print_refusal(f"{error.explain()}; {errored.ERRORED_STATE_FILE} was not moved", exit_codes.ERROR)
    except OSError as error:
        return _print_refusal(
            f"{errored.ERRORED_STATE_FILE} could not be moved aside: {error.strerror}", exit_codes.ERROR
        )
    if as_json:
        print_document("recover", {"saved": left.is_pushable, "aside": str(aside), "gained": list(left.gained)})
        return exit_codes.OK
    if left.is_pushable:
        print(f"Saved: the state holds {left.resources} resources, {len(left.gained)} more than before")
    print(f"The file is now {aside.name} (it holds secrets; delete it when all is well)")
    print("Go on with: ecotui plan")
    return exit_codes.OK


def _missing_after_push(terraform: Terraform, errored_state: ErroredState) -> str:
    """What the state lacks after the push; empty when it has all of it."""
    from checks.text import plural

    state, state_error = _read_state(terraform)
    if state is None:
        return f"what could not be read again ({state_error})"
    missing = sorted(set(errored_state.gained) - {one.address for one in state.resources})
    return f"{plural(len(missing), 'resource')} ({', '.join(missing[:3])})" if missing else ""


def _write_import_blocks(context: CheckContext, findings: _RecoveryFindings, options: list[str]) -> int:
    from checks.apply import plan_store
    from checks.apply.forecast import import_blocks

    if findings.errored:
        return _print_refusal(f"{findings.errored.sentence}; nothing was written")
    try:
        adoptions = [
            one
            for word in options
            for one in ([_select_import(findings, word)] if word else _unambiguous_imports(findings))
        ]
        if not adoptions:
            return _print_refusal("of no orphaned resource exactly one exists; nothing was written")
        review = plan_store.read_review(plan_store.default_plan_folder(context))
        target = import_blocks.write_import_blocks(context.terraform_folder, review, adoptions)
    except (import_blocks.ImportBlockError, plan_store.PlanNotReviewed) as error:
        return _print_refusal(str(error))
    except OSError as error:
        return _print_refusal(
            f"{context.terraform_folder / import_blocks.IMPORT_FILE}: {error.strerror}", exit_codes.ERROR
        )
    print(f"{target}:\n")
    for one in adoptions:
        print(one.block)
    print("Written. Plan again, and see what the import changes: ecotui plan")
    return exit_codes.OK


def _untaint(terraform: Terraform, findings: _RecoveryFindings, addresses: list[str]) -> int:
    """Untaint the addresses, or all that are complete; each was checked just now."""
    from checks.tools.run import CommandError

    if findings.errored:
        return _print_refusal(f"{findings.errored.sentence}; nothing was changed")
    if findings.state_error:
        return _print_refusal(f"the state could not be read: {findings.state_error}; nothing was changed")
    by_address = {one.address: one for one in findings.tainted}
    named = [address for address in addresses if address]
    for address in named:
        if address not in by_address:
            return _print_refusal(f"{address} is not tainted; nothing was changed")
        if not by_address[address].is_complete:
            return _print_refusal(f"{address}: {by_address[address].status}; nothing was changed")
    chosen = [one for one in findings.tainted if one.is_complete and (not named or one.address in named)]
    if not chosen:
        return _print_refusal("no tainted resource could be confirmed; nothing was changed")
    for one in chosen:
        try:
            terraform.untaint(one.address)
        except CommandError as error:
            reason = f"{one.address}: {error.explain()}; the resources before it are untainted"
            return _print_refusal(reason, exit_codes.ERROR)
        print(f"Untainted {one.address}: {one.status}", flush=True)
    # Of what terraform did not wait for, the state lacks attributes: without them the next plan would still replace it.
    print("Reading them back into the state", flush=True)
    try:
        terraform.refresh_resources([one.address for one in chosen])
    except CommandError as error:
        reason = f"they are untainted, but could not be read back: {error.explain()}; the next plan does it"
        return _print_refusal(reason, exit_codes.ERROR)
    for one in findings.tainted:
        if one not in chosen and not one.is_complete:
            print(f"Still tainted: {one.address}: {one.status}")
    print("Plan again, and see what is left to do: ecotui plan")
    return exit_codes.OK


def _unambiguous_imports(findings: _RecoveryFindings) -> list[PlannedImport]:
    """The imports of all orphans of which exactly one exists in the account."""
    return [
        _select_import(findings, one.creation.address)
        for one in findings.orphans
        if len([each for each in one.candidates if each.is_own]) == 1
    ]


def _select_import(findings: _RecoveryFindings, option: str) -> PlannedImport:
    """The import that `ADDRESS[=ID]` names. Raises ImportBlockError for an address or id that was not found."""
    from checks.apply.forecast.import_blocks import ImportBlockError, PlannedImport
    from checks.apply.forecast.model import render_import_block
    from checks.sanitize import one_line

    for one in findings.orphans:
        address = one.creation.address
        # An address may hold `=` itself, in a key of for_each.
        if option != address and not option.startswith(f"{address}="):
            continue
        id_ = option[len(address) + 1 :]
        importable = [each for each in one.candidates if each.is_own and id_ in ("", each.id, each.import_id)]
        if not importable:
            raise ImportBlockError(f"{one_line(option)}: {one.sentence}; nothing to import")
        if len(importable) > 1:
            ids = ", ".join(each.id for each in importable)
            raise ImportBlockError(f"{one_line(address)} may be any of {ids}: say which one, --adopt {address}=ID")
        import_id = importable[0].import_id
        block = render_import_block(address, import_id)
        return PlannedImport(address=address, id=import_id, type=one.creation.type, block=block)
    raise ImportBlockError(f"{one_line(option)} is no resource that the last apply began and did not finish")


def _print_recovery_document(findings: _RecoveryFindings) -> None:
    print_document(
        "recover",
        {
            "errored": msgspec.to_builtins(findings.errored) if findings.errored else None,
            "state_unreadable": findings.state_error,
            "run": None
            if findings.last_apply is None
            else {
                "id": findings.last_apply.command.id,
                "running": findings.last_apply.is_running,
                "done": findings.last_apply.progress.done_count,
                "total": findings.last_apply.progress.total_count,
                "complete": findings.last_apply.progress.is_complete,
            },
            "half_made": [msgspec.to_builtins(one) for one in findings.tainted],
            "unfinished": [
                {
                    "address": one.creation.address,
                    "failed": one.creation.failed,
                    "candidates": [msgspec.to_builtins(each) for each in one.candidates],
                    "unknown": one.unknown_reason,
                    "denied": list(one.denied),
                }
                for one in findings.orphans
            ],
        },
    )


def _print_findings(findings: _RecoveryFindings) -> None:
    if findings.errored:
        print(f"{STATE_ICONS[CheckState.BLOCKED]} {findings.errored.sentence}")
        for address in findings.errored.gained[:20]:
            print(f"    only in the file: {address}")
        for address in findings.errored.lost[:20]:
            print(f"    only in the state: {address}")
        if findings.errored.is_pushable or findings.errored.push_safety.value == "same":
            print(f"    to put it in order: ecotui recover --approve {findings.errored.digest}")
    elif findings.state_error:
        print(f"{STATE_ICONS[CheckState.UNKNOWN]} The state could not be read: {findings.state_error}")
    _print_last_apply(findings)
    for one in findings.orphans:
        state = CheckState.UNKNOWN if one.unknown_reason else CheckState.WARN if one.candidates else CheckState.OK
        print(f"{STATE_ICONS[state]} {one.creation.address}: {one.sentence}")
        _print_denied(one.denied)
        if any(each.is_own for each in one.candidates):
            print(f"    import it: ecotui recover --adopt '{one.creation.address}'    or delete it: ecotui cleanup")
    for tainted in findings.tainted:
        state = CheckState.UNKNOWN if tainted.denied else CheckState.OK if tainted.is_complete else CheckState.WARN
        print(f"{STATE_ICONS[state]} {tainted.address}: {tainted.sentence}")
        _print_denied(tainted.denied)
    if any(one.is_complete for one in findings.tainted):
        print("    untaint what is complete, so that it is not replaced: ecotui recover --keep")
    if not findings.errored and not findings.state_error and findings.last_apply and not findings.last_apply.is_running:
        print("Go on with: ecotui plan")


def _print_denied(actions: tuple[str, ...]) -> None:
    if actions:
        print(f"    not allowed: {', '.join(actions)}")


def _print_last_apply(findings: _RecoveryFindings) -> None:
    last_apply = findings.last_apply
    if last_apply is None:
        print("No apply of this project is on record: what it began is not known")
        return
    if last_apply.is_running:
        print("An apply runs right now: check again when it is over")
        return
    progress, orphans = last_apply.progress, len(findings.orphans)
    counts = f"The last apply created {progress.done_count} of {progress.total_count}"
    if progress.is_complete and not progress.failed_operations:
        print(f"{counts}: it went through to its end")
    elif findings.state_error:
        print(counts)
    elif orphans:
        print(f"{counts}; {orphans} that it began {'is' if orphans == 1 else 'are'} not in the state")
    else:
        print(f"{counts}; all that it began is in the state")


def _print_refusal(reason: str, code: int = exit_codes.BLOCKED) -> int:
    print(f"ecotui recover: {reason}", file=sys.stderr)
    return code
