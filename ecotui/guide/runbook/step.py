"""One step of a runbook: its text, its command, the values that are missing, and the fix that runs it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from checks.finding import CopyText, Finding, Fix, OpenStep, PasteSecret, Risk, RunCommand, RunInTerminal, SetVariable
from checks.secret_names import is_secret_placeholder
from config.model import Settings
from ecotui.guide.runbook.commands import (
    GuideCommand,
    ShellScript,
    StatementBody,
    VariableAssignment,
    parse_statements,
)
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
"""The `screen_step` of a step that says to search the document."""


class StepKind(StrEnum):
    """The kind of a step."""

    FIX = "fix"
    """A fix that the check offers; ready to run."""
    COMMAND = "command"
    SCRIPT = "script"
    """Needs a shell: it is copied."""
    FILE = "file"
    """Text for a file: it is copied."""
    MANUAL = "hand"
    """Only words."""
    END = "end"
    """Check again, and rate the entry."""


@dataclass(frozen=True)
class RunbookStep:
    """One step of an entry."""

    key: str
    """Its position, the same in both languages of a document: `1.2`; `quota.vcpu/request` for a fix."""
    kind: StepKind
    title: str
    heading: str = ""
    """The heading above it."""
    note: str = ""
    """The text around it."""
    text: str = ""
    """What is copied: the command with its values, the script, the file."""
    argv: tuple[str, ...] = ()
    """The command; empty if it cannot be run."""
    stdin_secret: str = ""
    """The placeholder of a secret that is typed, masked, and passed to standard input."""
    variable: str = ""
    """The variable that it sets for this session, to `value`."""
    value: str = ""
    substitutions: tuple[tuple[str, PlaceholderValue], ...] = ()
    missing: tuple[str, ...] = ()
    """Placeholders without a value. The operator fills them before it can run."""
    reason: str = ""
    """Why it can only be copied."""
    risk: Risk = Risk.READS
    fix: Fix | None = None
    finding: Finding | None = None
    check_step: str = ""
    """Of a manual step: the step of the rebuild that checks it,"""
    screen_step: str = ""
    """or whose screen does it."""
    language: str = ""
    """Of a file's text: `hcl`."""

    @property
    def is_runnable(self) -> bool:
        """Whether it can be started as it is."""
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
    """What building a step needs: settings, values, the files of the project."""

    settings: Settings
    values: PlaceholderValues
    file_exists: Callable[[str], bool] = field(default=lambda path: True)
    """Whether the project has this file."""


_EMPHASIS_MARKS = re.compile(r"\*\*|__|`")


def strip_emphasis(text: str) -> str:
    """The text without Markdown's marks of emphasis."""
    return _EMPHASIS_MARKS.sub("", text).strip()


def edit_step(step: RunbookStep, text: str, context: RunbookContext) -> RunbookStep:
    """The same step with another command line."""
    statements = list(parse_statements(text))
    body: StatementBody = ShellScript("several commands in one line" if statements else "nothing to run")
    if len(statements) == 1 and statements[0].text:
        body = statements[0].body
    edited = build_command_step(body, text, "", context, FilledText(""), is_edited=True)
    return replace(edited, key=step.key, heading=step.heading, note=step.note)


_NODE_NOTE = re.compile(r"\bnodes?\b|노드에서", re.I)


def _place_command(
    argv: tuple[str, ...], folder: FilledText, missing: list[str], context: RunbookContext, *, is_edited: bool
) -> tuple[tuple[str, ...], str]:
    """The command for the folder it runs in, and why it cannot run here. Adds the folder's placeholders to `missing`."""
    project_root = context.values.by_name.get("project_root", PlaceholderValue("", "")).value
    if folder.text and folder.text != project_root:
        if argv[0] not in ("terraform", "tofu"):
            return argv, f"it starts in another folder: {folder.text}"
        missing += [placeholder.source_text for placeholder in folder.missing_placeholders]
        return (argv[0], f"-chdir={folder.text}", *argv[1:]), ""
    return (argv if is_edited else _apply_terraform_settings(argv, context)), ""


