"""What is known besides the account: what terraform's state manages, and where that state itself is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from checks.cleanup.ownership import Known
from checks.sanitize import one_line
from checks.world import World

_BLOCK = re.compile(
    r'(?:\bbackend\s+"[a-z0-9]+"|\bdata\s+"terraform_remote_state"\s+"[^"]+")\s*\{(?P<body>(?:[^{}]|\{[^{}]*\})*)\}',
)
_STORE = re.compile(r'\b(?:bucket|dynamodb_table)\s*=\s*"(?P<name>[^"$]+)"')
_LARGEST = 2_000_000
"""Bytes of one configuration file that are read; more is no configuration of a person."""


def known(world: World, by_sessions: Iterable[str] = ()) -> Known:
    """Read terraform's state and the places where it is kept. Never raises: what could not be read is said in it.

    `by_sessions`: ARNs, or `kind:id` keys, of what earlier sessions created.
    """
    from checks.commands.run import CommandError
    from checks.commands.terraform import InState, addresses_in_state

    storage = frozenset(state_storage(world.terraform_folder))
    remembered = frozenset(by_sessions)
    if not world.terraform_folder.is_dir():
        return Known(
            state_read=False,
            why_unread=f"there is no folder {world.settings.terraform.directory}",
            by_sessions=remembered,
            state_storage=storage,
        )
    held: tuple[InState, ...]
    try:
        held = addresses_in_state(world)
    except CommandError as error:
        return Known(
            state_read=False,
            why_unread=one_line(error.explain()),
            by_sessions=remembered,
            state_storage=storage,
        )
    return Known(
        in_state=frozenset((one.type, name) for one in held for name in (one.id, one.arn, one.name) if name),
        state_arns=frozenset(one.arn for one in held if one.arn),
        by_sessions=remembered,
        state_storage=storage,
    )


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


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            return ""
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
