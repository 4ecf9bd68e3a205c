"""What the stand-in says: terraform's `-json` lines, or its lines for people."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ecotui.demo.fakes.terraform.state import VERSION, parts

_DONE = {"create": "created", "update": "updated in-place", "import": "imported"}


class Voice:
    """Says one thing at a time, flushed; `machine` is `-json`."""

    def __init__(self, folder: Path, *, machine: bool) -> None:
        self._folder, self._machine = folder, machine
        if machine:
            self._line("info", f"Terraform {VERSION}", "version", terraform=VERSION, ui="1.2")

    def _line(self, level: str, message: str, kind: str, **more: Any) -> None:
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        line = {"@level": level, "@message": message, "@module": "terraform.ui", "@timestamp": stamp}
        sys.stdout.write(json.dumps({**line, **more, "type": kind}, separators=(",", ":")) + "\n")
        sys.stdout.flush()

    def _say(self, text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def log(self, text: str) -> None:
        if self._machine:
            self._line("info", text, "log")
        else:
            self._say(text)

    def planned(self, address: str, action: str) -> None:
        if self._machine:
            change = {"resource": resource(address), "action": action}
            self._line("info", f"{address}: Plan to {action}", "planned_change", change=change)
        else:
            self._say(f"  # {address} will be {_DONE[action]}")

    def started(self, address: str, action: str) -> None:
        words = {"create": "Creating...", "update": "Modifying...", "import": "Importing..."}[action]
        self._hook(f"{address}: {words}", "apply_start", address, action)

    def completed(self, address: str, action: str, identity: str, seconds: int) -> None:
        words = {"create": "Creation", "update": "Modifications", "import": "Import"}[action]
        text = f"{address}: {words} complete after {seconds}s [id={identity}]"
        self._hook(
            text, "apply_complete", address, action, id_key="id", id_value=identity, elapsed_seconds=seconds
        )

    def errored(self, address: str, action: str, seconds: int) -> None:
        text = f"{address}: {'Creation' if action == 'create' else 'Modifications'} errored after {seconds}s"
        if self._machine:
            self._hook(text, "apply_errored", address, action, elapsed_seconds=seconds)

    def _hook(self, text: str, kind: str, address: str, action: str, **more: Any) -> None:
        if self._machine:
            self._line("info", text, kind, hook={"resource": resource(address), "action": action, **more})
        else:
            self._say(text)

    def summary(self, add: int, change: int, adopt: int, operation: str) -> None:
        counts = {"add": add, "change": change, "import": adopt, "remove": 0, "operation": operation}
        imports = f"{adopt} to import, " if adopt else ""
        text = f"Plan: {imports}{add} to add, {change} to change, 0 to destroy."
        if operation == "apply":
            imported = f"{adopt} imported, " if adopt else ""
            text = f"Apply complete! Resources: {imported}{add} added, {change} changed, 0 destroyed."
        elif not (add or change or adopt):
            text = "No changes. Your infrastructure matches the configuration."
        if self._machine:
            self._line("info", text, "change_summary", changes=counts)
        else:
            self._say(f"\n{text}")

    def outputs(self, values: Mapping[str, Any]) -> None:
        if not values:
            return
        if self._machine:
            self._line("info", f"Outputs: {len(values)}", "outputs", outputs=values)
        else:
            self._say("\nOutputs:\n")
            for name, output in values.items():
                self._say(f"{name} = {json.dumps(output.get('value'))}")

    def diagnostic(self, severity: str, summary: str, detail: str = "", address: str = "") -> None:
        """An error or a warning, with the place of the resource in the configuration."""
        place = _place(self._folder, address) if address else None
        if self._machine:
            found: dict[str, Any] = {"severity": severity, "summary": summary, "detail": detail}
            if address:
                found["address"] = address
            if place:
                found |= _range(*place)
            self._line(
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
            kind, name, _ = parts(address)
            text += f'  on {file} line {number}, in resource "{kind}" "{name}":\n  {number}: {code}\n'
        text += f"\n{detail}\n" if detail else ""
        (sys.stderr if severity == "error" else sys.stdout).write(text)


def resource(address: str) -> dict[str, Any]:
    """An address as the stream writes it."""
    kind, name, key = parts(address)
    return {
        "addr": address,
        "module": "",
        "resource": address,
        "implied_provider": "aws",
        "resource_type": kind,
        "resource_name": name,
        "resource_key": key,
    }


def _place(folder: Path, address: str) -> tuple[str, int, str] | None:
    """File, line and text of the resource's block."""
    kind, name, _ = parts(address)
    wanted = re.compile(rf'resource\s+"{kind}"\s+"{name}"')
    for path in sorted(folder.glob("*.tf")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if wanted.match(line):
                return path.name, number, line
    return None


def _range(file: str, number: int, code: str) -> dict[str, Any]:
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
