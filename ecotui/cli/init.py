"""`ecotui init`: write an ecotui.yaml from what is found in the project's folder."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.load import NAME, SettingsError
from ecotui import exit_codes

_REMOTE = re.compile(
    r"(?:[a-z+]+://(?:[^@/]*@)?(?P<host>[\w.-]+)(?::\d+)?/|(?:[\w.-]+@)?(?P<ssh>[\w.-]+):)"
    r"(?P<repository>[A-Za-z0-9-]+/[A-Za-z0-9._-]+?)(?:\.git)?/?"
)
_NEEDED = re.compile(r"\$\{([A-Z_][A-Z0-9_]*):?\?")
"""A script's own way to insist on a variable: `${NAME:?}`."""
_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|PRIVATE|_KEY$")
_MOST_SCRIPTS = 12


@dataclass(frozen=True)
class Remote:
    host: str
    repository: str


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help=f"overwrite an {NAME} that is there")
    parser.add_argument("--print", action="store_true", help="show what would be written; write nothing")


def run(args: argparse.Namespace) -> int:
    from config.load import validated

    folder = Path(args.project or ".").expanduser().resolve()
    if not folder.is_dir():
        raise SettingsError(str(args.project), "there is no such folder")
    text = written(folder, os.environ)
    validated(text, NAME)
    if args.print:
        sys.stdout.write(text)
        return exit_codes.OK
    target = folder / NAME
    try:
        _write(target, text, force=args.force)
    except FileExistsError:
        print(
            f"ecotui init: {target} is there already; --force overwrites it, --print only shows",
            file=sys.stderr,
        )
        return exit_codes.ERROR
    except OSError as error:
        print(f"ecotui init: {target} cannot be written: {error.strerror}", file=sys.stderr)
        return exit_codes.ERROR
    print(f"Wrote {target}. Read it through, then run: ecotui check")
    return exit_codes.OK


def written(folder: Path, env: os._Environ[str] | dict[str, str]) -> str:
    """The text of an ecotui.yaml for this folder; it stands without the Eco² defaults where they would be wrong."""
    return "\n".join(_lines(folder, env)) + "\n"


def _lines(folder: Path, env: os._Environ[str] | dict[str, str]) -> Iterator[str]:
    import shutil

    from config.discover import terraform_folders
    from config.terraform_source import Seen, look

    folders = terraform_folders(folder)
    seen = look(folders[0]) if folders else Seen()
    remote = _remote(folder)
    scripts = _scripts(folder)
    yield "# Written by `ecotui init` from what it found here. Read it through: what it could not find is marked CHECK."
    yield "# `ecotui config explain KEY` says what a key means; `ecotui config validate` checks this file."
    yield f"project: {_text(remote.repository.partition('/')[2] if remote else folder.name or 'project')}"
    yield "aws:"
    if seen.region:
        yield f"  region: {_text(seen.region)}"
    else:
        yield '  region: ""  # CHECK: no region in a provider block; empty means that the AWS configuration decides'
    yield '  # account: "123456789012"  # with it, every other account is refused'
    yield "  # profile: NAME  # of ~/.aws/config"
    yield "environment:"
    yield from _variables(folder, scripts)
    yield from _list("  ", "files", scripts)
    if seen.public_key:
        yield f"  ssh_key: {_text(seen.public_key)}"
    else:
        yield "  # ssh_key: ~/.ssh/NAME  # the private key the nodes are reached with"
    yield "github:"
    yield from _github(remote)
    yield "terraform:"
    if not shutil.which("terraform", path=env.get("PATH")) and shutil.which("tofu", path=env.get("PATH")):
        yield "  command: tofu"
    if folders:
        others = ", ".join(str(at.relative_to(folder)) for at in folders[1:4] if str(at).isprintable())
        relative = str(folders[0].relative_to(folder))
        yield f"  directory: {_text(relative)}{f'  # also with *.tf: {others}' if others else ''}"
    else:
        yield "  directory: terraform  # CHECK: no *.tf files were found"
    if len(seen.var_files) == 1:
        yield f"  var_files: [{_text(seen.var_files[0])}]"
    elif seen.var_files:
        yield "  # CHECK: which of these is meant?"
        yield f"  # var_files: [{', '.join(map(_text, seen.var_files))}]"
    yield "nodes:"
    for block in seen.skipped:
        yield f"  # CHECK: the number or the type of {block} is computed; add its group"
    if seen.groups:
        yield "  groups:"
        for group in seen.groups:
            yield (
                f"    - {{name: {_text(group.name)}, count: {group.count}, "
                f"instance_type: {_text(group.instance_type)}, pattern: {_text(group.pattern)}}}"
            )
    else:
        yield "  groups: []  # CHECK: {name: worker, count: 3, instance_type: t3a.medium, pattern: worker-*}"
    yield "# How leftovers of an earlier deployment are told from other people's resources."
    yield "cleanup:"
    pairs = ", ".join(f"{_text(key)}: {_text(value)}" for key, value in seen.tags)
    yield f"  tags: {{{pairs}}}{'' if pairs else '  # CHECK: a resource with all of these is ours beyond doubt'}"
    yield '  names: []  # shell patterns, for what carries no tags: ["*-alb-controller"]'
    yield f"  exact: [{', '.join(map(_text, seen.key_pairs))}]"
    yield "  prefixes: []"


