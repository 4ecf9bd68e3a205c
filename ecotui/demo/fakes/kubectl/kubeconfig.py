"""The part of a kubeconfig that the stand-in for kubectl understands: a server, its authority, a token."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class Unusable(Exception):
    """In kubectl's words."""


@dataclass(frozen=True)
class Cluster:
    context: str
    server: str
    authority: str
    """Base64 of a PEM certificate."""
    token: str


def load(env: Mapping[str, str], path: str = "") -> dict[str, Any]:
    """The kubeconfig; empty where there is none, as kubectl sees it. Raises Unusable."""
    named = path or env.get("KUBECONFIG", "").split(os.pathsep)[0]
    file = Path(named) if named else Path(env.get("HOME") or "~").expanduser() / ".kube" / "config"
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        if path:
            raise Unusable(f"error: stat {path}: no such file or directory") from None
        return {}
    except OSError as error:
        raise Unusable(f'error: error loading config file "{file}": {error}') from error
    import yaml

    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Unusable(f'error: error loading config file "{file}": {error}') from error
    return loaded if isinstance(loaded, dict) else {}


def cluster(config: Mapping[str, Any], context: str, token: str = "") -> Cluster:
    """What a context points at. Raises Unusable."""
    name = context or str(config.get("current-context") or "")
    if not name:
        raise Unusable(
            "The connection to the server localhost:8080 was refused - did you specify the right host or port?"
        )
    chosen = _named(config, "contexts", name, "context")
    if chosen is None:
        if context:
            raise Unusable(f"Error in configuration: context was not found for specified context: {context}")
        raise Unusable(f'error: context "{name}" does not exist')
    place = _named(config, "clusters", str(chosen.get("cluster")), "cluster") or {}
    user = _named(config, "users", str(chosen.get("user")), "user") or {}
    return Cluster(
        context=name,
        server=str(place.get("server", "")),
        authority=str(place.get("certificate-authority-data", "")),
        token=token or str(user.get("token", "")),
    )


def _named(config: Mapping[str, Any], section: str, name: str, key: str) -> dict[str, Any] | None:
    for entry in config.get(section) or ():
        if isinstance(entry, dict) and entry.get("name") == name and isinstance(entry.get(key), dict):
            found: dict[str, Any] = entry[key]
            return found
    return None
