"""What terraform's text says at a glance: nodes, region, tags, key pairs. A light reading of HCL, for `ecotui init`.

Only literals and variables with a literal value are followed. What is computed is left out, and left to the reader of
the file that comes out; the plan knows better later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

MAX_FILE_BYTES = 1_000_000
"""Bytes of one file that are read."""
MAX_FILES = 300

_COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*")|/\*.*?\*/|(?:#|//)[^\n]*', re.DOTALL)
_HEREDOC = re.compile(r"<<-?\s*(\w+)\n.*?^\s*\1\s*$", re.DOTALL | re.MULTILINE)
_HEADER = re.compile(r'^\s*(\w+)((?:\s+"[^"\n]*")*)\s*\{', re.MULTILINE)
_ATTRIBUTE = re.compile(r"^\s*\"?([\w-]+)\"?\s*=\s*(.+?)\s*,?\s*$", re.MULTILINE)
_STRING = re.compile(r'"([^"$%\\]*)"')
_VARIABLE = re.compile(r"(?:\$\{\s*)?var\.([\w-]+)(?:\s*\})?")
_INSTANCE_TYPE = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+")


@dataclass(frozen=True)
class Block:
    """`KIND "LABEL" ... { BODY }`."""

    kind: str
    labels: tuple[str, ...]
    body: str


@dataclass(frozen=True)
class InstanceGroup:
    """Nodes of one type whose names begin alike."""

    name: str
    count: int
    instance_type: str
    pattern: str


@dataclass(frozen=True)
class ProjectFacts:
    """What was found; empty where nothing was."""

    region: str = ""
    groups: tuple[InstanceGroup, ...] = ()
    skipped_blocks: tuple[str, ...] = ()
    """Blocks that make instances, but whose number or type is computed."""
    tags: tuple[tuple[str, str], ...] = ()
    key_pairs: tuple[str, ...] = ()
    public_key: str = ""
    var_files: tuple[str, ...] = ()
    """Files of variables that terraform does not read by itself."""


def read_project_facts(folder: Path) -> ProjectFacts:
    """Read a terraform folder; what cannot be read is left out."""
    text = "\n".join(_read_file(path) for path in _list_files(folder, ".tf"))
    found = tuple(parse_blocks(text))
    values = _variable_values(found, folder)
    providers = [one for one in found if one.kind == "provider" and one.labels[:1] == ("aws",)]
    main = next((one for one in providers if "alias" not in parse_attributes(one.body)), None)
    region = _resolve_literal(parse_attributes(main.body).get("region", ""), values) if main else ""
    groups, skipped = _instance_groups(found, values)
    keys = [parse_attributes(one.body) for one in found if one.labels[:1] == ("aws_key_pair",)]
    names = (_resolve_literal(one.get("key_name", ""), values) for one in keys)
    public = (re.search(r'file\(\s*(?:pathexpand\(\s*)?"(~?/[^"$]+)\.pub"', one.get("public_key", "")) for one in keys)
    return ProjectFacts(
        region=region,
        groups=groups,
        skipped_blocks=skipped,
        tags=_default_tags(main, found, values) if main else (),
        key_pairs=tuple(dict.fromkeys(name for name in names if name)),
        public_key=next((match.group(1) for match in public if match), ""),
        var_files=tuple(
            path.name
            for path in _list_files(folder, ".tfvars")
            if path.name != "terraform.tfvars" and not path.name.endswith(".auto.tfvars")
        ),
    )


def parse_blocks(text: str) -> Iterator[Block]:
    """The blocks at the top of a text."""
    text = _HEREDOC.sub('""', _COMMENT.sub(lambda match: match.group(1) or "", text))
    position = 0
    while header := _HEADER.search(text, position):
        end = _find_closing_brace(text, header.end())
        labels = tuple(re.findall(r'"([^"\n]*)"', header.group(2)))
        yield Block(header.group(1), labels, text[header.end() : end])
        position = end + 1


def parse_attributes(body: str) -> dict[str, str]:
    """The attributes at the top of a block, as they are written (the first line of each)."""
    flat: list[str] = []
    depth = 0
    for line in body.splitlines():
        bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', line)
        if depth == 0:
            flat.append(line)
        depth += sum(map(bare.count, "{[(")) - sum(map(bare.count, "}])"))
    return {match.group(1): match.group(2) for match in _ATTRIBUTE.finditer("\n".join(flat))}


def _find_closing_brace(text: str, start: int) -> int:
    """The position of the brace that closes the one before `start`; the end of the text without one."""
    depth = 1
    for match in re.compile(r'"(?:[^"\\\n]|\\.)*"|[{}]').finditer(text, start):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if depth == 0:
            return match.start()
    return len(text)


def _list_files(folder: Path, ending: str) -> list[Path]:
    try:
        found = sorted(at for at in folder.iterdir() if at.name.endswith(ending) and at.is_file())
    except OSError:
        return []
    return [at for at in found if not at.name.startswith(".") and at.name.isprintable()][:MAX_FILES]


def _read_file(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return ""


def _variable_values(blocks: tuple[Block, ...], folder: Path) -> dict[str, str]:
    """Variables and their values: defaults, then the files that terraform reads by itself."""
    values = {
        one.labels[0]: parse_attributes(one.body)["default"]
        for one in blocks
        if one.kind == "variable" and one.labels and "default" in parse_attributes(one.body)
    }
    for path in _list_files(folder, ".tfvars"):
        if path.name == "terraform.tfvars" or path.name.endswith(".auto.tfvars"):
            values.update(parse_attributes(_COMMENT.sub(lambda match: match.group(1) or "", _read_file(path))))
    return values


def _resolve_literal(expression: str, values: Mapping[str, str]) -> str:
    """The value of a literal, or of a variable that has one; empty for everything else."""
    if match := _VARIABLE.fullmatch(expression.strip().strip('"')):
        expression = values.get(match.group(1), "")
    if match := _STRING.fullmatch(expression):
        return match.group(1) if match.group(1).isprintable() else ""
    return expression if re.fullmatch(r"\d+", expression) else ""


def _default_tags(provider: Block, blocks: tuple[Block, ...], values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The default tags of the provider, those with a literal value; written there, or in a local value."""
    match = re.search(r"\bdefault_tags\s*\{\s*tags\s*=\s*(?:\{|local\.([\w-]+))", provider.body)
    if match is None:
        return ()
    text = provider.body
    if match.group(1):
        text = "\n".join(one.body for one in blocks if one.kind == "locals")
        match = re.search(rf"^\s*{re.escape(match.group(1))}\s*=\s*\{{", text, re.MULTILINE)
        if match is None:
            return ()
    body = text[match.end() : _find_closing_brace(text, match.end())]
    pairs = ((key, _resolve_literal(value, values)) for key, value in parse_attributes(body).items())
    return tuple((key, value) for key, value in pairs if value)


