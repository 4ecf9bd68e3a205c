"""`ecotui plan`: plan, and forecast what would go wrong when it is applied."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from functools import partial
from pathlib import Path

from checks.apply import plan_store
from checks.apply.forecast.model import SavedReview
from checks.apply.forecast.model import plan_document as body
from checks.apply.plan.model import PlanUnreadable
from checks.context import CheckContext
from checks.finding import STATE_ICONS, CheckState
from checks.sanitize import one_line
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
        "--progress", action="store_true", help="print terraform's JSON lines as they come, and ours between"
    )
    parser.add_argument("--init-only", action="store_true", help="only initialise the terraform folder")


def run(args: argparse.Namespace) -> int:
    from checks.apply.create_plan import PlanInterrupted, create_plan, run_init
    from config.folders import state_folder
    from ecotui.history.apply_streams import read_duration_stats
    from ecotui.session.store import SessionStore

    # As Ctrl-C: terraform runs in a process group of its own, and would go on, and hold the state's lock.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    where = check_context(args)
    speaker = _ProgressPrinter(args)
    folder = Path(args.out).expanduser().absolute() if args.out else plan_store.default_plan_folder(where)
    try:
        if args.init_only:
            run_init(Terraform(where), speaker.print_status)
            speaker.print_status("initialised")
            return exit_codes.OK
        if elsewhere := _account_mismatch(where):
            print(f"ecotui plan: {elsewhere}", file=sys.stderr)
            return exit_codes.BLOCKED
        review, plan_file = create_plan(
            where,
            folder,
            on_line=speaker.print_terraform_line,
            on_progress=speaker.print_status,
            read_durations=partial(
                read_duration_stats,
                SessionStore(state_folder(where.settings, where.env)),
                where.project,
                parallelism=where.settings.terraform.parallelism,
            ),
        )
    except PlanInterrupted:
        print("ecotui plan: interrupted; nothing was changed", file=sys.stderr)
        return exit_codes.INTERRUPTED
    except CommandError as error:
        return _print_command_error(error, where.settings.guide)
    except PlanUnreadable as error:
        print(f"ecotui plan: {error}", file=sys.stderr)
        return exit_codes.ERROR
    except OSError as error:
        place = one_line(str(error.filename or folder))
        print(f"ecotui plan: cannot save the plan in {place}: {error.strerror}", file=sys.stderr)
        return exit_codes.ERROR
    if args.progress:
        print(json.dumps({"type": "ecotui_review", "plan": str(plan_file)}), flush=True)
    elif args.json:
        print_document("plan", {**body(review.plan, review.forecast), "plan": str(plan_file)})
    else:
        print_review(review, plan_file, where.settings.guide)
    return review_exit_code(review)


def _account_mismatch(context: CheckContext) -> str:
    """In another account than the settings mean, a plan would find nothing of the state there, and make all of it again."""
    meant = context.settings.aws.account
    if not meant:
        return ""
    try:
        now = context.aws.identity().account
    except Exception:  # noqa: BLE001 - a project without AWS needs no credentials; one with it hears it from terraform
        return ""
    if now == meant:
        return ""
    return f"the credentials are of account {now}, the settings mean {meant} (aws.account); nothing was planned"


def review_exit_code(review: SavedReview) -> int:
    """3 for what is in the way, 4 for warnings and for what could not be looked at, else 0."""
    if review.forecast.blocking_ids:
        return exit_codes.BLOCKED
    return exit_codes.WARNINGS if review.forecast.not_checked or review.forecast.warnings else exit_codes.OK


def print_review(review: SavedReview, plan_file: Path, guide: GuideSettings) -> None:
    """The review in plain lines."""
    plan, seen = review.plan, review.forecast
    where = f" in account {review.account}, {review.region}" if review.account else ""
    print(f"Plan: {plan.sentence}{where}")
    for (module, type_), changes in plan.group_by_type().items():
        counts: dict[str, int] = {}
        for change in changes:
            counts[change.action.value] = counts.get(change.action.value, 0) + 1
        told = ", ".join(f"{count} {action}" for action, count in counts.items())
        print(f"  {module + ' ' if module else ''}{type_}: {told}")
    if plan.unchanged:
        print(f"  {plan.unchanged} unchanged")
    if plan.data_loss_sentence:
        print(f"{STATE_ICONS[CheckState.WARN]} {plan.data_loss_sentence}")
    for change in plan.data_losses:
        because = f" (because {change.reason})" if change.reason else ""
        print(f"    {change.action.value} {change.address}{because}")
        for one in change.attributes:
            if one.forces_replacement:
                print(f"        {one.path}: {one.before} -> {one.after} forces the replacement")
    if plan.drift:
        noun = "1 resource was" if len(plan.drift) == 1 else f"{len(plan.drift)} resources were"
        print(f"{STATE_ICONS[CheckState.WARN]} {noun} changed outside of terraform:")
        for change in plan.drift[:20]:
            print(f"    {change.address}: {', '.join(one.path for one in change.attributes[:6]) or 'gone'}")
        if len(plan.drift) > 20:
            print(f"    and {len(plan.drift) - 20} more")
    print(f"Forecast: {seen.sentence} ({seen.lookup_count} names looked up in {seen.seconds:.1f} s)")
    for quota in seen.quotas:
        print(f"  {STATE_ICONS[quota.state]} {quota.sentence}")
    for collision in seen.collisions:
        print(f"  {STATE_ICONS[CheckState.BLOCKED]} {collision.sentence}")
        cited = guide.qualify_entry_numbers(collision.guide)
        guides = f"; guide: {', '.join(cited)}" if cited else ""
        place = f"; written in {collision.location}" if collision.location else ""
        print(f"      ways out: {', '.join(collision.fixes)}{guides}{place}")
    for stays in seen.protected:
        guides = f" (guide: {', '.join(stays.guide)})" if stays.guide else ""
        print(f"  {STATE_ICONS[CheckState.BLOCKED]} {stays.sentence}{guides}")
    for warning in seen.warnings:
        print(f"  {STATE_ICONS[CheckState.WARN]} {warning.sentence}")
    for unknown in seen.not_checked:
        print(f"  {STATE_ICONS[CheckState.UNKNOWN]} {unknown.sentence}")
    print(f"Saved: {plan_file}")
    if not plan.total:
        print("Nothing to apply")
    elif not seen.blocking_ids:
        lost = len(plan.data_losses)
        print(f"Apply it with: ecotui apply{f' (without a terminal: --yes --destroy {lost})' if lost else ''}")
    else:
        print(
            "Something is in the way. Leftovers: ecotui cleanup, or ecotui adopt. Quotas: ecotui check quota."
            " Then plan again."
        )


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
            said = json.loads(text)
        except ValueError:
            return
        if isinstance(said, dict) and said.get("type") == "change_summary":
            print(f"  {one_line(str(said.get('@message', '')))}", file=self._stream, flush=True)


def _print_command_error(error: CommandError, guide: GuideSettings) -> int:
    print(f"ecotui plan: {error.explain()}", file=sys.stderr)
    if isinstance(error, TerraformError):
        for one in error.errors[:20]:
            print(f"\n{one.text}", file=sys.stderr)
        for entry in guide.qualify_entry_numbers(error.guide):
            print(f"\nThe guide explains it: ecotui guide {entry}", file=sys.stderr)
        if error.lock:
            print(
                f"If its holder is certainly gone: ecotui unlock --approve {error.lock.id}",
                file=sys.stderr,
            )
    return exit_codes.BLOCKED if isinstance(error, TerraformError) else exit_codes.ERROR
