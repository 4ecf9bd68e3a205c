"""`ecotui plan`: plan, and forecast what would go wrong when it is applied."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections import Counter
from functools import partial
from pathlib import Path

from checks.apply import plan_store
from checks.apply.forecast.model import Forecast, SavedReview, plan_document
from checks.apply.plan.model import Plan, PlanUnreadable
from checks.context import CheckContext
from checks.finding import STATE_ICONS, CheckState
from checks.sanitize import one_line
from checks.text import plural
from checks.tools.run import CommandError
from checks.tools.terraform import Terraform, TerraformError
from config.model import GuideSettings
from ecotui import exit_codes
from ecotui.cli.context import check_context
from ecotui.cli.printing import print_document
from ecotui.stream import Notice, encode_message


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="DIR", help="where to save the plan (default: the state folder)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--progress", action="store_true", help="print JSON lines as they come: terraform's, and those of ecotui"
    )
    parser.add_argument("--init-only", action="store_true", help="only initialise the terraform folder")


def run(args: argparse.Namespace) -> int:
    from checks.apply.create_plan import PlanInterrupted, create_plan, run_init
    from config.folders import state_folder
    from ecotui.history.apply_streams import read_duration_stats
    from ecotui.session.store import SessionStore

    # As Ctrl-C: terraform runs in its own process group; it would go on, and keep the lock of the state.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    context = check_context(args)
    printer = _ProgressPrinter(args)
    folder = Path(args.out).expanduser().absolute() if args.out else plan_store.default_plan_folder(context)
    try:
        if args.init_only:
            run_init(Terraform(context), printer.print_status)
            printer.print_status("initialised")
            return exit_codes.OK
        if mismatch := _account_mismatch(context):
            print(f"ecotui plan: {mismatch}", file=sys.stderr)
            return exit_codes.BLOCKED
        review, plan_file = create_plan(
            context,
            folder,
            on_line=printer.print_terraform_line,
            on_progress=printer.print_status,
            read_durations=partial(
                read_duration_stats,
                SessionStore(state_folder(context.settings, context.env)),
                context.project,
                parallelism=context.settings.terraform.parallelism,
            ),
        )
    except PlanInterrupted:
        print("ecotui plan: interrupted; nothing was changed", file=sys.stderr)
        return exit_codes.INTERRUPTED
    except CommandError as error:
        return _print_command_error(error, context.settings.guide)
    except PlanUnreadable as error:
        print(f"ecotui plan: {error}", file=sys.stderr)
        return exit_codes.ERROR
    except OSError as error:
        path = one_line(str(error.filename or folder))
        print(f"ecotui plan: cannot save the plan in {path}: {error.strerror}", file=sys.stderr)
        return exit_codes.ERROR
    if args.progress:
        print(json.dumps({"type": "ecotui_review", "plan": str(plan_file)}), flush=True)
    elif args.json:
        print_document("plan", {**plan_document(review.plan, review.forecast), "plan": str(plan_file)})
    else:
        _print_review(review, plan_file, context.settings.guide)
    return _review_exit_code(review)


def _account_mismatch(context: CheckContext) -> str:
    """Why nothing is planned: in another account a plan would not find what the state has, and create all of it again."""
    expected = context.settings.aws.account
    if not expected:
        return ""
    try:
        account = context.aws.identity().account
    except Exception:  # noqa: BLE001 - a project without AWS needs no credentials; else terraform reports them
        return ""
    if account == expected:
        return ""
    return f"the credentials are of account {account}, the settings mean {expected} (aws.account); nothing was planned"


def _review_exit_code(review: SavedReview) -> int:
    """3 when the plan is blocked, 4 for warnings and for what could not be checked, else 0."""
    if review.forecast.blocking_ids:
        return exit_codes.BLOCKED
    return exit_codes.WARNINGS if review.forecast.not_checked or review.forecast.warnings else exit_codes.OK


def _print_review(review: SavedReview, plan_file: Path, guide: GuideSettings) -> None:
    """The review in plain lines."""
    plan, forecast = review.plan, review.forecast
    target = f" in account {review.account}, {review.region}" if review.account else ""
    print(f"Plan: {plan.sentence}{target}")
    _print_plan(plan)
    print(f"Forecast: {forecast.sentence} ({forecast.lookup_count} names looked up in {forecast.seconds:.1f} s)")
    _print_forecast(forecast, guide)
    print(f"Saved: {plan_file}")
    losses = len(plan.data_losses)
    if not plan.total:
        print("Nothing to apply")
    elif forecast.blocking_ids:
        print(
            "The plan is blocked. Leftovers: ecotui cleanup, or ecotui adopt. Quotas: ecotui check quota. Then plan again."
        )
    else:
        print(f"Apply it with: ecotui apply{f' (without a terminal: --yes --destroy {losses})' if losses else ''}")


def _print_plan(plan: Plan) -> None:
    for (module, type_), changes in plan.group_by_type().items():
        counts = Counter(change.action.value for change in changes)
        words = ", ".join(f"{count} {action}" for action, count in counts.items())
        print(f"  {module + ' ' if module else ''}{type_}: {words}")
    if plan.unchanged:
        print(f"  {plan.unchanged} unchanged")
    if plan.data_loss_sentence:
        print(f"{STATE_ICONS[CheckState.WARN]} {plan.data_loss_sentence}")
    for change in plan.data_losses:
        reason = f" (because {change.reason})" if change.reason else ""
        print(f"    {change.action.value} {change.address}{reason}")
        for one in change.attributes:
            if one.forces_replacement:
                print(f"        {one.path}: {one.before} -> {one.after} forces the replacement")
    if plan.drift:
        count = f"{plural(len(plan.drift), 'resource')} {'was' if len(plan.drift) == 1 else 'were'}"
        print(f"{STATE_ICONS[CheckState.WARN]} {count} changed outside of terraform:")
        for change in plan.drift[:20]:
            print(f"    {change.address}: {', '.join(one.path for one in change.attributes[:6]) or 'deleted'}")
        if len(plan.drift) > 20:
            print(f"    and {len(plan.drift) - 20} more")


def _print_forecast(forecast: Forecast, guide: GuideSettings) -> None:
    def entries(numbers: tuple[str, ...]) -> str:
        found = guide.qualify_entry_numbers(numbers)
        return f"; guide: {', '.join(found)}" if found else ""

    for quota in forecast.quotas:
        print(f"  {STATE_ICONS[quota.state]} {quota.sentence}")
    for collision in forecast.collisions:
        print(f"  {STATE_ICONS[CheckState.BLOCKED]} {collision.sentence}")
        location = f"; written in {collision.location}" if collision.location else ""
        print(f"      fixes: {', '.join(collision.fixes)}{entries(collision.guide)}{location}")
    for protected in forecast.protected:
        print(f"  {STATE_ICONS[CheckState.BLOCKED]} {protected.sentence}{entries(protected.guide)}")
    for warning in forecast.warnings:
        print(f"  {STATE_ICONS[CheckState.WARN]} {warning.sentence}")
    for not_checked in forecast.not_checked:
        print(f"  {STATE_ICONS[CheckState.UNKNOWN]} {not_checked.sentence}")


class _ProgressPrinter:
    """Where the progress goes: stdout for people, JSON lines for a screen, stderr beside a JSON document."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._json_lines = args.progress
        self._stream = sys.stderr if args.json else sys.stdout

    def print_status(self, text: str) -> None:
        if self._json_lines:
            print(encode_message(Notice(message=text)).decode(), flush=True)
        else:
            print(f"… {text}", file=self._stream, flush=True)

    def print_terraform_line(self, text: str) -> None:
        if self._json_lines:
            print(text, flush=True)
            return
        try:
            line = json.loads(text)
        except ValueError:
            return
        if isinstance(line, dict) and line.get("type") == "change_summary":
            print(f"  {one_line(str(line.get('@message', '')))}", file=self._stream, flush=True)


def _print_command_error(error: CommandError, guide: GuideSettings) -> int:
    print(f"ecotui plan: {error.explain()}", file=sys.stderr)
    if isinstance(error, TerraformError):
        for one in error.errors[:20]:
            print(f"\n{one.text}", file=sys.stderr)
        for entry in guide.qualify_entry_numbers(error.guide):
            print(f"\nThe guide explains it: ecotui guide {entry}", file=sys.stderr)
        if error.lock:
            print(f"If its holder is certainly gone: ecotui unlock --approve {error.lock.id}", file=sys.stderr)
    return exit_codes.BLOCKED if isinstance(error, TerraformError) else exit_codes.ERROR
