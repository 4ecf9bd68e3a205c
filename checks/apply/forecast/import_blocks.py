"""Import blocks for what a plan would collide with: made, written to a file of their own, and taken away again.

Only `ecotui-adopt.tf` is ever written; a file of that name that somebody else wrote, or changed, is left alone.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from checks.apply.forecast.model import ADOPT, RESTORE, Collision, SavedReview
from checks.finding import FrozenStruct
from checks.sanitize import one_line
from checks.tools.hcl import parse_hcl

IMPORT_FILE = "ecotui-adopt.tf"
_FILE_HEADER = "# Written by `ecotui adopt`; taken away by `ecotui adopt --undo`. sha256: "
MIN_TERRAFORM_VERSION = (1, 5)
"""The first terraform that reads import blocks."""

IMPORT_NOTES = {
    "aws_key_pair": "AWS does not give the public key back: the next plan replaces the key pair, under the same name",
    "aws_secretsmanager_secret": "its value is not read: the next apply writes the one of the configuration",
    "aws_db_instance": "its password is not read: the next apply sets the one of the configuration",
}
"""What the next plan shows after the adoption of such a thing, and why."""


class ImportBlockError(Exception):
    """It cannot be adopted, or the file cannot be written; the message says why, in plain words."""


class PlannedImport(FrozenStruct, frozen=True):
    """One resource to take into the state, instead of making it anew."""

    address: str
    id: str
    type: str
    block: str
    note: str = ""


def find_importable(review: SavedReview) -> tuple[list[PlannedImport], list[tuple[str, str]]]:
    """What can be adopted; and the address of each collision that cannot, with the reason."""
    found: list[PlannedImport] = []
    cannot: list[tuple[str, str]] = []
    for one in review.forecast.collisions:
        reason = _why_not_importable(one)
        if reason:
            cannot.append((one.address, reason))
        else:
            found.append(_planned_import(one))
    return found, cannot


def select_imports(review: SavedReview, addresses: Sequence[str]) -> list[PlannedImport]:
    """The adoptions that the addresses mean, all when there are none. Raises AdoptionError."""
    found, cannot = find_importable(review)
    if not addresses:
        return found
    by_address = {one.address: one for one in found}
    reasons = dict(cannot)
    for address in addresses:
        if address in reasons:
            raise ImportBlockError(f"{one_line(address)} cannot be adopted: {reasons[address]}")
        if address not in by_address:
            raise ImportBlockError(
                f"{one_line(address)} is not among what the last plan would collide with; run `ecotui plan` again"
            )
    return [by_address[address] for address in dict.fromkeys(addresses)]


def write_import_blocks(folder: Path, review: SavedReview, imports: Sequence[PlannedImport]) -> Path:
    """Add the blocks to the file, beside those that it has already. Raises AdoptionError, OSError."""
    version = tuple(int(part) for part in re.findall(r"\d+", review.plan.terraform)[:2])
    if version and version < MIN_TERRAFORM_VERSION:
        raise ImportBlockError(
            f"terraform {review.plan.terraform} reads no import blocks (1.5 does); "
            "adopt one by one: terraform import ADDRESS ID"
        )
    target = folder / IMPORT_FILE
    blocks = _parse_blocks(_read_own_file(target))
    blocks |= {one.address: one.block for one in imports}
    _write_file(target, blocks.values())
    return target


def read_imported_addresses(folder: Path) -> frozenset[str]:
    """The addresses that the file adopts; none when there is no such file, or it is not ours."""
    try:
        return frozenset(_parse_blocks(_read_own_file(folder / IMPORT_FILE)))
    except (ImportBlockError, OSError):
        return frozenset()


def remove_import_blocks(folder: Path, addresses: Sequence[str] = ()) -> list[str]:
    """Take the blocks of these addresses away, or all with the file itself; which were there.

    Raises AdoptionError for an address that has no block, or a file that is not ours; OSError.
    """
    target = folder / IMPORT_FILE
    blocks = _parse_blocks(_read_own_file(target))
    for address in addresses:
        if address not in blocks:
            raise ImportBlockError(f"{one_line(address)} has no import block in {IMPORT_FILE}; nothing was changed")
    gone = list(dict.fromkeys(addresses)) or list(blocks)
    rest = [block for address, block in blocks.items() if address not in gone]
    if rest:
        _write_file(target, rest)
    else:
        target.unlink(missing_ok=True)
    return gone


def _write_file(target: Path, blocks: Iterable[str]) -> None:
    """Whole or not at all, with the mark by which it is known as ours. Raises OSError."""
    body = "\n".join(blocks)
    draft = target.with_name(f".{IMPORT_FILE}.{os.getpid()}")
    try:
        draft.write_text(f"{_FILE_HEADER}{_body_digest(body)}\n\n{body}", encoding="utf-8")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _planned_import(collision: Collision) -> PlannedImport:
    return PlannedImport(
        address=collision.address,
        id=collision.import_id,
        type=collision.type,
        block=collision.import_block,
        note=IMPORT_NOTES.get(collision.type, ""),
    )


def _why_not_importable(collision: Collision) -> str:
    if ADOPT in collision.ways_out and collision.import_id:
        return ""
    if RESTORE in collision.ways_out:
        return "it is marked as deleted, and has to be restored first"
    return collision.existing


def _read_own_file(target: Path) -> str:
    """The body of the file as it was written; empty when there is none. Raises AdoptionError for anybody else's."""
    try:
        text = target.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        text = ""
    head, _, rest = text.partition("\n")
    body = rest.removeprefix("\n")
    if not head.startswith(_FILE_HEADER):
        raise ImportBlockError(f"{target} was not written by ecotui; it is left as it is")
    if head.removeprefix(_FILE_HEADER).strip() != _body_digest(body):
        raise ImportBlockError(f"{target} was changed since ecotui wrote it; move your changes to another file first")
    return body


def _parse_blocks(body: str) -> dict[str, str]:
    """The text of each import block by the address that it imports to."""
    blocks = ((one.attributes.get("to"), one.source) for one in parse_hcl(body).find_blocks("import"))
    return {to.source: f"{source}\n" for to, source in blocks if to}


def _body_digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
