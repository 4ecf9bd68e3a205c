"""`ecotui script`: shows what the team's own rebuild script does, and runs it under the supervisor, stage by stage."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from checks.finding import STATE_ICONS, CheckState
from checks.sanitize import one_line
from ecotui import exit_codes
from ecotui.cli.context import check_context
from ecotui.cli.locks import configure_override as configure_holding
from ecotui.cli.printing import confirm_typed, is_interactive, print_document

if TYPE_CHECKING:
    from checks.context import CheckContext
    from checks.script.check import ScriptCheck

MAX_QUOTED_LINES = 12
"""Lines of the script that are quoted of each kind."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", action="store_true", help="run it; without this, only show what it would do")
    parser.add_argument("--yes", action="store_true", help="do not ask; needed without a terminal")
    parser.add_argument("--json", action="store_true", help="print one JSON document; not with --run")
    configure_holding(parser)


def run(args: argparse.Namespace) -> int:
    from checks.script.check import check_rebuild_script

    if args.run and args.json:
        return _print_refusal("--json shows what the script would do, and does not go with --run", exit_codes.USAGE)
    context = check_context(args)
    script = check_rebuild_script(context)
    if args.json:
        print_document("script", {**msgspec.to_builtins(script), "sentence": script.analysis.summary})
    elif not args.run:
        _print_preview(script)
    if not args.run:
        return exit_codes.BLOCKED if script.trouble or script.missing else exit_codes.OK
    return _confirm_and_run(context, script, args)


def _print_refusal(reason: str, code: int = exit_codes.BLOCKED) -> int:
    print(f"ecotui script: {reason}", file=sys.stderr)
    return code


def print_script_summary(script_check: ScriptCheck, setting: str = "") -> bool:
    """Print the script and its missing variables (`setting` names them); False when it cannot run at all."""
    if script_check.argv:
        print(f"Script: {' '.join(one_line(word) for word in script_check.argv)}")
    if script_check.trouble:
        print(f"{STATE_ICONS[CheckState.BLOCKED]} {script_check.trouble}")
        return False
    asked = f" ({setting})" if setting else ""
    for name in script_check.missing:
        print(f"{STATE_ICONS[CheckState.BLOCKED]} {name} is not set, and the script needs it{asked}")
    return True


def _print_preview(script_check: ScriptCheck) -> None:
    from checks.script.analysis import ScriptEffect

    if not print_script_summary(script_check):
        return
    if not script_check.file:
        print(f"{STATE_ICONS[CheckState.UNKNOWN]} It is not a file of the project, so it was not analyzed")
        return
    analysis = script_check.analysis
    print(f"{STATE_ICONS[CheckState.WARN]} {analysis.summary}")
    for effect, words in (
        (ScriptEffect.DESTROY, "deletes"),
        (ScriptEffect.APPLY, "applies"),
        (ScriptEffect.SKIP_CONFIRMATION, "switches confirmations off"),
        (ScriptEffect.PROMPT, "asks, and will get no answer"),
    ):
        lines = analysis.lines_with(effect)
        for one in lines[:MAX_QUOTED_LINES]:
            print(f"    {words}: {one.file}:{one.number}: {one_line(one.text, limit=90)}")
        if len(lines) > MAX_QUOTED_LINES:
            print(f"    and {len(lines) - MAX_QUOTED_LINES} more")
    for name in analysis.unread:
        print(f"{STATE_ICONS[CheckState.UNKNOWN]} It calls {name}, which could not be read")
    print("It was analyzed, not run: commands that it puts together at run time are not in this list.")
    if not script_check.missing:
        print("To run it: ecotui script --run")


def _confirm_and_run(context: CheckContext, script_check: ScriptCheck, args: argparse.Namespace) -> int:
    if script_check.trouble:
        return _print_refusal(script_check.trouble)
    if script_check.missing:
        return _print_refusal(f"{', '.join(script_check.missing)} not set, and the script needs it; nothing was run")
    account, reason = current_account(context)
    if reason:
        return _print_refusal(f"{reason}; nothing was run")
    if not args.yes and not _confirm_run(script_check, account or context.settings.project or context.project.name):
        return exit_codes.USAGE if not sys.stdin.isatty() else exit_codes.INTERRUPTED
    from ecotui.session import SessionError

    try:
        return run_team_script(context, script_check, overrides=args.override)
    except SessionError as error:
        return _print_refusal(str(error), exit_codes.ERROR)


def current_account(context: CheckContext) -> tuple[str, str]:
    """The account of the credentials now, and why the script must not run there; empty when it may."""
    expected = context.settings.aws.account
    try:
        now = context.aws.refetch_identity().account
    except Exception as error:  # noqa: BLE001 - whatever it is: the account that the script would change is not known
        return "", f"the AWS account could not be checked: {context.aws.explain(error).summary}"
    if expected and now != expected:
        return now, f"the credentials are of account {now}, the settings name {expected} (aws.account)"
    return now, ""


def _confirm_run(script_check: ScriptCheck, word: str) -> bool:
    if not is_interactive():
        print("ecotui script: without a terminal, --yes confirms that you read the script", file=sys.stderr)
        return False
    _print_preview(script_check)
    print("The script then runs to its end, with no review and no forecast.")
    if confirm_typed(word, "run it"):
        return True
    print("Cancelled; nothing was run")
    return False


def run_team_script(
    context: CheckContext,
    script_check: ScriptCheck,
    *,
    step: str = "apply",
    stages: Sequence[str] | None = None,
    leftovers_hint: str = "What it left: ecotui recover",
    overrides: Sequence[str] = (),
) -> int:
    """Run it under the supervisor and follow it to its end; the exit code. Raises SessionError, LockUnavailable."""
    from checks.tools.terraform import terraform_environment
    from ecotui.cli.follow import CommandFollower
    from ecotui.cli.follow_script import ScriptOutput
    from ecotui.cli.locks import hold_locks
    from ecotui.session import events, store
    from ecotui.supervisor.running import run_child
    from ecotui.team.lease_client import TEAM_LOCK_FINDING

    is_child = bool(context.env.get("ECOTUI_SESSION"))
    with hold_locks(context, overrides, log_override=False) as locks:
        session = store.open_or_create_session(context.settings, context.env, context.project)
        locks.set_session(session.id)
        if locks.override_reason:
            session.append(events.FindingOverridden(finding=TEAM_LOCK_FINDING, reason=locks.override_reason))
        running = run_child(
            session,
            script_check.argv,
            step=step,
            title=f"the team's script {script_check.file or script_check.argv[0]}",
            cwd=context.project,
            env=terraform_environment(context),
            secrets=[one.name for one in context.settings.environment.variables if one.secret],
        )
        print("The script keeps running when you close this terminal")
        print(f"Log: {running.command.folder / 'output.log'}", flush=True)
        output = ScriptOutput(running, context, stages=stages, leftovers_hint=leftovers_hint)
        code = CommandFollower(running, output).follow()
        if not is_child:
            session.end("succeeded" if code == exit_codes.OK else "failed")
        return code
