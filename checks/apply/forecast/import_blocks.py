"""Import blocks for what a plan would collide with: made, written to a file of their own, and taken away again.

Only `ecotui-adopt.tf` is ever written; a file of that name that somebody else wrote, or changed, is left alone.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from checks.apply.forecast.forecast import ADOPT, RESTORE
from checks.apply.forecast.model import Collision, Review
from checks.finding import Value
from checks.sanitize import one_line

FILE = "ecotui-adopt.tf"
_HEAD = "# Written by `ecotui adopt`; taken away by `ecotui adopt --undo`. sha256: "
_BLOCK = re.compile(r"^import \{\n.*?^\}\n", re.MULTILINE | re.DOTALL)
_TO = re.compile(r"^\s*to\s*=\s*(.+?)\s*$", re.MULTILINE)
OLDEST = (1, 5)
"""The first terraform that reads import blocks."""

NOTES = {
    "aws_key_pair": "AWS does not give the public key back: the next plan replaces the key pair, under the same name",
    "aws_secretsmanager_secret": "its value is not read: the next apply writes the one of the configuration",
    "aws_db_instance": "its password is not read: the next apply sets the one of the configuration",
}
"""What the next plan shows after the adoption of such a thing, and why."""


class AdoptionError(Exception):
    """It cannot be adopted, or the file cannot be written; the message says why, in plain words."""


class Adoption(Value, frozen=True):
    """One resource to take into the state, instead of making it anew."""

    address: str
    id: str
    type: str
    block: str
    note: str = ""


def possible(review: Review) -> tuple[list[Adoption], list[tuple[str, str]]]:
    """What can be adopted; and the address of each collision that cannot, with the reason."""
    found: list[Adoption] = []
    cannot: list[tuple[str, str]] = []
    for one in review.forecast.collisions:
        reason = _refused(one)
        if reason:
            cannot.append((one.address, reason))
        else:
            found.append(_adoption(one))
    return found, cannot


def chosen(review: Review, addresses: Sequence[str]) -> list[Adoption]:
    """The adoptions that the addresses mean, all when there are none. Raises AdoptionError."""
    found, cannot = possible(review)
    if not addresses:
        return found
    by_address = {one.address: one for one in found}
    reasons = dict(cannot)
    for address in addresses:
        if address in reasons:
            raise AdoptionError(f"{one_line(address)} cannot be adopted: {reasons[address]}")
        if address not in by_address:
            raise AdoptionError(
                f"{one_line(address)} is not among what the last plan would collide with; run `ecotui plan` again"
            )
    return [by_address[address] for address in dict.fromkeys(addresses)]


def write(folder: Path, review: Review, adoptions: Sequence[Adoption]) -> Path:
    """Add the blocks to the file, beside those that it has already. Raises AdoptionError, OSError."""
    version = tuple(int(part) for part in re.findall(r"\d+", review.plan.terraform)[:2])
    if version and version < OLDEST:
        raise AdoptionError(
            f"terraform {review.plan.terraform} reads no import blocks (1.5 does); "
            "adopt one by one: terraform import ADDRESS ID"
        )
    target = folder / FILE
    blocks = _blocks(_ours(target))
    blocks |= {one.address: one.block for one in adoptions}
    _save(target, blocks.values())
    return target


def written(folder: Path) -> frozenset[str]:
    """The addresses that the file adopts; none when there is no such file, or it is not ours."""
    try:
        return frozenset(_blocks(_ours(folder / FILE)))
    except (AdoptionError, OSError):
        return frozenset()


def undo(folder: Path, addresses: Sequence[str] = ()) -> list[str]:
    """Take the blocks of these addresses away, or all with the file itself; which were there.

    Raises AdoptionError for an address that has no block, or a file that is not ours; OSError.
    """
    target = folder / FILE
    blocks = _blocks(_ours(target))
    for address in addresses:
        if address not in blocks:
            raise AdoptionError(f"{one_line(address)} has no import block in {FILE}; nothing was changed")
    gone = list(dict.fromkeys(addresses)) or list(blocks)
    rest = [block for address, block in blocks.items() if address not in gone]
    if rest:
        _save(target, rest)
    else:
        target.unlink(missing_ok=True)
    return gone


def _save(target: Path, blocks: Iterable[str]) -> None:
    """Whole or not at all, with the mark by which it is known as ours. Raises OSError."""
    body = "\n".join(blocks)
    draft = target.with_name(f".{FILE}.{os.getpid()}")
    try:
        draft.write_text(f"{_HEAD}{_digest(body)}\n\n{body}", encoding="utf-8")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _adoption(one: Collision) -> Adoption:
    return Adoption(
        address=one.address,
        id=one.import_id,
        type=one.type,
        block=one.import_block,
        note=NOTES.get(one.type, ""),
    )


def _refused(one: Collision) -> str:
    if ADOPT in one.ways_out and one.import_id:
        return ""
    if RESTORE in one.ways_out:
        return "it is marked as deleted, and has to be restored first"
    return one.existing


def _ours(target: Path) -> str:
    """The body of the file as it was written; empty when there is none. Raises AdoptionError for anybody else's."""
    try:
        text = target.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        text = ""
    head, _, rest = text.partition("\n")
    body = rest.removeprefix("\n")
    if not head.startswith(_HEAD):
        raise AdoptionError(f"{target} was not written by ecotui; it is left as it is")
    if head.removeprefix(_HEAD).strip() != _digest(body):
        raise AdoptionError(
            f"{target} was changed since ecotui wrote it; move your changes to another file first"
        )
    return body


def _blocks(body: str) -> dict[str, str]:
    found = {}
    for block in _BLOCK.findall(body):
        to = _TO.search(block)
        if to:
            found[to[1]] = block
    return found


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
