"""What of a guide document could not be used, and why, with the line: for those who write it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from ecotui.guide.document import Document, Part
from ecotui.guide.library import derive


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a document's authors should know."""

    document: str
    line: int
    """From 1; 0 where it is about the whole document."""
    text: str


def lint(document: Document, overlaid: Collection[str]) -> tuple[Remark, ...]:
    """Remarks in the order of lines; `overlaid` are the entries that have signatures of their own in an overlay."""
    return tuple(sorted(_remarks(document, overlaid), key=lambda remark: remark.line))


def _remarks(document: Document, overlaid: Collection[str]) -> Iterator[Remark]:
    def remark(line: int, text: str) -> Remark:
        return Remark(document=document.name, line=line, text=text)

    for note in document.notes:
        head, colon, rest = note.partition(": ")
        number = head.removeprefix("line ")
        yield remark(int(number), rest) if colon and number.isdigit() else remark(0, note)
    if not document.entries:
        yield remark(0, "no entry was found: entries are headings (## N., ### N.M.) with text below")
    for entry in document.entries:
        parts = {passage.part for passage in entry.passages}
        if Part.PROBLEM in parts and Part.FIX not in parts:
            yield remark(entry.line, f"{entry.id}: has a problem, but no way to fix it")
        if Part.FIX in parts and Part.PROBLEM not in parts:
            yield remark(entry.line, f"{entry.id}: has a fix, but no heading for the problem")
        if entry.id in overlaid or Part.PROBLEM not in parts:
            continue
        if not entry.errors:
            yield remark(
                entry.line, f"{entry.id}: no fenced error text under its problem, so no error leads to it"
            )
        elif not derive(entry):
            yield remark(entry.line, f"{entry.id}: its error text has too few fixed words to tell it by")
