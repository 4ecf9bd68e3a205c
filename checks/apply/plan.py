"""A saved plan, read from `terraform show -json`: typed, grouped, with sensitive values masked. Pure.

Two things come out. `Plan` is for people: it holds no secret, may be written to disk, and is what a screen draws.
`Planned` is for the forecast: the raw values of what will be created; it stays in memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import partial
from typing import Any

import msgspec

from checks.finding import Value
from checks.sanitize import one_line

MASK = "(sensitive)"
LATER = "(known after apply)"

_SUPPORTED = "1"
"""The major format version that is understood (terraform documents that minor versions only add)."""

STATEFUL = frozenset(
    {
        "aws_db_instance",
        "aws_docdb_cluster",
        "aws_dynamodb_table",
        "aws_ebs_volume",
        "aws_ecr_repository",
        "aws_efs_file_system",
        "aws_elasticache_cluster",
        "aws_elasticache_replication_group",
        "aws_instance",
        "aws_kms_key",
        "aws_msk_cluster",
        "aws_opensearch_domain",
        "aws_rds_cluster",
        "aws_redshift_cluster",
        "aws_route53_zone",
        "aws_s3_bucket",
        "aws_secretsmanager_secret",
        "aws_sqs_queue",
    }
)
"""Types whose destruction loses data, or an address or name that others rely on."""


class PlanUnreadable(ValueError):
    """The text is not a plan that can be read; the message says why, in plain words."""


class Action(StrEnum):
    """What happens to one resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DESTROY = "destroy"
    READ = "read"
    IMPORT = "import"
    FORGET = "forget"
    NOTHING = "no-op"


class Attribute(Value, frozen=True):
    """One attribute that changes. Values are short texts, masked where terraform calls them sensitive."""

    path: str
    before: str | None = None
    after: str | None = None
    forces_replacement: bool = False


class Change(Value, frozen=True):
    address: str
    type: str
    action: Action
    actions: tuple[str, ...]
    """As terraform writes them: `("delete", "create")` for a replacement."""
    module: str = ""
    reason: str = ""
    """Why, where terraform says: `replace because cannot update`."""
    attributes: tuple[Attribute, ...] = ()
    stateful: bool = False
    """It destroys or replaces something that holds data."""
    import_id: str = ""


class Plan(Value, frozen=True):
    terraform: str
    format: str
    changes: tuple[Change, ...]
    """Without what stays as it is."""
    unchanged: int = 0
    drift: tuple[Change, ...] = ()
    """What changed outside terraform since the last apply."""
    outputs: tuple[str, ...] = ()
    """Names of outputs that change."""
    errored: bool = False
    """Planning failed halfway: such a plan cannot be applied."""

    def count(self, *actions: Action) -> int:
        return sum(change.action in actions for change in self.changes)

    @property
    def total(self) -> int:
        """Resources that the apply works on: what a progress counts to. A replacement counts once."""
        return self.count(
            Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DESTROY, Action.IMPORT, Action.FORGET
        )

    @property
    def operations(self) -> dict[str, int]:
        """How many operations the stream will report for each address: two for a replacement."""
        return {
            change.address: len(change.actions)
            for change in self.changes
            if change.action not in (Action.READ, Action.IMPORT, Action.FORGET)
        }

    @property
    def dangerous(self) -> tuple[Change, ...]:
        """Destroys and replacements of things that hold data."""
        return tuple(change for change in self.changes if change.stateful)

    @property
    def sentence(self) -> str:
        """`66 to create, 1 to replace`; what is not there is not said."""
        named = (
            (Action.IMPORT, "to import"),
            (Action.CREATE, "to create"),
            (Action.UPDATE, "to update"),
            (Action.REPLACE, "to replace"),
            (Action.DESTROY, "to destroy"),
            (Action.FORGET, "to forget"),
        )
        parts = [f"{self.count(action)} {words}" for action, words in named if self.count(action)]
        return ", ".join(parts) or "nothing to do"

    def grouped(self) -> dict[tuple[str, str], list[Change]]:
        """The changes by module and type, in that order."""
        groups: dict[tuple[str, str], list[Change]] = {}
        for change in sorted(self.changes, key=lambda one: (one.module, one.type, one.address)):
            groups.setdefault((change.module, change.type), []).append(change)
        return groups


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """The raw values of one change, for the forecast. May hold secrets: never stored, never shown whole."""

    address: str
    type: str
    action: Action
    actions: tuple[str, ...]
    before: dict[str, Any]
    after: dict[str, Any]
    unknown: dict[str, Any]
    region: str = ""
    """Of its provider, where the configuration says it; empty means the session's."""
    configured: frozenset[str] | None = None
    """The attributes that the configuration sets; None when the plan does not say."""
    sources: Callable[[str], frozenset[str]] | None = None
    """The resources that an attribute's value is made of (`Configuration.sources`)."""

    @property
    def creates(self) -> bool:
        return "create" in self.actions

    @property
    def destroys(self) -> bool:
        return "delete" in self.actions

    def value(self, name: str) -> str | None:
        """A text attribute that is known; None when it is absent, empty, or known only after the apply."""
        found = self.after.get(name)
        return found if isinstance(found, str) and found else None

    def is_late(self, name: str) -> bool:
        """The configuration sets the attribute, but to something that is known only after the apply."""
        if self.unknown.get(name) is not True:
            return False
        return self.configured is None or name in self.configured


