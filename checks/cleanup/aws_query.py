"""How the kinds of leftovers query AWS: page by page, in parallel, and with a record of every refusal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from checks.aws.errors import aws_error_types, is_not_found, is_transient
from checks.cleanup.model import UNREADABLE_TAGS, AwsResource

if TYPE_CHECKING:
    from checks.aws.session import AwsSession

T = TypeVar("T")
R = TypeVar("R")

MAX_PARALLEL_REQUESTS = 8
"""Requests at once for one account: IAM answers about 20 a second before it throttles."""


def epoch_seconds(timestamp: Any) -> float | None:
    """Seconds since the epoch of boto3's timestamp; None when there is none."""
    return timestamp.timestamp() if isinstance(timestamp, datetime) else None


def parse_tags(tag_list: Iterable[dict[str, str]] | None) -> dict[str, str]:
    """`[{Key, Value}]` as a plain dict."""
    return {tag["Key"]: tag.get("Value", "") for tag in tag_list or ()}


def allow_missing(request: Callable[..., T], *arguments: Any, **parameters: Any) -> T | None:
    """What AWS answers; None when it says that the resource does not exist (any more)."""
    try:
        return request(*arguments, **parameters)
    except Exception as error:
        if is_not_found(error):
            return None
        raise


@dataclass(frozen=True)
class FailedQuery:
    """A query that AWS refused, or that got no answer."""

    action: str
    error: Exception


def _list_everything(resource: AwsResource) -> bool:
    return True


@dataclass
class AwsQuery:
    """Given to each kind: the session, the region, and the record of failed queries."""

    aws: AwsSession
    region: str
    pool: ThreadPoolExecutor
    raise_transient: bool = False
    """True where a failed query is tried again later: transient errors are raised instead of recorded."""
    is_listed: Callable[[AwsResource], bool] = _list_everything
    """True for what will be listed: only that is worth more requests."""
    failed_queries: list[FailedQuery] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def client(self, service: str, region: str | None = None) -> Any:
        return self.aws.client(service, region or None)

    def list_items(
        self, service: str, operation: str, key: str, *, region: str | None = None, **parameters: Any
    ) -> Iterator[Any]:
        """Every item under `key` of every page; dots lead deeper, through lists too. Raises botocore's errors."""
        client = self.client(service, region)
        if client.can_paginate(operation):
            pages = client.get_paginator(operation).paginate(**parameters)
        else:
            pages = [getattr(client, operation)(**parameters)]
        for page in pages:
            found = [page]
            for part in key.split("."):
                values = [value for one in found if (value := one.get(part))]
                found = [item for value in values for item in (value if isinstance(value, list) else [value])]
            yield from found

    def call_or_default(self, action: str, request: Callable[[], T], default: T) -> T:
        """The answer; `default` when AWS refuses or does not answer, which is recorded, once for each action.

        `action` is the IAM action of the request. A resource that does not exist gives `default` without a record.
        """
        try:
            return request()
        except aws_error_types() as error:
            if is_not_found(error):
                return default
            if self.raise_transient and is_transient(error):
                raise
            with self._lock:
                if all(failed.action != action for failed in self.failed_queries):
                    self.failed_queries.append(FailedQuery(action, error))
            return default

    def read_tags(self, action: str, request: Callable[[], dict[str, str]]) -> dict[str, str]:
        """The tags; UNREADABLE_TAGS when AWS refuses, which is recorded. A resource that does not exist has none."""
        return self.call_or_default(action, lambda: allow_missing(request) or {}, UNREADABLE_TAGS)

    def read_tags_in_batches(
        self,
        action: str,
        request: Callable[[list[str]], dict[str, dict[str, str]]],
        names: Sequence[str],
        batch_size: int,
    ) -> dict[str, dict[str, str]]:
        """The tags of many resources by name, up to `batch_size` in one request.

        AWS refuses a whole batch when one of it does not exist: then each is requested alone.
        """

        def request_batch(batch: list[str]) -> dict[str, dict[str, str]]:
            tags = allow_missing(request, batch)
            if tags is None:
                return {name: tags for one in batch if len(batch) > 1 for name, tags in request_batch([one]).items()}
            return tags

        batches = [list(names[start : start + batch_size]) for start in range(0, len(names), batch_size)]
        answers = self.map_parallel(
            lambda batch: self.call_or_default(
                action, lambda: request_batch(batch), dict.fromkeys(batch, UNREADABLE_TAGS)
            ),
            batches,
        )
        return {name: tags for answer in answers for name, tags in answer.items()}

    def map_parallel(self, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """The function's results in the order of the items; up to MAX_PARALLEL_REQUESTS run at once."""
        return list(self.pool.map(function, items))
