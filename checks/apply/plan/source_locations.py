"""Where a resource's attribute is written in the terraform files: for the one who renames it. Reads files only."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from checks.apply.plan.configuration import strip_instance_keys

_MAX_FILE_BYTES = 2_000_000
"""Bytes: a file beyond this was not written by a person."""


class SourceIndex:
    """Reads each folder once. What cannot be read is written nowhere."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._folder = folder
        self._modules = _read_module_folders(folder, env)
        self._files: dict[Path, list[tuple[Path, list[str]]]] = {}

    def locate(self, address: str, attribute: str) -> str:
        """`iam.tf:12`, from the terraform folder: the attribute, else its resource. Empty when it is not found."""
        parts = strip_instance_keys(address).split(".")
        names = []
        while parts[:1] == ["module"]:
            names.append(parts[1])
            parts = parts[2:]
        folder = self._modules.get(".".join(names))
        if folder is None or len(parts) < 2:
            return ""
        start = re.compile(rf'\s*resource\s+"{re.escape(parts[0])}"\s+"{re.escape(parts[1])}"')
        wanted = re.compile(rf"\s*{re.escape(attribute)}\s*=")
        for path, lines in self._read_folder(folder):
            for number, line in enumerate(lines, start=1):
                if start.match(line):
                    where = _find_attribute_line(lines, number, wanted) or number
                    return f"{self._relative_path(path)}:{where}"
        return ""

    def _relative_path(self, path: Path) -> str:
        try:
            return str(path.relative_to(self._folder))
        except ValueError:
            return str(path)

    def _read_folder(self, folder: Path) -> list[tuple[Path, list[str]]]:
        if folder not in self._files:
            found = []
            for path in sorted(folder.glob("*.tf")):
                try:
                    if path.stat().st_size <= _MAX_FILE_BYTES:
                        text = path.read_text(encoding="utf-8", errors="replace")
                        found.append((path, text.splitlines()))
                except OSError:
                    continue
            self._files[folder] = found
        return self._files[folder]


def _find_attribute_line(lines: list[str], start: int, pattern: re.Pattern[str]) -> int:
    """The line of the attribute in the block that opens at line `start`; 0 when it is not there."""
    depth = 0
    for number, line in enumerate(lines[start - 1 :], start=start):
        if depth == 1 and pattern.match(line):
            return number
        depth += line.count("{") - line.count("}")
        if depth <= 0 and number > start:
            return 0
    return 0


def _read_module_folders(folder: Path, env: Mapping[str, str]) -> dict[str, Path]:
    """The folder of each module by its names (`network.subnets`), as `terraform init` noted them."""
    data = Path(env.get("TF_DATA_DIR") or ".terraform")
    found = {"": folder}
    try:
        noted = json.loads((folder / data / "modules" / "modules.json").read_text(encoding="utf-8"))
        for one in noted["Modules"]:
            found[str(one["Key"])] = (folder / str(one["Dir"])).resolve()
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not initialised, or no modules: the root is enough
    found[""] = folder
    return found
