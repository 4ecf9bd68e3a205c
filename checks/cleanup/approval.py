"""The approved list: what a person agreed to, as it was when it was seen. A deletion deletes nothing else."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from checks.cleanup.model import CleanupDetail, Leftover, Ownership, Seen
from checks.finding import Value
from checks.sanitize import one_line

SCHEMA = "ecotui.cleanup-approval/1"
LARGEST = 50_000_000
"""Bytes: 5,000 items take about 3 MB."""


class ApprovalError(Exception):
    """The list cannot be used, or what was asked for cannot be approved; the message is one line for the operator."""


class Item(Value, frozen=True, forbid_unknown_fields=True):
    """One resource that may be deleted, if it is still the one that was seen."""

    key: str
    kind: str
    id: str
    name: str
    ownership: Ownership
    fingerprint: str
    region: str = ""
    uses: tuple[str, ...] = ()
    blocked_by: tuple[str, ...] = ()


class Approval(Value, frozen=True, forbid_unknown_fields=True):
    account: str
    account_name: str
    region: str
    created: float
    """Seconds since the epoch."""
    items: tuple[Item, ...]
    schema: str = SCHEMA
    digest: str = ""
    """Over all the rest: a list that was edited by hand is refused."""


def approve(detail: CleanupDetail, keys: Iterable[str], now: float | None = None) -> Approval:
    """The list of exactly these keys, in the order of deletion. Raises ApprovalError for what may not be deleted."""
    wanted = set(keys)
    listed = {one.key: one for one in detail.resources}
    for key in sorted(wanted):
        if key not in listed:
            raise ApprovalError(f"{one_line(key)} is not among the leftovers")
        if not listed[key].deletable:
            why = listed[key].protected or f"it is {listed[key].why}; it goes with terraform destroy"
            raise ApprovalError(f"{one_line(key)} is never deleted here: {why}")
    items = tuple(_item(one) for one in detail.resources if one.key in wanted)
    plain = Approval(
        account=detail.account,
        account_name=detail.account_name,
        region=detail.region,
        created=time.time() if now is None else now,
        items=items,
    )
    return msgspec.structs.replace(plain, digest=_digest(plain))


def find(detail: CleanupDetail, words: Sequence[str]) -> list[str]:
    """The keys that the words mean: `kind:id`, `kind:name`, or an id, name or ARN that only one leftover has.

    Raises ApprovalError when a word means nothing that is listed, or several.
    """
    found = []
    for word in words:
        exact = [one.key for one in detail.resources if word in (one.key, f"{one.kind}:{one.name}")]
        meant = exact or [one.key for one in detail.resources if word in (one.id, one.name, one.arn)]
        if not meant:
            raise ApprovalError(
                f"{one_line(word)} is not among the leftovers; if it is ours, name it in cleanup.exact of ecotui.yaml"
            )
        if len(set(meant)) > 1:
            raise ApprovalError(f"{one_line(word)} means several: {', '.join(map(one_line, meant))}")
        found.append(meant[0])
    return list(dict.fromkeys(found))


def write(approval: Approval, path: Path) -> None:
    """Write the list whole or not at all, readable by its owner only. Raises OSError."""
    text = msgspec.json.format(msgspec.json.encode(_plain(approval)), indent=2)
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


def read(path: Path) -> Approval:
    """The list as it was written. Raises ApprovalError for anything else."""
    try:
        if path.stat().st_size > LARGEST:
            raise ApprovalError(f"{path} is too large for an approved list")
        raw = path.read_bytes()
    except OSError as error:
        raise ApprovalError(f"{path}: {error.strerror}") from None
    try:
        approval = msgspec.json.decode(raw, type=Approval)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApprovalError(f"{path} is not an approved list: {one_line(str(error))}") from None
    if approval.schema != SCHEMA:
        raise ApprovalError(f"{path} has the form {one_line(approval.schema)}, this version reads {SCHEMA}")
    if approval.digest != _digest(approval):
        raise ApprovalError(f"{path} was changed after it was written; write a new one with --approve-out")
    if any(item.key != f"{item.kind}:{item.id}" for item in approval.items):
        raise ApprovalError(f"{path} contradicts itself")
    return approval


def changed(item: Item, now: Seen) -> str:
    """What is different since the approval, in words; empty when it is still what was seen."""
    if now.fingerprint != item.fingerprint:
        return "changed since it was approved (another resource of this name, or other tags)"
    grown = set(now.uses) - set(item.uses)
    if grown:
        return f"in use since it was approved: {', '.join(sorted(map(one_line, grown)))}"
    return ""


def _item(one: Leftover) -> Item:
    return Item(
        key=one.key,
        kind=one.kind,
        id=one.id,
        name=one.name,
        ownership=one.ownership,
        fingerprint=one.fingerprint,
        region=one.region,
        uses=one.uses,
        blocked_by=one.blocked_by,
    )


def _plain(approval: Approval) -> dict[str, object]:
    # The schema is written although it is a default: a reader has to see what it holds.
    return {"schema": approval.schema, **msgspec.to_builtins(approval)}


def _digest(approval: Approval) -> str:
    bare = _plain(msgspec.structs.replace(approval, digest=""))
    return hashlib.sha256(msgspec.json.encode(bare, order="deterministic")).hexdigest()
