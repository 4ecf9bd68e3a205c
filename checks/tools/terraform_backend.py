"""The backend of the state, as `terraform init` recorded it, the workspace, and the path or key that follow from both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from checks.context import CheckContext
from checks.finding import FrozenStruct
from checks.sanitize import one_line

_MAX_RECORD_BYTES = 1_000_000
"""Bytes of the backend record that are read; init writes about two thousand."""


class Backend(FrozenStruct, frozen=True):
    """One backend, as `init` wrote it down, and the workspace that is meant."""

    type: str = "local"
    workspace: str = "default"
    config: dict[str, Any] = msgspec.field(default_factory=dict)
    """What init was given, from the configuration and from -backend-config; never to be shown: it may contain keys."""
    folder: str = ""
    """Of the root module."""
    readable: bool = True
    """False when the record is there and cannot be understood."""

    @property
    def is_local(self) -> bool:
        return self.type == "local"

    def get_text(self, key: str) -> str:
        value = self.config.get(key)
        return value if isinstance(value, str) else ""

    @property
    def state_file(self) -> Path:
        """The file of a local state (terraform: backend "local", `path` and `workspace_dir`)."""
        folder = Path(self.folder)
        if self.workspace == "default":
            return folder / (self.get_text("path") or "terraform.tfstate")
        return folder / (self.get_text("workspace_dir") or "terraform.tfstate.d") / self.workspace / "terraform.tfstate"

    @property
    def state_key(self) -> str:
        """The key of the state in the bucket (terraform: backend "s3", `workspace_key_prefix`)."""
        key = self.get_text("key")
        if self.workspace == "default":
            return key
        return f"{self.get_text('workspace_key_prefix') or 'env:'}/{self.workspace}/{key}"

    @property
    def location(self) -> str:
        """Where the state is, in words."""
        if self.is_local:
            return one_line(str(self.state_file))
        if self.type == "s3" and self.get_text("bucket"):
            return one_line(f"s3://{self.get_text('bucket')}/{self.state_key}")
        return f"the backend {one_line(self.type)}"


def read_backend(context: CheckContext) -> Backend:
    """The backend of the project. Never raises: without a record it is the local one, as terraform takes it."""
    folder = context.terraform_folder
    data = context.env.get("TF_DATA_DIR") or ".terraform"
    workspace = (
        context.settings.terraform.workspace or context.env.get("TF_WORKSPACE") or _selected_workspace(folder / data)
    )
    record = _read_record(folder / data / "terraform.tfstate")
    if record is None:
        return Backend(type="unknown", workspace=workspace, folder=str(folder), readable=False)
    backend = record.get("backend")
    if not isinstance(backend, Mapping):
        return Backend(workspace=workspace, folder=str(folder))
    config = backend.get("config")
    return Backend(
        type=one_line(str(backend.get("type") or "local")),
        workspace=workspace,
        config=dict(config) if isinstance(config, Mapping) else {},
        folder=str(folder),
    )


def _selected_workspace(data: Path) -> str:
    try:
        return one_line((data / "environment").read_text("utf-8", errors="replace")[:200]) or "default"
    except OSError:
        return "default"


def _read_record(path: Path) -> dict[str, Any] | None:
    """The record; empty where there is none, None where it cannot be understood."""
    try:
        if path.stat().st_size > _MAX_RECORD_BYTES:
            return None
        record = msgspec.json.decode(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, msgspec.DecodeError):
        return None
    return record if isinstance(record, dict) else None
