"""Reads shell text with tree-sitter-bash: statements, simple commands and their words, with their lines. Runs nothing.

Broken text is read as far as it goes: what bash could not parse is a statement that needs `ShellFeature.SYNTAX`. What
only a shell can work out (a substitution, a wildcard, a pipe) is named as a `ShellFeature` and never guessed.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser


class ShellFeature(StrEnum):
    """What only a shell can do, in the words that complete "needs a shell: …"."""

    COMPOUND = "a loop or a condition"
    PIPE = "a pipe"
    LIST = "several commands in one line"
    REDIRECTION = "a redirection"
    HEREDOC = "a text that is fed in"
    SUBSHELL = "a subshell"
    SUBSTITUTION = "a command whose output is put in"
    COMPUTED_VARIABLE = "a variable that is worked out"
    SPECIAL_VARIABLE = "a variable of the shell itself"
    WILDCARD = "a wildcard"
    SYNTAX = "a quote or a bracket that is never closed"


@dataclass(frozen=True)
class ShellVariable:
    """`$NAME`, `${NAME}`, `~`, or a hole that the caller asked for."""

    name: str
    source: str
    """As it is written."""


@dataclass(frozen=True)
class ShellWord:
    """One word: fixed text, without its quotes and escapes, and variables."""

    parts: tuple[str | ShellVariable, ...]
    source: str
    needs: ShellFeature | None = None
    """The first thing in it that only a shell can work out."""
    is_quoted: bool = False
    """Some of it is in quotes."""

    @property
    def text(self) -> str:
        """Its text, variables as they are written; what only a shell can work out is left out."""
        return "".join(part if isinstance(part, str) else part.source for part in self.parts)


@dataclass(frozen=True)
class ShellCommand:
    """One simple command, at whatever depth. Without words it only assigns."""

    words: tuple[ShellWord, ...]
    source: str
    line: int
    """Of its first word, from 1."""
    assignments: tuple[tuple[str, ShellWord], ...] = ()
    """Before its name (`A=1 make`), or behind `export`, `local`, `readonly` and `declare`, which are its first word then."""
    has_input: bool = False
    """A pipe or a redirection feeds it, or what surrounds it."""
    is_piped_on: bool = False
    """Another command reads its output."""
    heredoc: str = ""
    """The here-document that is fed to it."""

    @property
    def name(self) -> str:
        """Of the program, without its folder."""
        return self.words[0].text.rpartition("/")[2] if self.words else ""

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(word.text for word in self.words)

    @property
    def needs(self) -> ShellFeature | None:
        words = (*(word for _, word in self.assignments), *self.words)
        return next((word.needs for word in words if word.needs), None)


@dataclass(frozen=True)
class ShellStatement:
    """Whole lines that belong together: a command with its continuations, a loop, or a comment of its own."""

    source: str
    """Without the comment behind it. Empty where the lines are only a comment."""
    line: int
    """Its first line, from 1."""
    end_line: int
    comment: str = ""
    """Without its sign."""
    commands: tuple[ShellCommand, ...] = ()
    """Every simple command in it, also those in substitutions."""
    needs: ShellFeature | None = None
    """Why it is more than one command with plain words; None when it is just that."""


_FEATURES = {
    "pipeline": ShellFeature.PIPE,
    "list": ShellFeature.LIST,
    "subshell": ShellFeature.SUBSHELL,
    "heredoc_redirect": ShellFeature.HEREDOC,
    "file_redirect": ShellFeature.REDIRECTION,
    "herestring_redirect": ShellFeature.REDIRECTION,
    "ERROR": ShellFeature.SYNTAX,
    **dict.fromkeys(
        (
            "if_statement",
            "for_statement",
            "c_style_for_statement",
            "while_statement",
            "case_statement",
            "function_definition",
            "compound_statement",
            "test_command",
            "negated_command",
        ),
        ShellFeature.COMPOUND,
    ),
}
_COMMANDS = frozenset({"command", "declaration_command", "unset_command"})
_ASSIGNMENTS = frozenset({"variable_assignment", "variable_assignments"})
_INPUTS = frozenset({"heredoc_redirect", "herestring_redirect"})
_NO_WORDS = _INPUTS | {"file_redirect", "comment", "variable_assignment"}
_WORD_FEATURES = {
    "command_substitution": ShellFeature.SUBSTITUTION,
    "process_substitution": ShellFeature.SUBSTITUTION,
    "arithmetic_expansion": ShellFeature.COMPUTED_VARIABLE,
    "ansi_c_string": ShellFeature.COMPUTED_VARIABLE,
    "array": ShellFeature.COMPUTED_VARIABLE,
    "expansion": ShellFeature.COMPUTED_VARIABLE,
    "simple_expansion": ShellFeature.SPECIAL_VARIABLE,
    "brace_expression": ShellFeature.WILDCARD,
    "extglob_pattern": ShellFeature.WILDCARD,
}
_VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")
_WILDCARD = re.compile(r"(?<!\\)[*?\[]|\{[^{}\s]*(?:,|\.\.)[^{}\s]*\}")


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


@dataclass
class _Text:
    """The bytes that were parsed, and those that are shown: they differ where holes are hidden."""

    shown: bytes
    holes: dict[int, tuple[int, str]] = field(default_factory=dict)
    """First byte of a hole to the byte behind it and its name."""
    hole_begins: list[int] = field(default_factory=list)
    """The same first bytes, in order."""
    first_line: int = 1

    def source(self, start: int, end: int) -> str:
        return self.shown[start:end].decode("utf-8", "replace")

    def literal(self, start: int, end: int, unescape: str) -> Iterator[str | ShellVariable]:
        """Text and holes of a span; `unescape` is a pattern of what a backslash escapes."""
        at = start
        for index in range(bisect_left(self.hole_begins, start), bisect_left(self.hole_begins, end)):
            begin = self.hole_begins[index]
            behind, name = self.holes[begin]
            yield _unescape(self.source(at, begin), unescape)
            yield ShellVariable(name, self.source(begin, behind))
            at = behind
        yield _unescape(self.source(at, end), unescape)


def _unescape(text: str, escapable: str) -> str:
    return re.sub(rf"\\({escapable})", lambda found: found[1].strip("\n"), text) if escapable else text


def _parse(text: str, holes: re.Pattern[str] | None, first_line: int) -> tuple[_Text, Node]:
    shown = text.encode("utf-8", "replace")
    read = _Text(shown, first_line=first_line)
    if holes:
        hidden = bytearray(shown)
        at, behind = 0, 0
        for found in holes.finditer(text):
            begin = behind + len(text[at : found.start()].encode("utf-8", "replace"))
            behind = begin + len(found[0].encode("utf-8", "replace"))
            at = found.end()
            # A plain word of the same length: every position stays what it is.
            hidden[begin:behind] = b"H" * (behind - begin)
            read.holes[begin] = (behind, found[1])
            read.hole_begins.append(begin)
        shown = bytes(hidden)
    return read, _parser().parse(shown).root_node


def parse_commands(text: str, *, first_line: int = 1) -> tuple[ShellCommand, ...]:
    """Every simple command of a script, in the order of the text; `select NAME`, which asks, is one too. Never raises."""
    read, root = _parse(text, None, first_line)
    return tuple(_commands(read, [root]))


def parse_shell(text: str, *, holes: re.Pattern[str] | None = None) -> list[ShellStatement]:
    """The statements of a script, and the comments between them. Never raises.

    `holes` matches placeholders of values in a document (`<distribution-id>`; group 1 is its name): it becomes a
    `ShellVariable` instead of a redirection, also inside quotes.
    """
    read, root = _parse(text, holes, 1)
    groups: list[list[Node]] = []
    for node in root.children:
        if groups and node.start_point.row <= _end_row(groups[-1][-1]):
            groups[-1].append(node)
        elif node.type != "\n":
            groups.append([node])
    return [_statement(read, group) for group in groups]


def _end_row(node: Node) -> int:
    """Its last line, from 0; a line end that belongs to it begins no further line."""
    return node.end_point.row - (node.end_point.column == 0 and node.end_point.row > node.start_point.row)


def _statement(read: _Text, nodes: list[Node]) -> ShellStatement:
    code = [node for node in nodes if node.type != "comment"]
    comment = "\n".join(
        read.source(node.start_byte, node.end_byte).lstrip("# ").rstrip() for node in nodes[len(code) :]
    )
    line = nodes[0].start_point.row + read.first_line
    end_line = _end_row(nodes[-1]) + read.first_line
    if not code:
        return ShellStatement("", line, end_line, comment)
    commands = tuple(_commands(read, code))
    statements = [node for node in code if node.is_named]
    needs = ShellFeature.LIST if len(statements) > 1 or any(node.type in (";", "&", ";;") for node in code) else None
    needs = _first_feature(statements) or needs or next((one.needs for one in commands if one.needs), None)
    source = read.source(code[0].start_byte, code[-1].end_byte).rstrip()
    return ShellStatement(source, line, end_line, comment, commands, needs)


def _first_feature(nodes: list[Node]) -> ShellFeature | None:
    stack = nodes[::-1]
    is_broken = any(node.has_error for node in nodes)
    while stack:
        node = stack.pop()
        if feature := _FEATURES.get(node.type):
            return feature
        if node.type not in ("command_substitution", "process_substitution"):
            stack += node.children[::-1]
    return ShellFeature.SYNTAX if is_broken else None


def _commands(read: _Text, nodes: list[Node]) -> Iterator[ShellCommand]:
    """The simple commands below these nodes, in the order of the text."""
    # (node, what feeds it is a pipe or a file, its output is read, here-document)
    stack: list[tuple[Node, bool, bool, str]] = [(node, False, False, "") for node in nodes[::-1]]
    while stack:
        node, has_input, is_piped_on, heredoc = stack.pop()
        if node.type in _COMMANDS or (node.type in _ASSIGNMENTS and not _is_part_of_command(node)):
            command = _command(read, node)
            yield replace(command, has_input=command.has_input or has_input, is_piped_on=is_piped_on, heredoc=heredoc)
        children = node.children
        if node.type == "for_statement" and children[0].type == "select":
            yield _command(read, node, children[:2])
        if node.type in ("command_substitution", "process_substitution"):
            has_input = is_piped_on = False
        elif node.type == "redirected_statement":
            bodies = [read.source(part.start_byte, part.end_byte) for one in children for part in one.children
                      if part.type == "heredoc_body"]  # fmt: skip
            heredoc = "".join(bodies) or heredoc
            has_input = has_input or any(_is_input(one) for one in children)
        elif node.type == "heredoc_redirect":
            has_input = True  # `cat <<EOF | kubectl apply -f -`: the rest of the pipe is a child of the redirection
        elif node.type == "heredoc_body":
            has_input, heredoc = False, ""
        last = children[-1] if children else None
        for child in reversed(children):
            if node.type == "pipeline":
                fed = has_input or child != children[0]
                stack.append((child, fed, is_piped_on or child != last, heredoc))
            else:
                stack.append((child, has_input, is_piped_on, heredoc))


def _is_part_of_command(assignment: Node) -> bool:
    around = assignment.parent
    return around is not None and (around.type in _COMMANDS or around.type in _ASSIGNMENTS)


def _is_input(redirect: Node) -> bool:
    if redirect.type == "file_redirect":
        return any(one.type == "<" for one in redirect.children)
    return redirect.type in _INPUTS


def _command(read: _Text, node: Node, pieces: Sequence[Node] | None = None) -> ShellCommand:
    if pieces is None:
        pieces = [node] if node.type == "variable_assignment" else node.children
    words = [one for one in pieces if one.type not in _NO_WORDS]
    assignments = [_assignment(read, one) for one in pieces if one.type == "variable_assignment"]
    return ShellCommand(
        words=tuple(_word(read, group) for group in _touching(words)),
        source=read.source(node.start_byte, node.end_byte),
        line=node.start_point.row + read.first_line,
        assignments=tuple(assignments),
        has_input=any(_is_input(child) for child in node.children),
    )


def _touching(nodes: list[Node]) -> list[list[Node]]:
    """Nodes with nothing between them are one word (`$"text"` comes as two)."""
    groups = [nodes[:1]] if nodes else []
    for before, node in pairwise(nodes):
        if node.start_byte == before.end_byte:
            groups[-1].append(node)
        else:
            groups.append([node])
    return groups


def _assignment(read: _Text, node: Node) -> tuple[str, ShellWord]:
    name = node.child_by_field_name("name")
    value = node.child_by_field_name("value")
    label = read.source(name.start_byte, name.end_byte) if name else ""
    return label, _word(read, [value]) if value else ShellWord((), "")


def _word(read: _Text, nodes: list[Node]) -> ShellWord:
    parts: list[str | ShellVariable] = []
    needs: list[ShellFeature] = []
    is_quoted = False
    stack = nodes[::-1]
    while stack:
        node = stack.pop()
        if node.type in ("concatenation", "command_name"):
            stack += node.children[::-1]
            continue
        is_quoted |= node.type in ("string", "raw_string", "ansi_c_string")
        for part in _parts(read, node):
            if isinstance(part, ShellFeature):
                needs.append(part)
            elif isinstance(part, str) and parts and isinstance(parts[-1], str):
                parts[-1] += part
            elif part:
                parts.append(part)
    source = read.source(nodes[0].start_byte, nodes[-1].end_byte)
    if not is_quoted and not needs and not read.holes.get(nodes[0].start_byte) and _WILDCARD.search(source):
        needs.append(ShellFeature.WILDCARD)
    first = parts[0] if parts and isinstance(parts[0], str) else ""
    if source.startswith("~") and (first == "~" or first.startswith("~/")):
        parts[:1] = [ShellVariable("HOME", "~"), *([first[1:]] if first[1:] else [])]
    return ShellWord(tuple(parts), source, needs[0] if needs else None, is_quoted)


def _parts(read: _Text, node: Node) -> Iterator[str | ShellVariable | ShellFeature]:
    """One piece of a word: text, variables, and what only a shell can work out."""
    start, end = node.start_byte, node.end_byte
    if node.type in ("simple_expansion", "expansion"):
        source = read.source(start, end)
        found = _VARIABLE.fullmatch(source)
        yield ShellVariable(found[1] or found[2], source) if found else _WORD_FEATURES[node.type]
    elif node.type in _WORD_FEATURES:
        yield _WORD_FEATURES[node.type]
    elif node.type == "raw_string":
        yield from read.literal(start + 1, end - 1, "")
    elif node.type == "string":
        # Between the expansions: the grammar leaves blanks at line ends out of its own pieces.
        at = start + 1
        for child in node.named_children:
            if child.type != "string_content":
                yield from read.literal(at, child.start_byte, r'[$`"\\\n]')
                yield from _parts(read, child)
                at = child.end_byte
        yield from read.literal(at, end - 1, r'[$`"\\\n]')
    else:
        if _WILDCARD.search(read.source(start, end)) and start not in read.holes:
            yield ShellFeature.WILDCARD
        yield from read.literal(start, end, r"[\s\S]")
