"""One step of a walk: what it says, what it runs, what is missing for that, and how it is carried out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from checks.finding import CopyText, Finding, Fix, OpenStep, PasteSecret, Risk, RunCommand, RunInTerminal, SetVariable
from checks.secret_names import is_secret_placeholder
from config.model import Settings
from ecotui.guide.runbook import commands
from ecotui.guide.runbook.commands import GuideCommand, ShellScript, StatementBody, VariableAssignment
from ecotui.guide.runbook.placeholders import (
    FilledText,
    PlaceholderValue,
    PlaceholderValues,
    apply_settings_to_options,
    fill_placeholders,
)
from ecotui.guide.runbook.risk import command_risk, needs_terminal

END_STEP = "end"
"""The key of the last step."""
SEARCH_GUIDE = "guide"
"""Where a step leads that says to search the document."""


class StepKind(StrEnum):
    """What is done at a step."""

    FIX = "fix"
    """A way out that the live check offers; ready to run."""
    COMMAND = "command"
    SCRIPT = "script"
    """Needs a shell: it is copied."""
    FILE = "file"
    """Text for a file: it is copied."""
    MANUAL = "hand"
    """Said in words."""
    END = "end"
    """Look again, and say whether it helped."""


@dataclass(frozen=True)
class RunbookStep:
    """One step of an entry."""

    key: str
    """Where it stands, the same in both languages of a document: `1.2`; `quota.vcpu/request` for a fix."""
    kind: StepKind
    title: str
    heading: str = ""
    """The heading it stands under."""
    note: str = ""
    """What the text says around it."""
    text: str = ""
    """What is copied: the command with its holes filled, the script, the file."""
    argv: tuple[str, ...] = ()
    """What is run; empty where it cannot be."""
    stdin_secret: str = ""
    """What has to be typed, masked, for its standard input."""
    variable: str = ""
    """The variable that it sets for this session (`text` is the command line, `value` the value)."""
    value: str = ""
    substitutions: tuple[tuple[str, PlaceholderValue], ...] = ()
    missing: tuple[str, ...] = ()
    """Holes that nothing is known for; they are filled by hand before it can run."""
    reason: str = ""
    """Why it can only be copied."""
    risk: Risk = Risk.READS
    fix: Fix | None = None
    finding: Finding | None = None
    check_step: str = ""
    """For what is done by hand: the step of the rebuild that looks at it,"""
    screen_step: str = ""
    """or whose screen does it."""
    language: str = ""
    """Of a file's text: `hcl`."""

    @property
    def is_runnable(self) -> bool:
        """Can it be started as it stands?"""
        if self.fix is not None:
            return not isinstance(self.fix.action, CopyText)
        return bool(self.argv or self.variable) and not self.missing

    @property
    def deleted_leftovers(self) -> tuple[str, ...]:
        """The keys of the leftovers that a fix of the cleanup deletes; empty for any other step."""
        action = self.fix.action if self.fix is not None else None
        if isinstance(action, OpenStep) and action.step == "cleanup" and self.risk is Risk.DESTROYS:
            return action.select
        return ()


@dataclass(frozen=True)
class RunbookContext:
    """What filling in and judging needs to know."""

    settings: Settings
    values: PlaceholderValues
    file_exists: Callable[[str], bool] = field(default=lambda path: True)
    """Is there such a file in the project?"""


_EMPHASIS_MARKS = re.compile(r"\*\*|__|`")


def strip_emphasis(text: str) -> str:
    """Markdown's marks of emphasis taken off."""
    return _EMPHASIS_MARKS.sub("", text).strip()


def edit_step(step: RunbookStep, text: str, context: RunbookContext) -> RunbookStep:
    """The same step with another command line."""
    read = list(commands.parse_statements(text))
    if len(read) != 1 or not read[0].text:
        reading: StatementBody = ShellScript("several commands in one line") if read else ShellScript("nothing to run")
    else:
        reading = read[0].body
    made = build_command_step(reading, text, "", context, FilledText(""), edited_by_hand=True)
    return replace(made, key=step.key, heading=step.heading, note=step.note)


_NODE_NOTE = re.compile(r"\bnodes?\b|노드에서", re.I)