def _instance_groups(
    blocks: tuple[Block, ...], values: Mapping[str, str]
) -> tuple[tuple[InstanceGroup, ...], tuple[str, ...]]:
    """Nodes from `aws_instance` resources and from modules that are given an instance type."""
    counted: dict[tuple[str, str], tuple[int, str]] = {}
    skipped: list[str] = []
    for one in blocks:
        own = parse_attributes(one.body)
        resource = one.kind == "resource" and one.labels[:1] == ("aws_instance",) and len(one.labels) == 2
        if not resource and not (one.kind == "module" and one.labels and "instance_type" in own):
            continue
        kind = _resolve_literal(own.get("instance_type", ""), values)
        number = _instance_count(one.body, own, values)
        if number is None or not _INSTANCE_TYPE.fullmatch(kind):
            skipped.append(".".join((one.kind, *one.labels) if one.kind == "module" else one.labels))
            continue
        name, pattern = _group_name_and_pattern(one, own, values)
        before, known = counted.get((name, kind), (0, pattern))
        counted[name, kind] = (before + number, known if known == pattern else f"{name}*")
    groups: list[InstanceGroup] = []
    for (name, kind), (count, pattern) in counted.items():
        unique = name if all(group.name != name for group in groups) else f"{name}-{kind.replace('.', '-')}"
        groups.append(InstanceGroup(unique, count, kind, pattern))
    return tuple(groups), tuple(skipped)


def _group_name_and_pattern(block: Block, attributes: Mapping[str, str], values: Mapping[str, str]) -> tuple[str, str]:
    """The name of a block's group, and the pattern of its nodes' names: `k8s-api-auth` belongs to `k8s-api`."""
    tag = re.search(r'\bName"?\s*=\s*("[^"\n]*")', block.body)
    written = next((attributes[key] for key in ("instance_name", "node_name", "name") if key in attributes), "")
    written = written or (tag.group(1) if tag else "")
    name = _resolve_literal(written, values)
    if not name:  # "k8s-worker-${count.index + 1}": what stands before the computed part
        name = written.strip('"').partition("${")[0].rstrip("-_. ")
        if not name or "." in name:
            label = block.labels[-1]
            return label, f"*{label.replace('_', '-')}*"
        return name, f"{name}-*"
    stem, _, last = name.rpartition("-")
    if (stem and "-" in stem) or last.isdecimal():
        return stem, f"{stem}-*"
    return name, f"{name}*"


def _instance_count(body: str, attributes: Mapping[str, str], values: Mapping[str, str]) -> int | None:
    """How many a block makes; None when that is computed."""
    if "count" in attributes:
        written = _resolve_literal(attributes["count"], values)
        return int(written) if written.isdecimal() and len(written) < 5 else None
    if "for_each" not in attributes:
        return 1
    match = re.search(r"\bfor_each\s*=\s*toset\(\s*\[([^\]]*)\]", body)
    return len(_STRING.findall(match.group(1))) if match else None
