"""One step of a walk: what it says, what it runs, what is missing for that, and how it is carried out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from checks.finding import Copy, Finding, Fix, InTerminal, Paste, Risk, Run, SetVariable
from config.model import Settings
from ecotui.guide.runbook import commands
from ecotui.guide.runbook.commands import Command, Reading, Script, Setting
from ecotui.guide.runbook.placeholders import Filled, Known, Values, fill, options, secret
from ecotui.guide.runbook.risk import risk, talks

END = "end"
"""The key of the last step."""
GUIDE = "guide"
"""Where a step leads that says to search the document."""


class Kind(StrEnum):
    """What is done at a step."""

    FIX = "fix"
    """A way out that the live check offers; ready to run."""
    COMMAND = "command"
    SCRIPT = "script"
    """Needs a shell: it is copied."""
    FILE = "file"
    """Text for a file: it is copied."""
    HAND = "hand"
    """Said in words."""
    END = "end"
    """Look again, and say whether it helped."""


@dataclass(frozen=True)
class Step:
    """One step of an entry."""

    key: str
    """Where it stands, the same in both languages of a document: `1.2`; `quota.vcpu/request` for a fix."""
    kind: Kind
    title: str
    way: str = ""
    """The heading it stands under."""
    note: str = ""
    """What the text says around it."""
    text: str = ""
    """What is copied: the command with its holes filled, the script, the file."""
    argv: tuple[str, ...] = ()
    """What is run; empty where it cannot be."""
    stdin_secret: str = ""
    """What has to be typed, masked, for its standard input."""
    setting: str = ""
    """The variable that it sets for this session (`text` is the command line, `value` the value)."""
    value: str = ""
    used: tuple[tuple[str, Known], ...] = ()
    missing: tuple[str, ...] = ()
    """Holes that nothing is known for; they are filled by hand before it can run."""
    reason: str = ""
    """Why it can only be copied."""
    risk: Risk = Risk.READS
    fix: Fix | None = None
    finding: Finding | None = None
    look: str = ""
    """For what is done by hand: the step of the rebuild that looks at it,"""
    visit: str = ""
    """or whose screen does it."""
    language: str = ""
    """Of a file's text: `hcl`."""

    @property
    def runs(self) -> bool:
        """Can it be started as it stands?"""
        if self.fix is not None:
            return not isinstance(self.fix.action, Copy)
        return bool(self.argv or self.setting) and not self.missing


@dataclass(frozen=True)
class Context:
    """What filling in and judging needs to know."""

    settings: Settings
    values: Values
    exists: Callable[[str], bool] = field(default=lambda path: True)
    """Is there such a file in the project?"""


_MARKS = re.compile(r"\*\*|__|`")


def plain(text: str) -> str:
    """Markdown's marks of emphasis taken off."""
    return _MARKS.sub("", text).strip()


def edited(step: Step, text: str, context: Context) -> Step:
    """The same step with another command line."""
    read = list(commands.statements(text))
    if len(read) != 1 or not read[0].text:
        reading: Reading = Script("several commands in one line") if read else Script("nothing to run")
    else:
        reading = read[0].reading
    made = command_step(reading, text, "", context, Filled(""), changed=True)
    return replace(made, key=step.key, way=step.way, note=step.note)


_ON_A_NODE = re.compile(r"\bnodes?\b|노드에서", re.I)


