"""`ecotui init`: writes an ecotui.yaml from the terraform files, scripts and git remote of a project."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from config.load import SETTINGS_FILE_NAME, SettingsError
from ecotui import exit_codes

if TYPE_CHECKING:
    from checks.tools.terraform_project import ProjectFacts

_REMOTE_URL = re.compile(
    r"(?:[a-z+]+://(?:[^@/]*@)?(?P<host>[\w.-]+)(?::\d+)?/|(?:[\w.-]+@)?(?P<ssh>[\w.-]+):)"
    r"(?P<repository>[A-Za-z0-9-]+/[A-Za-z0-9._-]+?)(?:\.git)?/?"
)
_REQUIRED_VARIABLE = re.compile(r"\$\{([A-Z_][A-Z0-9_]*):?\?")
"""How a script insists on a variable: `${NAME:?}`."""
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|PRIVATE|_KEY$")
_MAX_SCRIPTS = 12


@dataclass(frozen=True)
class GitRemote:
    host: str
    repository: str


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help=f"overwrite an existing {SETTINGS_FILE_NAME}")
    parser.add_argument("--print", action="store_true", help="show what would be written; write nothing")


def run(args: argparse.Namespace) -> int:
    from config.load import validate_settings_text

    folder = Path(args.project or ".").expanduser().resolve()
    if not folder.is_dir():
        raise SettingsError(str(args.project), "there is no such folder")
    text = render_settings(folder, os.environ)
    validate_settings_text(text, SETTINGS_FILE_NAME)
    if args.print:
        sys.stdout.write(text)
        return exit_codes.OK
    target = folder / SETTINGS_FILE_NAME
    try:
        _write_file(target, text, force=args.force)
    except FileExistsError:
        print(
            f"ecotui init: {target} exists already; --force overwrites it, --print only shows",
            file=sys.stderr,
        )
        return exit_codes.ERROR
    except OSError as error:
        print(f"ecotui init: {target} cannot be written: {error.strerror}", file=sys.stderr)
        return exit_codes.ERROR
    print(f"Wrote {target}. Read it through, then run: ecotui check")
    return exit_codes.OK


def render_settings(folder: Path, env: Mapping[str, str]) -> str:
    """The text of an ecotui.yaml for this folder, which overrides the Eco² defaults where they would be wrong."""
    return "\n".join(_settings_lines(folder, env)) + "\n"


def _settings_lines(folder: Path, env: Mapping[str, str]) -> Iterator[str]:
    from checks.tools.terraform_project import ProjectFacts, read_project_facts
    from config.discover import find_terraform_folders

    folders = find_terraform_folders(folder)
    facts = read_project_facts(folders[0]) if folders else ProjectFacts()
    remote = _find_remote(folder)
    scripts = _find_scripts(folder)
    yield "# Written by `ecotui init` from what it found here. Read it through: what it could not find is marked CHECK."
    yield "# `ecotui config explain KEY` explains a key; `ecotui config validate` checks this file."
    yield f"project: {_yaml_scalar(remote.repository.partition('/')[2] if remote else folder.name or 'project')}"
    yield "aws:"
    if facts.region:
        yield f"  region: {_yaml_scalar(facts.region)}"
    else:
        yield '  region: ""  # CHECK: no region in a provider block; empty means that the AWS configuration decides'
    yield '  # account: "123456789012"  # with it, every other account is refused'
    yield "  # profile: NAME  # of ~/.aws/config"
    yield "environment:"
    yield from _variable_lines(folder, scripts)
    yield from _yaml_list("  ", "files", scripts)
    if facts.public_key:
        yield f"  ssh_key: {_yaml_scalar(facts.public_key)}"
    else:
        yield "  # ssh_key: ~/.ssh/NAME  # the private key the nodes are reached with"
    yield "github:"
    yield from _github_lines(remote)
    yield "terraform:"
    yield from _terraform_lines(folder, folders, facts, env)
    yield "nodes:"
    yield from _node_lines(facts)
    yield "# How to recognise leftovers of an earlier deployment among other people's resources."
    yield "cleanup:"
    pairs = ", ".join(f"{_yaml_scalar(key)}: {_yaml_scalar(value)}" for key, value in facts.tags)
    yield f"  tags: {{{pairs}}}{'' if pairs else '  # CHECK: a resource with all of these is ours beyond doubt'}"
    yield '  names: []  # shell patterns, for what carries no tags: ["*-alb-controller"]'
    yield f"  exact: [{', '.join(map(_yaml_scalar, facts.key_pairs))}]"
    yield "  prefixes: []"


def _terraform_lines(
    folder: Path, folders: tuple[Path, ...], facts: ProjectFacts, env: Mapping[str, str]
) -> Iterator[str]:
    import shutil

    if not shutil.which("terraform", path=env.get("PATH")) and shutil.which("tofu", path=env.get("PATH")):
        yield "  command: tofu"
    if folders:
        others = ", ".join(str(path.relative_to(folder)) for path in folders[1:4] if str(path).isprintable())
        relative = str(folders[0].relative_to(folder))
        yield f"  directory: {_yaml_scalar(relative)}{f'  # also with *.tf: {others}' if others else ''}"
    else:
        yield "  directory: terraform  # CHECK: no *.tf files were found"
    if len(facts.var_files) == 1:
        yield f"  var_files: [{_yaml_scalar(facts.var_files[0])}]"
    elif facts.var_files:
        yield "  # CHECK: which of these is meant?"
        yield f"  # var_files: [{', '.join(map(_yaml_scalar, facts.var_files))}]"


def _node_lines(facts: ProjectFacts) -> Iterator[str]:
    for block in facts.skipped_blocks:
        yield f"  # CHECK: the number or the type of {block} is computed; add its group"
    if not facts.groups:
        yield "  groups: []  # CHECK: {name: worker, count: 3, instance_type: t3a.medium, pattern: worker-*}"
        return
    yield "  groups:"
    for group in facts.groups:
        yield (
            f"    - {{name: {_yaml_scalar(group.name)}, count: {group.count}, "
            f"instance_type: {_yaml_scalar(group.instance_type)}, pattern: {_yaml_scalar(group.pattern)}}}"
        )


def _yaml_scalar(value: str) -> str:
    """A text as YAML: bare where that is safe, else in double quotes (JSON's are YAML's)."""
    if re.fullmatch(r"[A-Za-z~./_][\w./~-]*", value) and value.lower() not in (
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", ".inf", ".nan",
    ):  # fmt: skip
        return value
    return json.dumps(value, ensure_ascii=False)


def _yaml_list(indent: str, key: str, values: tuple[str, ...]) -> Iterator[str]:
    if not values:
        yield f"{indent}{key}: []"
        return
    yield f"{indent}{key}:"
    for value in values:
        yield f"{indent}  - {_yaml_scalar(value)}"


def _find_scripts(folder: Path) -> tuple[str, ...]:
    """Shell scripts of the project, relative to it, those nearest the top first."""
    found = [str(path.relative_to(folder)) for path in sorted((folder / "scripts").rglob("*.sh")) if path.is_file()]
    found.sort(key=lambda name: (name.count("/"), name))
    return tuple(name for name in found if name.isprintable())[:_MAX_SCRIPTS]


def _variable_lines(folder: Path, scripts: tuple[str, ...]) -> Iterator[str]:
    names: dict[str, str] = {}
    for script in scripts:
        try:
            with (folder / script).open(encoding="utf-8", errors="replace") as stream:
                text = stream.read(200_000)
        except OSError:
            continue
        for name in _REQUIRED_VARIABLE.findall(text):
            names.setdefault(name, script)
    if not names:
        yield "  variables: []  # {name: GITHUB_TOKEN, secret: true, purpose: image pulls}"
        return
    yield "  variables:"
    for name, script in names.items():
        secret = ", secret: true" if _SECRET_NAME.search(name) else ""
        yield f"    - {{name: {name}{secret}, purpose: {_yaml_scalar(f'needed by {script}')}}}"


def _github_lines(remote: GitRemote | None) -> Iterator[str]:
    if remote is None:
        yield "  enabled: false  # CHECK: no remote in .git/config; true if the rebuild needs GitHub"
        return
    if "github" not in remote.host:
        yield f"  enabled: false  # the remote is on {remote.host}"
        return
    if remote.host != "github.com":
        yield f"  host: {_yaml_scalar(remote.host)}"
    yield f"  repository: {_yaml_scalar(remote.repository)}"
    yield '  scopes: [repo, "read:org", "write:packages"]'


def _find_remote(folder: Path) -> GitRemote | None:
    """The first remote of the git repository around the folder, `origin` before others, without what is secret in it."""
    for parent in (folder, *folder.parents):
        path = parent / ".git" / "config"
        if not path.is_file():
            continue
        try:
            with path.open(encoding="utf-8", errors="replace") as stream:
                text = stream.read(200_000)
        except OSError:
            return None
        urls = re.findall(r'^\[remote "([^"]*)"\][^\[]*?^\s*url\s*=\s*(\S+)', text, re.MULTILINE)
        for _, url in sorted(urls, key=lambda entry: entry[0] != "origin"):
            if match := _REMOTE_URL.fullmatch(url):
                return GitRemote(match["host"] or match["ssh"], match["repository"])
        return None
    return None


def _write_file(target: Path, text: str, *, force: bool) -> None:
    """Write the whole file or none of it. Raises FileExistsError unless `force`, and OSError."""
    if not force:
        with target.open("x", encoding="utf-8") as stream:
            stream.write(text)
        return
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
