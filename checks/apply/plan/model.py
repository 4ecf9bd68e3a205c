"""A saved plan, read from `terraform show -json`. Pure.

`Plan` is for people: it has no secret, may be written to disk, and is what a screen draws. `PlannedChange` is for the forecast:
it has the raw values and remains in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Any

import msgspec

from checks.apply.plan.attribute_diff import AttributeChange, AttributeDiff, any_marked, diff_attributes
from checks.finding import FrozenStruct
from checks.sanitize import one_line

_SUPPORTED_FORMAT = "1"
"""The major format version that is understood (terraform documents that minor versions only add)."""


STATEFUL_TYPES = frozenset(
    {
        # Databases and search
        "aws_db_instance",
        "aws_db_snapshot",
        "aws_docdb_cluster",
        "aws_dynamodb_global_table",
        "aws_dynamodb_table",
        "aws_elasticache_cluster",
        "aws_elasticache_replication_group",
        "aws_elasticache_serverless_cache",
        "aws_elasticsearch_domain",
        "aws_keyspaces_table",
        "aws_memorydb_cluster",
        "aws_neptune_cluster",
        "aws_opensearch_domain",
        "aws_opensearchserverless_collection",
        "aws_qldb_ledger",
        "aws_rds_cluster",
        "aws_rds_global_cluster",
        "aws_redshift_cluster",
        "aws_timestreamwrite_database",
        "aws_timestreamwrite_table",
        # Files, volumes, images
        "aws_ami",
        "aws_backup_vault",
        "aws_ebs_snapshot",
        "aws_ebs_volume",
        "aws_ecr_repository",
        "aws_ecrpublic_repository",
        "aws_efs_file_system",
        "aws_fsx_lustre_file_system",
        "aws_fsx_ontap_file_system",
        "aws_fsx_openzfs_file_system",
        "aws_fsx_windows_file_system",
        "aws_glacier_vault",
        "aws_s3_bucket",
        "aws_s3_directory_bucket",
        # Machines with a disk of their own
        "aws_autoscaling_group",
        "aws_eks_cluster",
        "aws_instance",
        "aws_lightsail_instance",
        "aws_spot_instance_request",
        # Queues and streams
        "aws_cloudwatch_log_group",
        "aws_kinesis_stream",
        "aws_mq_broker",
        "aws_msk_cluster",
        "aws_sqs_queue",
        # What others rely on, and cannot be created again as it was
        "aws_cognito_user_pool",
        "aws_kms_key",
        "aws_route53_zone",
        "aws_secretsmanager_secret",
        # Not AWS
        "kubernetes_persistent_volume",
        "kubernetes_persistent_volume_claim",
    }
)
"""Types whose destruction loses data, or an address or name that others rely on. From the AWS provider's list of resources."""


class PlanUnreadable(ValueError):
    """The text is not a plan that can be read; the message says why, in plain words."""


class ChangeAction(StrEnum):
    """What happens to one resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DESTROY = "destroy"
    READ = "read"
    IMPORT = "import"
    MOVE = "move"
    """Only its address changes: a `moved` block."""
    FORGET = "forget"
    NO_OP = "no-op"


class ResourceChange(FrozenStruct, frozen=True):
    """What the plan does with one resource."""

    address: str
    type: str
    action: ChangeAction
    actions: tuple[str, ...]
    """As terraform writes them: `("delete", "create")` for a replacement."""
    module: str = ""
    reason: str = ""
    """Terraform's reason in plain words: `it cannot be changed in place`; empty where it has none."""
    attributes: tuple[AttributeChange, ...] = ()
    """Those that change; of a destroyed resource, those that it has."""
    computed_count: int = msgspec.field(default=0, name="later")
    """How many the provider computes; they are known after the apply."""
    omitted_count: int = msgspec.field(default=0, name="omitted")
    """How many are beyond `MAX_ATTRIBUTES`."""
    stateful: bool = False
    """It destroys or replaces something that holds data."""
    import_id: str = ""
    moved_from: str = ""
    """Its address before."""
    deposed: str = ""
    """The key of an old object that a failed replacement left behind."""