def build_command_step(
    body: StatementBody,
    text: str,
    note: str,
    context: RunbookContext,
    folder: FilledText,
    *,
    is_edited: bool = False,
) -> RunbookStep:
    """A step for one command of an entry: run if possible, else copied, with the reason.

    `folder` is where it runs. If the operator `is_edited` it, no setting replaces any of its words.
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
    substitutions = [pair for one in filled for pair in one.substitutions]
    missing = [placeholder.source_text for one in filled for placeholder in one.missing_placeholders]
    if not is_edited:
        argv, replaced = apply_settings_to_options(argv, context.settings)
        substitutions += replaced
    argv, reason = _place_command(argv, folder, missing, context, is_edited=is_edited)
    stdin_secret = ""
    if body.stdin is not None:
        placeholders = fill_placeholders(body.stdin, context.values).missing_placeholders
        if placeholders and all(is_secret_placeholder(one.name) for one in placeholders):
            stdin_secret = placeholders[0].source_text
        else:
            reason = "needs a shell: a pipe"
    reason = _why_not_here(argv[0], note, context) or reason
    command_line = _format_argv(argv, missing)
    return RunbookStep(
        key="",
        kind=StepKind.SCRIPT if reason else StepKind.COMMAND,
        title=command_line,
        note=note,
        text=text if stdin_secret else command_line,
        argv=() if reason else argv,
        stdin_secret=stdin_secret,
        substitutions=tuple(substitutions),
        missing=tuple(dict.fromkeys(missing)),
        reason=reason,
        risk=command_risk(argv),
    )


def _why_not_here(program: str, note: str, context: RunbookContext) -> str:
    """Why a program cannot run on this machine; empty if it can."""
    if "/" in program and not program.startswith("/") and not context.file_exists(program):
        return f"the project has no {program}"
    if _NODE_NOTE.search(note.split("\n")[-1]) and program in ("tail", "journalctl", "systemctl", "crictl"):
        return "it runs on a node, not on this machine"
    return ""


def _apply_terraform_settings(argv: tuple[str, ...], context: RunbookContext) -> tuple[str, ...]:
    """A terraform command as the project starts it, in the folder of its configuration."""
    terraform = context.settings.terraform
    if argv[0] not in ("terraform", "tofu"):
        return argv
    if not any(word.startswith("-chdir=") for word in argv) and context.file_exists(terraform.directory):
        argv = (argv[0], f"-chdir={terraform.directory}", *argv[1:])
    return (*terraform.command, *argv[1:])


def _format_argv(argv: Sequence[str], missing: Sequence[str]) -> str:
    """The command line. Placeholders stay readable, to be overwritten."""
    return " ".join(word if any(one in word for one in missing) else shlex.quote(word) for word in argv)


def _build_assignment_step(assignment: VariableAssignment, note: str, values: PlaceholderValues) -> RunbookStep:
    hidden = is_secret_placeholder(assignment.name)
    # The environment has the operator's value; the text has only an example.
    known = values.lookup(assignment.name.lower())
    filled = fill_placeholders(assignment.value, values)
    value = ""
    if not hidden:
        value = known.value if known else "" if filled.missing_placeholders else filled.text
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


# -- fixes ---------------------------------------------------------------------------------------------------------


def fix_from_step(step: RunbookStep, entry: str, confirmation: str = "") -> Fix:
    """A command of the guide as a fix: confirmed, run and logged like any other."""
    if step.fix is not None:
        return step.fix
    changes = {
        Risk.READS: "Nothing. It only reads.",
        Risk.CHANGES: "What the command changes.",
        Risk.COSTS: "What the command changes.",
        Risk.DESTROYS: "It deletes or forces what it names.",
    }[step.risk]
    action: RunCommand | RunInTerminal | PasteSecret | SetVariable
    if step.variable:
        action = SetVariable(name=step.variable, secret=is_secret_placeholder(step.variable), purpose=f"guide {entry}")
    elif step.stdin_secret:
        action = PasteSecret(argv=step.argv, prompt=f"{step.stdin_secret}, passed to standard input")
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
    """The program and its verb."""
    if step.variable:
        return f"set {step.variable}"
    return " ".join(word for word in step.argv[:4] if not word.startswith("-"))[:60]


def destroy_confirmation(argv: Sequence[str]) -> str:
    """The words to type as consent: the destructive verb and its object."""
    verb = next((word for word in argv[1:] if command_risk(("x", word)) is Risk.DESTROYS), argv[0] if argv else "")
    last = next((word for word in reversed(argv) if not word.startswith("-") and word != verb), "")
    return f"{verb.lstrip('-')} {last}".strip()[:60]
