"""Reads the commands of a guide without a shell: what can be run as it stands, and what can only be copied.

A guide is written for a shell; ecotui starts programs directly. What only a shell can work out (pipes, loops,
substitutions, wildcards) is never guessed: such a statement is a script, with the reason, for the operator to copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from checks.tools import shell
from checks.tools.shell import ShellCommand, ShellFeature, ShellStatement, ShellWord


@dataclass(frozen=True)
class Placeholder:
    """A part of a command that needs a value: `<distribution-id>`, `$AWS_REGION`."""

    name: str
    """In lower case, with underscores."""
    source_text: str


Word = tuple[str | Placeholder, ...]
"""One word of a command: fixed text and placeholders."""


@dataclass(frozen=True)
class GuideCommand:
    """A program with its arguments. `stdin` is what an `echo … |` before it would pass."""

    words: tuple[Word, ...]
    stdin: Word | None = None


@dataclass(frozen=True)
class VariableAssignment:
    """`export NAME=value`; without the export, a name for the following lines only."""

    name: str
    value: Word
    is_exported: bool


@dataclass(frozen=True)
class ChangeDirectory:
    """`cd PATH`: the folder of the following lines."""

    path: Word


@dataclass(frozen=True)
class ShellScript:
    """What only a shell can run, and why."""

    reason: str


StatementBody = GuideCommand | VariableAssignment | ChangeDirectory | ShellScript


@dataclass(frozen=True)
class Statement:
    """One statement of a fenced block, with its comments."""

    text: str
    """As written. Empty for a block that has only comments."""
    note: str
    body: StatementBody


_ANGLE_PLACEHOLDER = re.compile(r"<([A-Za-z\uac00-\ud7a3][\w.-]*(?: [\w.-]+){0,4})>")
_PROMPT = re.compile(r"^[ \t]*\$ ", re.M)
_SHELL_PROGRAMS = frozenset({"sh", "bash", "zsh", "dash", "ksh"})
_SHELL_BUILTINS = frozenset(
    """eval exec source . set trap alias unset read wait xargs [ [[ export declare typeset local readonly""".split()  # noqa: SIM905 - easier to read so
)


def parse_statements(body: str) -> Iterator[Statement]:
    """The statements of a fenced block. A loop or a condition is one statement. Never raises."""
    body = _PROMPT.sub("", body)
    lines = body.splitlines()
    notes: list[str] = []
    statement: Statement | None = None
    is_after_blank = True
    """Whether a blank line, and no command, is above."""
    next_line = 1
    parsed = shell.parse_shell(body, holes=_ANGLE_PLACEHOLDER)
    for index, one in enumerate(parsed):
        if one.line > next_line:
            notes, is_after_blank = [], True
        next_line = one.end_line + 1
        if one.source:
            if statement is not None:
                yield statement
            text = "\n".join(lines[one.line - 1 : one.end_line]).strip()
            statement = Statement(text, "\n".join(filter(None, (*notes, one.comment))), _read_statement(one))
            is_after_blank = False
        elif statement is not None and not is_after_blank and _only_comments_follow(parsed[index:]):
            # A remark below the command: its result, or a choice in it.
            statement = replace(statement, note=f"{statement.note}\n{one.comment}".strip())
        else:
            notes = [*notes, one.comment] if is_after_blank else [one.comment]
    if statement is not None:
        yield statement
    elif notes:
        yield Statement("", "\n".join(one.comment for one in parsed), ShellScript(""))


def _only_comments_follow(parsed: Sequence[ShellStatement]) -> bool:
    """Whether only comments stand before the next blank line, or the end."""
    next_line = parsed[0].line
    for one in parsed:
        if one.line > next_line:
            return True
        if one.source:
            return False
        next_line = one.end_line + 1
    return True


def _read_statement(statement: ShellStatement) -> StatementBody:
    commands = statement.commands
    if statement.needs is ShellFeature.PIPE and len(commands) == 2 and (stdin := _piped_text(statement)) is not None:
        reading = _read_command(commands[1])
        return replace(reading, stdin=stdin) if isinstance(reading, GuideCommand) else ShellScript(ShellFeature.PIPE)
    if statement.needs is not None:
        return ShellScript(statement.needs)
    return _read_command(commands[0]) if len(commands) == 1 else ShellScript("nothing to run")


def _piped_text(statement: ShellStatement) -> Word | None:
    """The text that an `echo` passes to the only other command of a pipe; None for any other pipe."""
    echo, command = statement.commands
    words = [word for word in echo.words[1:] if word.text != "-n"]
    # Whatever else the pipe has, such as a redirection, is in no command's source.
    is_plain = "".join(f"{echo.source}|{command.source}".split()) == "".join(statement.source.split())
    if echo.name != "echo" or len(words) != 1 or echo.needs or command.needs or not is_plain:
        return None
    return _word(words[0])


def _read_command(command: ShellCommand) -> StatementBody:
    is_exported = command.texts == ("export",)
    if command.assignments and (not command.words or is_exported):
        if len(command.assignments) > 1:
            return ShellScript("several variables at once")
        ((name, value),) = command.assignments
        return VariableAssignment(name, _word(value), is_exported)
    name = command.texts[0]
    if name in _SHELL_BUILTINS:
        return ShellScript(f"{name}, which is a part of the shell")
    if name in _SHELL_PROGRAMS and command.texts[1:2] and command.texts[1].startswith("-"):
        return ShellScript("a shell of its own")
    words = tuple(map(_word, command.words))
    if name == "cd" and len(words) == 2:
        return ChangeDirectory(words[1])
    if command.assignments:
        # Variables for one command: `env` sets them without a shell.
        settings = tuple(_join(f"{variable}=", _word(value)) for variable, value in command.assignments)
        words = (("env",), *settings, *words)
    return GuideCommand(words)


def _word(word: ShellWord) -> Word:
    return tuple(
        part if isinstance(part, str) else Placeholder(_normalize_name(part.name), part.source) for part in word.parts
    )


def _join(text: str, word: Word) -> Word:
    if word and isinstance(word[0], str):
        return (text + word[0], *word[1:])
    return (text, *word)


def _normalize_name(name: str) -> str:
    """`<distribution-id>` and `$DISTRIBUTION_ID` have one name."""
    return re.sub(r"[\W_]+", "_", name).strip("_").lower()
