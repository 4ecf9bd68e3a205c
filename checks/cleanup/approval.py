"""The approved list: the leftovers that a person agreed to delete, as they were then. Nothing else is ever deleted."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from checks.cleanup.model import AwsResource, CleanupDetail, Leftover, Ownership
from checks.cleanup.ownership import CLOCK_TOLERANCE_SECONDS
from checks.finding import FrozenStruct
from checks.sanitize import one_line

APPROVAL_SCHEMA = "ecotui.cleanup-approval/2"
MAX_APPROVAL_BYTES = 50_000_000
"""Bytes: 5,000 items take about 3 MB."""


class ApprovalError(Exception):
    """The list cannot be used, or a resource cannot be approved. The message is one line for the operator."""


class ApprovedItem(FrozenStruct, frozen=True, forbid_unknown_fields=True):
    """A resource that may be deleted, if it has not changed since."""

    key: str
    kind: str
    id: str
    name: str
    ownership: Ownership
    fingerprint: str
    region: str = ""
    uses: tuple[str, ...] = ()
    content: int | None = 0
    """As `AwsResource.content`, when it was approved."""
    blocked_by: tuple[str, ...] = ()


class Approval(FrozenStruct, frozen=True, forbid_unknown_fields=True):
    account: str
    account_name: str
    region: str
    created: float
    """Seconds since the epoch."""
    items: tuple[ApprovedItem, ...]
    schema: str = APPROVAL_SCHEMA
    state_read: bool = True
    """False: terraform's state could not be read then either, and the person who approved was told so."""
    digest: str = ""
    """SHA-256 of everything else: a list that was edited by hand is refused."""


def build_approval(detail: CleanupDetail, keys: Iterable[str], created_at: float | None = None) -> Approval:
    """The list of exactly these keys, in the order of deletion. Raises ApprovalError for a key that may not be deleted."""
    approved = set(keys)
    listed = {one.key: one for one in detail.resources}
    for key in sorted(approved):
        if key not in listed:
            raise ApprovalError(f"{one_line(key)} is not among the leftovers")
        if not listed[key].deletable:
            reason = listed[key].protected or f"it is {listed[key].why}; terraform destroy deletes it"
            raise ApprovalError(f"{one_line(key)} is never deleted here: {reason}")
    items = tuple(_build_item(one) for one in detail.resources if one.key in approved)
    plain = Approval(
        account=detail.account,
        account_name=detail.account_name,
        region=detail.region,
        created=time.time() if created_at is None else created_at,
        items=items,
        state_read=detail.state_read,
    )
    return msgspec.structs.replace(plain, digest=_compute_digest(plain))


def resolve_keys(detail: CleanupDetail, names: Sequence[str]) -> list[str]:
    """The keys of these names: `kind:id`, `kind:name`, or an id, name or ARN that only one leftover has.

    Raises ApprovalError when a name fits no leftover, or several.
    """
    keys = []
    for name in names:
        exact = [one.key for one in detail.resources if name in (one.key, f"{one.kind}:{one.name}")]
        matches = exact or [one.key for one in detail.resources if name in (one.id, one.name, one.arn)]
        if not matches:
            raise ApprovalError(
                f"{one_line(name)} is not among the leftovers; if it is ours, name it in cleanup.exact of ecotui.yaml"
            )
        if len(set(matches)) > 1:
            raise ApprovalError(f"{one_line(name)} fits several: {', '.join(map(one_line, matches))}")
        keys.append(matches[0])
    return list(dict.fromkeys(keys))


def write_approval(approval: Approval, path: Path) -> None:
    """Write the list atomically, readable by its owner only. Raises OSError."""
    text = msgspec.json.format(msgspec.json.encode(_to_builtins(approval)), indent=2)
    handle, temporary = tempfile.mkstemp(dir=path.parent or Path(), prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text + b"\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_approval(path: Path) -> Approval:
    """The list, exactly as it was written. Raises ApprovalError for anything else."""
    try:
        if path.stat().st_size > MAX_APPROVAL_BYTES:
            raise ApprovalError(f"{path} is too large for an approved list")
        raw = path.read_bytes()
    except OSError as error:
        raise ApprovalError(f"{path}: {error.strerror}") from None
    try:
        approval = msgspec.json.decode(raw, type=Approval)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApprovalError(f"{path} is not an approved list: {one_line(str(error))}") from None
    if approval.schema != APPROVAL_SCHEMA:
        raise ApprovalError(f"{path} has the form {one_line(approval.schema)}, this version reads {APPROVAL_SCHEMA}")
    if approval.digest != _compute_digest(approval):
        raise ApprovalError(f"{path} was changed after it was written; write a new one with --approve-out")
    if any(item.key != f"{item.kind}:{item.id}" for item in approval.items):
        raise ApprovalError(f"{path} contradicts itself")
    return approval


def describe_expiry(approval: Approval, hours: float, now: float | None = None) -> str:
    """Why the list is too old, or younger than now; empty while it may be used. `hours` is `cleanup.approval_hours`."""
    age = (time.time() if now is None else now) - approval.created
    if age < -CLOCK_TOLERANCE_SECONDS:
        return "The list is from the future: check the clocks, or write a new list with --approve-out"
    if age > hours * 3600:
        return (
            f"The list has expired: it was approved {age / 3600:,.0f} h ago, cleanup.approval_hours is {hours:g};"
            " write a new one with --approve-out"
        )
    return ""


def describe_change(item: ApprovedItem, current: AwsResource) -> str:
    """What has changed since the approval, in words; empty when nothing has."""
    if current.fingerprint != item.fingerprint:
        return "changed since it was approved (another resource of this name, or other tags)"
    if item.content is None or current.content is None:
        return f"what it holds could not be counted {'when it was approved' if item.content is None else 'any more'}"
    if current.content > item.content:
        return f"holds more than when it was approved: {current.size}; {item.content:,} then"
    new_uses = sorted(map(one_line, set(current.uses) - set(item.uses)))
    return f"in use since it was approved: {', '.join(new_uses)}" if new_uses else ""


def _build_item(leftover: Leftover) -> ApprovedItem:
    return ApprovedItem(
        key=leftover.key,
        kind=leftover.kind,
        id=leftover.id,
        name=leftover.name,
        ownership=leftover.ownership,
        fingerprint=leftover.fingerprint,
        region=leftover.region,
        uses=leftover.uses,
        content=leftover.content,
        blocked_by=leftover.blocked_by,
    )


def _to_builtins(approval: Approval) -> dict[str, object]:
    # The schema is written although it is a default: readers need it.
    return {"schema": approval.schema, **msgspec.to_builtins(approval)}


def _compute_digest(approval: Approval) -> str:
    bare = _to_builtins(msgspec.structs.replace(approval, digest=""))
    return hashlib.sha256(msgspec.json.encode(bare, order="deterministic")).hexdigest()
