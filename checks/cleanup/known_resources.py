"""What is known besides the account: what terraform's state manages or managed, what earlier sessions made, and where
the state itself is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from checks.cleanup.ownership import Known
from checks.context import World
from checks.remembered import Made
from checks.sanitize import one_line

_BLOCK = re.compile(
    r'(?:\bbackend\s+"[a-z0-9]+"|\bdata\s+"terraform_remote_state"\s+"[^"]+")\s*\{(?P<body>(?:[^{}]|\{[^{}]*\})*)\}',
)
_STORE = re.compile(r'\b(?:bucket|dynamodb_table)\s*=\s*"(?P<name>[^"$]+)"')
_IMPORT = re.compile(r"^import\s*\{\n?(?P<body>[^{}]*(?:\{[^{}]*\}[^{}]*)*)\}", re.MULTILINE)
_TO = re.compile(r"^\s*to\s*=\s*(?P<address>\S.*?)\s*$", re.MULTILINE)
_ID = re.compile(r'^\s*id\s*=\s*"(?P<id>(?:[^"\\]|\\.)*)"', re.MULTILINE)
_TYPE = re.compile(r"(?:^|\.)(?P<type>[a-z][a-z0-9]*_[a-z0-9_]+)\.[\w-]+(?:\[.*\])?$")
_LARGEST = 2_000_000
"""Bytes of one configuration file that are read; more is no configuration of a person."""
_LARGEST_STATE = 50_000_000
"""Bytes of one earlier state that are read: 5,000 resources are about 20 MB."""
BACKUPS = 5
"""The newest copies that `terraform state` leaves beside a local state, which are read."""


def known(world: World) -> Known:
    """Read terraform's state and the places where it is kept. Never raises: what could not be read is said in it."""
    from checks.tools.run import CommandError
    from checks.tools.terraform import InState, addresses_in_state

    plain = Known(
        by_sessions=made_here(world),
        state_storage=frozenset(state_storage(world.terraform_folder)),
        to_import=imports(world.terraform_folder),
    )
    if not world.terraform_folder.is_dir():
        why = f"there is no folder {world.settings.terraform.directory}"
        return replace(plain, state_read=False, why_unread=why)
    held: tuple[InState, ...]
    try:
        held = addresses_in_state(world)
    except CommandError as error:
        return replace(plain, state_read=False, why_unread=one_line(error.explain()))
    return replace(
        plain,
        in_state=frozenset((one.type, name) for one in held for name in (one.id, one.arn, one.name) if name),
        state_arns=frozenset(one.arn for one in held if one.arn),
        in_earlier_state=earlier_states(world),
    )


def made_here(world: World) -> Mapping[tuple[str, str], tuple[Made, ...]]:
    """What earlier sessions made in this account, region, terraform folder and workspace, by type and id.

    Empty when nothing is remembered, or when it cannot be told in which account we are.
    """
    from checks.aws.session import errors
    from checks.tools.terraform_backend import backend

    remembered = tuple(world.made())
    if not remembered:
        return {}
    try:
        account = world.aws.identity().account
    except errors():
        return {}
    here = (account, world.aws.region, backend(world).workspace, str(world.terraform_folder))
    found: dict[tuple[str, str], tuple[Made, ...]] = {}
    for one in remembered:
        if one.id and all(here) and (one.account, one.region, one.workspace, one.folder) == here:
            found[one.type, one.id] = (*found.get((one.type, one.id), ()), one)
    return found


def earlier_states(world: World) -> dict[tuple[str, str], str]:
    """(terraform type, id or ARN) of what the files beside the state hold: its backups, and one that was not saved.

    What is only in them was taken out of the state, or never got in: worth a look, and no proof of anything.
    """
    from checks.tools.run import CommandError
    from checks.tools.terraform import held
    from checks.tools.terraform_backend import backend

    folder, state = world.terraform_folder, backend(world).state_file
    places = [folder / "errored.tfstate", state.with_name(f"{state.name}.backup")]
    # `terraform state` keeps one for every change: terraform.tfstate.1700000000.backup.
    places += sorted(state.parent.glob(f"{state.name}.*.backup"), reverse=True)[:BACKUPS]
    found: dict[tuple[str, str], str] = {}
    for path in places:
        try:
            resources = held(_text(path, _LARGEST_STATE)).resources
        except CommandError:
            continue
        for one in resources:
            for id in (one.id, one.arn):
                if id:
                    found.setdefault((one.type, id), path.name)
    return found


def state_storage(folder: Path) -> set[str]:
    """Buckets and lock tables that the configuration, or an initialised backend, names."""
    names: set[str] = set()
    for path in (*folder.glob("*.tf"), *folder.glob("*.tf.json")):
        for block in _BLOCK.finditer(_text(path)):
            names.update(match["name"] for match in _STORE.finditer(block["body"]))
    for path in (*folder.glob("*.tfbackend"), *folder.glob("backend*.hcl"), *folder.glob("backend*.conf")):
        names.update(match["name"] for match in _STORE.finditer(_text(path)))
    try:
        configured = json.loads(_text(folder / ".terraform" / "terraform.tfstate") or "{}")
        config = configured.get("backend", {}).get("config", {})
        names.update(str(config[key]) for key in ("bucket", "dynamodb_table") if config.get(key))
    except (ValueError, AttributeError):
        pass  # not a backend record: then the configuration itself has to name the bucket
    return names


def imports(folder: Path) -> dict[tuple[str, str], str]:
    """(terraform type, import id) of every import block that names its id, and the file that it stands in.

    An id that is put together (`"${each.key}"`) is not known before a plan, and is left out.
    """
    found: dict[tuple[str, str], str] = {}
    for path in sorted(folder.glob("*.tf")):
        for block in _IMPORT.finditer(_text(path)):
            to, id = _TO.search(block["body"]), _ID.search(block["body"])
            type_ = _TYPE.search(to["address"]) if to else None
            if type_ and id and "${" not in id["id"].replace("$${", ""):
                found[type_["type"], id["id"].replace('\\"', '"')] = path.name
    return found


def _text(path: Path, limit: int = _LARGEST) -> str:
    try:
        if path.stat().st_size > limit:
            return ""
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
