"""Reads terraform's language (HCL) with tree-sitter: blocks, attributes and literal values, with their lines.

Broken text is read as far as it goes; an attribute whose value cannot be parsed is left out. Nothing is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MAX_FILE_BYTES = 2_000_000
"""Bytes: a larger file was not written by a person, and is skipped."""
MAX_FILES = 1_000
"""Files of one folder that are read."""
MAX_PIECES = 2_000
"""Pieces in which a broken file is parsed."""
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([nrt"\\]))|([$%])\4(?=\{)')


class HclExpression:
    """The value of an attribute, as it is written."""

    def __init__(self, node: Node) -> None:
        self._node = node
        while self._node.type == "expression" and self._node.named_child_count == 1:
            self._node = self._node.named_children[0]

    @property
    def source(self) -> str:
        return _text(self._node)

    @property
    def literal(self) -> str | None:
        """The text of a string, number or boolean; None for what is computed."""
        if self._node.type == "literal_value":
            value = self._node.named_children[0]
            return _string(value) if value.type == "string_lit" else _text(value)
        return None

    @property
    def reference(self) -> str:
        """`var.region` of `var.region` and of `"${var.region}"`; empty for everything else."""
        text = self.source
        if self._node.type == "template_expr" and (found := re.fullmatch(r'"\$\{\s*(.*?)\s*\}"', text)):
            text = found[1]
        return text if re.fullmatch(r"[A-Za-z_][\w-]*(\.[\w-]+)+", text) else ""

    @property
    def prefix(self) -> str:
        """The text of a template before its first computed part: `node-` of `"node-${count.index}"`."""
        if self._node.type != "template_expr":
            return self.literal or ""
        pieces = self._node.named_children[0].named_children
        if len(pieces) > 1 and pieces[0].type == "quoted_template_start" and pieces[1].type == "template_literal":
            return _unescape(_text(pieces[1]))
        return ""

    @property
    def items(self) -> dict[str, HclExpression]:
        """The elements of an object with a literal key; empty for everything else."""
        found = {}
        for element in self._collection("object"):
            key, value = element.child_by_field_name("key"), element.child_by_field_name("val")
            if key is not None and value is not None and not element.has_error:
                written = HclExpression(key)
                found[written.source if written.literal is None else written.literal] = HclExpression(value)
        return found

    @property
    def elements(self) -> list[HclExpression]:
        """The elements of a list; empty for everything else."""
        return [HclExpression(node) for node in self._collection("tuple") if node.type == "expression"]

    @property
    def call(self) -> tuple[str, list[HclExpression]]:
        """The name and arguments of a function call; no name for everything else."""
        if self._node.type != "function_call":
            return "", []
        arguments = [node for part in self._node.named_children[1:] for node in part.named_children]
        return _text(self._node.named_children[0]), [HclExpression(one) for one in arguments]

    def _collection(self, type: str) -> list[Node]:
        if self._node.type != "collection_value":
            return []
        collection = self._node.named_children[0]
        return collection.named_children if collection.type == type else []


class HclBody:
    """What a file or a block contains."""

    def __init__(self, *nodes: Node) -> None:
        self._nodes = nodes

    @cached_property
    def attributes(self) -> dict[str, HclExpression]:
        return {name: value for name, value, _ in self._attributes()}

    @cached_property
    def attribute_lines(self) -> dict[str, int]:
        """The line of each attribute, from 1."""
        return {name: line for name, _, line in self._attributes()}

    @cached_property
    def blocks(self) -> list[HclBlock]:
        found = []
        for node in _members(self._nodes):
            if node.type == "block":
                head = [one for one in node.named_children if one.type in ("identifier", "string_lit")]
                labels = tuple(_string(one) if one.type == "string_lit" else _text(one) for one in head[1:])
                body = HclBody(*(one for one in node.named_children if one.type == "body"))
                line = node.start_point.row + 1
                found.append(HclBlock(_text(head[0]) if head else "", labels, body, line, _text(node)))
        return found

    @property
    def is_broken(self) -> bool:
        """Some of it could not be parsed."""
        return any(node.has_error for node in self._nodes)

    def find_blocks(self, type: str, *labels: str) -> list[HclBlock]:
        """The blocks of a type whose labels begin with these."""
        return [one for one in self.blocks if one.type == type and one.labels[: len(labels)] == labels]

    def find_values(self, *names: str) -> list[HclExpression]:
        """The values of attributes and object elements of these names, at any depth, in the order of the text."""
        found = []
        stack = list(self._nodes[::-1])
        while stack:
            node = stack.pop()
            stack += node.named_children[::-1]
            if node.type in ("attribute", "object_elem") and len(node.named_children) > 1 and not node.has_error:
                key, value = node.named_children[0], node.named_children[-1]
                if _text(key).strip('"') in names:
                    found.append(HclExpression(value))
        return found

    def _attributes(self) -> Iterator[tuple[str, HclExpression, int]]:
        for node in _members(self._nodes):
            if node.type == "attribute" and not node.has_error and len(node.named_children) > 1:
                name, value = node.named_children[0], node.named_children[-1]
                yield _text(name), HclExpression(value), node.start_point.row + 1


@dataclass(frozen=True)
class HclBlock:
    """`TYPE "LABEL" ... { BODY }`."""

    type: str
    labels: tuple[str, ...]
    body: HclBody
    line: int
    """Its first line, from 1."""
    source: str

    @property
    def attributes(self) -> dict[str, HclExpression]:
        return self.body.attributes


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter_hcl
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_hcl.language()))


def parse_hcl(text: str | bytes) -> HclBody:
    """Parse a file's text. Never raises: broken text is `is_broken`."""
    source = text.encode("utf-8", "replace") if isinstance(text, str) else text
    root = _parser().parse(source).root_node
    return HclBody(*_parse_pieces(source)) if root.has_error else HclBody(root)