class _Import(msgspec.Struct):
    id: str = ""


class _Delta(msgspec.Struct):
    actions: tuple[str, ...]
    before: Any = None
    after: Any = None
    after_unknown: Any = None
    before_sensitive: Any = None
    after_sensitive: Any = None
    replace_paths: list[list[str | int]] | None = None
    importing: _Import | None = None


class _ResourceChange(msgspec.Struct):
    address: str
    mode: str
    type: str
    change: _Delta
    module_address: str = ""
    action_reason: str = ""
    provider_name: str = ""


class _OutputChange(msgspec.Struct):
    actions: tuple[str, ...]


class _Document(msgspec.Struct):
    format_version: str
    terraform_version: str = ""
    resource_changes: list[_ResourceChange] = []
    resource_drift: list[_ResourceChange] = []
    output_changes: dict[str, _OutputChange] = {}
    configuration: msgspec.Raw = msgspec.Raw(b"{}")
    variables: dict[str, Any] = {}
    errored: bool = False


def read(document: bytes) -> tuple[Plan, tuple[Planned, ...]]:
    """Read `terraform show -json PLAN`. Raises PlanUnreadable."""
    try:
        whole = msgspec.json.decode(document, type=_Document)
    except msgspec.DecodeError as error:
        start = one_line(document[:200])
        raise PlanUnreadable(f"this is not the JSON of a terraform plan ({error}): {start}") from None
    if whole.format_version.partition(".")[0] != _SUPPORTED:
        raise PlanUnreadable(
            f"the plan has format {one_line(whole.format_version)}; only {_SUPPORTED}.x is understood"
        )
    from checks.apply.configuration import Configuration

    configuration = Configuration(whole.configuration, whole.variables)
    changes: list[Change] = []
    planned: list[Planned] = []
    unchanged = 0
    for resource in whole.resource_changes:
        if resource.mode != "managed":
            continue
        action = _action(resource.change)
        if action is Action.NOTHING:
            unchanged += 1
            continue
        changes.append(_change(resource, action))
        planned.append(
            Planned(
                address=resource.address,
                type=resource.type,
                action=action,
                actions=resource.change.actions,
                before=_table(resource.change.before),
                after=_table(resource.change.after),
                unknown=_table(resource.change.after_unknown),
                region=configuration.region(resource.address),
                configured=configuration.attributes(resource.address),
                sources=partial(configuration.sources, resource.address),
            )
        )
    plan = Plan(
        terraform=one_line(whole.terraform_version),
        format=whole.format_version,
        changes=tuple(changes),
        unchanged=unchanged,
        drift=tuple(change for change in map(_drifted, whole.resource_drift) if change is not None),
        outputs=tuple(
            one_line(name) for name, output in whole.output_changes.items() if output.actions != ("no-op",)
        ),
        errored=whole.errored,
    )
    return plan, tuple(planned)


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _action(delta: _Delta) -> Action:
    match delta.actions:
        case ("create",):
            return Action.CREATE
        case ("update",):
            return Action.UPDATE
        case ("delete",):
            return Action.DESTROY
        case ("delete", "create") | ("create", "delete"):
            return Action.REPLACE
        case ("read",):
            return Action.READ
        case ("forget",) | ("create", "forget"):
            return Action.FORGET
        case _:
            return Action.IMPORT if delta.importing else Action.NOTHING


