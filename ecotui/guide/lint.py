"""Remarks for the authors of a guide: what could not be used, and why, with its line."""

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
    """One remark on a document."""

    document: str
    line: int
    """From 1; 0 where it is about the whole document."""
    text: str


def lint_library(library: GuideLibrary) -> tuple[LintRemark, ...]:
    """Remarks on every document, by line, on overlays whose entry does not exist, and on patterns that may be too slow."""
    remarks = [
        remark
        for document in library.documents
        for remark in sorted(_document_remarks(library, document), key=lambda one: one.line)
    ]
    remarks += [
        LintRemark(document=name, line=0, text=f"{number}: no document has this entry")
        for name, number in library.unmatched_overlays
    ]
    remarks += [
        LintRemark(
            document=entry.guide,
            line=0,
            text=f"{entry.id}: {signature.match!r} has a repeat within a repeat; it is left out of a search that takes too long",
        )
        for entry in library.entries
        for signature in library.overlays.get(entry.id, Overlay()).signatures
        if _NESTED_REPEAT.search(signature.match)
    ]
    return tuple(remarks)


def _document_remarks(library: GuideLibrary, document: Document) -> Iterator[LintRemark]:
    def remark(line: int, text: str) -> LintRemark:
        return LintRemark(document=document.name, line=line, text=text)

    for note in document.notes:
        start, _, rest = note.partition(": ")
        number = start.removeprefix("line ")
        yield remark(int(number), rest) if number.isdigit() else remark(0, note)
    if not document.entries:
        yield remark(0, "no entry found: entries are headings (## N., ### N.M.) with text below")
    for entry in document.entries:
        kinds = {section.kind for section in entry.sections}
        if SectionKind.PROBLEM in kinds and SectionKind.FIX not in kinds:
            yield remark(entry.line, f"{entry.number}: has a problem, but no fix")
        if SectionKind.FIX in kinds and SectionKind.PROBLEM not in kinds:
            yield remark(entry.line, f"{entry.number}: has a fix, but no heading for the problem")
        overlay = library.overlays.get(entry.id)
        if (overlay and overlay.signatures) or SectionKind.PROBLEM not in kinds:
            continue
        if not entry.error_texts:
            yield remark(entry.line, f"{entry.number}: no fenced error text under its problem, so no error leads to it")
        else:
            yield remark(entry.line, f"{entry.number}: its error text has too few fixed words to be recognised")
