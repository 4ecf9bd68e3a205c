"""What is known of resources without asking AWS: terraform's state, its earlier states, its import blocks, and sessions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from checks.aws.errors import aws_error_types
from checks.aws.object_store import split_s3_url
from checks.cleanup.ownership import KnownResources
from checks.context import CheckContext, CreatedResource
from checks.sanitize import one_line
from checks.tools import hcl
from checks.tools.hcl import HclExpression
from config.model import SessionsSettings

_RESOURCE_TYPE = re.compile(r"(?:^|\.)(?P<type>[a-z][a-z0-9]*_[a-z0-9_]+)\.[\w-]+(?:\[.*\])?$")
_MAX_CONFIG_BYTES = 2_000_000
"""Bytes of one configuration file that are read; more is no configuration of a person."""
_MAX_STATE_BYTES = 50_000_000
"""Bytes of one earlier state that are read: 5,000 resources are about 20 MB."""
MAX_STATE_BACKUPS = 5
"""The newest copies that `terraform state` leaves beside a local state, which are read."""


def read_known_resources(context: CheckContext) -> KnownResources:
    """Read terraform's state, configuration and earlier states. Never raises: `state_error` says what could not be read."""
    from checks.tools.run import CommandError
    from checks.tools.terraform import StateResource, read_state_resources

    plain = KnownResources(
        session_resources=find_session_resources(context),
        state_storage=frozenset(find_state_storage(context.terraform_folder)),
        session_storage=find_session_storage(context.settings.sessions),
        import_blocks=find_import_blocks(context.terraform_folder),
    )
    if not context.terraform_folder.is_dir():
        error_text = f"there is no folder {context.settings.terraform.directory}"
        return replace(plain, state_read=False, state_error=error_text)
    resources: tuple[StateResource, ...]
    try:
        resources = read_state_resources(context)
    except CommandError as error:
        return replace(plain, state_read=False, state_error=one_line(error.explain()))
    return replace(
        plain,
        state_ids=frozenset((one.type, name) for one in resources for name in (one.id, one.arn, one.name) if name),
        state_arns=frozenset(one.arn for one in resources if one.arn),
        earlier_state_files=read_earlier_states(context),
    )


def find_session_resources(context: CheckContext) -> Mapping[tuple[str, str], tuple[CreatedResource, ...]]:
    """What earlier sessions created in this account, region, terraform folder and workspace, by type and id.

    Empty when no session created anything, or when AWS does not say which account this is.
    """
    from checks.tools.terraform_backend import read_backend

    created = tuple(context.created_resources())
    if not created:
        return {}
    try:
        account = context.aws.identity().account
    except aws_error_types():
        return {}
    here = (account, context.aws.region, read_backend(context).workspace, str(context.terraform_folder))
    found: dict[tuple[str, str], tuple[CreatedResource, ...]] = {}
    for one in created:
        if one.id and all(here) and (one.account, one.region, one.workspace, one.folder) == here:
            found[one.type, one.id] = (*found.get((one.type, one.id), ()), one)
    return found


def read_earlier_states(context: CheckContext) -> dict[tuple[str, str], str]:
    """(terraform type, id or ARN) of everything in the state's backups and in a state that was not saved.

    What is only in them was removed from the state, or never got into it: a hint, no proof.
    """
    from checks.tools.run import CommandError
    from checks.tools.terraform import parse_state
    from checks.tools.terraform_backend import read_backend

    folder, state = context.terraform_folder, read_backend(context).state_file
    paths = [folder / "errored.tfstate", state.with_name(f"{state.name}.backup")]
    # `terraform state` keeps one for every change: terraform.tfstate.1700000000.backup.
    paths += sorted(state.parent.glob(f"{state.name}.*.backup"), reverse=True)[:MAX_STATE_BACKUPS]
    found: dict[tuple[str, str], str] = {}
    for path in paths:
        try:
            resources = parse_state(_read_text(path, _MAX_STATE_BYTES)).resources
        except CommandError:
            continue
        for one in resources:
            for id in (one.id, one.arn):
                if id:
                    found.setdefault((one.type, id), path.name)
    return found


def find_state_storage(folder: Path) -> set[str]:
    """Buckets and lock tables that the configuration, or an initialised backend, names."""
    values: list[HclExpression] = []
    for _, body in hcl.read_files(folder):
        backends = [one for terraform in body.find_blocks("terraform") for one in terraform.body.find_blocks("backend")]
        sources = [one.body for one in (*backends, *body.find_blocks("data", "terraform_remote_state"))]
        # In a file that could not be parsed whole, the block may be lost: then every bucket that it names is kept.
        for source in [body] if body.is_broken else sources:
            values += source.find_values("bucket", "dynamodb_table")
    for path in (*folder.glob("*.tfbackend"), *folder.glob("backend*.hcl"), *folder.glob("backend*.conf")):
        values += hcl.parse_hcl(_read_text(path)).find_values("bucket", "dynamodb_table")
    names = {one.literal for one in values if one.literal}
    for path in hcl.list_files(folder, ".tf.json"):
        try:
            names.update(_json_storage(json.loads(_read_text(path) or "{}")))
        except (ValueError, RecursionError):
            continue  # not JSON: terraform does not read it either
    try:
        configured = json.loads(_read_text(folder / ".terraform" / "terraform.tfstate") or "{}")
        config = configured.get("backend", {}).get("config", {})
        names.update(str(config[key]) for key in ("bucket", "dynamodb_table") if config.get(key))
    except (ValueError, AttributeError):
        pass  # not a backend record: then the configuration itself has to name the bucket
    return names


def _json_storage(node: Any, *, is_backend: bool = False) -> Iterator[str]:
    """The buckets and lock tables of the backends in a configuration written as JSON."""
    for key, value in node.items() if isinstance(node, dict) else ():
        if is_backend and key in ("bucket", "dynamodb_table") and isinstance(value, str) and "${" not in value:
            yield value
        yield from _json_storage(value, is_backend=is_backend or key in ("backend", "terraform_remote_state"))
    for one in node if isinstance(node, list) else ():
        yield from _json_storage(one, is_backend=is_backend)


def find_session_storage(sessions: SessionsSettings) -> dict[str, str]:
    """The buckets that the settings name for the team's lock and for archived sessions, and why each is protected."""
    reasons = {
        sessions.archive: "holds the archived sessions (sessions.archive)",
        sessions.team: "holds the team's lock and summaries (sessions.team)",
    }
    return {split_s3_url(url)[0]: reason for url, reason in reasons.items() if url}


def find_import_blocks(folder: Path) -> dict[tuple[str, str], str]:
    """(terraform type, import id) of every import block that names its id, and the name of its file.

    An id that is computed (`"${each.key}"`) is not known before a plan, and is left out.
    """
    found: dict[tuple[str, str], str] = {}
    for path, body in hcl.read_files(folder):
        for block in body.find_blocks("import"):
            to, id = block.attributes.get("to"), block.attributes.get("id")
            type_ = _RESOURCE_TYPE.search(to.source) if to else None
            if type_ and id and id.literal:
                found[type_["type"], id.literal] = path.name
    return found


def _read_text(path: Path, limit: int = _MAX_CONFIG_BYTES) -> str:
    try:
        if path.stat().st_size > limit:
            return ""
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
