"""What a look may look at: the settings, the project folder, the environment, and one AWS session."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from config.model import Settings

if TYPE_CHECKING:
    from checks.aws.session import Aws
    from checks.remembered import Deleted, Made


def _say_nothing(text: str) -> None:
    pass


def _nothing_made() -> Iterable[Made]:
    return ()


def _nothing_deleted(since: float) -> Iterable[Deleted]:
    return ()


@dataclass(frozen=True)
class World:
    """Handed to every look and every fix; holds no state of its own."""

    settings: Settings
    project: Path
    """The folder of ecotui.yaml; relative paths in the settings start here."""
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    """The environment of every command that is started."""
    say: Callable[[str], None] = _say_nothing
    """Told, in a few words, what is being looked at; for the operator who waits."""
    made: Callable[[], Iterable[Made]] = _nothing_made
    """What earlier sessions of this project created; asked only by a look that judges whose something is."""
    deleted: Callable[[float], Iterable[Deleted]] = _nothing_deleted
    """The buckets that earlier sessions of this machine deleted since then (seconds since the epoch)."""

    @property
    def terraform_folder(self) -> Path:
        return (self.project / self.settings.terraform.directory).resolve()

    def saying(self, say: Callable[[str], None]) -> World:
        """The same world, telling somebody else; one AWS session serves both, where it was made before."""
        other = replace(self, say=say)
        if "aws" in self.__dict__:
            other.__dict__["aws"] = self.aws
        return other

    @cached_property
    def aws(self) -> Aws:
        """The AWS session, made on first use: boto3 is slow to import."""
        from checks.aws.session import Aws

        return Aws(self.settings.aws, self.env)
