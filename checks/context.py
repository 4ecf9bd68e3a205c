"""What a look may look at: the settings, the project folder, the environment, and one AWS session."""

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
    """A bucket that an earlier session saw go. In whichever account: the name is one for the whole world."""

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
    """Handed to every look and every fix; holds no state of its own."""

    settings: Settings
    project: Path
    """The folder of ecotui.yaml; relative paths in the settings start here."""
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    """The environment of every command that is started."""
    on_progress: Callable[[str], None] = _ignore_progress
    """Told, in a few words, what is being looked at; for the operator who waits."""
    created_resources: Callable[[], Iterable[CreatedResource]] = _no_created_resources
    """What earlier sessions of this project created; asked only by a look that judges whose something is."""
    deleted_buckets: Callable[[float], Iterable[DeletedBucket]] = _no_deleted_buckets
    """The buckets that earlier sessions of this machine deleted since then (seconds since the epoch)."""

    @property
    def terraform_folder(self) -> Path:
        return (self.project / self.settings.terraform.directory).resolve()

    def with_progress(self, on_progress: Callable[[str], None]) -> CheckContext:
        """The same world, telling somebody else; one AWS session serves both, where it was made before."""
        other = replace(self, on_progress=on_progress)
        if "aws" in self.__dict__:
            other.__dict__["aws"] = self.aws
        return other

    @cached_property
    def aws(self) -> AwsSession:
        """The AWS session, made on first use: boto3 is slow to import."""
        from checks.aws.session import AwsSession

        return AwsSession(self.settings.aws, self.env)