class Plan(FrozenStruct, frozen=True):
    """A plan, without secrets."""

    terraform: str
    """The version."""
    format: str
    changes: tuple[ResourceChange, ...]
    """Without no-ops and reads."""
    unchanged: int = 0
    reads: tuple[ResourceChange, ...] = ()
    """Data sources that can be read only during the apply."""
    drift: tuple[ResourceChange, ...] = ()
    """Changes made outside of terraform since the last apply."""
    outputs: tuple[str, ...] = ()
    """Names of outputs that change."""
    errored: bool = False
    """Planning failed halfway: such a plan cannot be applied."""
    dependencies: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict, name="after")
    """Each resource of the configuration to those that it waits for (`Configuration.dependencies`)."""

    def count(self, *actions: ChangeAction) -> int:
        return sum(change.action in actions for change in self.changes)

    @property
    def total(self) -> int:
        """Resources that the apply works on: the total of the progress. A replacement counts once."""
        return self.count(
            *(ChangeAction.CREATE, ChangeAction.UPDATE, ChangeAction.REPLACE, ChangeAction.DESTROY),
            *(ChangeAction.IMPORT, ChangeAction.MOVE, ChangeAction.FORGET),
        )

    @property
    def operations(self) -> dict[str, int]:
        """Address to the number of operations that the stream reports for it: two for a replacement."""
        return {
            change.address: len(change.actions)
            for change in self.changes
            if change.action not in (ChangeAction.READ, ChangeAction.IMPORT, ChangeAction.MOVE, ChangeAction.FORGET)
        }

    @property
    def no_wait_addresses(self) -> tuple[str, ...]:
        """CloudFront distributions whose deployment terraform does not wait for."""
        return tuple(
            change.address
            for change in self.changes
            if any((one.path, one.after) == ("wait_for_deployment", "false") for one in change.attributes)
        )

    @property
    def data_losses(self) -> tuple[ResourceChange, ...]:
        """Destroys and replacements of things that hold data."""
        return tuple(change for change in self.changes if change.stateful)

    @property
    def data_loss_sentence(self) -> str:
        """`3 that hold data are lost: 2 destroyed, 1 replaced`; empty when nothing is."""
        lost = self.data_losses
        if not lost:
            return ""
        parts = [
            f"{count} {words}"
            for action, words in ((ChangeAction.DESTROY, "destroyed"), (ChangeAction.REPLACE, "replaced"))
            if (count := sum(change.action is action for change in lost))
        ]
        noun = "that holds data is lost" if len(lost) == 1 else "that hold data are lost"
        return f"{len(lost)} {noun}: {', '.join(parts)}"

    @property
    def sentence(self) -> str:
        """`66 to create, 1 to replace`."""
        # What is imported may be updated, or even replaced, on top: it counts in both, as in terraform's own words.
        imports = sum(bool(change.import_id) for change in self.changes)
        named = (
            (ChangeAction.CREATE, "to create"),
            (ChangeAction.UPDATE, "to update"),
            (ChangeAction.REPLACE, "to replace"),
            (ChangeAction.DESTROY, "to destroy"),
            (ChangeAction.MOVE, "to move"),
            (ChangeAction.FORGET, "to forget"),
        )
        parts = [f"{imports} to import"] if imports else []
        parts += [f"{self.count(action)} {words}" for action, words in named if self.count(action)]
        return ", ".join(parts) or "nothing to do"

    def group_by_type(self) -> dict[tuple[str, str], list[ResourceChange]]:
        """The changes by module and type, in that order."""
        groups: dict[tuple[str, str], list[ResourceChange]] = {}
        for change in sorted(self.changes, key=lambda one: (one.module, one.type, one.address)):
            groups.setdefault((change.module, change.type), []).append(change)
        return groups