def command_step(
    reading: Reading, text: str, note: str, context: Context, folder: Filled, *, changed: bool = False
) -> Step:
    """A step for one command of an entry: to be run where it can be, else to be copied with the reason.

    `folder`: where it runs. `changed`: the operator has edited it, and no setting takes the place of a word.
    """
    note = plain(note)
    if isinstance(reading, Setting):
        return _setting(reading, note, context.values)
    if not isinstance(reading, Command):
        reason = reading.reason if isinstance(reading, Script) else "only a shell changes its folder"
        return Step(
            key="",
            kind=Kind.SCRIPT,
            title=text.split("\n")[0],
            note=note,
            text=text,
            reason=f"needs a shell: {reason}",
        )
    filled = [fill(word, context.values) for word in reading.words]
    argv = tuple(one.text for one in filled)
    used = [pair for one in filled for pair in one.used]
    missing = [hole.shown for one in filled for hole in one.missing]
    if not changed:
        argv, put_in = options(argv, context.settings)
        used += put_in
    reason = ""
    if folder.text and folder.text != context.values.known.get("project_root", Known("", "")).value:
        if argv[0] in ("terraform", "tofu"):
            argv = (argv[0], f"-chdir={folder.text}", *argv[1:])
            missing += [hole.shown for hole in folder.missing]
        else:
            reason = f"starts in another folder: {folder.text}"
    elif not changed:
        argv = _in_terraform_folder(argv, context)
    stdin_secret = ""
    if reading.stdin is not None:
        given = fill(reading.stdin, context.values)
        if given.missing and all(secret(hole.name) for hole in given.missing):
            stdin_secret = given.missing[0].shown
        else:
            reason = "needs a shell: a pipe"
    if "/" in argv[0] and not argv[0].startswith("/") and not context.exists(argv[0]):
        reason = f"there is no {argv[0]} in the project"
    elif _ON_A_NODE.search(note.split("\n")[-1]) and argv[0] in ("tail", "journalctl", "systemctl", "crictl"):
        reason = "it is for a node, not for this machine"
    shown = _shown(argv, missing)
    return Step(
        key="",
        kind=Kind.SCRIPT if reason else Kind.COMMAND,
        title=shown,
        note=note,
        text=shown if not stdin_secret else text,
        argv=() if reason else argv,
        stdin_secret=stdin_secret,
        used=tuple(used),
        missing=tuple(dict.fromkeys(missing)),
        reason=reason,
        risk=risk(argv),
    )


def _in_terraform_folder(argv: tuple[str, ...], context: Context) -> tuple[str, ...]:
    """The document's terraform, as the project starts it and where it has its configuration."""
    terraform = context.settings.terraform
    if argv[0] not in ("terraform", "tofu"):
        return argv
    if not any(word.startswith("-chdir=") for word in argv) and context.exists(terraform.directory):
        argv = (argv[0], f"-chdir={terraform.directory}", *argv[1:])
    return (*terraform.command, *argv[1:])


def _shown(argv: Sequence[str], missing: Sequence[str]) -> str:
    """The command line; holes stay readable, as they are to be overwritten."""
    return " ".join(word if any(hole in word for hole in missing) else shlex.quote(word) for word in argv)


def _setting(reading: Setting, note: str, values: Values) -> Step:
    hidden = secret(reading.name)
    # What stands in the environment is what the operator meant; the text has only an example.
    known = values.of(reading.name.lower())
    filled = fill(reading.value, values)
    value = "" if hidden else (known.value if known else ("" if filled.missing else filled.text))
    return Step(
        key="",
        kind=Kind.COMMAND,
        title=f"export {reading.name}={'••••' if hidden else value or '…'}",
        note=note,
        text=f"export {reading.name}={'' if hidden else shlex.quote(value)}",
        setting=reading.name,
        value=value,
        used=((reading.name, known),) if known and not hidden else filled.used,
        risk=Risk.CHANGES,
    )


# -- carrying out --------------------------------------------------------------------------------------------------


def as_fix(step: Step, entry: str, destroy_word: str = "") -> Fix:
    """A command of the guide as a fix, so that it is asked about, run and logged like any other."""
    if step.fix is not None:
        return step.fix
    changes = {
        Risk.READS: "Nothing; it only reads.",
        Risk.CHANGES: "What the command changes.",
        Risk.COSTS: "What the command changes.",
        Risk.DESTROYS: "What it names is gone, or forced, afterwards.",
    }[step.risk]
    action: Run | InTerminal | Paste | SetVariable
    if step.setting:
        action = SetVariable(name=step.setting, secret=secret(step.setting), purpose=f"guide {entry}")
    elif step.stdin_secret:
        action = Paste(argv=step.argv, prompt=f"{step.stdin_secret}, given to its standard input")
    elif talks(step.argv):
        action = InTerminal(argv=step.argv)
    else:
        action = Run(argv=step.argv)
    return Fix(
        id=f"guide.{entry}.{step.key}",
        title=f"Guide {entry}: {_short(step)}",
        action=action,
        changes=changes,
        risk=step.risk,
        typed=destroy_word if step.risk is Risk.DESTROYS else "",
    )


def _short(step: Step) -> str:
    """The program and its verb, for a title."""
    if step.setting:
        return f"set {step.setting}"
    return " ".join(word for word in step.argv[:4] if not word.startswith("-"))[:60]


def destroy_word(argv: Sequence[str]) -> str:
    """What is typed to consent: the word that destroys, and what it is done to."""
    verb = next((word for word in argv[1:] if risk(("x", word)) is Risk.DESTROYS), argv[0] if argv else "")
    last = next((word for word in reversed(argv) if not word.startswith("-") and word != verb), "")
    return f"{verb.lstrip('-')} {last}".strip()[:60]
