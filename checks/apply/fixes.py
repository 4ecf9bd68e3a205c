"""The fixes of the apply step: each says what it runs, and what is different afterwards."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from checks.apply.model import ApplyDetail
from checks.apply.state.errored import ErroredState, PushSafety
from checks.finding import CopyText, Fix, OpenStep, Risk, RunCommand, RunInTerminal
from checks.script.check import ScriptCheck
from checks.text import plural, shorten_list
from checks.tools.run import CommandError
from checks.tools.terraform import TerraformError
from checks.tools.terraform_errors import Diagnostic, StateLock

MAX_NAMED_ADDRESSES = 6
"""Resources that the consent to an apply names, of those that it destroys or replaces."""


def plan_fix(*, recommended: bool) -> Fix:
    """Plan; `recommended` where nothing else comes first."""
    return Fix(
        id="apply.plan",
        title="Plan, and forecast what would go wrong",
        action=RunCommand(argv=("ecotui", "plan")),
        changes="nothing in the account; the plan is saved for a review",
        risk=Risk.READS,
        recommended=recommended,
    )


def apply_fix(detail: ApplyDetail, *, with_overrides: bool = False) -> Fix:
    """Apply the reviewed plan. `with_overrides`: it is blocked, and starts only once each finding is overridden."""
    losses = ("--destroy", str(detail.data_loss_count)) if detail.data_loss_count else ()
    destroys = "destroy" in detail.plan_sentence or "replace" in detail.plan_sentence
    where = f" in {detail.target}" if detail.target else ""
    destroyed = f" ({shorten_list(detail.destroyed, MAX_NAMED_ADDRESSES)})" if detail.destroyed else ""
    return Fix(
        id="apply.apply",
        title="Apply anyway, after overriding each finding" if with_overrides else "Apply the reviewed plan",
        action=RunCommand(argv=("ecotui", "apply", "--yes", "--plan", detail.plan_file, *losses)),
        changes=f"{detail.plan_sentence}{destroyed}{where}; what is created costs money"
        + (f"; of what holds data, {detail.data_loss_count} destroyed or replaced: p shows them" if losses else ""),
        # As on the command line: a word where nothing goes, the account's name or the number where something does.
        typed=f"destroy {detail.data_loss_count}" if losses else "" if destroys else "apply",
        risk=Risk.DESTROYS if destroys else Risk.COSTS,
        recommended=not with_overrides,
    )


def blocked_step_fixes(detail: ApplyDetail) -> tuple[Fix, ...]:
    """The steps that put in order what the forecast found; a new plan checks it again."""
    fixes = []
    if detail.cleanup_selection and any(one.startswith("collision:") for one in detail.blocking_ids):
        fixes.append(
            Fix(
                id="apply.cleanup",
                title="Delete what has the names: go to the leftovers, with these selected",
                action=OpenStep(step="cleanup", select=detail.cleanup_selection),
                changes="nothing yet: there the deletion is typed",
            )
        )
    if any(one.startswith("quota:") for one in detail.blocking_ids):
        fixes.append(
            Fix(
                id="apply.quota",
                title="Go to the quotas that are too small",
                action=OpenStep(step="quota"),
                changes="nothing yet",
            )
        )
    return tuple(fixes)


def edit_fix(folder: Path, diagnostic: Diagnostic, env: Mapping[str, str]) -> Fix:
    """Open the operator's editor at the line; without an editor, copy the location."""
    return Fix(
        id="apply.edit",
        title=f"Correct {diagnostic.location}",
        action=edit_action(folder / diagnostic.filename, diagnostic.line, env),
        changes="your configuration, by hand",
        risk=Risk.CHANGES,
        recommended=True,
    )


def edit_action(path: Path, line: int, env: Mapping[str, str]) -> RunInTerminal | CopyText:
    """Open a file at a line; where no editor is installed, copy the location."""
    argv = editor_command(path, line, env)
    return RunInTerminal(argv=argv) if argv else CopyText(text=f"{path}:{line}")