class PlannedChange(msgspec.Struct, frozen=True, kw_only=True):
    """The raw values of one change, for the forecast. May hold secrets: never stored, never shown whole."""

    address: str
    type: str
    action: ChangeAction
    actions: tuple[str, ...]
    before: dict[str, Any]
    after: dict[str, Any]
    unknown: dict[str, Any]
    region: str = ""
    """Of its provider, where the configuration says it; empty means the session's."""
    configured_attributes: frozenset[str] | None = None
    """The attributes that the configuration sets; None when that is unknown."""
    sources: Callable[[str], frozenset[str]] | None = None
    """The resources that an attribute refers to (`Configuration.sources`)."""

    @property
    def creates(self) -> bool:
        return "create" in self.actions

    @property
    def destroys(self) -> bool:
        return "delete" in self.actions

    def known_text(self, name: str) -> str | None:
        """A text attribute of the plan; None when it is absent, empty, or known after the apply."""
        found = self.after.get(name)
        return found if isinstance(found, str) and found else None

    def before_text(self, name: str) -> str:
        """An attribute as it is now, as text; empty when it is absent."""
        return str(self.before.get(name) or "")

    def is_known_after_apply(self, name: str) -> bool:
        """The configuration sets the attribute, wholly or in part, to something that is known only after the apply."""
        if self.configured_attributes is not None and name not in self.configured_attributes:
            return False
        return any_marked(self.unknown.get(name))


class _Import(msgspec.Struct):
    id: str = ""


class _ChangeBody(msgspec.Struct):
    actions: tuple[str, ...]
    before: Any = None
    after: Any = None
    after_unknown: Any = None
    before_sensitive: Any = None
    after_sensitive: Any = None
    replace_paths: list[list[str | int]] | None = None
    importing: _Import | None = None


class _ResourceChangeJson(msgspec.Struct):
    address: str
    mode: str
    type: str
    change: _ChangeBody
    module_address: str = ""
    action_reason: str = ""
    previous_address: str = ""
    deposed: str = ""


class _OutputChangeJson(msgspec.Struct):
    actions: tuple[str, ...]


class _FormatHeader(msgspec.Struct):
    format_version: str


class _PlanDocument(msgspec.Struct):
    format_version: str
    terraform_version: str = ""
    resource_changes: list[_ResourceChangeJson] = []
    resource_drift: list[_ResourceChangeJson] = []
    output_changes: dict[str, _OutputChangeJson] = {}
    configuration: msgspec.Raw = msgspec.Raw(b"{}")
    variables: dict[str, Any] = {}
    errored: bool = False


def read_plan(document: bytes) -> tuple[Plan, tuple[PlannedChange, ...]]:
    """Read `terraform show -json PLAN`. Raises PlanUnreadable."""
    whole = _decode_document(document)
    from checks.apply.plan.configuration import Configuration

    configuration = Configuration(whole.configuration, whole.variables)
    changes: list[ResourceChange] = []
    reads: list[ResourceChange] = []
    planned: list[PlannedChange] = []
    unchanged = 0
    for resource in whole.resource_changes:
        action = _change_action(resource.change)
        if action is ChangeAction.NO_OP and resource.previous_address:
            action = ChangeAction.MOVE
        if resource.mode != "managed":
            if action is ChangeAction.READ:
                reads.append(_resource_change(resource, action, configuration.attributes(resource.address)))
            continue
        if action is ChangeAction.NO_OP:
            unchanged += 1
            continue
        configured = configuration.attributes(resource.address)
        changes.append(_resource_change(resource, action, configured))
        planned.append(
            PlannedChange(
                address=resource.address,
                type=resource.type,
                action=action,
                actions=resource.change.actions,
                before=_as_dict(resource.change.before),
                after=_as_dict(resource.change.after),
                unknown=_as_dict(resource.change.after_unknown),
                region=configuration.region(resource.address),
                configured_attributes=configured,
                sources=partial(configuration.sources, resource.address),
            )
        )
    plan = Plan(
        terraform=one_line(whole.terraform_version),
        format=whole.format_version,
        changes=tuple(changes),
        unchanged=unchanged,
        reads=tuple(reads),
        drift=tuple(change for change in map(_drift_change, whole.resource_drift) if change is not None),
        outputs=tuple(one_line(name) for name, output in whole.output_changes.items() if output.actions != ("no-op",)),
        errored=whole.errored,
        dependencies=configuration.dependencies(),
    )
    return plan, tuple(planned)