def build_command_step(
    body: StatementBody,
    text: str,
    note: str,
    context: RunbookContext,
    folder: FilledText,
    *,
    edited_by_hand: bool = False,
) -> RunbookStep:
    """A step for one command of an entry: to be run where it can be, else to be copied with the reason.

    `folder`: where it runs. `changed`: the operator has edited it, and no setting takes the place of a word.
    """
    note = strip_emphasis(note)
    if isinstance(body, VariableAssignment):
        return _build_assignment_step(body, note, context.values)
    if not isinstance(body, GuideCommand):
        reason = body.reason if isinstance(body, ShellScript) else "only a shell changes its folder"
        return RunbookStep(
            key="",
            kind=StepKind.SCRIPT,
            title=text.split("\n")[0],
            note=note,
            text=text,
            reason=f"needs a shell: {reason}",
        )
    filled = [fill_placeholders(word, context.values) for word in body.words]
    argv = tuple(one.text for one in filled)
    used = [pair for one in filled for pair in one.substitutions]
    missing = [hole.source_text for one in filled for hole in one.missing_placeholders]
    if not edited_by_hand:
        argv, put_in = apply_settings_to_options(argv, context.settings)
        used += put_in
    reason = ""
    if folder.text and folder.text != context.values.by_name.get("project_root", PlaceholderValue("", "")).value:
        if argv[0] in ("terraform", "tofu"):
            argv = (argv[0], f"-chdir={folder.text}", *argv[1:])
            missing += [hole.source_text for hole in folder.missing_placeholders]
        else:
            reason = f"starts in another folder: {folder.text}"
    elif not edited_by_hand:
        argv = _apply_terraform_settings(argv, context)
    stdin_secret = ""
    if body.stdin is not None:
        given = fill_placeholders(body.stdin, context.values)
        if given.missing_placeholders and all(is_secret_placeholder(hole.name) for hole in given.missing_placeholders):
            stdin_secret = given.missing_placeholders[0].source_text
        else:
            reason = "needs a shell: a pipe"
    if "/" in argv[0] and not argv[0].startswith("/") and not context.file_exists(argv[0]):
        reason = f"there is no {argv[0]} in the project"
    elif _NODE_NOTE.search(note.split("\n")[-1]) and argv[0] in ("tail", "journalctl", "systemctl", "crictl"):
        reason = "it is for a node, not for this machine"
    shown = _format_argv(argv, missing)
    return RunbookStep(
        key="",
        kind=StepKind.SCRIPT if reason else StepKind.COMMAND,
        title=shown,
        note=note,
        text=shown if not stdin_secret else text,
        argv=() if reason else argv,
        stdin_secret=stdin_secret,
        substitutions=tuple(used),
        missing=tuple(dict.fromkeys(missing)),
        reason=reason,
        risk=command_risk(argv),
    )


def _apply_terraform_settings(argv: tuple[str, ...], context: RunbookContext) -> tuple[str, ...]:
    """The document's terraform, as the project starts it and where it has its configuration."""
    terraform = context.settings.terraform
    if argv[0] not in ("terraform", "tofu"):
        return argv
    if not any(word.startswith("-chdir=") for word in argv) and context.file_exists(terraform.directory):
        argv = (argv[0], f"-chdir={terraform.directory}", *argv[1:])
    return (*terraform.command, *argv[1:])


def _format_argv(argv: Sequence[str], missing: Sequence[str]) -> str:
    """The command line; holes stay readable, as they are to be overwritten."""
    return " ".join(word if any(hole in word for hole in missing) else shlex.quote(word) for word in argv)


def _build_assignment_step(assignment: VariableAssignment, note: str, values: PlaceholderValues) -> RunbookStep:
    hidden = is_secret_placeholder(assignment.name)
    # What stands in the environment is what the operator meant; the text has only an example.
    known = values.lookup(assignment.name.lower())
    filled = fill_placeholders(assignment.value, values)
    value = "" if hidden else (known.value if known else ("" if filled.missing_placeholders else filled.text))
    return RunbookStep(
        key="",
        kind=StepKind.COMMAND,
        title=f"export {assignment.name}={'••••' if hidden else value or '…'}",
        note=note,
        text=f"export {assignment.name}={'' if hidden else shlex.quote(value)}",
        variable=assignment.name,
        value=value,
        substitutions=((assignment.name, known),) if known and not hidden else filled.substitutions,
        risk=Risk.CHANGES,
    )


# -- carrying out --------------------------------------------------------------------------------------------------


def fix_from_step(step: RunbookStep, entry: str, confirmation: str = "") -> Fix:
    """A command of the guide as a fix, so that it is asked about, run and logged like any other."""
    if step.fix is not None:
        return step.fix
    changes = {
        Risk.READS: "Nothing; it only reads.",
        Risk.CHANGES: "What the command changes.",
        Risk.COSTS: "What the command changes.",
        Risk.DESTROYS: "What it names is gone, or forced, afterwards.",
    }[step.risk]
    action: RunCommand | RunInTerminal | PasteSecret | SetVariable
    if step.variable:
        action = SetVariable(name=step.variable, secret=is_secret_placeholder(step.variable), purpose=f"guide {entry}")
    elif step.stdin_secret:
        action = PasteSecret(argv=step.argv, prompt=f"{step.stdin_secret}, given to its standard input")
    elif needs_terminal(step.argv):
        action = RunInTerminal(argv=step.argv)
    else:
        action = RunCommand(argv=step.argv)
    return Fix(
        id=f"guide.{entry}.{step.key}",
        title=f"Guide {entry}: {_short_title(step)}",
        action=action,
        changes=changes,
        risk=step.risk,
        typed=confirmation if step.risk is Risk.DESTROYS else "",
    )


def _short_title(step: RunbookStep) -> str:
    """The program and its verb, for a title."""
    if step.variable:
        return f"set {step.variable}"
    return " ".join(word for word in step.argv[:4] if not word.startswith("-"))[:60]


def destroy_confirmation(argv: Sequence[str]) -> str:
    """What is typed to consent: the word that destroys, and what it is done to."""
    verb = next((word for word in argv[1:] if command_risk(("x", word)) is Risk.DESTROYS), argv[0] if argv else "")
    last = next((word for word in reversed(argv) if not word.startswith("-") and word != verb), "")
    return f"{verb.lstrip('-')} {last}".strip()[:60]
