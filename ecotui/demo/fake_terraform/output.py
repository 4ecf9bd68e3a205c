"""What the stand-in says: terraform's `-json` lines, or its lines for people."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ecotui.demo.fake_terraform.state import TERRAFORM_VERSION, split_address

_PAST_TENSE = {"create": "created", "update": "updated in-place", "import": "imported"}


class TerraformOutput:
    """Says one thing at a time, flushed; `machine` is `-json`."""

    def __init__(self, folder: Path, *, as_json: bool) -> None:
        self._folder, self._as_json = folder, as_json
        if as_json:
            self._write_json_line(
                "info", f"Terraform {TERRAFORM_VERSION}", "version", terraform=TERRAFORM_VERSION, ui="1.2"
            )

    def _write_json_line(self, level: str, message: str, kind: str, **fields: Any) -> None:
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        line = {"@level": level, "@message": message, "@module": "terraform.ui", "@timestamp": stamp}
        sys.stdout.write(json.dumps({**line, **fields, "type": kind}, separators=(",", ":")) + "\n")
        sys.stdout.flush()

    def _write_line(self, text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def log(self, text: str) -> None:
        if self._as_json:
            self._write_json_line("info", text, "log")
        else:
            self._write_line(text)

    def planned_change(self, address: str, action: str) -> None:
        if self._as_json:
            change = {"resource": resource_reference(address), "action": action}
            self._write_json_line("info", f"{address}: Plan to {action}", "planned_change", change=change)
        else:
            self._write_line(f"  # {address} will be {_PAST_TENSE[action]}")

    def apply_start(self, address: str, action: str) -> None:
        words = {"create": "Creating...", "update": "Modifying...", "import": "Importing..."}[action]
        self._write_hook(f"{address}: {words}", "apply_start", address, action)

    def apply_complete(self, address: str, action: str, identity: str, seconds: int) -> None:
        words = {"create": "Creation", "update": "Modifications", "import": "Import"}[action]
        text = f"{address}: {words} complete after {seconds}s [id={identity}]"
        self._write_hook(
            text, "apply_complete", address, action, id_key="id", id_value=identity, elapsed_seconds=seconds
        )

    def apply_error(self, address: str, action: str, seconds: int) -> None:
        text = f"{address}: {'Creation' if action == 'create' else 'Modifications'} errored after {seconds}s"
        if self._as_json:
            self._write_hook(text, "apply_errored", address, action, elapsed_seconds=seconds)

    def _write_hook(self, text: str, kind: str, address: str, action: str, **fields: Any) -> None:
        if self._as_json:
            self._write_json_line(
                "info", text, kind, hook={"resource": resource_reference(address), "action": action, **fields}
            )
        else:
            self._write_line(text)

    def summary(self, add: int, change: int, import_count: int, operation: str) -> None:
        counts = {"add": add, "change": change, "import": import_count, "remove": 0, "operation": operation}
        imports = f"{import_count} to import, " if import_count else ""
        text = f"Plan: {imports}{add} to add, {change} to change, 0 to destroy."
        if operation == "apply":
            imported = f"{import_count} imported, " if import_count else ""
            text = f"Apply complete! Resources: {imported}{add} added, {change} changed, 0 destroyed."
        elif not (add or change or import_count):
            text = "No changes. Your infrastructure matches the configuration."
        if self._as_json:
            self._write_json_line("info", text, "change_summary", changes=counts)
        else:
            self._write_line(f"\n{text}")

    def outputs(self, values: Mapping[str, Any]) -> None:
        if not values:
            return
        if self._as_json:
            self._write_json_line("info", f"Outputs: {len(values)}", "outputs", outputs=values)
        else:
            self._write_line("\nOutputs:\n")
            for name, output in values.items():
                self._write_line(f"{name} = {json.dumps(output.get('value'))}")

    def diagnostic(self, severity: str, summary: str, detail: str = "", address: str = "") -> None:
        """An error or a warning, with the place of the resource in the configuration."""
        place = _find_block(self._folder, address) if address else None
        if self._as_json:
            found: dict[str, Any] = {"severity": severity, "summary": summary, "detail": detail}
            if address:
                found["address"] = address
            if place:
                found |= _source_range(*place)
            self._write_json_line(
                "error" if severity == "error" else "warn",
                f"{severity.capitalize()}: {summary}",
                "diagnostic",
                diagnostic=found,
            )
            return
        text = f"\n{severity.capitalize()}: {summary}\n"
        if address:
            text += f"\n  with {address},\n"
        if place:
            file, number, code = place
            kind, name, _ = split_address(address)
            text += f'  on {file} line {number}, in resource "{kind}" "{name}":\n  {number}: {code}\n'
        text += f"\n{detail}\n" if detail else ""
        (sys.stderr if severity == "error" else sys.stdout).write(text)


def resource_reference(address: str) -> dict[str, Any]:
    """An address as the stream writes it."""
    kind, name, key = split_address(address)
    return {
        "addr": address,
        "module": "",
        "resource": address,
        "implied_provider": "aws",
        "resource_type": kind,
        "resource_name": name,
        "resource_key": key,
    }


def _find_block(folder: Path, address: str) -> tuple[str, int, str] | None:
    """File, line and text of the resource's block."""
    kind, name, _ = split_address(address)
    wanted = re.compile(rf'resource\s+"{kind}"\s+"{name}"')
    for path in sorted(folder.glob("*.tf")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if wanted.match(line):
                return path.name, number, line
    return None


def _source_range(file: str, number: int, code: str) -> dict[str, Any]:
    end = len(code)
    context = code.rstrip(" {")
    return {
        "range": {
            "filename": file,
            "start": {"line": number, "column": end, "byte": 0},
            "end": {"line": number, "column": end + 1, "byte": 0},
        },
        "snippet": {
            "context": context,
            "code": code,
            "start_line": number,
            "highlight_start_offset": max(0, end - 1),
            "highlight_end_offset": end,
            "values": [],
        },
    }
