"""What of a guide document could not be used, and why, with the line: for those who write it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ecotui.guide.matching.regex_safety import runs_for_ever
from ecotui.guide.reading.document import Document
from ecotui.guide.reading.library import Library
from ecotui.guide.reading.overlay import Overlay
from ecotui.guide.reading.sections import Part


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a document's authors should know."""

    document: str
    line: int
    """From 1; 0 where it is about the whole document."""
    text: str


def lint(library: Library) -> tuple[Remark, ...]:
    """Remarks on every document, in the order of lines, and on overlays that speak of entries that there are none of."""
    found = [
        remark
        for document in library.documents
        for remark in sorted(_remarks(library, document), key=lambda one: one.line)
    ]
    found += [
        Remark(document=name, line=0, text=f"{number}: there is no such entry")
        for name, number in library.strays
    ]
    found += [
        Remark(
            document=entry.guide,
            line=0,
            text=f"{entry.id}: {signature.match!r} could run for ever; it is left out",
        )
        for entry in library.entries
        for signature in library.overlays.get(entry.id, Overlay()).signatures
        if runs_for_ever(signature.match)
    ]
    return tuple(found)


def _remarks(library: Library, document: Document) -> Iterator[Remark]:
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
            yield remark(entry.line, f"{entry.number}: has a problem, but no way to fix it")
        if Part.FIX in parts and Part.PROBLEM not in parts:
            yield remark(entry.line, f"{entry.number}: has a fix, but no heading for the problem")
        overlay = library.overlays.get(entry.id)
        if (overlay and overlay.signatures) or Part.PROBLEM not in parts:
            continue
        if not entry.errors:
            yield remark(
                entry.line, f"{entry.number}: no fenced error text under its problem, so no error leads to it"
            )
        else:
            yield remark(entry.line, f"{entry.number}: its error text has too few fixed words to tell it by")