def _parse_pieces(source: bytes) -> list[Node]:
    """Parse broken text from one brace at the beginning of a line to the next: an error spoils only its own piece."""
    from tree_sitter import Parser, Point, Range

    pieces = []
    begin, line = 0, 0
    ends = [found.end() for found in re.finditer(rb"^\}[ \t\r]*(\n|\Z)", source, re.MULTILINE)][:MAX_PIECES]
    for end in [*ends, len(source)]:
        end_line = line + source.count(b"\n", begin, end)
        column = end - source.rfind(b"\n", 0, end) - 1
        if end > begin:
            piece = Range(Point(line, 0), Point(end_line, column), begin, end)
            pieces.append(Parser(_parser().language, included_ranges=[piece]).parse(source).root_node)
        begin, line = end, end_line
    return pieces


def list_files(folder: Path, ending: str) -> list[Path]:
    """The files of a folder that terraform would read, by the end of their name, sorted. Hidden ones are skipped."""
    try:
        found = sorted(path for path in folder.iterdir() if path.name.endswith(ending) and path.is_file())
    except OSError:
        return []
    return [path for path in found if not path.name.startswith(".")][:MAX_FILES]


def read_files(folder: Path, ending: str = ".tf") -> Iterator[tuple[Path, HclBody]]:
    """The files of a folder, parsed; what cannot be read is skipped."""
    for path in list_files(folder, ending):
        try:
            if path.stat().st_size <= MAX_FILE_BYTES:
                yield path, parse_hcl(path.read_bytes())
        except OSError:
            continue


def _members(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """Blocks and attributes of a body, also those that the parser put beside an error."""
    stack = list(nodes[::-1])
    while stack:
        node = stack.pop()
        if node.type in ("block", "attribute"):
            yield node
        elif node.type in ("config_file", "body", "ERROR"):
            stack += node.named_children[::-1]


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _string(node: Node) -> str:
    """The text of a string without its quotes and escapes."""
    return _unescape("".join(_text(one) for one in node.named_children if one.type == "template_literal"))


def _unescape(text: str) -> str:
    def character(found: re.Match[str]) -> str:
        if code := found[1] or found[2]:
            return chr(int(code, 16)) if int(code, 16) < 0x110000 else "\ufffd"
        return _ESCAPES[found[3]] if found[3] else found[4]

    return _ESCAPE.sub(character, text)
