"""The ways out that the apply step offers: each says what it runs, and what is different afterwards."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from checks.apply.model import ApplyDetail
from checks.apply.state.errored import ErroredState, PushSafety, format_resource_count
from checks.finding import CopyText, Fix, OpenStep, Risk, RunCommand, RunInTerminal
from checks.script.check import ScriptCheck
from checks.tools.terraform_errors import Diagnostic, StateLock

MAX_NAMED_ADDRESSES = 6
"""Things that are destroyed or replaced, and are named in the question before an apply."""


def plan_fix(*, recommended: bool) -> Fix:
    """`recommended`: it is what should be done next."""
    return Fix(
        id="apply.plan",
        title="Plan, and forecast what would go wrong",
        action=RunCommand(argv=("ecotui", "plan")),
        changes="nothing in the account; the plan is saved for a review",
        risk=Risk.READS,
        recommended=recommended,
    )


def apply_fix(detail: ApplyDetail, *, with_overrides: bool = False) -> Fix:
    """`anyway`: with something in the way; it starts only once each of these was let pass, with a reason."""
    # Headless as well, the number has to be the plan's own: it was read, not guessed.
    losses = ("--destroy", str(detail.losses)) if detail.losses else ()
    destroys = "destroy" in detail.plan_sentence or "replace" in detail.plan_sentence
    where = f" in {detail.where}" if detail.where else ""
    return Fix(
        id="apply.apply",
        title="Apply it all the same, once all of this was let pass" if with_overrides else "Apply the reviewed plan",
        action=RunCommand(argv=("ecotui", "apply", "--yes", "--plan", detail.plan, *losses)),
        changes=f"{detail.plan_sentence}{_format_destroyed(detail.gone)}{where}; what is created costs money"
        + (f"; of what holds data, {detail.losses} destroyed or replaced: p shows them" if losses else ""),
        # As on the command line: a word where nothing goes, the account's name or the number where something does.
        typed=f"destroy {detail.losses}" if losses else "" if destroys else "apply",
        risk=Risk.DESTROYS if destroys else Risk.COSTS,
        recommended=not with_overrides,
    )


def _format_destroyed(addresses: tuple[str, ...]) -> str:
    """What is destroyed or replaced, by name: whoever agrees should have read it."""
    if not addresses:
        return ""
    more = f" and {len(addresses) - MAX_NAMED_ADDRESSES} more" if len(addresses) > MAX_NAMED_ADDRESSES else ""
    return f" ({', '.join(addresses[:MAX_NAMED_ADDRESSES])}{more})"


def blocked_step_fixes(detail: ApplyDetail) -> tuple[Fix, ...]:
    """The steps where what the forecast saw is put in order; after that a new plan looks again."""
    fixes = []
    if detail.names_in_the_way and any(one.startswith("collision:") for one in detail.blocking):
        fixes.append(
            Fix(
                id="apply.cleanup",
                title="Delete what has the names: go to the leftovers, with it marked",
                action=OpenStep(step="cleanup", select=detail.names_in_the_way),
                changes="nothing yet: there the deletion is typed",
            )
        )
    if any(one.startswith("quota:") for one in detail.blocking):
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
    """Open the operator's own editor at the line; where there is none, the place to take away."""
    return Fix(
        id="apply.edit",
        title=f"Correct {diagnostic.location}",
        action=edit_action(folder / diagnostic.filename, diagnostic.line, env),
        changes="your configuration, by hand",
        risk=Risk.CHANGES,
        recommended=True,
    )


def edit_action(path: Path, line: int, env: Mapping[str, str]) -> RunInTerminal | CopyText:
    """Open a file at a line; where no editor is installed, the place to copy."""
    argv = editor_command(path, line, env)
    return RunInTerminal(argv=argv) if argv else CopyText(text=f"{path}:{line}")


def editor_command(path: Path, line: int, env: Mapping[str, str]) -> tuple[str, ...]:
    """The editor's command for a place; empty where no editor is installed.

    `VISUAL` goes before `EDITOR`, as in less and git. POSIX has `vi +LINE FILE`, which nano, emacs, micro and kakoune
    took over; editors with windows of their own have to wait, and take `file:line`.
    """
    asked = env.get("VISUAL") or env.get("EDITOR") or ""
    try:
        words = shlex.split(asked)
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


def unlock_fixes(lock: StateLock) -> tuple[Fix, ...]:
    """The ways out of a lock whose holder may be gone."""
    return (
        Fix(
            id="apply.unlock",
            title="Remove the lock, when its holder is certainly gone",
            action=RunCommand(argv=("ecotui", "unlock", "--approve", lock.id)),
            changes="the state can be written again; two writers at once would damage it",
            risk=Risk.DESTROYS,
            typed=lock.who,
        ),
    )


def recover_fixes(errored_state: ErroredState) -> tuple[Fix, ...]:
    """Push it where that loses nothing; move it aside where it is saved already; else only look."""
    if errored_state.is_pushable or errored_state.fit is PushSafety.SAME:
        return (
            Fix(
                id="apply.recover",
                title="Save the state of the interrupted run"
                if errored_state.is_pushable
                else "Move the file aside: all of it is saved",
                action=RunCommand(argv=("ecotui", "recover", "--approve", errored_state.digest)),
                changes=(
                    f"terraform knows {format_resource_count(errored_state.gained)} more; "
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
    """For what an interrupt left half made: it would be destroyed and made again."""
    return Fix(
        id="apply.keep",
        title="Keep what is half made and yet stands",
        action=RunCommand(argv=("ecotui", "recover", "--keep")),
        changes=f"each of the {count} is looked at in AWS; off those that only were no longer waited for, the mark"
        " (tainted) is taken in the state; nothing in the account",
        risk=Risk.CHANGES,
        recommended=True,
    )


def show_interrupted_fix() -> Fix:
    """Shows what an interrupted run left."""
    return Fix(
        id="apply.unfinished",
        title="See what the last run began and did not finish",
        action=RunCommand(argv=("ecotui", "recover")),
        changes="nothing; what it finds can be adopted or deleted afterwards",
    )


def script_fix(script_check: ScriptCheck) -> Fix:
    """The team's own script instead; the account's name is typed, for it asks nothing itself."""
    return Fix(
        id="apply.script",
        title=f"Run the team's own script instead: {script_check.file or script_check.argv[0]}",
        action=RunCommand(argv=("ecotui", "script", "--run", "--yes")),
        changes=f"{script_check.analysis.summary}; no review, no forecast"
        if script_check.file
        else "what it does was not read",
        risk=Risk.DESTROYS,
    )
