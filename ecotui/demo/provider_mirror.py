"""Where terraform gets the AWS provider from in the demo: a mirror on this machine, if there is one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

MIRROR_VARIABLE = "ECOTUI_PROVIDER_MIRROR"
"""The variable that names a filesystem mirror; it goes before everything that is looked for."""

_REGISTRY = "registry.terraform.io"
"""The host that `hashicorp/aws` means; a mirror's first folder is named after it."""
_PROVIDER_PATH = Path(_REGISTRY, "hashicorp", "aws")
_MIRROR_BLOCK = re.compile(r"filesystem_mirror\s*\{(?P<body>[^}]*)\}")
_MIRROR_PATH = re.compile(r"""path\s*=\s*"(?P<path>(?:[^"\\]|\\.)*)\"""")
_CONVENTIONAL_ROOTS = ("/opt", "/usr/share", "/usr/local/share", "/usr/lib", "/srv")
_MAX_DEPTH = 3
_MAX_FOLDERS = 2000
"""How many folders are looked into at most: a search must not become a walk over a disk."""


def find_mirror(env: Mapping[str, str] | None = None) -> Path | None:
    """The first filesystem mirror with the AWS provider in it, or None.

    Tries $ECOTUI_PROVIDER_MIRROR, the filesystem_mirror blocks of the CLI configuration, the implied mirror folders
    that terraform documents (developer.hashicorp.com/terraform/cli/config/config-file), and conventional places.
    """
    env = os.environ if env is None else env
    if chosen := env.get(MIRROR_VARIABLE):
        return Path(chosen) if _has_provider(Path(chosen)) else None
    for place in (*_configured_mirrors(env), *_implied_mirrors(env)):
        if _has_provider(place):
            return place
    for root in _CONVENTIONAL_ROOTS:
        if (found := _find_mirror_below(Path(root))) is not None:
            return found
    return None


def write_cli_config(path: Path, mirror: Path | None) -> None:
    """Write a CLI configuration that takes the provider from `mirror` only; without one, the default (a download)."""
    lines = ["disable_checkpoint = true"]
    if mirror is not None:
        quoted = str(mirror).replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${")
        lines += [
            "provider_installation {",
            "  filesystem_mirror {",
            f'    path    = "{quoted}"',
            f'    include = ["{_REGISTRY}/*/*"]',
            "  }",
            "}",
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _has_provider(mirror: Path) -> bool:
    folder = mirror / _PROVIDER_PATH
    try:
        return any(folder.iterdir())
    except OSError:
        return False


def _configured_mirrors(env: Mapping[str, str]) -> Iterator[Path]:
    home = Path(env.get("HOME") or "~").expanduser()
    for named in (env.get("TF_CLI_CONFIG_FILE"), env.get("TERRAFORM_CONFIG"), str(home / ".terraformrc")):
        if not named:
            continue
        try:
            text = Path(named).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for block in _MIRROR_BLOCK.finditer(text):
            if entry := _MIRROR_PATH.search(block["body"]):
                yield Path(entry["path"].replace("\\\\", "\\").replace('\\"', '"')).expanduser()


def _implied_mirrors(env: Mapping[str, str]) -> Iterator[Path]:
    home = Path(env.get("HOME") or "~").expanduser()
    yield home / ".terraform.d" / "plugins"
    yield Path(env.get("XDG_DATA_HOME") or home / ".local" / "share") / "terraform" / "plugins"
    for folder in (env.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":"):
        if folder:
            yield Path(folder) / "terraform" / "plugins"


def _find_mirror_below(root: Path) -> Path | None:
    """A mirror in or under `root`, level by level, not deeper than `_DEPTH`."""
    level, looked = [root], 0
    for _ in range(_MAX_DEPTH + 1):
        deeper: list[Path] = []
        for folder in level:
            if _has_provider(folder):
                return folder
            looked += 1
            if looked > _MAX_FOLDERS:
                return None
            try:
                deeper += sorted(
                    Path(entry.path) for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)
                )
            except OSError:
                continue
        level = deeper
    return None
