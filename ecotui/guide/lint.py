"""What of a guide document could not be used, and why, with the line: for those who write it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from ecotui.guide.reading.document import Document
from ecotui.guide.reading.library import GuideLibrary
from ecotui.guide.reading.overlay import Overlay
from ecotui.guide.reading.sections import SectionKind

_NESTED_REPEAT = re.compile(r"\((?:[^()\\]|\\.)*([*+]|\{\d*,\d*\})(?:[^()\\]|\\.)*\)([*+]|\{\d*,?\d*\})")
"""A repeat within a repeat, as in `(x+)+`: the time of a search can double with each character."""


class LintRemark(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a document's authors should know."""

    document: str
    line: int
    """From 1; 0 where it is about the whole document."""
    text: str


def lint_library(library: GuideLibrary) -> tuple[LintRemark, ...]:
    """Remarks on every document, in the order of lines, and on overlays that speak of entries that there are none of."""
    found = [
        remark
        for document in library.documents
        for remark in sorted(_document_remarks(library, document), key=lambda one: one.line)
    ]
    found += [
        LintRemark(document=name, line=0, text=f"{number}: there is no such entry")
        for name, number in library.unmatched_overlays
    ]
    found += [
        LintRemark(
            document=entry.guide,
            line=0,
            text=f"{entry.id}: {signature.match!r} has a repeat within a repeat; it is left out of a search that takes too long",
        )
        for entry in library.entries
        for signature in library.overlays.get(entry.id, Overlay()).signatures
        if _NESTED_REPEAT.search(signature.match)
    ]
    return tuple(found)


def _document_remarks(library: GuideLibrary, document: Document) -> Iterator[LintRemark]:
    def remark(line: int, text: str) -> LintRemark:
        return LintRemark(document=document.name, line=line, text=text)

    for note in document.notes:
        head, colon, rest = note.partition(": ")
        number = head.removeprefix("line ")
        yield remark(int(number), rest) if colon and number.isdigit() else remark(0, note)
    if not document.entries:
        yield remark(0, "no entry was found: entries are headings (## N., ### N.M.) with text below")
    for entry in document.entries:
        parts = {passage.kind for passage in entry.sections}
        if SectionKind.PROBLEM in parts and SectionKind.FIX not in parts:
            yield remark(entry.line, f"{entry.number}: has a problem, but no way to fix it")
        if SectionKind.FIX in parts and SectionKind.PROBLEM not in parts:
            yield remark(entry.line, f"{entry.number}: has a fix, but no heading for the problem")
        overlay = library.overlays.get(entry.id)
        if (overlay and overlay.signatures) or SectionKind.PROBLEM not in parts:
            continue
        if not entry.error_texts:
            yield remark(entry.line, f"{entry.number}: no fenced error text under its problem, so no error leads to it")
        else:
            yield remark(entry.line, f"{entry.number}: its error text has too few fixed words to tell it by")
