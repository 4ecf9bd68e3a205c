"""What a terraform folder declares: nodes, region, default tags, key pairs. For the settings that `ecotui init` writes.

Only literals and variables with a literal value are followed. What is computed is left out, for the reader of the
settings to add; the plan knows it later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from checks.tools.hcl import HclBlock, HclExpression, list_files, read_files

_INSTANCE_TYPE = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+")

Values = Mapping[str, HclExpression]
"""Variables and their values."""


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
    """Blocks that create instances, but whose number or type is computed."""
    tags: tuple[tuple[str, str], ...] = ()
    key_pairs: tuple[str, ...] = ()
    public_key: str = ""
    var_files: tuple[str, ...] = ()
    """Files of variables that terraform does not read by itself."""


def read_project_facts(folder: Path) -> ProjectFacts:
    """Read a terraform folder; what cannot be read is left out."""
    blocks = [block for _, body in read_files(folder) for block in body.blocks]
    values = _variable_values(blocks, folder)
    providers = [one for one in blocks if one.type == "provider" and one.labels[:1] == ("aws",)]
    main = next((one for one in providers if "alias" not in one.attributes), None)
    groups, skipped = _instance_groups(blocks, values)
    keys = [one.attributes for one in blocks if one.type == "resource" and one.labels[:1] == ("aws_key_pair",)]
    names = (_resolve(one.get("key_name"), values) for one in keys)
    return ProjectFacts(
        region=_resolve(main.attributes.get("region"), values) if main else "",
        groups=groups,
        skipped_blocks=skipped,
        tags=_default_tags(main, blocks, values) if main else (),
        key_pairs=tuple(dict.fromkeys(name for name in names if name)),
        public_key=next(filter(None, (_private_key_path(one.get("public_key")) for one in keys)), ""),
        var_files=tuple(
            path.name for path in list_files(folder, ".tfvars") if not _is_automatic(path) and path.name.isprintable()
        ),
    )


def _is_automatic(path: Path) -> bool:
    """Terraform reads this file of variables by itself."""
    return path.name == "terraform.tfvars" or path.name.endswith(".auto.tfvars")


def _variable_values(blocks: list[HclBlock], folder: Path) -> Values:
    """Variables and their values: defaults, then the files that terraform reads by itself."""
    values = {
        one.labels[0]: one.attributes["default"]
        for one in blocks
        if one.type == "variable" and one.labels and "default" in one.attributes
    }
    for path, body in read_files(folder, ".tfvars"):
        if _is_automatic(path):
            values.update(body.attributes)
    return values


def _resolve(expression: HclExpression | None, values: Values) -> str:
    """The value of a literal, or of a variable that has one; empty for everything else."""
    if expression is not None and expression.reference.startswith("var."):
        expression = values.get(expression.reference.removeprefix("var."))
    text = (expression.literal or "") if expression is not None else ""
    return text if text.isprintable() else ""


def _private_key_path(public_key: HclExpression | None) -> str:
    """`~/.ssh/x` of `file("~/.ssh/x.pub")`; empty where the key is not a file of the user's."""
    names = []
    while public_key is not None and public_key.call[0]:
        name, arguments = public_key.call
        names.append(name)
        public_key = arguments[0] if arguments else None
    path = (public_key.literal or "") if public_key is not None else ""
    return path.removesuffix(".pub") if "file" in names and re.fullmatch(r"~?/.+\.pub", path) else ""


def _default_tags(provider: HclBlock, blocks: list[HclBlock], values: Values) -> tuple[tuple[str, str], ...]:
    """The provider's default tags with a literal value; written there, or in a local value."""
    tags = next(
        (one.attributes["tags"] for one in provider.body.find_blocks("default_tags") if "tags" in one.attributes), None
    )
    if tags is not None and tags.reference.startswith("local."):
        name = tags.reference.removeprefix("local.")
        tags = next((one.attributes[name] for one in blocks if one.type == "locals" and name in one.attributes), None)
    pairs = ((key, _resolve(value, values)) for key, value in (tags.items if tags is not None else {}).items())
    return tuple((key, value) for key, value in pairs if value)


def _instance_groups(blocks: list[HclBlock], values: Values) -> tuple[tuple[InstanceGroup, ...], tuple[str, ...]]:
    """Nodes from `aws_instance` resources and from modules that are given an instance type."""
    counted: dict[tuple[str, str], tuple[int, str]] = {}
    skipped: list[str] = []
    for one in blocks:
        is_resource = one.type == "resource" and one.labels[:1] == ("aws_instance",) and len(one.labels) == 2
        if not is_resource and not (one.type == "module" and one.labels and "instance_type" in one.attributes):
            continue
        instance_type = _resolve(one.attributes.get("instance_type"), values)
        number = _instance_count(one, values)
        if number is None or not _INSTANCE_TYPE.fullmatch(instance_type):
            skipped.append(".".join(one.labels if is_resource else (one.type, *one.labels)))
            continue
        name, pattern = _group_name_and_pattern(one, values)
        before, known = counted.get((name, instance_type), (0, pattern))
        counted[name, instance_type] = (before + number, known if known == pattern else f"{name}*")
    groups: list[InstanceGroup] = []
    for (name, instance_type), (count, pattern) in counted.items():
        is_unique = all(group.name != name for group in groups)
        unique = name if is_unique else f"{name}-{instance_type.replace('.', '-')}"
        groups.append(InstanceGroup(unique, count, instance_type, pattern))
    return tuple(groups), tuple(skipped)


def _group_name_and_pattern(block: HclBlock, values: Values) -> tuple[str, str]:
    """The name of a block's group, and the pattern of its nodes' names: `k8s-api-auth` belongs to `k8s-api`."""
    keys = ("instance_name", "node_name", "name")
    written = next((block.attributes[key] for key in keys if key in block.attributes), None)
    written = written or next(iter(block.body.find_values("Name")), None)
    name = _resolve(written, values)
    if not name:
        name = written.prefix.rstrip("-_. ") if written is not None else ""
        if not name or "." in name:
            label = block.labels[-1]
            return label, f"*{label.replace('_', '-')}*"
        return name, f"{name}-*"
    stem, _, last = name.rpartition("-")
    if (stem and "-" in stem) or last.isdecimal():
        return stem, f"{stem}-*"
    return name, f"{name}*"


def _instance_count(block: HclBlock, values: Values) -> int | None:
    """How many a block creates; None when that is computed."""
    if "count" in block.attributes:
        written = _resolve(block.attributes["count"], values)
        return int(written) if written.isdecimal() and len(written) < 5 else None
    if "for_each" not in block.attributes:
        return 1
    function, arguments = block.attributes["for_each"].call
    if function != "toset" or len(arguments) != 1:
        return None
    return sum(one.literal is not None for one in arguments[0].elements) if arguments[0].elements else None
