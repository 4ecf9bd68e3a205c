"""A kind of leftovers: how its resources are listed, read again and deleted. The kinds themselves are rows in `kinds`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from checks.cleanup.aws_query import AwsQuery
from checks.cleanup.model import AwsResource


class RetryLater(Exception):
    """AWS makes the deletion wait, and nothing is wrong. The message says what it waits for."""


class ResourceInUse(RetryLater):
    """Something else has to release the resource first. That may take a while, but not for ever: tries are counted."""


class DeletionRefused(Exception):
    """The resource cannot be deleted, and another try would not help. The message says what blocks it."""


def _ignore_message(message: str) -> None:
    pass


@dataclass(frozen=True)
class DeletionTask:
    """Where a deletion reports its progress, and when it has to stop."""

    report_progress: Callable[[str], None] = _ignore_message
    stop_event: threading.Event = field(default_factory=threading.Event)


class ListResources(Protocol):
    """Every resource of the kind. Raises botocore's errors."""

    def __call__(self, query: AwsQuery, /) -> Iterable[AwsResource]: ...


class ReadResource(Protocol):
    """The resource of this id as it is now; None when it does not exist (any more)."""

    def __call__(self, query: AwsQuery, id: str, region: str, /) -> AwsResource | None: ...


class DeleteResource(Protocol):
    """Delete the resource; may be called again until it is gone.

    Raises RetryLater while AWS makes it wait, DeletionRefused when it cannot be deleted, and botocore's errors.
    """

    def __call__(self, query: AwsQuery, resource: AwsResource, task: DeletionTask, /) -> None: ...


@dataclass(frozen=True, kw_only=True)
class LeftoverKind:
    id: str
    singular: str
    """What a person calls it: `IAM policy`."""
    terraform_types: tuple[str, ...]
    """Resource types of terraform that manage it."""
    list_permission: str
    """The IAM action that listing needs first."""
    list_resources: ListResources
    read_resource: ReadResource
    delete: DeleteResource
    action: str = "delete"
    """What its deletion does, as `Leftover.action`."""
    guide: tuple[str, ...] = ()
    irregular_plural: str = ""

    @property
    def plural(self) -> str:
        return self.irregular_plural or f"{self.singular}s"
