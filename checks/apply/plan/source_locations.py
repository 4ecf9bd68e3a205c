"""Where a resource's attribute is written in the terraform files, for somebody who changes it. Reads files only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from checks.apply.plan.configuration import strip_instance_keys
from checks.tools.hcl import HclBody, read_files


class SourceIndex:
    """Reads each folder once; unreadable files are skipped."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._folder = folder
        self._modules = _read_module_folders(folder, env)
        self._files: dict[Path, list[tuple[Path, HclBody]]] = {}

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
        if folder not in self._files:
            self._files[folder] = list(read_files(folder))
        for path, body in self._files[folder]:
            for block in body.find_blocks("resource", parts[0], parts[1]):
                line = block.body.attribute_lines.get(attribute, block.line)
                return f"{path.relative_to(self._folder) if path.is_relative_to(self._folder) else path}:{line}"
        return ""


def _read_module_folders(folder: Path, env: Mapping[str, str]) -> dict[str, Path]:
    """The folder of each module by its names (`network.subnets`), as `terraform init` wrote them."""
    data = Path(env.get("TF_DATA_DIR") or ".terraform")
    found = {"": folder}
    try:
        index = json.loads((folder / data / "modules" / "modules.json").read_text(encoding="utf-8"))
        for one in index["Modules"]:
            found[str(one["Key"])] = (folder / str(one["Dir"])).resolve()
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not initialised, or no modules: the root is enough
    found[""] = folder
    return found
