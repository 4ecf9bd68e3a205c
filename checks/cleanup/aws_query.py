"""How the kinds of leftovers ask AWS: paged, side by side, and with every refusal written down."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from checks.cleanup.model import UNREAD, Seen

if TYPE_CHECKING:
    from checks.aws.session import Aws

T = TypeVar("T")
R = TypeVar("R")

WIDTH = 8
"""Questions at once for one account: IAM answers about 20 a second before it throttles."""

THROTTLED = frozenset(
    {
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "TooManyRequests",
        "SlowDown",
        "PriorRequestNotComplete",
        "ServiceUnavailable",
        "InternalError",
        "InternalFailure",
    }
)
CONFLICTS = frozenset(
    {
        "DeleteConflict",
        "DependencyViolation",
        "BucketNotEmpty",
        "ResourceInUse",
        "ResourceInUseException",
        "CloudFrontOriginAccessIdentityInUse",
        "OriginAccessControlInUse",
        "DistributionNotDisabled",
        "PreconditionFailed",
        "InvalidIfMatchVersion",
        "ConcurrentModification",
        "ConcurrentModificationException",
        "OperationAborted",
        "ConditionalRequestConflict",
        "HostedZoneNotEmpty",
        "IncorrectInstanceState",
        "InvalidGroup.InUse",
        "InvalidNetworkInterface.InUse",
        "InvalidPlacementGroup.InUse",
        "InvalidIPAddress.InUse",
        "VolumeInUse",
    }
)
"""Refusals that pass when something else has gone, or when the change before has settled."""
MISSING = frozenset(
    {
        "NoSuchEntity",
        "NoSuchBucket",
        "NoSuchUpload",
        "NoSuchDistribution",
        "NoSuchHostedZone",
        "NoSuchCloudFrontOriginAccessIdentity",
        "NoSuchOriginAccessControl",
        "NoSuchResource",
        "ResourceNotFoundException",
        "NatGatewayNotFound",
        "LoadBalancerNotFound",
        "TargetGroupNotFound",
        "ParameterNotFound",
        "Gateway.NotAttached",
        "InvalidPlacementGroup.Unknown",
        "404",
    }
)


class NotYet(Exception):
    """AWS makes us wait: nothing is wrong, ask again after the poll. The message says for what."""


class InUse(NotYet):
    """Something else has to let go of it first. It may, but not for ever: the tries are counted."""


class Refused(Exception):
    """It cannot be deleted, and asking again would not help. The message says what blocks it."""


def code(error: BaseException) -> str:
    """The error code of an AWS answer; empty for anything else."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return ""
    return str(response.get("Error", {}).get("Code", ""))


def is_missing(error: BaseException) -> bool:
    """True when AWS says that the resource is not there (any more)."""
    found = code(error)
    return found in MISSING or found.endswith((".NotFound", ".NotFoundException"))


def is_passing(error: BaseException) -> bool:
    """True when the same request may succeed later: a conflict, throttling, or no answer at all."""
    from botocore.exceptions import ConnectionError as NoConnection
    from botocore.exceptions import HTTPClientError

    return code(error) in THROTTLED | CONFLICTS or isinstance(error, NoConnection | HTTPClientError)


def is_denied(error: BaseException) -> bool:
    """True when AWS refuses for want of a permission."""
    found = code(error)
    return found in {"AccessDenied", "UnauthorizedOperation", "AccessDeniedException", "403", "Forbidden"}


def epoch(moment: Any) -> float | None:
    """Seconds since the epoch of a time as boto3 gives it."""
    return moment.timestamp() if isinstance(moment, datetime) else None


def tags_of(listed: Iterable[dict[str, str]] | None) -> dict[str, str]:
    """`[{Key, Value}]` as a plain dict."""
    return {tag["Key"]: tag.get("Value", "") for tag in listed or ()}


@dataclass(frozen=True)
class Trouble:
    """One question that could not be asked, or was refused."""

    action: str
    error: Exception


def _everything(seen: Seen) -> bool:
    return True


@dataclass
class Asking:
    """Handed to each kind: the session, the region, and a place to write down what could not be looked at."""

    aws: Aws
    region: str
    pool: ThreadPoolExecutor
    again: bool = False
    """True where what fails is tried again later: a failure that may pass is then no answer, and is raised."""
    wanted: Callable[[Seen], bool] = _everything
    """True for what will be listed: only that is worth further questions."""
    troubles: list[Trouble] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def client(self, service: str, region: str | None = None) -> Any:
        return self.aws.client(service, region or None)

    def pages(
        self, service: str, operation: str, key: str, *, region: str | None = None, **parameters: Any
    ) -> Iterator[Any]:
        """Every item under `key` (dots go deeper) of every page. Raises what botocore raises."""
        for page in self.client(service, region).get_paginator(operation).paginate(**parameters):
            found: Any = page
            for part in key.split("."):
                found = (found or {}).get(part)
            yield from found or ()

    def attempt(self, action: str, ask: Callable[[], T], default: T) -> T:
        """The answer; or `default` when AWS refuses, and then the refusal is written down, once an action.

        `action` is the IAM action of the question. What is missing is no trouble: the default says so.
        """
        from checks.aws.session import errors

        try:
            return ask()
        except errors() as error:
            if is_missing(error):
                return default
            if self.again and is_passing(error):
                raise
            with self._lock:
                if all(trouble.action != action for trouble in self.troubles):
                    self.troubles.append(Trouble(action, error))
            return default

    def tags(self, action: str, ask: Callable[[], dict[str, str]]) -> dict[str, str]:
        """The tags; `UNREAD` when AWS refuses, which is written down. What is missing has none."""
        from checks.aws.session import errors

        def asked() -> dict[str, str]:
            try:
                return ask()
            except errors() as error:
                if is_missing(error):
                    return {}
                raise

        return self.attempt(action, asked, UNREAD)

    def tags_by(
        self,
        action: str,
        ask: Callable[[list[str]], dict[str, dict[str, str]]],
        names: Sequence[str],
        most: int,
    ) -> dict[str, dict[str, str]]:
        """The tags of many, `most` in one question, by name. One that is missing makes AWS refuse all that are asked with
        it: those are then asked one by one."""
        from checks.aws.session import errors

        def asked(batch: list[str]) -> dict[str, dict[str, str]]:
            try:
                return ask(batch)
            except errors() as error:
                if not is_missing(error):
                    raise
                return {name: tags for one in batch if len(batch) > 1 for name, tags in asked([one]).items()}

        batches = [list(names[start : start + most]) for start in range(0, len(names), most)]
        answers = self.each(
            lambda batch: self.attempt(action, lambda: asked(batch), dict.fromkeys(batch, UNREAD)), batches
        )
        return {name: tags for answer in answers for name, tags in answer.items()}

    def each(self, ask: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """`ask` of every item, `WIDTH` at once, answers in the order of the items."""
        return list(self.pool.map(ask, items))