def editor_command(path: Path, line: int, env: Mapping[str, str]) -> tuple[str, ...]:
    """The editor's command for a line of a file; empty where no editor is installed.

    `VISUAL` goes before `EDITOR`, as in less and git. POSIX has `vi +LINE FILE`, which nano, emacs, micro and kakoune
    took over; editors with windows of their own have to wait, and take `file:line`.
    """
    command = env.get("VISUAL") or env.get("EDITOR") or ""
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    for one in (words, ["vi"], ["nano"], ["emacs", "-nw"]):
        if one and shutil.which(one[0], path=env.get("PATH", "")):
            name = Path(one[0]).name
            if name in ("code", "codium", "cursor"):
                wait = () if {"-w", "--wait"} & set(one) else ("--wait",)
                return (*one, *wait, "--goto", f"{path}:{line}")
            if name in ("subl", "hx", "helix"):
                return (*one, f"{path}:{line}")
            return (*one, f"+{line}", str(path))
    return ()


def unlock_fix(lock: StateLock) -> Fix:
    """Remove a lock whose holder may be gone. `ecotui unlock` checks first: it refuses when the holder runs."""
    return Fix(
        id="apply.unlock",
        title="Remove the lock, when its holder is certainly gone",
        action=RunCommand(argv=("ecotui", "unlock", "--approve", lock.id)),
        changes="the state can be written again; two writers at once would damage it",
        risk=Risk.DESTROYS,
        typed=lock.who,
    )


def terraform_error_fixes(error: CommandError, command_name: str) -> tuple[Fix, ...]:
    """What the operator can do about a refusal of terraform; `command_name`: `terraform` or `tofu`."""
    if not isinstance(error, TerraformError):
        return ()
    if error.lock:
        return (unlock_fix(error.lock),)
    if error.needs_init:
        return (terraform_init_fix(command_name),)
    if re.search(r"ExpiredToken|InvalidClientTokenId|No valid credential|SSO", error.raw):
        return (
            Fix(
                id="apply.credentials",
                title="Put the AWS credentials in order",
                action=OpenStep(step="environment"),
                changes="nothing yet",
            ),
        )
    return ()


def terraform_init_fix(command_name: str) -> Fix:
    """Download providers and modules, connect the backend."""
    return Fix(
        id="apply.init",
        title="Initialise the terraform folder",
        action=RunCommand(argv=("ecotui", "plan", "--init-only")),
        changes=f"{command_name} init downloads providers and modules into .terraform",
        risk=Risk.CHANGES,
        recommended=True,
    )


def recover_fixes(errored_state: ErroredState) -> tuple[Fix, ...]:
    """Push the state where that loses nothing; move the file aside where all of it is saved; else only show it."""
    if errored_state.is_pushable or errored_state.push_safety is PushSafety.SAME:
        return (
            Fix(
                id="apply.recover",
                title="Save the state of the interrupted run"
                if errored_state.is_pushable
                else "Move the file aside: all of it is saved",
                action=RunCommand(argv=("ecotui", "recover", "--approve", errored_state.digest)),
                changes=(
                    f"terraform knows {plural(len(errored_state.gained), 'resource')} more; "
                    if errored_state.is_pushable
                    else "nothing in the state; "
                )
                + "the file stays beside it under another name",
                risk=Risk.CHANGES,
                recommended=True,
            ),
        )
    return (show_interrupted_fix(),)


def untaint_fix(count: int) -> Fix:
    """For resources that an interrupted apply left tainted: the next plan would replace them."""
    return Fix(
        id="apply.keep",
        title="Untaint the resources that exist and are complete",
        action=RunCommand(argv=("ecotui", "recover", "--keep")),
        changes=f"each of the {count} is checked in AWS; those that terraform only did not wait for are untainted in the"
        " state; nothing in the account",
        risk=Risk.CHANGES,
        recommended=True,
    )


def show_interrupted_fix() -> Fix:
    """Show what an interrupted apply left."""
    return Fix(
        id="apply.unfinished",
        title="Show what the last apply began and did not finish",
        action=RunCommand(argv=("ecotui", "recover")),
        changes="nothing; what it finds can be imported or deleted afterwards",
    )


def script_fix(script_check: ScriptCheck) -> Fix:
    """Run the team's own script instead. The consent is typed, as the script does not ask."""
    return Fix(
        id="apply.script",
        title=f"Run the team's own script instead: {script_check.file or script_check.argv[0]}",
        action=RunCommand(argv=("ecotui", "script", "--run", "--yes")),
        changes=f"{script_check.analysis.summary}; no review, no forecast"
        if script_check.file
        else "what it does was not read",
        risk=Risk.DESTROYS,
    )
