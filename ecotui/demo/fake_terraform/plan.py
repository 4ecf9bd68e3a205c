"""The stand-in's plan: the recording, with this demo's ids and variables, against the state."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ecotui.demo.fake_terraform.record_plan import (
    PUBLIC_KEY_PLACEHOLDER,
    RECORDING_PATH,
    ZONE_PLACEHOLDER,
    file_digest,
    replace_texts,
)
from ecotui.demo.fake_terraform.state import FakeState, split_address

_IMPORT_BLOCK = re.compile(r'^import\s*\{\s*to\s*=\s*(?P<to>\S+)\s+id\s*=\s*"(?P<id>[^"]*)"\s*\}', re.MULTILINE)
_VARIABLE_ASSIGNMENT = re.compile(r'^\s*(?P<name>\w+)\s*=\s*"(?P<value>[^"]*)"\s*(?:#.*)?$', re.MULTILINE)
# The only variables whose effect the stand-in can compute; the rest of the recording would have to change with others.
_INSTANCE_TYPE_ROLES = {
    "master_instance_type": "master",
    "api_instance_type": "api",
    "worker_instance_type": "worker",
    "infra_instance_type": "infra",
}


class PlanUnsupported(Exception):
    """The stand-in does not know what terraform would do."""


def load_recording() -> dict[str, Any]:
    """The recorded plan of the demo project on an empty account."""
    loaded: dict[str, Any] = json.loads(RECORDING_PATH.read_text(encoding="utf-8"))
    return loaded


def collect_variables(
    folder: Path, env: Mapping[str, str], assignments: Sequence[str], files: Sequence[str]
) -> dict[str, str]:
    """Variables by terraform's precedence: environment, terraform.tfvars, *.auto.tfvars, then the command line.

    Raises Unplannable for a file that is not there.
    """
    found = {name[7:]: value for name, value in env.items() if name.startswith("TF_VAR_")}
    automatic = [path for path in (folder / "terraform.tfvars",) if path.is_file()]
    automatic += sorted(folder.glob("*.auto.tfvars"))
    for path in (*automatic, *(folder / name for name in files)):
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise PlanUnsupported(f"Failed to read variables file: {error}") from error
        found.update((match["name"], match["value"]) for match in _VARIABLE_ASSIGNMENT.finditer(text))
    found.update((name, value) for name, _, value in (pair.partition("=") for pair in assignments))
    return found


def changed_files(folder: Path) -> list[str]:
    """Files of the configuration that differ from what was recorded: what they change is not seen."""
    recorded: dict[str, str] = load_recording()["files"]
    present = {path.name: file_digest(path) for path in folder.glob("*.tf")}
    different = {name for name in recorded if present.get(name) != recorded[name]}
    added = {
        name
        for name in present
        if name not in recorded and _IMPORT_BLOCK.sub("", (folder / name).read_text(encoding="utf-8")).strip()
    }
    return sorted(different | added)


def build_plan(folder: Path, state: FakeState, values: Mapping[str, str], zone_id: str) -> dict[str, Any]:
    """The plan as `terraform show -json` prints it. Raises Unplannable."""
    plan = load_recording()
    plan.pop("files")
    key = (folder / "k8s-cluster-key.pub").read_text(encoding="utf-8")
    plan = replace_texts(plan, {PUBLIC_KEY_PLACEHOLDER: key, ZONE_PLACEHOLDER: zone_id})
    _apply_variables(plan, values)
    imports = {
        match["to"]: match["id"]
        for path in sorted(folder.glob("*.tf"))
        for match in _IMPORT_BLOCK.finditer(path.read_text(encoding="utf-8"))
    }
    addresses = {change["address"] for change in plan["resource_changes"]}
    for address in imports:
        if address not in addresses:
            raise PlanUnsupported(f"Configuration for import target does not exist: {address}")
    plan["resource_changes"] = [
        kept
        for change in plan["resource_changes"]
        if (kept := _resolve_change(change, state, imports.get(change["address"]))) is not None
    ]
    creates = any("create" in change["change"]["actions"] for change in plan["resource_changes"])
    if not creates:
        plan["output_changes"] = {
            name: {**change, "actions": ["no-op"]} for name, change in plan["output_changes"].items()
        }
    work = any(change["change"]["actions"] != ["no-op"] for change in plan["resource_changes"])
    return {
        **plan,
        "applyable": work or bool(imports),
        "complete": True,
        "errored": False,
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _resolve_change(change: dict[str, Any], state: FakeState, import_id: str | None) -> dict[str, Any] | None:
    """One change, given what is there already; None for a read that is not needed."""
    address, delta = change["address"], change["change"]
    if change["mode"] == "data":
        return change if not state.resources else None
    made = state.resources.get(address)
    if made is not None:
        wanted = delta["after"].get("instance_type")
        if wanted and made.get("instance_type") != wanted:
            new = {**made, "instance_type": wanted}
            return {**change, "change": {**delta, "actions": ["update"], "before": made, "after": new}}
        same = {"actions": ["no-op"], "before": made, "after": made, "after_unknown": {}}
        return {**change, "change": {**delta, **same}}
    if import_id is not None:
        there = {**delta["after"], "id": import_id}
        same = {"actions": ["no-op"], "before": there, "after": there, "after_unknown": {}}
        return {**change, "change": {**delta, **same, "importing": {"id": import_id}}}
    return change


def _apply_variables(plan: dict[str, Any], values: Mapping[str, str]) -> None:
    for name, value in values.items():
        known = plan["variables"].get(name)
        if known is None:
            raise PlanUnsupported(f'Value for undeclared variable: a variable named "{name}" was assigned')
        if value == known["value"]:
            continue
        if name not in _INSTANCE_TYPE_ROLES:
            raise PlanUnsupported(f"the stand-in for terraform cannot plan with another {name} than {known['value']}")
        known["value"] = value
        role = _INSTANCE_TYPE_ROLES[name]
        planned = plan["planned_values"]["root_module"]["resources"]
        instances = [each["values"] for each in planned if each["type"] == "aws_instance"]
        instances += [each["change"]["after"] for each in plan["resource_changes"] if each["type"] == "aws_instance"]
        for instance in instances:
            if instance["tags"]["Role"] == role:
                instance["instance_type"] = value


def dependency_order(plan: Mapping[str, Any]) -> list[tuple[str, frozenset[str]]]:
    """Addresses in an order that respects dependencies, each with the addresses that it needs."""
    needs = _references(plan["configuration"]["root_module"]["resources"])
    addresses = [change["address"] for change in plan["resource_changes"] if change["mode"] == "managed"]
    by_resource: dict[str, list[str]] = {}
    for address in addresses:
        kind, name, _ = split_address(address)
        by_resource.setdefault(f"{kind}.{name}", []).append(address)
    ordered: dict[str, frozenset[str]] = {}

    def visit(resource: str) -> None:
        for needed in sorted(needs.get(resource, ())):
            visit(needed)
        wanted = frozenset(address for needed in needs.get(resource, ()) for address in by_resource.get(needed, ()))
        for address in by_resource.get(resource, ()):
            ordered.setdefault(address, wanted)

    for resource in by_resource:
        visit(resource)
    return list(ordered.items())


def _references(resources: Sequence[Mapping[str, Any]]) -> dict[str, set[str]]:
    """Which managed resources each one refers to, through data sources as well; locals hold none here."""
    names = {each["address"]: each for each in resources}

    def direct(value: Any) -> set[str]:
        found: set[str] = set()
        if isinstance(value, dict):
            for text in value.get("references", ()):
                pieces = text.split("[")[0].split(".")
                path = ".".join(pieces[:3] if pieces[0] == "data" else pieces[:2])
                if path in names:
                    found.add(path)
            for inner in value.values():
                found |= direct(inner)
        elif isinstance(value, list):
            for inner in value:
                found |= direct(inner)
        return found

    def managed(path: str) -> set[str]:
        resource = names[path]
        found: set[str] = set()
        for key in ("expressions", "for_each_expression", "count_expression"):
            found |= direct(resource.get(key, {}))
        data = {each for each in found if each.startswith("data.")}
        return (found - data - {path}).union(*(managed(each) for each in data))

    return {path: managed(path) for path in names if not path.startswith("data.")}


def state_fingerprint(state: FakeState) -> str:
    """What a saved plan was made against: a plan for another state is stale."""
    return hashlib.sha256(f"{state.lineage if state.serial else ''}/{state.serial}".encode()).hexdigest()
