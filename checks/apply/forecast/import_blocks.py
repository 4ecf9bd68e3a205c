"""Import blocks for resources that a plan would collide with: written to a file of their own, and removed again.

Only `ecotui-adopt.tf` is ever written; a file of that name that somebody else wrote, or changed, is left alone.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from checks.apply.forecast.model import ADOPT, RESTORE, SavedReview
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
"""What the next plan shows after such an import, and why."""


class ImportBlockError(Exception):
    """It cannot be imported, or the file cannot be written; the message says why, in plain words."""


class PlannedImport(FrozenStruct, frozen=True):
    """One resource to take into the state, instead of creating it."""

    address: str
    id: str
    type: str
    block: str
    note: str = ""


def find_importable(review: SavedReview) -> tuple[list[PlannedImport], list[tuple[str, str]]]:
    """What can be imported; and the address of each collision that cannot, with the reason."""
    found: list[PlannedImport] = []
    cannot: list[tuple[str, str]] = []
    for one in review.forecast.collisions:
        if ADOPT in one.fixes and one.import_id:
            note = IMPORT_NOTES.get(one.type, "")
            found.append(
                PlannedImport(address=one.address, id=one.import_id, type=one.type, block=one.import_block, note=note)
            )
        elif RESTORE in one.fixes:
            cannot.append((one.address, "it is marked as deleted, and has to be restored first"))
        else:
            cannot.append((one.address, one.existing))
    return found, cannot


def select_imports(review: SavedReview, addresses: Sequence[str]) -> list[PlannedImport]:
    """The imports of these addresses, or all when there are none. Raises ImportBlockError."""
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
    """Add the blocks to the file, beside those that it has already. Raises ImportBlockError, OSError."""
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
    """The addresses that the file imports; none when there is no such file, or ecotui did not write it."""
    try:
        return frozenset(_parse_blocks(_read_own_file(folder / IMPORT_FILE)))
    except (ImportBlockError, OSError):
        return frozenset()


def remove_import_blocks(folder: Path, addresses: Sequence[str] = ()) -> list[str]:
    """Remove the blocks of these addresses, or all with the file itself; returns the removed addresses.

    Raises ImportBlockError for an address that has no block, or a file that ecotui did not write; OSError.
    """
    target = folder / IMPORT_FILE
    blocks = _parse_blocks(_read_own_file(target))
    for address in addresses:
        if address not in blocks:
            raise ImportBlockError(f"{one_line(address)} has no import block in {IMPORT_FILE}; nothing was changed")
    removed = list(dict.fromkeys(addresses)) or list(blocks)
    rest = [block for address, block in blocks.items() if address not in removed]
    if rest:
        _write_file(target, rest)
    else:
        target.unlink(missing_ok=True)
    return removed


def _write_file(target: Path, blocks: Iterable[str]) -> None:
    """Atomic; the header proves that ecotui wrote it. Raises OSError."""
    body = "\n".join(blocks)
    draft = target.with_name(f".{IMPORT_FILE}.{os.getpid()}")
    try:
        draft.write_text(f"{_FILE_HEADER}{_body_digest(body)}\n\n{body}", encoding="utf-8")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _read_own_file(target: Path) -> str:
    """The body of the file as it was written; empty when there is none. Raises ImportBlockError for any other file."""
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
    """Address to the text of its block."""
    if not body:
        return {}
    blocks = parse_hcl(body).find_blocks("import")
    return {block.attributes["to"].source: f"{block.source}\n" for block in blocks if "to" in block.attributes}


def _body_digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
