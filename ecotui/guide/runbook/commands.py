"""Commands of a guide, taken apart without a shell: what can be run as it stands, and what is only there to be copied.

A guide is written for a shell; ecotui starts programs directly. What a shell would have to work out (pipes, loops,
substitutions, wildcards) is never guessed at: such a piece is a script, with the reason, for the operator to copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Hole:
    """A place in a command that waits for a value: `<distribution-id>`, `$AWS_REGION`."""

    name: str
    shown: str
    """As it is written."""


Word = tuple[str | Hole, ...]
"""One word of a command: fixed text and holes."""


@dataclass(frozen=True)
class Command:
    """A program with its words; `stdin` is what an `echo … |` in front of it would have given it."""

    words: tuple[Word, ...]
    stdin: Word | None = None


@dataclass(frozen=True)
class Setting:
    """`export NAME=value`, or without the export a name for the lines below only."""

    name: str
    value: Word
    exported: bool


@dataclass(frozen=True)
class Folder:
    """`cd there`: where the lines below start."""

    path: Word


@dataclass(frozen=True)
class Script:
    """What only a shell can run, and why."""

    reason: str


Reading = Command | Setting | Folder | Script


@dataclass(frozen=True)
class Statement:
    """One statement of a fenced block, with the comments that stand at it."""

    text: str
    note: str
    reading: Reading


class _ShellNeeded(Exception):
    """Says what the shell would have to do."""


_ANGLE = re.compile(r"<([A-Za-z\uac00-\ud7a3][\w.-]*(?: [\w.-]+){0,4})>")
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
_OPENS = re.compile(r"^(if|for|while|until|case|select|function)\b|^\w+\s*\(\)|^\{\s*$")
_CLOSES = re.compile(r"^(fi|done|esac)\b|^\}")
_HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)")
_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh"})
_ONLY_IN_A_SHELL = frozenset(
    {"eval", "exec", "source", ".", "set", "trap", "alias", "unset", "read", "wait", "xargs", "[", "[["}
)


def words(text: str) -> list[Word | str]:
    """The words of one line of shell, operators as plain strings. Raises _ShellNeeded for what is not just words."""
    found: list[Word | str] = []
    parts: list[str | Hole] = []
    begun = False

    def literal(piece: str) -> None:
        nonlocal begun
        begun = True
        place = 0
        for angle in _ANGLE.finditer(piece):
            _add(parts, piece[place : angle.start()])
            parts.append(Hole(_normal(angle[1]), angle[0]))
            place = angle.end()
        _add(parts, piece[place:])

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
            at = _double_quoted(text, at + 1, parts, literal)
            begun = True
        elif sign == "$":
            hole, at = _variable(text, at)
            parts.append(hole)
            begun = True
        elif sign == "`":
            raise _ShellNeeded("a command whose output is put in")
        elif sign == "#" and not begun:
            break
        elif sign == "<" and (angle := _ANGLE.match(text, at)):
            parts.append(Hole(_normal(angle[1]), angle[0]))
            begun = True
            at = angle.end()
        elif sign == "~" and not begun and text[at + 1 : at + 2] in ("", "/", " "):
            parts.append(Hole("home", "~"))
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


def _add(parts: list[str | Hole], piece: str) -> None:
    """Text behind text is one text."""
    if not piece:
        return
    if parts and isinstance(parts[-1], str):
        parts[-1] += piece
    else:
        parts.append(piece)


def _double_quoted(text: str, at: int, parts: list[str | Hole], literal: object) -> int:
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
            hole, at = _variable(text, at)
            parts.append(hole)
        elif sign == "`":
            raise _ShellNeeded("a command whose output is put in")
        else:
            plain += sign
            at += 1
    raise _ShellNeeded("a quote that is never closed")


def _variable(text: str, at: int) -> tuple[Hole, int]:
    """`$NAME` or `${NAME}` at a place, and the place behind it."""
    if text.startswith("$(", at):
        raise _ShellNeeded("a command whose output is put in")
    if text.startswith("${", at):
        end = text.find("}", at)
        name = text[at + 2 : end] if end > 0 else ""
        if not _NAME.fullmatch(name):
            raise _ShellNeeded("a variable that is worked out")
        return Hole(_normal(name), text[at : end + 1]), end + 1
    found = _NAME.match(text, at + 1)
    if not found:
        raise _ShellNeeded("a variable of the shell itself")
    return Hole(_normal(found[0]), f"${found[0]}"), found.end()


def _normal(name: str) -> str:
    """`<distribution-id>`, `$DISTRIBUTION_ID`: one name for the same thing."""
    return re.sub(r"[\W_]+", "_", name).strip("_").lower()


def read(text: str) -> Reading:
    """One statement, as what it is. Never raises: what cannot be started without a shell is a Script."""
    first = text.strip()
    if _OPENS.match(first):
        return Script("a loop or a condition")
    if _HEREDOC.search(re.sub(r"'[^']*'|\"[^\"]*\"", "", first)):
        return Script("a text that is fed in")
    try:
        return _read(words(first))
    except _ShellNeeded as needed:
        return Script(str(needed))


def _read(found: list[Word | str]) -> Reading:
    stdin: Word | None = None
    if "|" in found:
        cut = found.index("|")
        before = [word for word in found[:cut] if not isinstance(word, str)]
        rest = found[cut + 1 :]
        told = [word for word in before[1:] if word != ("-n",)]
        if "|" in rest or not before or before[0] != ("echo",) or len(told) != 1:
            return Script("a pipe")
        stdin, found = told[0], rest
    given = tuple(word for word in found if not isinstance(word, str))
    if not given:
        return Script("nothing to run")
    exported = given[0] == ("export",)
    assigned = given[1:] if exported else given
    if stdin is None and len(assigned) == 1 and (setting := _assignment(assigned[0])):
        return Setting(setting[0], setting[1], exported)
    if exported:
        return Script("several variables at once")
    if stdin is None and given[0] == ("cd",) and len(given) == 2:
        return Folder(given[1])
    while given and given[0] == ("sudo", "-n"):
        given = given[1:]
    if _assignment(given[0]):
        # Variables for one command: `env` sets them without a shell.
        given = (("env",), *given)
    name = "".join(part for part in given[0] if isinstance(part, str))
    if name in _ONLY_IN_A_SHELL:
        return Script(f"{name}, which is a part of the shell")
    if name in _SHELLS and len(given) > 1 and given[1] and str(given[1][0]).startswith("-"):
        return Script("a shell of its own")
    return Command(given, stdin)


def _assignment(word: Word) -> tuple[str, Word] | None:
    if not word or not isinstance(word[0], str) or not (found := _ASSIGNMENT.match(word[0])):
        return None
    rest = word[0][found.end() :]
    value = ((rest,) if rest else ()) + word[1:]
    return found[1], value


def statements(body: str) -> Iterator[Statement]:
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
            if waiting is not None and not fresh and _ends_after(lines, at):
                # A remark below the command: what is to be seen, or chosen.
                waiting = Statement(waiting.text, f"{waiting.note}\n{told}".strip(), waiting.reading)
            else:
                notes = [*notes, told] if fresh else [told]
            at += 1
            continue
        text, at = _whole(lines, at)
        if waiting is not None:
            yield waiting
        waiting = Statement(text, "\n".join([*notes, *_remark(text)]), read(text))
        fresh = False
    if waiting is not None:
        yield waiting
    elif notes:
        yield Statement(
            "", "\n".join(line.strip().lstrip("# ") for line in lines if line.strip()), Script("")
        )


def _ends_after(lines: list[str], at: int) -> bool:
    """Nothing but comments stands between here and the next blank line, or the end."""
    for line in lines[at:]:
        if not line.strip():
            return True
        if not line.strip().startswith("#"):
            return False
    return True


def _remark(text: str) -> list[str]:
    """The comment at the end of a line."""
    found = re.search(r"\s#\s*([^'\"]+)$", text.splitlines()[-1])
    return [found[1].strip()] if found else []


def _whole(lines: list[str], at: int) -> tuple[str, int]:
    """A statement with its continuation lines, or the whole of a loop; and the number of the line behind it."""
    taken = [lines[at].strip().removeprefix("$ ")]
    depth = _depth(taken[0])
    heredoc = _HEREDOC.search(re.sub(r"'[^']*'", "", taken[0]))
    at += 1
    while at < len(lines):
        open_end = taken[-1].rstrip().endswith("\\") or _unclosed("\n".join(taken))
        if heredoc:
            if taken[-1].strip() == heredoc[1]:
                break
        elif not open_end and depth <= 0:
            break
        taken.append(lines[at].rstrip())
        depth += _depth(lines[at].strip())
        at += 1
    return "\n".join(taken), at


def _depth(line: str) -> int:
    """How many loops and conditions a line opens, less those it closes."""
    opened = bool(_OPENS.match(line)) and not re.search(r";\s*(fi|done|esac)\b|\}\s*$", line)
    return int(opened) - int(bool(_CLOSES.match(line)))


def _unclosed(text: str) -> bool:
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
