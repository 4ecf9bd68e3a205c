"""Names that AWS refuses to give twice: one `Kind` a terraform type, each with one small function that looks.

To add a type: write `find` in the module of its service and put a `Kind` into that module's `KINDS`.
`find` gets the planned values and returns what already has the name, or None. It may raise botocore's errors:
the forecast turns them into something unknown that names the action.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from checks.apply.plan.model import PlannedChange
from checks.aws.errors import aws_error_code, is_not_found

if TYPE_CHECKING:
    from checks.aws.session import AwsSession


@dataclass(frozen=True)
class ExistingResource:
    """What already has the name."""

    id: str
    """Its id or ARN, for people."""
    import_id: str
    """What `terraform import` takes for it; empty when it cannot be imported."""
    is_own: bool = True
    """False when it belongs to another account: it can be neither adopted nor deleted."""
    name: str = ""
    """The name that collides, where it is not the planned attribute itself: one of several aliases."""
    restore: tuple[str, ...] = ()
    """The command that brings it back, where it is only marked as deleted: it cannot be adopted before that."""


class ListingCache:
    """Listings that many names are looked up in, read once for a whole forecast. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[tuple[str, ...], tuple[threading.Lock, list[list[Any] | Exception]]] = {}

    def get(self, key: tuple[str, ...], read: Callable[[], list[Any]]) -> list[Any]:
        """What `read` gave when it was first asked with this key; its error is raised again for everyone."""
        with self._lock:
            lock, answer = self._found.setdefault(key, (threading.Lock(), []))
        with lock:
            if not answer:
                try:
                    answer.append(read())
                except Exception as error:  # noqa: BLE001 - kept, and raised below
                    answer.append(error)
        if isinstance(answer[0], Exception):
            raise answer[0]
        return answer[0]


@dataclass(frozen=True)
class CollisionQuery:
    """One planned resource, and where to look."""

    aws: AwsSession
    planned: PlannedChange
    name: str
    """The known name."""
    listing_cache: ListingCache = field(default_factory=ListingCache)

    def client(self, service: str) -> Any:
        return self.aws.client(service, self.planned.region or None)

    def list_items(self, service: str, operation: str, key: str, **words: Any) -> list[Any]:
        """Every item of a listing; read once for all the names that are looked up in the same one."""
        region = self.planned.region or None
        return self.listing_cache.get(
            (service, operation, key, region or "", repr(sorted(words.items()))),
            lambda: list(self.aws.paginate(service, operation, key, region=region, **words)),
        )


@dataclass(frozen=True)
class CollisionKind:
    type: str
    find_existing: Callable[[CollisionQuery], ExistingResource | None]
    action: str
    """The IAM action that the look needs."""
    service: str
    """The client that it uses, made beforehand: clients made in parallel threads are slower."""
    attribute: str = "name"
    """The attribute that holds the name."""
    guide: tuple[str, ...] = ()
    is_global: bool = False
    """The name is unique in the account (or in the world), not in a region."""
    can_collide: Callable[[PlannedChange], bool] | None = None
    """False for a resource that AWS would not refuse: a parameter that may be overwritten."""
    ignores_case: bool = False
    """Names that differ only in case collide too (IAM)."""
    allows_empty_name: bool = False
    """An empty name is one as well: a record of that name is the zone's own."""
    adds_names: Callable[[PlannedChange], bool] | None = None
    """True for an update that takes a name as well, beside those that it has: an alias."""
    scope: tuple[str, str] | None = None
    """The attribute and the type of what the name is unique in: a group's VPC, a record's zone. In a new one, all are free."""


def get_path(answer: Any, path: str) -> Any:
    """What stands at `Tables.Arn`; of a list the first item; None where there is nothing."""
    for part in path.split("."):
        if isinstance(answer, list):
            answer = answer[0] if answer else None
        answer = answer.get(part) if isinstance(answer, dict) else None
    return answer


def describe_by_name(
    service: str, operation: str, parameter: str, path: str, *other_codes: str, import_id_path: str = ""
) -> Callable[[CollisionQuery], ExistingResource | None]:
    """A look that asks for one thing by its name: `path` leads to its ARN or id in the answer.

    `other_codes` mean "not found" for this operation only. A parameter that ends with `s` takes a list.
    The import id is the name, or what stands at `import_by`.
    """

    def find(ask: CollisionQuery) -> ExistingResource | None:
        value: Any = [ask.name] if parameter.endswith("s") else ask.name
        try:
            answer = getattr(ask.client(service), operation)(**{parameter: value})
        except Exception as error:
            if is_not_found(error) or aws_error_code(error) in other_codes:
                return None
            raise
        above = path.rpartition(".")[0]
        if not (get_path(answer, above) if above else answer):
            return None
        which = str(get_path(answer, path) or ask.name)
        return ExistingResource(
            id=which, import_id=str(get_path(answer, import_id_path)) if import_id_path else ask.name
        )

    return find
