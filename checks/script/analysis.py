"""Reads a shell script: which of its commands delete, apply, ask, or switch a confirmation off. Pure.

A command that the script puts together at run time is not found. So the result is for a person who is about to
consent, and never a proof that a script is harmless.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import PurePosixPath

from msgspec import field

from checks.finding import FrozenStruct
from checks.sanitize import one_line
from checks.tools.shell import ShellCommand, parse_commands

MAX_SCRIPT_CHARACTERS = 2_000_000
"""Characters of one script that are read."""
MAX_CALL_DEPTH = 3
"""How deep scripts that call scripts, and commands quoted in commands, are followed."""
MAX_EFFECT_LINES = 400
"""Lines that are reported."""


class ScriptEffect(StrEnum):
    DESTROY = "destroys"
    """`terraform destroy`, a deletion of the AWS command line, kubectl or gh."""
    APPLY = "applies"
    PROMPT = "asks"
    """It reads an answer: under the supervisor it gets none."""
    SKIP_CONFIRMATION = "silences"
    """It switches a confirmation off."""
    NAME_PATTERN = "pattern"
    """It selects resources by a part of their name."""


class ScriptLine(FrozenStruct, frozen=True):
    """One command with an effect."""

    effect: ScriptEffect = field(name="deed")
    file: str
    """As the script names it."""
    number: int
    text: str
    """The command, in one line."""
    pattern: str = ""
    """For `NAME_PATTERN`: what a name must contain."""


class ScriptAnalysis(FrozenStruct, frozen=True):
    lines: tuple[ScriptLine, ...] = ()
    files: tuple[str, ...] = ()
    """The scripts that were read, the first one first."""
    unread: tuple[str, ...] = ()
    """Scripts that it calls and that could not be read."""

    def lines_with(self, effect: ScriptEffect) -> tuple[ScriptLine, ...]:
        return tuple(one for one in self.lines if one.effect is effect)

    @property
    def has_prompts(self) -> bool:
        return bool(self.lines_with(ScriptEffect.PROMPT))

    @property
    def summary(self) -> str:
        """What it changes and whether it asks, in one line."""
        parts = []
        if destroys := self.lines_with(ScriptEffect.DESTROY):
            parts.append(f"deletes in {len(destroys)} place{'s' if len(destroys) != 1 else ''}")
        if applies := self.lines_with(ScriptEffect.APPLY):
            parts.append(f"applies in {len(applies)}")
        ask = "It reads answers, and will get none" if self.has_prompts else "It asks nothing"
        if not parts:
            return f"{ask}; by its text, nothing that ecotui recognises as a change"
        return f"{ask}: by its text it {' and '.join(parts)}"


_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh"})
_PRINTERS = frozenset({"echo", "printf", "log", "info", "warn"})
"""They print their words and run nothing."""
_WRAPPERS = frozenset({"sudo", "exec", "nohup", "time", "command", "env"})
_AWS_FLAGS = frozenset({"--no-cli-pager", "--debug", "--no-verify-ssl", "--no-paginate", "--no-sign-request"})
"""Options of `aws` itself that take no value (AWS CLI command reference, global options)."""
_AWS_DELETE = re.compile(
    r"(delete|terminate|release|deregister|schedule-key-deletion|remove|detach|disassociate)|(rb|rm|purge)$"
)
_NAME_TEST = re.compile(r"""(?:contains|starts_with)\(\s*[\w.\[\]`'"]+\s*,\s*[`'"\\]*([^`'"\\)]+)""")
_GREP_PATTERN = re.compile(r"[A-Za-z0-9_.*|-]{3,}")
_PATH_PREFIX = re.compile(r"^(?:\$\{?\w+\}?/|\./|/)")


def analyze_script(path: str, read_text: Callable[[str], str | None]) -> ScriptAnalysis:
    """Read a script and those it calls. `read_text` gives the text of a path, or None when there is none.

    A path that begins with a variable (`$PROJECT_ROOT/scripts/x.sh`) is tried without it.
    """
    found: list[ScriptLine] = []
    files: list[str] = []
    unread: list[str] = []
    queue = [(path, 0)]
    while queue:
        file, depth = queue.pop(0)
        if file in files or file in unread:
            continue
        text = read_text(file)
        if text is None:
            unread.append(file)
            continue
        files.append(file)
        for command in parse_commands(text[:MAX_SCRIPT_CHARACTERS]):
            shown = one_line(command.source.replace("\\\n", " "), limit=300)
            for effect, pattern in dict.fromkeys(_effects(command)):
                found.append(ScriptLine(effect, file, command.line, shown, one_line(pattern)))
            if depth < MAX_CALL_DEPTH and (called := _called_script(command)):
                queue.append((called, depth + 1))
    return ScriptAnalysis(lines=tuple(found[:MAX_EFFECT_LINES]), files=tuple(files), unread=tuple(unread))


def _called_script(command: ShellCommand) -> str:
    """The script that it runs, relative to the project; empty when it runs none."""
    words = list(command.texts)
    while words and words[0] in _WRAPPERS:
        words.pop(0)
    if not words:
        return ""
    if words[0] in _SHELLS | {"source", "."}:
        path = next((word for word in words[1:] if word.endswith(".sh")), "")
    else:
        path = words[0] if words[0].endswith(".sh") and "/" in words[0] else ""
    path = _PATH_PREFIX.sub("", path)
    return str(PurePosixPath(path)) if path and not path.startswith(("-", "$")) else ""


def _effects(command: ShellCommand, depth: int = 0) -> Iterator[tuple[ScriptEffect, str]]:
    """What a command does, with the pattern of a name where it selects by one. Wrappers (`sudo`, `xargs`) are ignored."""
    words = command.texts
    if command.name in _PRINTERS:
        return
    for index, word in enumerate(words):
        yield from _program_effects(word.rpartition("/")[2], words[index + 1 :], command)
    if command.name == "select" or (
        command.name == "read" and (not command.has_input or any(re.fullmatch(r"-[a-z]*p", word) for word in words))
    ):
        yield ScriptEffect.PROMPT, ""
    values = dict((name, word.text) for name, word in command.assignments)
    if (
        any("-auto-approve" in word for word in (*words, *values.values()))
        or {"--force", "--yes"} & {word.partition("=")[0] for word in words}
        or (command.name == "yes" and command.is_piped_on)
        or re.match("true|1|yes", values.get("AUTO_MODE", ""))
        or re.match("true|1", values.get("FORCE", ""))
    ):
        yield ScriptEffect.SKIP_CONFIRMATION, ""
    if depth >= MAX_CALL_DEPTH:
        return
    # `bash -c "…"`, `eval "…"`, `ssh host "…"`, `COMMAND="…"`: text that may be run.
    texts = [word for word in (*words, *values.values()) if re.search(r"\S\s", word)]
    if command.heredoc and (_SHELLS | {"ssh"}) & set(words):
        texts.append(command.heredoc)
    for text in texts:
        for inner in parse_commands(text):
            yield from _effects(inner, depth + 1)


def _program_effects(
    program: str, arguments: tuple[str, ...], command: ShellCommand
) -> Iterator[tuple[ScriptEffect, str]]:
    """What a program does with these arguments."""
    if program in ("terraform", "tofu", "terragrunt"):
        if "destroy" in arguments or ("apply" in arguments and {"-destroy", "--destroy"} & set(arguments)):
            yield ScriptEffect.DESTROY, ""
        elif "apply" in arguments:
            yield ScriptEffect.APPLY, ""
    elif program == "aws":
        if _AWS_DELETE.match(_aws_operation(arguments)):
            yield ScriptEffect.DESTROY, ""
        for word in arguments:
            for found in _NAME_TEST.finditer(word):
                yield ScriptEffect.NAME_PATTERN, found[1].strip()
    elif program == "kubectl":
        if "delete" in arguments:
            yield ScriptEffect.DESTROY, ""
        elif "apply" in arguments:
            yield ScriptEffect.APPLY, ""
    elif (program == "gh" and arguments[1:2] == ("delete",)) or (
        program == "rm" and any(re.match(r"-[a-zA-Z]*[rRf]|--(recursive|force)", word) for word in arguments)
    ):
        yield ScriptEffect.DESTROY, ""
    elif program == "helm" and {"install", "upgrade"} & set(arguments[:1]):
        yield ScriptEffect.APPLY, ""
    elif program == "grep" and command.has_input:
        pattern = next((word for word in arguments if not word.startswith("-")), "")
        if found_part := _GREP_PATTERN.match(pattern):
            for part in found_part[0].split("|"):
                if part:
                    yield ScriptEffect.NAME_PATTERN, part


def _aws_operation(arguments: tuple[str, ...]) -> str:
    """`delete-policy` of `aws --region x iam delete-policy`; empty when there is none."""
    index = 0
    while index < len(arguments) and arguments[index].startswith("-"):
        option = arguments[index]
        index += 1 if "=" in option or option in _AWS_FLAGS else 2
    return arguments[index + 1] if index + 1 < len(arguments) else ""
