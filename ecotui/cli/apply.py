"""`ecotui apply`: apply the plan that was reviewed, under the supervisor, and follow it to its end."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from checks.apply import plan_store
from checks.apply.forecast.model import Review
from checks.context import World
from checks.finding import State
from checks.sanitize import one_line
from checks.tools.run import CommandError
from checks.tools.terraform import Held, Terraform
from checks.tools.terraform_errors import Lock
from ecotui import exit_codes
from ecotui.cli.consenting import at_a_terminal, typed
from ecotui.cli.context import world
from ecotui.cli.locks import holding, passed
from ecotui.cli.printing import SIGNS
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
        help="go on in spite of one thing that the forecast found",
    )
    parser.add_argument("--progress", action="store_true", help="print terraform's JSON lines as they come")


def run(args: argparse.Namespace) -> int:
    where = world(args)
    place = Path(args.plan).expanduser().absolute() if args.plan else plan_store.default_folder(where)
    try:
        review = plan_store.read_review(place)
    except plan_store.NotReviewed as error:
        return _refuse(str(error))
    overrides = _overrides([one for one in args.override if not passed([one])], review)
    if overrides is None:
        return exit_codes.USAGE
    terraform = Terraform(where)
    held, lock = _held(where, terraform)
    reason = plan_store.stale(where, place, review, held) or _wrong_account(where, review)
    if reason:
        return _refuse(reason)
    if lock:
        return _refuse(lock.sentence)
    if not review.plan.total and not review.plan.outputs:
        print("Nothing to apply: the plan changes nothing")
        return exit_codes.OK
    let_pass = _let_pass(where)
    blocking = [
        one for one in review.forecast.blocking if one not in overrides and f"apply.{one}" not in let_pass
    ]
    if blocking:
        _say_blocking(review, blocking)
        return exit_codes.BLOCKED
    if refused := _losses_unread(review, args.destroy, yes=args.yes):
        return _refuse(refused)
    if not args.yes and not _consent(review):
        return exit_codes.USAGE if not sys.stdin.isatty() else exit_codes.INTERRUPTED
    try:
        return _apply(where, terraform, review, plan_store.find(place)[0], overrides, args)
    except SessionError as error:
        print(f"ecotui apply: {error}", file=sys.stderr)
        return exit_codes.ERROR


def _refuse(reason: str) -> int:
    print(f"ecotui apply: {reason}", file=sys.stderr)
    return exit_codes.BLOCKED


def _overrides(words: list[str], review: Review) -> dict[str, str] | None:
    """Ids to reasons. None, with a word on stderr, for anything that is not a finding of this forecast."""
    found: dict[str, str] = {}
    for word in words:
        # An id may hold `=` itself (a key of for_each), and so may a reason: only the forecast's own ids are taken.
        id_ = next((one for one in review.forecast.blocking if word.startswith(f"{one}=")), "")
        reason = word[len(id_) + 1 :].strip()
        if not id_ or not reason:
            print(
                f"ecotui apply: --override takes ID=REASON, with an id that the forecast names and a reason;"
                f" not {one_line(word)!r}",
                file=sys.stderr,
            )
            return None
        found[id_] = reason
    return found


def _let_pass(where: World) -> set[str]:
    """The findings that the operator let pass in the session that this command belongs to."""
    from ecotui.session import events, store

    if not where.env.get("ECOTUI_SESSION"):
        return set()
    session = store.join(where.settings, where.env, where.project)
    return {one.event.finding for one in session.records() if isinstance(one.event, events.Overridden)}


def _held(where: World, terraform: Terraform) -> tuple[Held | None, Lock | None]:
    from checks.apply.state import lock as state_lock

    lock = state_lock.look(where).lock
    try:
        return terraform.state(), lock
    except CommandError:
        return None, lock


def _wrong_account(where: World, review: Review) -> str:
    """Asked right before: credentials may have changed since the review."""
    if not (review.account or review.region):  # nothing of AWS in this plan
        return ""
    try:
        now = where.aws.identity_now().account
    except Exception as error:  # noqa: BLE001 - whatever it is: without credentials nothing can be applied
        return f"who we are in AWS could not be asked: {where.aws.explain(error).summary}"
    if review.account and now != review.account:
        return f"the plan was made in account {review.account}, the credentials are for {now}"
    meant = where.settings.aws.account
    if meant and now != meant:
        return f"the credentials are of account {now}, the settings mean {meant} (aws.account); nothing was applied"
    return ""


def _say_blocking(review: Review, blocking: list[str]) -> None:
    print("ecotui apply: the forecast found what would make this fail:", file=sys.stderr)
    told = {one.id: one.sentence for one in review.forecast.short}
    told |= {one.id: one.sentence for one in review.forecast.collisions}
    told |= {one.id: one.sentence for one in review.forecast.kept}
    for id_ in blocking:
        print(f"  {SIGNS[State.BLOCKED]} {told[id_]}", file=sys.stderr)
        print(f"      to go on all the same: --override {shlex.quote(f'{id_}=REASON')}", file=sys.stderr)
    print("Put it in order (ecotui cleanup, ecotui check quota), then `ecotui plan` again.", file=sys.stderr)


def _losses_unread(review: Review, said: int | None, *, yes: bool) -> str:
    """Why the losses of this plan are not agreed to; empty when they are, or will be asked for."""
    losses = review.plan.dangerous
    if said is None and (not yes or not losses):
        return ""
    if said == len(losses):
        return ""
    if not losses:
        return f"--destroy {said}: this plan destroys or replaces nothing that holds data"
    named = ", ".join(f"{one.action.value} {one.address}" for one in losses[:5])
    more = f" and {len(losses) - 5} more" if len(losses) > 5 else ""
    return f"{review.plan.danger} ({named}{more}); to go on, add --destroy {len(losses)}"


def _consent(review: Review) -> bool:
    """Typed; a destruction of something that holds data asks for more than a word."""
    if not at_a_terminal():
        print("ecotui apply: without a terminal, --yes says that the plan was reviewed", file=sys.stderr)
        return False
    dangerous = review.plan.dangerous
    print(f"Apply in account {review.account or '(no AWS)'} {review.region}: {review.plan.sentence}")
    for change in dangerous:
        print(f"  {SIGNS[State.WARN]} {change.action.value}: {change.address}")
    word = f"destroy {len(dangerous)}" if dangerous else "apply"
    if typed(word, "go on"):
        return True
    print("Left as it is: nothing was applied")
    return False


def _apply(
    where: World,
    terraform: Terraform,
    review: Review,
    plan: Path,
    overrides: Mapping[str, str],
    args: argparse.Namespace,
) -> int:
    from checks.tools.terraform_backend import backend
    from ecotui.cli.follow_apply import Follower
    from ecotui.history.apply_streams import usual_times
    from ecotui.session import events, store
    from ecotui.supervisor import start
    from ecotui.supervisor.commands import Place
    from ecotui.team.lease_client import FINDING

    child = bool(where.env.get("ECOTUI_SESSION"))
    with holding(where, args.override, log=False) as held:
        session = store.join(where.settings, where.env, where.project)
        held.about(session.id)
        for id_, reason in (*overrides.items(), *([(FINDING, held.passed)] if held.passed else ())):
            session.append(events.Overridden(finding=id_, reason=reason))
        command = start(
            session,
            terraform.apply_argv(plan),
            step="apply",
            title=f"{terraform.name} apply: {review.plan.sentence}",
            cwd=terraform.folder,
            env=terraform.env,
            secrets=[one.name for one in where.settings.environment.variables if one.secret],
            # Asked again just above: what this run creates is remembered as made there, and nowhere else.
            place=Place(review.account, review.region, backend(where).workspace),
        )
        if not args.progress:
            print(f"{terraform.name} runs on its own from here: closing this terminal does not stop it")
            print(f"Log: {command.folder / 'output.log'}", flush=True)
        times = usual_times(
            store.Store(store.root(where.settings, where.env)),
            where.project,
            review.plan.operations,
            parallelism=where.settings.terraform.parallelism,
            without=command.id,
        )
        code = Follower(command, review.plan, times, where, progress=args.progress).follow()
        if code == exit_codes.OK:
            plan.unlink(missing_ok=True)  # it holds secrets, and is good for nothing any more
        if not child:
            session.end("succeeded" if code == exit_codes.OK else "failed")
        return code
