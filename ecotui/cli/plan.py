"""`ecotui plan`: plan, and forecast what would go wrong when it is applied."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from checks.apply import plan_store
from checks.apply.forecast.model import Review
from checks.apply.forecast.model import document as body
from checks.apply.plan.model import PlanUnreadable
from checks.context import World
from checks.finding import State
from checks.sanitize import one_line
from checks.tools.run import CommandError
from checks.tools.terraform import Terraform, TerraformError
from config.model import Guide
from ecotui import exit_codes
from ecotui.cli.context import world
from ecotui.cli.printing import SIGNS, document


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="DIR", help="where to save the plan (default: the state folder)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--progress", action="store_true", help="print terraform's JSON lines as they come, and ours between"
    )
    parser.add_argument("--init-only", action="store_true", help="only initialise the terraform folder")


def run(args: argparse.Namespace) -> int:
    from checks.apply.create_plan import Stopped, initialise, make

    # As Ctrl-C: terraform runs in a process group of its own, and would go on, and hold the state's lock.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    where = world(args)
    speaker = _Speaker(args)
    folder = Path(args.out).expanduser().absolute() if args.out else plan_store.default_folder(where)
    try:
        if args.init_only:
            initialise(Terraform(where), speaker.say)
            speaker.say("initialised")
            return exit_codes.OK
        if elsewhere := _elsewhere(where):
            print(f"ecotui plan: {elsewhere}", file=sys.stderr)
            return exit_codes.BLOCKED
        review, plan_file = make(where, folder, line=speaker.line, say=speaker.say)
    except Stopped:
        print("ecotui plan: interrupted; nothing was changed", file=sys.stderr)
        return exit_codes.INTERRUPTED
    except CommandError as error:
        return _refused(error, where.settings.guide)
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
        document("plan", {**body(review.plan, review.forecast), "plan": str(plan_file)})
    else:
        show(review, plan_file, where.settings.guide)
    return code(review)


def _elsewhere(where: World) -> str:
    """In another account than the settings mean, a plan would find nothing of the state there, and make all of it again."""
    meant = where.settings.aws.account
    if not meant:
        return ""
    try:
        now = where.aws.identity().account
    except Exception:  # noqa: BLE001 - a project without AWS needs no credentials; one with it hears it from terraform
        return ""
    if now == meant:
        return ""
    return (
        f"the credentials are of account {now}, the settings mean {meant} (aws.account); nothing was planned"
    )


def code(review: Review) -> int:
    """3 for what is in the way, 4 for warnings and for what could not be looked at, else 0."""
    if review.forecast.blocking:
        return exit_codes.BLOCKED
    return exit_codes.WARNINGS if review.forecast.unknown or review.forecast.warnings else exit_codes.OK


def show(review: Review, plan_file: Path, guide: Guide) -> None:
    """The review in plain lines."""
    plan, seen = review.plan, review.forecast
    where = f" in account {review.account}, {review.region}" if review.account else ""
    print(f"Plan: {plan.sentence}{where}")
    for (module, type_), changes in plan.grouped().items():
        counts: dict[str, int] = {}
        for change in changes:
            counts[change.action.value] = counts.get(change.action.value, 0) + 1
        told = ", ".join(f"{count} {action}" for action, count in counts.items())
        print(f"  {module + ' ' if module else ''}{type_}: {told}")
    if plan.unchanged:
        print(f"  {plan.unchanged} unchanged")
    if plan.danger:
        print(f"{SIGNS[State.WARN]} {plan.danger}")
    for change in plan.dangerous:
        because = f" (because {change.reason})" if change.reason else ""
        print(f"    {change.action.value} {change.address}{because}")
        for one in change.attributes:
            if one.forces_replacement:
                print(f"        {one.path}: {one.before} -> {one.after} forces the replacement")
    if plan.drift:
        noun = "1 resource was" if len(plan.drift) == 1 else f"{len(plan.drift)} resources were"
        print(f"{SIGNS[State.WARN]} {noun} changed outside of terraform:")
        for change in plan.drift[:20]:
            print(f"    {change.address}: {', '.join(one.path for one in change.attributes[:6]) or 'gone'}")
        if len(plan.drift) > 20:
            print(f"    and {len(plan.drift) - 20} more")
    print(f"Forecast: {seen.sentence} ({seen.looked} names looked up in {seen.seconds:.1f} s)")
    for quota in seen.quotas:
        print(f"  {SIGNS[quota.state]} {quota.sentence}")
    for collision in seen.collisions:
        print(f"  {SIGNS[State.BLOCKED]} {collision.sentence}")
        cited = guide.cited(collision.guide)
        guides = f"; guide: {', '.join(cited)}" if cited else ""
        place = f"; written in {collision.place}" if collision.place else ""
        print(f"      ways out: {', '.join(collision.ways_out)}{guides}{place}")
    for stays in seen.kept:
        guides = f" (guide: {', '.join(stays.guide)})" if stays.guide else ""
        print(f"  {SIGNS[State.BLOCKED]} {stays.sentence}{guides}")
    for warning in seen.warnings:
        print(f"  {SIGNS[State.WARN]} {warning.sentence}")
    for unknown in seen.unknown:
        print(f"  {SIGNS[State.UNKNOWN]} {unknown.sentence}")
    print(f"Saved: {plan_file}")
    if not plan.total:
        print("Nothing to apply")
    elif not seen.blocking:
        lost = len(plan.dangerous)
        print(
            f"Apply it with: ecotui apply{f' (without a terminal: --yes --destroy {lost})' if lost else ''}"
        )
    else:
        print(
            "Something is in the way. Leftovers: ecotui cleanup, or ecotui adopt. Quotas: ecotui check quota."
            " Then plan again."
        )


class _Speaker:
    """Where the progress goes: stdout for people, JSON lines for a screen, stderr beside a JSON document."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._json_lines = args.progress
        self._stream = sys.stderr if args.json else sys.stdout

    def say(self, text: str) -> None:
        if self._json_lines:
            print(json.dumps({"type": "ecotui", "@message": text}), flush=True)
        else:
            print(f"… {text}", file=self._stream, flush=True)

    def line(self, text: str) -> None:
        if self._json_lines:
            print(text, flush=True)
            return
        try:
            said = json.loads(text)
        except ValueError:
            return
        if isinstance(said, dict) and said.get("type") == "change_summary":
            print(f"  {one_line(str(said.get('@message', '')))}", file=self._stream, flush=True)


def _refused(error: CommandError, guide: Guide) -> int:
    print(f"ecotui plan: {error.explain()}", file=sys.stderr)
    if isinstance(error, TerraformError):
        for one in error.errors[:20]:
            print(f"\n{one.text}", file=sys.stderr)
        for entry in guide.cited(error.guide):
            print(f"\nThe guide explains it: ecotui guide {entry}", file=sys.stderr)
        if error.lock:
            print(
                f"If its holder is certainly gone: ecotui unlock --approve {error.lock.id}",
                file=sys.stderr,
            )
    return exit_codes.BLOCKED if isinstance(error, TerraformError) else exit_codes.ERROR