def _decode_document(document: bytes) -> _PlanDocument:
    # The version first: a later format may have another shape, and that is the better error.
    try:
        version = msgspec.json.decode(document, type=_FormatHeader).format_version
        if version.partition(".")[0] != _SUPPORTED_FORMAT:
            raise PlanUnreadable(
                f"the plan has format {one_line(version)}; only {_SUPPORTED_FORMAT}.x is understood:"
                " this version of terraform is not supported"
            )
        return msgspec.json.decode(document, type=_PlanDocument)
    except msgspec.DecodeError as error:
        # A plan begins with its variables: text that begins like one is not quoted, it may have a password.
        start = "" if document.lstrip()[:1] in (b"{", b"[") else f": {one_line(document[:200])}"
        size = f"{len(document):,} bytes" if document.strip() else "it is empty"
        raise PlanUnreadable(
            f"this is not the JSON of a terraform plan ({one_line(str(error))}; {size}){start}"
        ) from None


def _as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _change_action(body: _ChangeBody) -> ChangeAction:
    match body.actions:
        case ("create",):
            return ChangeAction.CREATE
        case ("update",):
            return ChangeAction.UPDATE
        case ("delete",):
            return ChangeAction.DESTROY
        case ("delete", "create") | ("create", "delete"):
            return ChangeAction.REPLACE
        case ("read",):
            return ChangeAction.READ
        case ("forget",) | ("create", "forget"):
            return ChangeAction.FORGET
        case _:
            return ChangeAction.IMPORT if body.importing else ChangeAction.NO_OP


_REASON_TEXTS = {
    "replace_because_tainted": "it is tainted: an earlier apply failed halfway",
    "replace_because_cannot_update": "it cannot be changed in place",
    "replace_by_request": "asked for with -replace",
    "replace_by_triggers": "replace_triggered_by: something that it follows changes",
    "delete_because_no_resource_config": "it is no longer in the configuration",
    "delete_because_no_module": "its module is no longer in the configuration",
    "delete_because_wrong_repetition": "count or for_each was added or taken away",
    "delete_because_count_index": "its index is beyond count",
    "delete_because_each_key": "its key is no longer in for_each",
    "delete_because_no_move_target": "it was moved to where nothing is configured",
    "read_because_config_unknown": "its arguments are known only after the apply",
    "read_because_dependency_pending": "it depends on something that changes",
    "read_because_check_nested": "it belongs to a check",
}
"""Terraform's action_reason (documented in "JSON Output Format", change representation) in plain words."""


def _resource_change(
    resource: _ResourceChangeJson, action: ChangeAction, configured: frozenset[str] | None
) -> ResourceChange:
    delta = resource.change
    found = _diff_attributes(delta, action, configured)
    reason = one_line(resource.action_reason)
    return ResourceChange(
        address=one_line(resource.address, limit=1000),
        type=one_line(resource.type),
        action=action,
        actions=delta.actions,
        module=one_line(resource.module_address, limit=1000),
        reason=_REASON_TEXTS.get(reason, reason.replace("_", " ")),
        attributes=found.attributes,
        computed_count=found.computed_count,
        omitted_count=found.omitted_count,
        stateful=resource.type in STATEFUL_TYPES and action in (ChangeAction.DESTROY, ChangeAction.REPLACE),
        import_id=one_line(delta.importing.id) if delta.importing else "",
        moved_from=one_line(resource.previous_address, limit=1000),
        deposed=one_line(resource.deposed),
    )


def _diff_attributes(body: _ChangeBody, action: ChangeAction, configured: frozenset[str] | None) -> AttributeDiff:
    return diff_attributes(
        _as_dict(body.before),
        {} if action is ChangeAction.DESTROY else _as_dict(body.after),
        {} if action is ChangeAction.DESTROY else _as_dict(body.after_unknown),
        (body.before_sensitive, body.after_sensitive),
        replace_paths=body.replace_paths or (),
        configured=configured,
    )


def _drift_change(resource: _ResourceChangeJson) -> ResourceChange | None:
    """What was changed outside of terraform; None for what only a refresh rewrote."""
    if resource.mode != "managed":
        return None
    change = _resource_change(resource, _change_action(resource.change), None)
    return change if change.attributes or change.action is ChangeAction.DESTROY else None