def _change(resource: _ResourceChange, action: Action) -> Change:
    delta = resource.change
    return Change(
        address=one_line(resource.address, limit=1000),
        type=one_line(resource.type),
        action=action,
        actions=delta.actions,
        module=one_line(resource.module_address, limit=1000),
        reason=one_line(resource.action_reason).replace("_", " "),
        attributes=tuple(_attributes(delta)) if action is not Action.DESTROY else (),
        stateful=resource.type in STATEFUL and action in (Action.DESTROY, Action.REPLACE),
        import_id=one_line(delta.importing.id) if delta.importing else "",
    )


def _drifted(resource: _ResourceChange) -> Change | None:
    """What was changed outside of terraform; None for what only a refresh rewrote."""
    if resource.mode != "managed":
        return None
    change = _change(resource, _action(resource.change))
    return change if change.attributes or change.action is Action.DESTROY else None


def _attributes(delta: _Delta) -> Iterator[Attribute]:
    before, after, unknown = _table(delta.before), _table(delta.after), _table(delta.after_unknown)
    hidden_before, hidden_after = delta.before_sensitive, delta.after_sensitive
    forcing = {path[0] for path in delta.replace_paths or () if path}
    created = not before
    for key in sorted({*before, *after, *unknown}):
        late = unknown.get(key) is True
        old, new = before.get(key), after.get(key)
        if created and (late or new in _EMPTY):
            continue  # what is computed by AWS anyway says nothing to the one who reviews a creation
        if not late and (old == new or (old in _EMPTY and new in _EMPTY)):
            continue
        yield Attribute(
            path=one_line(key),
            before=None if old is None else _show(key, old, _under(hidden_before, key)),
            after=LATER if late else (None if new is None else _show(key, new, _under(hidden_after, key))),
            forces_replacement=key in forcing,
        )


_EMPTY: tuple[object, ...] = (None, [], {}, "")
"""Providers turn one into another at every refresh: not a change that anybody made."""


def _under(marks: Any, key: str) -> Any:
    """The marks of sensitivity below a key: terraform gives True for a whole, or the same shape with True leaves."""
    return True if marks is True else _table(marks).get(key)


def _masked(value: Any, marks: Any) -> Any:
    if marks is True:
        return MASK
    if isinstance(value, dict) and isinstance(marks, dict):
        return {key: _masked(one, marks.get(key)) for key, one in value.items()}
    if isinstance(value, list) and isinstance(marks, list):
        return [_masked(one, marks[place] if place < len(marks) else None) for place, one in enumerate(value)]
    return value


# Not every provider marks these: an attribute with such a name is hidden all the same.
_SECRET = re.compile(r"password|secret|token|private_key|credential|user_data", re.IGNORECASE)
_NOT_SECRET = re.compile(r"_arn$|_id$|_name$|^secret_?name", re.IGNORECASE)


def _show(key: str, value: Any, marks: Any) -> str:
    value = _guess_secrets({key: _masked(value, marks)})[key]
    if isinstance(value, str):
        return one_line(value)
    return one_line(msgspec.json.encode(value))


def _guess_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: MASK
            if isinstance(one, str) and one and _SECRET.search(key) and not _NOT_SECRET.search(key)
            else _guess_secrets(one)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [_guess_secrets(one) for one in value]
    return value
