"""How the kinds of leftovers ask AWS: paged, side by side, and with every refusal written down."""

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
"""Questions at once for one account: IAM answers about 20 a second before it throttles."""


def epoch_seconds(timestamp: Any) -> float | None:
    """Seconds since the epoch of a time as boto3 gives it."""
    return timestamp.timestamp() if isinstance(timestamp, datetime) else None


def parse_tags(tag_list: Iterable[dict[str, str]] | None) -> dict[str, str]:
    """`[{Key, Value}]` as a plain dict."""
    return {tag["Key"]: tag.get("Value", "") for tag in tag_list or ()}


def allow_missing(request: Callable[..., T], **parameters: Any) -> T | None:
    """What AWS answers; None when it says that the resource does not exist (any more)."""
    try:
        return request(**parameters)
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
    """Handed to each kind: the session, the region, and a place to write down what could not be looked at."""

    aws: AwsSession
    region: str
    pool: ThreadPoolExecutor
    raise_transient: bool = False
    """True where what fails is tried again later: a failure that may pass is then no answer, and is raised."""
    is_listed: Callable[[AwsResource], bool] = _list_everything
    """True for what will be listed: only that is worth further questions."""
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
        """The answer; or `default` when AWS refuses, and then the refusal is written down, once an action.

        `action` is the IAM action of the question. What is missing is no trouble: the default says so.
        """
        try:
            return request()
        except aws_error_types() as error:
            if is_not_found(error):
                return default
            if self.raise_transient and is_transient(error):
                raise
            with self._lock:
                if all(trouble.action != action for trouble in self.failed_queries):
                    self.failed_queries.append(FailedQuery(action, error))
            return default

    def read_tags(self, action: str, request: Callable[[], dict[str, str]]) -> dict[str, str]:
        """The tags; `UNREAD` when AWS refuses, which is written down. What is missing has none."""

        def asked() -> dict[str, str]:
            try:
                return request()
            except aws_error_types() as error:
                if is_not_found(error):
                    return {}
                raise

        return self.call_or_default(action, asked, UNREADABLE_TAGS)

    def read_tags_in_batches(
        self,
        action: str,
        request: Callable[[list[str]], dict[str, dict[str, str]]],
        names: Sequence[str],
        batch_size: int,
    ) -> dict[str, dict[str, str]]:
        """The tags of many, `most` in one question, by name. One that is missing makes AWS refuse all that are asked with
        it: those are then asked one by one."""

        def asked(batch: list[str]) -> dict[str, dict[str, str]]:
            try:
                return request(batch)
            except aws_error_types() as error:
                if not is_not_found(error):
                    raise
                return {name: tags for one in batch if len(batch) > 1 for name, tags in asked([one]).items()}

        batches = [list(names[start : start + batch_size]) for start in range(0, len(names), batch_size)]
        answers = self.map_parallel(
            lambda batch: self.call_or_default(action, lambda: asked(batch), dict.fromkeys(batch, UNREADABLE_TAGS)),
            batches,
        )
        return {name: tags for answer in answers for name, tags in answer.items()}

    def map_parallel(self, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """`ask` of every item, `WIDTH` at once, answers in the order of the items."""
        return list(self.pool.map(function, items))
