"""Commands of a guide, taken apart without a shell: what can be run as it stands, and what is only there to be copied.

A guide is written for a shell; ecotui starts programs directly. What a shell would have to work out (pipes, loops,
substitutions, wildcards) is never guessed at: such a piece is a script, with the reason, for the operator to copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Placeholder:
    """A place in a command that waits for a value: `<distribution-id>`, `$AWS_REGION`."""

    name: str
    source_text: str
    """As it is written."""


Word = tuple[str | Placeholder, ...]
"""One word of a command: fixed text and holes."""


@dataclass(frozen=True)
class GuideCommand:
    """A program with its words; `stdin` is what an `echo … |` in front of it would have given it."""

    words: tuple[Word, ...]
    stdin: Word | None = None


@dataclass(frozen=True)
class VariableAssignment:
    """`export NAME=value`, or without the export a name for the lines below only."""

    name: str
    value: Word
    is_exported: bool


@dataclass(frozen=True)
class ChangeDirectory:
    """`cd there`: where the lines below start."""

    path: Word


@dataclass(frozen=True)
class ShellScript:
    """What only a shell can run, and why."""

    reason: str


StatementBody = GuideCommand | VariableAssignment | ChangeDirectory | ShellScript


@dataclass(frozen=True)
class Statement:
    """One statement of a fenced block, with the comments that stand at it."""

    text: str
    note: str
    body: StatementBody


class _ShellNeeded(Exception):
    """Says what the shell would have to do."""


_ANGLE_PLACEHOLDER = re.compile(r"<([A-Za-z\uac00-\ud7a3][\w.-]*(?: [\w.-]+){0,4})>")
_NAME = re.compile(r"[A-Za-z_]\w*")
_ASSIGNMENT = re.compile(r"^([A-Za-z_]\w*)=")
_OPERATORS = {
    "|": "a pipe",
    ";": "several commands in one line",
    "&": "several commands in one line",
    "<": "a redirection",
    ">": "a redirection",
    "(": "a subshell",
    ")": "a subshell",
    "*": "a wildcard",
    "?": "a wildcard",
    "[": "a wildcard",
}
_BLOCK_START = re.compile(r"^(if|for|while|until|case|select|function)\b|^\w+\s*\(\)|^\{\s*$")
_BLOCK_END = re.compile(r"^(fi|done|esac)\b|^\}")
_HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)")
_SHELL_PROGRAMS = frozenset({"sh", "bash", "zsh", "dash", "ksh"})
_SHELL_BUILTINS = frozenset(
    {"eval", "exec", "source", ".", "set", "trap", "alias", "unset", "read", "wait", "xargs", "[", "[["}
)


def split_words(text: str) -> list[Word | str]:
    """The words of one line of shell, operators as plain strings. Raises _ShellNeeded for what is not just words."""
    found: list[Word | str] = []
    parts: list[str | Placeholder] = []
    begun = False

    def literal(piece: str) -> None:
        nonlocal begun
        begun = True
        place = 0
        for angle in _ANGLE_PLACEHOLDER.finditer(piece):
            _append_text(parts, piece[place : angle.start()])
            parts.append(Placeholder(_normalize_name(angle[1]), angle[0]))
            place = angle.end()
        _append_text(parts, piece[place:])

    def finish() -> None:
        nonlocal begun
        if begun:
            found.append(tuple(parts))
            parts.clear()
            begun = False

    at = 0
    while at < len(text):
        sign = text[at]
        if sign in " \t\n":
            finish()
            at += 1
        elif text.startswith("\\\n", at):
            at += 2
        elif sign == "\\" and at + 1 < len(text):
            literal(text[at + 1])
            at += 2
        elif sign == "'":
            end = text.find("'", at + 1)
            if end < 0:
                raise _ShellNeeded("a quote that is never closed")
            literal(text[at + 1 : end])
            at = end + 1
        elif sign == '"':
            at = _read_double_quoted(text, at + 1, parts, literal)
            begun = True
        elif sign == "$":
            hole, at = _read_variable(text, at)
            parts.append(hole)
            begun = True
        elif sign == "`":
            raise _ShellNeeded("a command whose output is put in")
        elif sign == "#" and not begun:
            break
        elif sign == "<" and (angle := _ANGLE_PLACEHOLDER.match(text, at)):
            parts.append(Placeholder(_normalize_name(angle[1]), angle[0]))
            begun = True
            at = angle.end()
        elif sign == "~" and not begun and text[at + 1 : at + 2] in ("", "/", " "):
            parts.append(Placeholder("home", "~"))
            begun = True
            at += 1
        elif sign == "|" and not text.startswith("||", at):
            finish()
            found.append("|")
            at += 1
        elif sign in _OPERATORS:
            raise _ShellNeeded(_OPERATORS[sign])
        else:
            literal(sign)
            at += 1
    finish()
    return found


def _append_text(parts: list[str | Placeholder], piece: str) -> None:
    """Text behind text is one text."""
    if not piece:
        return
    if parts and isinstance(parts[-1], str):
        parts[-1] += piece
    else:
        parts.append(piece)


def _read_double_quoted(text: str, at: int, parts: list[str | Placeholder], literal: object) -> int:
    """Read to the closing quote; returns the place behind it."""
    assert callable(literal)
    plain = ""
    while at < len(text):
        sign = text[at]
        if sign == '"':
            literal(plain)
            return at + 1
        if sign == "\\" and text[at + 1 : at + 2] in ("$", "`", '"', "\\", "\n"):
            plain += "" if text[at + 1] == "\n" else text[at + 1]
            at += 2
        elif sign == "$" and re.match(r"\$[\w{(]", text[at:]):
            literal(plain)
            plain = ""
            hole, at = _read_variable(text, at)
            parts.append(hole)
        elif sign == "`":
            raise _ShellNeeded("a command whose output is put in")
        else:
            plain += sign
            at += 1
    raise _ShellNeeded("a quote that is never closed")


def _read_variable(text: str, at: int) -> tuple[Placeholder, int]:
    """`$NAME` or `${NAME}` at a place, and the place behind it."""
    if text.startswith("$(", at):
        raise _ShellNeeded("a command whose output is put in")
    if text.startswith("${", at):
        end = text.find("}", at)
        name = text[at + 2 : end] if end > 0 else ""
        if not _NAME.fullmatch(name):
            raise _ShellNeeded("a variable that is worked out")
        return Placeholder(_normalize_name(name), text[at : end + 1]), end + 1
    found = _NAME.match(text, at + 1)
    if not found:
        raise _ShellNeeded("a variable of the shell itself")
    return Placeholder(_normalize_name(found[0]), f"${found[0]}"), found.end()


def _normalize_name(name: str) -> str:
    """`<distribution-id>`, `$DISTRIBUTION_ID`: one name for the same thing."""
    return re.sub(r"[\W_]+", "_", name).strip("_").lower()


def parse_statement(text: str) -> StatementBody:
    """One statement, as what it is. Never raises: what cannot be started without a shell is a Script."""
    first = text.strip()
    if _BLOCK_START.match(first):
        return ShellScript("a loop or a condition")
    if _HEREDOC.search(re.sub(r"'[^']*'|\"[^\"]*\"", "", first)):
        return ShellScript("a text that is fed in")
    try:
        return _parse_words(split_words(first))
    except _ShellNeeded as needed:
        return ShellScript(str(needed))


def _parse_words(words: list[Word | str]) -> StatementBody:
    stdin: Word | None = None
    if "|" in words:
        cut = words.index("|")
        before = [word for word in words[:cut] if not isinstance(word, str)]
        rest = words[cut + 1 :]
        told = [word for word in before[1:] if word != ("-n",)]
        if "|" in rest or not before or before[0] != ("echo",) or len(told) != 1:
            return ShellScript("a pipe")
        stdin, words = told[0], rest
    given = tuple(word for word in words if not isinstance(word, str))
    if not given:
        return ShellScript("nothing to run")
    exported = given[0] == ("export",)
    assigned = given[1:] if exported else given
    if stdin is None and len(assigned) == 1 and (setting := _split_assignment(assigned[0])):
        return VariableAssignment(setting[0], setting[1], exported)
    if exported:
        return ShellScript("several variables at once")
    if stdin is None and given[0] == ("cd",) and len(given) == 2:
        return ChangeDirectory(given[1])
    while given and given[0] == ("sudo", "-n"):
        given = given[1:]
    if _split_assignment(given[0]):
        # Variables for one command: `env` sets them without a shell.
        given = (("env",), *given)
    name = "".join(part for part in given[0] if isinstance(part, str))
    if name in _SHELL_BUILTINS:
        return ShellScript(f"{name}, which is a part of the shell")
    if name in _SHELL_PROGRAMS and len(given) > 1 and given[1] and str(given[1][0]).startswith("-"):
        return ShellScript("a shell of its own")
    return GuideCommand(given, stdin)


def _split_assignment(word: Word) -> tuple[str, Word] | None:
    if not word or not isinstance(word[0], str) or not (found := _ASSIGNMENT.match(word[0])):
        return None
    rest = word[0][found.end() :]
    value = ((rest,) if rest else ()) + word[1:]
    return found[1], value


def parse_statements(body: str) -> Iterator[Statement]:
    """The statements of a fenced block. Loops and conditions are one statement each."""
    notes: list[str] = []
    waiting: Statement | None = None
    lines = body.splitlines()
    at = 0
    fresh = True
    """No statement has stood since the last blank line."""
    while at < len(lines):
        line = lines[at].strip().removeprefix("$ ")
        if not line:
            notes, fresh = [], True
            at += 1
            continue
        if line.startswith("#"):
            told = line.lstrip("# ").strip()
            if waiting is not None and not fresh and _only_comments_follow(lines, at):
                # A remark below the command: what is to be seen, or chosen.
                waiting = Statement(waiting.text, f"{waiting.note}\n{told}".strip(), waiting.body)
            else:
                notes = [*notes, told] if fresh else [told]
            at += 1
            continue
        text, at = _read_whole_statement(lines, at)
        if waiting is not None:
            yield waiting
        waiting = Statement(text, "\n".join([*notes, *_trailing_comment(text)]), parse_statement(text))
        fresh = False
    if waiting is not None:
        yield waiting
    elif notes:
        yield Statement("", "\n".join(line.strip().lstrip("# ") for line in lines if line.strip()), ShellScript(""))


def _only_comments_follow(lines: list[str], at: int) -> bool:
    """Nothing but comments stands between here and the next blank line, or the end."""
    for line in lines[at:]:
        if not line.strip():
            return True
        if not line.strip().startswith("#"):
            return False
    return True


def _trailing_comment(text: str) -> list[str]:
    """The comment at the end of a line."""
    found = re.search(r"\s#\s*([^'\"]+)$", text.splitlines()[-1])
    return [found[1].strip()] if found else []


def _read_whole_statement(lines: list[str], at: int) -> tuple[str, int]:
    """A statement with its continuation lines, or the whole of a loop; and the number of the line behind it."""
    taken = [lines[at].strip().removeprefix("$ ")]
    depth = _depth_change(taken[0])
    heredoc = _HEREDOC.search(re.sub(r"'[^']*'", "", taken[0]))
    at += 1
    while at < len(lines):
        open_end = taken[-1].rstrip().endswith("\\") or _has_unclosed_quote("\n".join(taken))
        if heredoc:
            if taken[-1].strip() == heredoc[1]:
                break
        elif not open_end and depth <= 0:
            break
        taken.append(lines[at].rstrip())
        depth += _depth_change(lines[at].strip())
        at += 1
    return "\n".join(taken), at


def _depth_change(line: str) -> int:
    """How many loops and conditions a line opens, less those it closes."""
    opened = bool(_BLOCK_START.match(line)) and not re.search(r";\s*(fi|done|esac)\b|\}\s*$", line)
    return int(opened) - int(bool(_BLOCK_END.match(line)))


def _has_unclosed_quote(text: str) -> bool:
    """A quote or `$(` is still open."""
    quote, depth, escaped = "", 0, False
    for index, sign in enumerate(text):
        if escaped:
            escaped = False
        elif sign == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "(" and text[index - 1 : index] == "$":
            depth += 1
        elif sign == ")" and depth:
            depth -= 1
    return bool(quote) or depth > 0
