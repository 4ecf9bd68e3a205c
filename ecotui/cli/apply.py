"""`ecotui apply`: apply the reviewed plan under the supervisor, and follow it to its end."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from checks.apply import plan_store
from checks.apply.forecast.model import SavedReview
from checks.context import CheckContext
from checks.finding import STATE_ICONS, CheckState
from checks.sanitize import one_line
from checks.text import shorten_list
from checks.tools.run import CommandError
from checks.tools.terraform import StateSummary, Terraform
from checks.tools.terraform_errors import StateLock
from config.folders import state_folder
from ecotui import exit_codes
from ecotui.cli.context import check_context
from ecotui.cli.locks import hold_locks, lease_override_reason
from ecotui.cli.printing import confirm_typed, is_interactive
from ecotui.session import SessionError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--plan", metavar="FILE", help="the reviewed plan (default: the last `ecotui plan`)")
    parser.add_argument("--yes", action="store_true", help="do not ask; needed without a terminal")
    parser.add_argument(
        "--destroy",
        metavar="N",
        type=int,
        help="without a terminal: that the plan destroys or replaces exactly N things that hold data",
    )
    parser.add_argument(
        "--override",
        metavar="ID=REASON",
        action="append",
        default=[],
        help="go on in spite of one finding of the forecast",
    )
    parser.add_argument("--progress", action="store_true", help="print terraform's JSON lines as they come")


def run(args: argparse.Namespace) -> int:
    context = check_context(args)
    path = Path(args.plan).expanduser().absolute() if args.plan else plan_store.default_plan_folder(context)
    try:
        review = plan_store.read_review(path)
    except plan_store.PlanNotReviewed as error:
        return _print_refusal(str(error))
    overrides = _parse_overrides([one for one in args.override if not lease_override_reason([one])], review)
    if overrides is None:
        return exit_codes.USAGE
    terraform = Terraform(context)
    state, lock = _read_state_and_lock(context, terraform)
    reason = plan_store.why_stale(context, path, review, state) or _account_mismatch(context, review)
    if reason or lock:
        return _print_refusal(reason or (lock.sentence if lock else ""))
    if not review.plan.total and not review.plan.outputs:
        print("Nothing to apply: the plan changes nothing")
        return exit_codes.OK
    earlier = _overridden_findings(context)
    blockers = {
        id_: sentence
        for id_, sentence in review.forecast.blockers.items()
        if id_ not in overrides and f"apply.{id_}" not in earlier
    }
    if blockers:
        _print_blockers(blockers)
        return exit_codes.BLOCKED
    if reason := _unconfirmed_destruction(review, args.destroy, confirmed=args.yes):
        return _print_refusal(reason)
    if not args.yes and not _confirm_apply(review):
        return exit_codes.USAGE if not sys.stdin.isatty() else exit_codes.INTERRUPTED
    try:
        return _run_apply(context, terraform, review, plan_store.plan_and_review_paths(path)[0], overrides, args)
    except SessionError as error:
        print(f"ecotui apply: {error}", file=sys.stderr)
        return exit_codes.ERROR


def _print_refusal(reason: str) -> int:
    print(f"ecotui apply: {reason}", file=sys.stderr)
    return exit_codes.BLOCKED


def _parse_overrides(options: list[str], review: SavedReview) -> dict[str, str] | None:
    """Id to reason. None, with an error on stderr, for anything that is not a finding of this forecast."""
    found: dict[str, str] = {}
    for option in options:
        # An id may hold `=` itself (a key of for_each), and so may a reason: only the forecast's own ids are taken.
        id_ = next((one for one in review.forecast.blocking_ids if option.startswith(f"{one}=")), "")
        reason = option[len(id_) + 1 :].strip()
        if not id_ or not reason:
            print(
                f"ecotui apply: --override takes ID=REASON, with an id that the forecast names and a reason;"
                f" not {one_line(option)!r}",
                file=sys.stderr,
            )
            return None
        found[id_] = reason
    return found


def _overridden_findings(context: CheckContext) -> set[str]:
    """The findings that the operator overrode in the session that this command belongs to."""
    from ecotui.session import events, store

    if not context.env.get("ECOTUI_SESSION"):
        return set()
    session = store.open_or_create_session(context.settings, context.env, context.project)
    return {one.event.finding for one in session.read_records() if isinstance(one.event, events.FindingOverridden)}


def _read_state_and_lock(context: CheckContext, terraform: Terraform) -> tuple[StateSummary | None, StateLock | None]:
    from checks.apply.state import lock as state_lock

    lock = state_lock.read_state_lock(context).lock
    try:
        return terraform.pull_state(), lock
    except CommandError:
        return None, lock


def _account_mismatch(context: CheckContext, review: SavedReview) -> str:
    """Why the plan is not applied in this account. Fetched again: credentials may have changed since the review."""
    if not (review.account or review.region):  # nothing of AWS in this plan
        return ""
    try:
        account = context.aws.refetch_identity().account
    except Exception as error:  # noqa: BLE001 - whatever it is: without credentials nothing can be applied
        return f"the account of the credentials could not be checked: {context.aws.explain(error).summary}"
    if review.account and account != review.account:
        return f"the plan was made in account {review.account}, the credentials are for {account}"
    expected = context.settings.aws.account
    if expected and account != expected:
        return (
            f"the credentials are of account {account}, the settings mean {expected} (aws.account); nothing was applied"
        )
    return ""


def _print_blockers(blockers: Mapping[str, str]) -> None:
    print("ecotui apply: the forecast found what would make this fail:", file=sys.stderr)
    for id_, sentence in blockers.items():
        print(f"  {STATE_ICONS[CheckState.BLOCKED]} {sentence}", file=sys.stderr)
        print(f"      to override it: --override {shlex.quote(f'{id_}=REASON')}", file=sys.stderr)
    print("Put it in order (ecotui cleanup, ecotui check quota), then `ecotui plan` again.", file=sys.stderr)


def _unconfirmed_destruction(review: SavedReview, confirmed_count: int | None, *, confirmed: bool) -> str:
    """Why the data losses of this plan are not confirmed; empty when they are, or will be asked for."""
    losses = review.plan.data_losses
    if confirmed_count == len(losses) or (confirmed_count is None and not (confirmed and losses)):
        return ""
    if not losses:
        return f"--destroy {confirmed_count}: this plan destroys or replaces nothing that holds data"
    names = shorten_list([f"{one.action.value} {one.address}" for one in losses])
    return f"{review.plan.data_loss_sentence} ({names}); to go on, add --destroy {len(losses)}"


def _confirm_apply(review: SavedReview) -> bool:
    """Ask for the typed consent; a plan that loses data asks for the number of losses as well."""
    if not is_interactive():
        print("ecotui apply: without a terminal, --yes says that the plan was reviewed", file=sys.stderr)
        return False
    losses = review.plan.data_losses
    print(f"Apply in account {review.account or '(no AWS)'} {review.region}: {review.plan.sentence}")
    for change in losses:
        print(f"  {STATE_ICONS[CheckState.WARN]} {change.action.value}: {change.address}")
    word = f"destroy {len(losses)}" if losses else "apply"
    if confirm_typed(word, "go on"):
        return True
    print("Cancelled; nothing was applied")
    return False


def _run_apply(
    context: CheckContext,
    terraform: Terraform,
    review: SavedReview,
    plan: Path,
    overrides: Mapping[str, str],
    args: argparse.Namespace,
) -> int:
    from checks.tools.terraform_backend import read_backend
    from ecotui.cli.follow import CommandFollower
    from ecotui.cli.follow_apply import ApplyOutput
    from ecotui.history.apply_streams import read_duration_stats
    from ecotui.session import events, store
    from ecotui.supervisor.commands import DeploymentTarget
    from ecotui.supervisor.running import run_child
    from ecotui.team.lease_client import TEAM_LOCK_FINDING

    child = bool(context.env.get("ECOTUI_SESSION"))
    with hold_locks(context, args.override, log_override=False) as held:
        session = store.open_or_create_session(context.settings, context.env, context.project)
        held.set_session(session.id)
        for id_, reason in (
            *overrides.items(),
            *([(TEAM_LOCK_FINDING, held.override_reason)] if held.override_reason else ()),
        ):
            session.append(events.FindingOverridden(finding=id_, reason=reason))
        running = run_child(
            session,
            terraform.apply_argv(plan),
            step="apply",
            title=f"{terraform.name} apply: {review.plan.sentence}",
            cwd=terraform.folder,
            env=terraform.env,
            secrets=[one.name for one in context.settings.environment.variables if one.secret],
            # Asked again just above: what this run creates is remembered as made there, and nowhere else.
            target=DeploymentTarget(review.account, review.region, read_backend(context).workspace),
            needs_log=not args.progress,
        )
        if not args.progress:
            print(f"{terraform.name} runs on its own from here: closing this terminal does not stop it")
            print(f"Log: {running.command.folder / 'output.log'}", flush=True)
        times = read_duration_stats(
            store.SessionStore(state_folder(context.settings, context.env)),
            context.project,
            review.plan.operations,
            parallelism=context.settings.terraform.parallelism,
            excluded_command=running.command.id,
        )
        output = ApplyOutput(running.command, review.plan, times, context, as_json=args.progress)
        code = CommandFollower(running, output).follow()
        if code == exit_codes.OK:
            plan.unlink(missing_ok=True)  # it holds secrets, and is good for nothing any more
        if not child:
            session.end("succeeded" if code == exit_codes.OK else "failed")
        return code
