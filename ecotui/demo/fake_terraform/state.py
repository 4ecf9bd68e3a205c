"""The stand-in's state: a terraform.tfstate of version 4, as the real terraform writes it."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

TERRAFORM_VERSION = "1.11.4"
"""The terraform whose plan was recorded, and whose words are spoken."""

_ADDRESS_PATTERN = re.compile(r'(?P<type>\w+)\.(?P<name>[\w-]+)(?:\[(?:"(?P<text>[^"]*)"|(?P<number>\d+))\])?')
_PROVIDER_ADDRESS = 'provider["registry.terraform.io/hashicorp/aws"]'


def split_address(address: str) -> tuple[str, str, str | int | None]:
    """Type, name and key of an address in the root module. Raises ValueError."""
    found = _ADDRESS_PATTERN.fullmatch(address)
    if found is None:
        raise ValueError(f"not an address: {address}")
    key = int(found["number"]) if found["number"] is not None else found["text"]
    return found["type"], found["name"], key


class FakeState:
    """What has been made, by address. Written after every change, so that a kill loses nothing."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "terraform.tfstate"
        self.resources: dict[str, dict[str, Any]] = {}
        self.outputs: dict[str, Any] = {}
        self.lineage, self.serial = str(uuid.uuid4()), 0
        try:
            text = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            self._exists = False
            return
        self._exists = True
        document = json.loads(text)
        self.lineage, self.serial = document["lineage"], document["serial"]
        self.outputs = document.get("outputs", {})
        for resource in document["resources"]:
            for instance in resource["instances"]:
                key = instance.get("index_key")
                index = "" if key is None else f"[{json.dumps(key)}]"
                self.resources[f"{resource['type']}.{resource['name']}{index}"] = instance["attributes"]

    @property
    def text(self) -> str:
        """What `state pull` prints; nothing before the first apply."""
        return json.dumps(self._document(), indent=2) + "\n" if self._exists else ""

    def write(self) -> None:
        """Replace the file, whole or not at all."""
        self.serial += 1
        self._exists = True
        new = self._file.with_suffix(".tfstate.new")
        new.write_text(json.dumps(self._document(), indent=2) + "\n", encoding="utf-8")
        new.replace(self._file)

    def _document(self) -> dict[str, Any]:
        grouped: dict[tuple[str, str], dict[str, Any]] = {}
        for address, attributes in sorted(self.resources.items()):
            kind, name, key = split_address(address)
            resource = grouped.setdefault(
                (kind, name),
                {"mode": "managed", "type": kind, "name": name, "provider": _PROVIDER_ADDRESS, "instances": []},
            )
            index = {} if key is None else {"index_key": key}
            resource["instances"].append(
                {**index, "schema_version": 0, "attributes": attributes, "sensitive_attributes": []}
            )
        return {
            "version": 4,
            "terraform_version": TERRAFORM_VERSION,
            "serial": self.serial,
            "lineage": self.lineage,
            "outputs": self.outputs,
            "resources": list(grouped.values()),
            "check_results": None,
        }
