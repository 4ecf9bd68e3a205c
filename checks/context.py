"""What a check gets: the settings, the project folder, the environment, and one AWS session."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from checks.finding import FrozenStruct
from config.model import Settings

if TYPE_CHECKING:
    from checks.aws.session import AwsSession


class CreatedResource(FrozenStruct, frozen=True):
    """One resource that a recorded apply reported as created."""

    type: str
    """terraform's: `aws_vpc`."""
    id: str
    create_started: float
    """Seconds since the epoch: when terraform began to create it,"""
    run_ended: float
    """and when that whole run ended."""
    account: str
    region: str
    """Where the run worked."""
    workspace: str
    folder: str
    """Of the root module."""


class DeletedBucket(FrozenStruct, frozen=True):
    """A bucket that an earlier session deleted, in any account: bucket names are unique in all of AWS."""

    name: str
    deleted_at: float
    """Seconds since the epoch; rather too late than too early."""


def _ignore_progress(text: str) -> None:
    pass


def _no_created_resources() -> Iterable[CreatedResource]:
    return ()


def _no_deleted_buckets(since: float) -> Iterable[DeletedBucket]:
    return ()


@dataclass(frozen=True)
class CheckContext:
    """Given to every check and every fix; holds no state of its own."""

    settings: Settings
    project: Path
    """The folder of ecotui.yaml; relative paths in the settings start here."""
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    """The environment of every command that is started."""
    on_progress: Callable[[str], None] = _ignore_progress
    """Called with a few words on what is checked now, for the operator who waits."""
    created_resources: Callable[[], Iterable[CreatedResource]] = _no_created_resources
    """What earlier sessions of this project created; read only where ownership is decided."""
    deleted_buckets: Callable[[float], Iterable[DeletedBucket]] = _no_deleted_buckets
    """The buckets that earlier sessions of this machine deleted since then (seconds since the epoch)."""

    @property
    def terraform_folder(self) -> Path:
        return (self.project / self.settings.terraform.directory).resolve()

    def with_progress(self, on_progress: Callable[[str], None]) -> CheckContext:
        """The same context with another progress callback; both share the AWS session, where there is one already."""
        other = replace(self, on_progress=on_progress)
        if "aws" in self.__dict__:
            other.__dict__["aws"] = self.aws
        return other

    @cached_property
    def aws(self) -> AwsSession:
        """The AWS session, made on first use: boto3 is slow to import."""
        from checks.aws.session import AwsSession

        return AwsSession(self.settings.aws, self.env)