def _text(value: str) -> str:
    """A text as YAML: bare where that is safe, else in double quotes (JSON's are YAML's)."""
    if re.fullmatch(r"[A-Za-z~./_][\w./~-]*", value) and value.lower() not in (
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", ".inf", ".nan",
    ):  # fmt: skip
        return value
    return json.dumps(value, ensure_ascii=False)


def _list(indent: str, key: str, values: tuple[str, ...]) -> Iterator[str]:
    if not values:
        yield f"{indent}{key}: []"
        return
    yield f"{indent}{key}:"
    for value in values:
        yield f"{indent}  - {_text(value)}"


def _scripts(folder: Path) -> tuple[str, ...]:
    """Shell scripts of the project, relative to it, those nearest the top first."""
    found = [str(at.relative_to(folder)) for at in sorted((folder / "scripts").rglob("*.sh")) if at.is_file()]
    found.sort(key=lambda name: (name.count("/"), name))
    return tuple(name for name in found if name.isprintable())[:_MOST_SCRIPTS]


def _variables(folder: Path, scripts: tuple[str, ...]) -> Iterator[str]:
    names: dict[str, str] = {}
    for script in scripts:
        try:
            with (folder / script).open(encoding="utf-8", errors="replace") as stream:
                text = stream.read(200_000)
        except OSError:
            continue
        for name in _NEEDED.findall(text):
            names.setdefault(name, script)
    if not names:
        yield "  variables: []  # {name: GITHUB_TOKEN, secret: true, purpose: image pulls}"
        return
    yield "  variables:"
    for name, script in names.items():
        secret = ", secret: true" if _SECRET.search(name) else ""
        yield f"    - {{name: {name}{secret}, purpose: {_text(f'wanted by {script}')}}}"


def _github(remote: Remote | None) -> Iterator[str]:
    if remote is None:
        yield "  enabled: false  # CHECK: no remote in .git/config; true if the rebuild needs GitHub"
        return
    if "github" not in remote.host:
        yield f"  enabled: false  # the remote is on {remote.host}"
        return
    if remote.host != "github.com":
        yield f"  host: {_text(remote.host)}"
    yield f"  repository: {_text(remote.repository)}"
    yield '  scopes: [repo, "read:org", "write:packages"]'


def _remote(folder: Path) -> Remote | None:
    """The first remote of the git repository around the folder, `origin` before others, without what is secret in it."""
    for at in (folder, *folder.parents):
        path = at / ".git" / "config"
        if not path.is_file():
            continue
        try:
            with path.open(encoding="utf-8", errors="replace") as stream:
                text = stream.read(200_000)
        except OSError:
            return None
        urls = re.findall(r'^\[remote "([^"]*)"\][^\[]*?^\s*url\s*=\s*(\S+)', text, re.MULTILINE)
        for _, url in sorted(urls, key=lambda entry: entry[0] != "origin"):
            if match := _REMOTE.fullmatch(url):
                return Remote(match["host"] or match["ssh"], match["repository"])
        return None
    return None


def _write(target: Path, text: str, *, force: bool) -> None:
    """Write the whole file or none of it. Raises FileExistsError unless `force`, and OSError."""
    if not force:
        with target.open("x", encoding="utf-8") as stream:
            stream.write(text)
        return
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
