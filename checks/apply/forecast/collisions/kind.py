"""The kinds of collisions: names that AWS refuses to give twice. One `CollisionKind` is one terraform type.

To add one: add a row to `KINDS` in the module of its service, and a test. `find_existing` gets a `CollisionQuery` and returns
what has the name already, or None. The three finders below suit most APIs. A finder may raise botocore's errors: the forecast
turns them into something unknown that names the IAM action.
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
    """What has the name already."""

    id: str
    """Its id or ARN, for people."""
    import_id: str
    """What `terraform import` takes for it; empty when it cannot be imported."""
    is_own: bool = True
    """False when it belongs to another account: it can be neither imported nor deleted."""
    name: str = ""
    """The name that collides, where it is not the planned attribute itself: one of several aliases."""
    restore: tuple[str, ...] = ()
    """The command that brings it back, where it is only marked as deleted: it cannot be imported before that."""


class ListingCache:
    """Listings that many names are looked up in, read once for a whole forecast. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[tuple[str, ...], tuple[threading.Lock, list[list[Any] | Exception]]] = {}

    def get(self, key: tuple[str, ...], read: Callable[[], list[Any]]) -> list[Any]:
        """What `read` gave when it was first called for this key; its error is raised again for everyone."""
        with self._lock:
            lock, answer = self._found.setdefault(key, (threading.Lock(), []))
        with lock:
            if not answer:
                try:
                    answer.append(read())
                except Exception as error:  # noqa: BLE001 - cached, and raised below
                    answer.append(error)
        if isinstance(answer[0], Exception):
            raise answer[0]
        return answer[0]


@dataclass(frozen=True)
class CollisionQuery:
    """One planned resource, and where to look its name up."""

    aws: AwsSession
    planned: PlannedChange
    name: str
    """The known name."""
    service: str
    """The AWS service of its kind, as boto3 calls it."""
    listing_cache: ListingCache = field(default_factory=ListingCache)

    @property
    def client(self) -> Any:
        """The client of the kind's service, in the region of the planned resource."""
        return self.aws.client(self.service, self.planned.region or None)

    def list_items(self, operation: str, key: str, *, service: str = "", region: str = "", **words: Any) -> list[Any]:
        """Every item of a listing, read once for all names that are looked up in it."""
        service, where = service or self.service, region or self.planned.region or None
        return self.listing_cache.get(
            (service, operation, key, where or "", repr(sorted(words.items()))),
            lambda: list(self.aws.paginate(service, operation, key, region=where, **words)),
        )


Finder = Callable[[CollisionQuery], ExistingResource | None]


@dataclass(frozen=True)
class CollisionKind:
    """One terraform type whose names can collide."""

    type: str
    find_existing: Finder
    action: str
    """The IAM action that the lookup needs."""
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

    key_attributes: tuple[str, ...] = ()
    """Attributes that are unique only together with the name: a record's type."""

    def query(
        self, aws: AwsSession, planned: PlannedChange, name: str, cache: ListingCache | None = None
    ) -> CollisionQuery:
        """The query for a planned resource of this kind."""
        return CollisionQuery(aws, planned, name, self.service, cache or ListingCache())


def get_path(answer: Any, path: str) -> Any:
    """The value at `Tables.Arn`; of a list its first item; None where there is nothing."""
    for part in path.split("."):
        if isinstance(answer, list):
            answer = answer[0] if answer else None
        answer = answer.get(part) if isinstance(answer, dict) else None
    return answer


def describe_by_name(operation: str, parameter: str, path: str, *other_codes: str, import_path: str = "") -> Finder:
    """A finder that asks for one thing by its name. `path` leads to its ARN or id in the answer.

    `other_codes` mean "not found" for this operation only. A parameter that ends with `s` or `List` takes a list. The import
    id is the name, or the value at `import_path`.
    """

    def find(query: CollisionQuery) -> ExistingResource | None:
        value: Any = [query.name] if parameter.endswith(("s", "List")) else query.name
        try:
            answer = getattr(query.client, operation)(**{parameter: value})
        except Exception as error:
            if is_not_found(error) or aws_error_code(error) in other_codes:
                return None
            raise
        above = path.rpartition(".")[0]
        if not (get_path(answer, above) if above else answer):
            return None
        return ExistingResource(
            id=str(get_path(answer, path) or query.name),
            import_id=str(get_path(answer, import_path)) if import_path else query.name,
        )

    return find


def find_in_listing(
    operation: str,
    key: str,
    name_path: str,
    id_path: str,
    import_path: str,
    *,
    ignores_case: bool = False,
    **words: Any,
) -> Finder:
    """A finder that reads a whole listing (see `CollisionQuery.list_items`); the paths start at one item."""

    def find(query: CollisionQuery) -> ExistingResource | None:
        for item in query.list_items(operation, key, **words):
            name = get_path(item, name_path)
            if name == query.name or (ignores_case and name.lower() == query.name.lower()):
                return ExistingResource(
                    id=str(get_path(item, id_path) or name), import_id=str(get_path(item, import_path))
                )
        return None

    return find


def filter_by_name(
    operation: str, key: str, filter_name: str, id_field: str, *, imports_by_name: bool = False, **words: Any
) -> Finder:
    """A finder for the `Filters` of EC2. The import id is the id, or the name."""

    def find(query: CollisionQuery) -> ExistingResource | None:
        filters = [{"Name": filter_name, "Values": [query.name]}]
        found = query.list_items(operation, key, Filters=filters, **words)
        if not found:
            return None
        id_ = found[0].get(id_field) or query.name
        return ExistingResource(id=id_, import_id=query.name if imports_by_name else id_)

    return find
