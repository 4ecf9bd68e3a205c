"""`ecotui recover`: what an interrupted apply left: a state that was not saved, and resources that no state knows.

Nothing is changed without `--approve`, which names exactly the file that was shown, or `--adopt`, which only writes
import blocks for the next plan to show.
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
from ecotui.cli.locks import configure_override as configure_holding
from ecotui.cli.locks import hold_locks
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
    """What was found."""

    errored: ErroredState | None
    last_apply: CurrentApply | None
    """The last apply on record."""
    orphans: tuple[OrphanedResource, ...]
    state_error: str
    """Why the state could not be read; empty when it was."""
    tainted: tuple[TaintedResource, ...] = ()
    """What the state holds as tainted."""

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
        help="write an import block for something that was begun and exists (the ID where several may be it);"
        " without an address, for all that is certain",
    )
    parser.add_argument(
        "--keep",
        metavar="ADDRESS",
        nargs="?",
        const="",
        action="append",
        default=[],
        help="take the mark off what is half made in the state and yet stands in the account, so that it is not made"
        " again; without an address, off all that only was no longer waited for",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    configure_holding(parser)


def run(args: argparse.Namespace) -> int:
    if (args.approve is not None) + bool(args.adopt) + bool(args.keep) > 1:
        return _print_refusal(
            "--approve, --keep and --adopt go one after the other: save the state first", exit_codes.USAGE
        )
    where = check_context(args)
    if args.approve is None and not args.adopt and not args.keep:
        return _dispatch(where, args)
    with hold_locks(where, args.override):
        return _dispatch(where, args)


def _dispatch(context: CheckContext, args: argparse.Namespace) -> int:
    from checks.tools.terraform import Terraform

    terraform = Terraform(context)
    held, unread = _read_state(terraform)
    if args.approve is not None:
        return _push_errored_state(terraform, held, unread, args.approve, as_json=args.json)
    left = _collect_findings(context, terraform, held, unread)
    if args.adopt:
        return _write_import_blocks(context, left, args.adopt)
    if args.keep:
        return _untaint(terraform, left, args.keep)
    if args.json:
        _print_recovery_document(left)
    else:
        _print_findings(left)
    return left.exit_code


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
    found = current_apply.find_current_apply(
        store.SessionStore(state_folder(context.settings, context.env)), context.project
    )
    if found is None or found.is_running or state is None:
        return _RecoveryFindings(left, found, (), state_error)
    saved = {one.address for one in state.resources} | set(left.gained if left else ())
    open_rows = find_interrupted_creations(found.progress, found.plan.changes if found.plan else (), saved)
    known = ({one.id for one in state.resources} | {one.arn for one in state.resources}) - {""}
    orphans = tuple(find_orphan(context, one, known) for one in open_rows)
    tainted = [one for one in state.resources if one.tainted]
    return _RecoveryFindings(left, found, orphans, state_error, check_tainted(context, tainted, found.progress))


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
                return _print_refusal(f"it was pushed, but the state then lacks {missing}; the file stays where it is")
        aside = errored.archive_errored_state(terraform.folder, left.digest)
    except CommandError as error:
        return _print_refusal(f"{error.explain()}; {errored.ERRORED_STATE_FILE} stays where it is", exit_codes.ERROR)
    except OSError as error:
        return _print_refusal(
            f"{errored.ERRORED_STATE_FILE} could not be moved aside: {error.strerror}", exit_codes.ERROR
        )
    if as_json:
        print_document("recover", {"saved": left.is_pushable, "aside": str(aside), "gained": list(left.gained)})
        return exit_codes.OK
    if left.is_pushable:
        print(f"Saved: the state holds {left.resources} resources, {len(left.gained)} more than before")
    print(f"The file is kept as {aside.name} (it holds secrets; delete it when all is well)")
    print("Go on with: ecotui plan")
    return exit_codes.OK


def _missing_after_push(terraform: Terraform, errored_state: ErroredState) -> str:
    """Looked again, not believed: what the state lacks after the push; empty when it has all of it."""
    from checks.text import plural

    now, unread = _read_state(terraform)
    if now is None:
        return f"what could not be read again ({unread})"
    gone = tuple(sorted(set(errored_state.gained) - {one.address for one in now.resources}))
    return f"{plural(len(gone), 'resource')} ({', '.join(gone[:3])})" if gone else ""


def _write_import_blocks(context: CheckContext, findings: _RecoveryFindings, options: list[str]) -> int:
    from checks.apply import plan_store as saved
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
            return _print_refusal("there is nothing that could be adopted without a doubt; nothing was written")
        review = saved.read_review(saved.default_plan_folder(context))
        target = import_blocks.write_import_blocks(context.terraform_folder, review, adoptions)
    except (import_blocks.ImportBlockError, saved.PlanNotReviewed) as error:
        return _print_refusal(str(error))
    except OSError as error:
        return _print_refusal(
            f"{context.terraform_folder / import_blocks.IMPORT_FILE}: {error.strerror}", exit_codes.ERROR
        )
    print(f"{target}:\n")
    for one in adoptions:
        print(one.block)
    print("Written. Plan again, and see what the adoption changes: ecotui plan")
    return exit_codes.OK


def _untaint(terraform: Terraform, findings: _RecoveryFindings, addresses: list[str]) -> int:
    """Untaint what was named, or all that stands; each was looked at just now."""
    from checks.tools.run import CommandError

    if findings.errored:
        return _print_refusal(f"{findings.errored.sentence}; nothing was kept")
    if findings.state_error:
        return _print_refusal(f"the state could not be read: {findings.state_error}; nothing was kept")
    marked = {one.address: one for one in findings.tainted}
    named = [word for word in addresses if word]
    for word in named:
        if word not in marked:
            return _print_refusal(f"{word} is nothing that the state holds as half made; nothing was kept")
        if not marked[word].is_complete:
            return _print_refusal(f"{word}: {marked[word].status}; nothing was kept")
    chosen = [one for one in findings.tainted if one.is_complete and (not named or one.address in named)]
    if not chosen:
        return _print_refusal("nothing that is half made is certain to stand; nothing was kept")
    for one in chosen:
        try:
            terraform.untaint(one.address)
        except CommandError as error:
            return _print_refusal(
                f"{one.address}: {error.explain()}; what was kept before stays kept", exit_codes.ERROR
            )
        print(f"Kept {one.address}: {one.status}", flush=True)
    # Of what was not waited for, the state has not all attributes: without them it would be made again all the same.
    print("Reading them back into the state", flush=True)
    try:
        terraform.refresh_resources([one.address for one in chosen])
    except CommandError as error:
        return _print_refusal(
            f"they are kept, but could not be read back: {error.explain()}; the next plan does it",
            exit_codes.ERROR,
        )
    for one in findings.tainted:
        if one not in chosen and not one.is_complete:
            print(f"Not kept: {one.address}: {one.status}")
    print("Plan again, and see what is left to do: ecotui plan")
    return exit_codes.OK


def _unambiguous_imports(findings: _RecoveryFindings) -> list[PlannedImport]:
    """Everything of which exactly one is in the account."""
    return [
        _select_import(findings, one.creation.address)
        for one in findings.orphans
        if len([each for each in one.candidates if each.is_own]) == 1
    ]


def _select_import(findings: _RecoveryFindings, option: str) -> PlannedImport:
    """Raises AdoptionError for an address, or an id, that was not found here."""
    from checks.apply.forecast.import_blocks import ImportBlockError, PlannedImport
    from checks.apply.forecast.model import render_import_block
    from checks.sanitize import one_line

    for one in findings.orphans:
        address = one.creation.address
        # An address may hold `=` itself, in a key of for_each.
        if option != address and not option.startswith(f"{address}="):
            continue
        wanted = option[len(address) + 1 :]
        able = [each for each in one.candidates if each.is_own and wanted in ("", each.id, each.import_id)]
        if not able:
            raise ImportBlockError(f"{one_line(option)}: {one.sentence}; nothing to adopt")
        if len(able) > 1:
            ids = ", ".join(each.id for each in able)
            raise ImportBlockError(f"{one_line(address)} may be any of {ids}: say which one, --adopt {address}=ID")
        import_id = able[0].import_id
        written = render_import_block(address, import_id)
        return PlannedImport(address=address, id=import_id, type=one.creation.type, block=written)
    raise ImportBlockError(f"{one_line(option)} is nothing that the last apply left unfinished")


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
        if one.denied:
            print(f"    not allowed: {', '.join(one.denied)}")
        if any(each.is_own for each in one.candidates):
            print(f"    keep it: ecotui recover --adopt '{one.creation.address}'    or delete it: ecotui cleanup")
    for half in findings.tainted:
        state = CheckState.UNKNOWN if half.denied else CheckState.OK if half.is_complete else CheckState.WARN
        print(f"{STATE_ICONS[state]} {half.address}: {half.sentence}")
        if half.denied:
            print(f"    not allowed: {', '.join(half.denied)}")
    if any(one.is_complete for one in findings.tainted):
        print("    keep what stands, instead of making it again: ecotui recover --keep")
    if not findings.errored and not findings.state_error and findings.last_apply and not findings.last_apply.is_running:
        print("Go on with: ecotui plan")


def _print_last_apply(findings: _RecoveryFindings) -> None:
    run = findings.last_apply
    if run is None:
        print("No apply of this project is on record: what it began cannot be told")
        return
    if run.is_running:
        print("An apply runs right now: look again when it is over")
        return
    told = f"The last apply made {run.progress.done_count} of {run.progress.total_count}"
    if run.progress.is_complete and not run.progress.failed_operations:
        print(f"{told}: it went through to its end")
        return
    if not findings.state_error:
        known = (
            "all that it began is in the state"
            if not findings.orphans
            else (
                f"{len(findings.orphans)} that it began {'is' if len(findings.orphans) == 1 else 'are'} not in the state"
            )
        )
        print(f"{told}; {known}")
    else:
        print(told)


def _print_refusal(reason: str, code: int = exit_codes.BLOCKED) -> int:
    print(f"ecotui recover: {reason}", file=sys.stderr)
    return code
