"""Reads a troubleshooting guide in Markdown as teams write it. Nothing in it is an error: the rest is text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import msgspec

from checks.sanitize import sanitize
from ecotui.guide.reading.markdown import Heading, find_fences, front_matter_length, parse_structure
from ecotui.guide.reading.sections import SectionKind, exact_section_kind, guess_section_kind, parse_label


class EntrySection(msgspec.Struct, frozen=True, kw_only=True):
    """The text under one heading of an entry."""

    kind: SectionKind
    title: str
    text: str
    """Markdown, as written."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One numbered (or named) problem of the guide."""

    id: str
    """Its number or the words of its heading; `runbook:1.1` where another document has that number too."""
    title: str
    chapter: str
    line: int
    """Where its heading stands, from 1."""
    text: str
    """The whole entry, without its heading."""
    guide: str = ""
    """The guide that it belongs to: `eco2`, or the name of the file without its language."""
    number: str = ""
    """Its id within that guide."""

    @property
    def sections(self) -> tuple[EntrySection, ...]:
        """Its text by its sub-headings and labels, taken apart when it is asked for: of a long guide few are."""
        return _cached_sections(self.text)

    @property
    def error_texts(self) -> tuple[str, ...]:
        """The fenced error texts of its problem passages."""
        return tuple(
            body
            for passage in self.sections
            if passage.kind is SectionKind.PROBLEM
            for _, body in fenced_blocks(passage.text)
        )

    def text_of_sections(self, kind: SectionKind) -> str:
        """What it says under all headings of one kind, as plain lines: its files, its commit."""
        return "\n".join(passage.text for passage in self.sections if passage.kind is kind)


class Document(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    language: str
    title: str
    entries: tuple[Entry, ...]
    introduction: str = ""
    """What stands before the entries: a preface, the table of contents."""
    notes: tuple[str, ...] = ()
    """What could not be used, and why: duplicate numbers, an unclosed fence."""
    guide: str = ""
    """The guide that this document is one language of."""


_NUMBERED_HEADING = re.compile(r"^(\d+(?:\.\d+)*)[.)]?\s+(.*)$")
_CONTENTS_HEADING = re.compile(r"^\W*(목차|차례|(table of )?contents|toc)\W*$", re.I)
_HANGUL = re.compile("[\uac00-\ud7a3]")
_NON_ASCII = re.compile("[^\x00-\x7f]+")
_LANGUAGE_SAMPLE_LENGTH = 200_000
"""Characters by which the language of a document is told."""


def fenced_blocks(text: str) -> Iterator[tuple[str, str]]:
    """The fenced blocks of a text as (language, body)."""
    lines = text.splitlines()
    for block in find_fences(lines):
        yield block.language, block.body(lines)


def parse_guide(source: str | bytes, name: str) -> Document:
    """Read a guide.

    Below the title, the headings of the upper level are chapters, those below them entries; a chapter without any is an
    entry itself, and so is one whose sub-headings are the parts of a problem (symptom, cause, fix), up to the document
    that is one problem as a whole. A text without headings is one entry.
    """
    text, notes = _decode(source)
    lines = sanitize(text).replace("\t", "    ").splitlines()
    blocks, heads = parse_structure(lines)
    notes += [
        f"line {block.start + 1}: a fenced block is never closed; it was taken to end "
        + (f"at line {block.stop + 1}" if block.stop < len(lines) else "with the document")
        for block in blocks
        if not block.is_closed
    ]
    top = front_matter_length(lines)
    found = [heading for heading in heads if heading.line >= top]
    title, outline = _outline_document(found, name, lines)
    starts = [one.heading.line if one.heading else 0 for one in outline]
    empty: list[Heading] = []
    entries: list[Entry] = []
    taken: set[str] = set()
    for one, start, end in zip(outline, starts, [*starts, len(lines)][1:], strict=True):
        whole = _trim(lines[one.heading.next_line if one.heading else start : end])
        if not whole:
            empty += [one.heading] if one.heading else []
            continue
        ident = one.ident
        count = 2
        while ident in taken:
            ident, count = f"{one.ident}-{count}", count + 1
        if ident != one.ident:
            notes.append(f"line {start + 1}: {one.ident} is used twice; the second one is {ident}")
        taken.add(ident)
        entries.append(
            Entry(
                id=ident,
                number=ident,
                title=one.title,
                chapter=one.chapter,
                line=start + 1,
                text=whole,
            )
        )
    # A chapter often has nothing but its entries.
    chapters = {entry.chapter for entry in entries}
    notes += [
        f"line {heading.line + 1}: {heading.title}: has no text; it is left out"
        for heading in empty
        if heading.title not in chapters
    ]
    first = starts[0] if starts else len(lines)
    korean = len(_HANGUL.findall(text[:_LANGUAGE_SAMPLE_LENGTH])) > min(len(text), _LANGUAGE_SAMPLE_LENGTH) * 0.02
    return Document(
        name=name,
        language="ko" if korean else "en",
        title=title,
        entries=tuple(entries),
        introduction="\n".join(lines[:first]).strip(),
        notes=tuple(notes),
    )


def _decode(source: str | bytes) -> tuple[str, list[str]]:
    """The text of a file, whatever it was saved as, and a note where that is not UTF-8."""
    if isinstance(source, str):
        return source, []
    if source[:2] in (b"\xff\xfe", b"\xfe\xff") and len(source) % 2 == 0:
        return source.decode("utf-16", errors="replace"), ["it is saved as UTF-16; UTF-8 is read everywhere"]
    text = source.decode("utf-8-sig", errors="replace")
    lost = text.count("\ufffd")
    if lost and lost * 4 > sum(map(len, _NON_ASCII.findall(text))):
        # Not a broken sign here and there: the whole was written in another code.
        with suppress(UnicodeDecodeError):
            return source.decode("cp949"), ["it is saved in the Korean code page 949; UTF-8 is read everywhere"]
    return text, [f"{lost} signs are not UTF-8 and are shown as \ufffd"] if lost else []


@dataclass(frozen=True)
class _EntryOutline:
    """An entry to be: its heading, or None for a text that has no heading for it."""

    heading: Heading | None
    ident: str
    title: str
    chapter: str


def _outline_document(headings: Sequence[Heading], name: str, lines: Sequence[str]) -> tuple[str, list[_EntryOutline]]:
    """The title of a document, and which of its headings are entries."""
    highest = [heading for heading in headings if heading.level == 1]
    titled = headings[0] if len(highest) == 1 and headings[0].level == 1 else None
    rest = list(headings[1:] if titled else headings)
    title = titled.title if titled else name
    if not rest:
        said = any(re.search(r"\w", line) for line in lines[titled.next_line if titled else 0 :])
        return title, [_make_entry_outline(titled, title, "")] if said else []
    top = min(heading.level for heading in rest)
    if _are_entry_sections(rest, top):
        # One problem a file.
        return title, [_make_entry_outline(titled, title, "")]
    return title, list(_outline_entries(rest, top))


def _outline_entries(headings: Sequence[Heading], top: int) -> Iterator[_EntryOutline]:
    places = [at for at, heading in enumerate(headings) if heading.level == top] + [len(headings)]
    # Headings of a lower level before the first of the upper one are entries without a chapter.
    yield from (_make_entry_outline(heading, heading.title, "") for heading in headings[: places[0]])
    chapter = ""
    for at, after in pairwise(places):
        heading, below = headings[at], headings[at + 1 : after]
        number = _NUMBERED_HEADING.match(heading.title)
        within = number and chapter.startswith(f"{number[1].rpartition('.')[0]}.") and "." in number[1]
        if not within:
            chapter = heading.title if heading.level <= 2 else ""
        if _CONTENTS_HEADING.match(heading.title):
            continue
        yield _make_entry_outline(heading, heading.title, chapter)
        second = min((one.level for one in below), default=0)
        if not below or _are_entry_sections(below, second):
            continue
        last = heading.title
        for one in below:
            known, inner = _NUMBERED_HEADING.match(one.title), _NUMBERED_HEADING.match(last)
            deeper = known and inner and known[1].startswith(f"{inner[1]}.")
            if one.level == second or deeper:
                if one.level == second:
                    last = one.title
                if not _CONTENTS_HEADING.match(one.title):
                    yield _make_entry_outline(one, one.title, chapter)


def _are_entry_sections(headings: Sequence[Heading], level: int) -> bool:
    """At least half of the headings of this level are parts of a problem: what is above them is the entry."""
    of_level = [heading for heading in headings if heading.level == level]
    return sum(exact_section_kind(heading.title) is not None for heading in of_level) * 2 >= len(of_level) > 0


def _make_entry_outline(heading: Heading | None, title: str, chapter: str) -> _EntryOutline:
    numbered = _NUMBERED_HEADING.match(title)
    return _EntryOutline(
        heading,
        numbered[1] if numbered else slugify(title),
        numbered[2] if numbered else title,
        chapter,
    )


def _trim(lines: Sequence[str]) -> str:
    """The text without the line that divides it from the next entry."""
    text = "\n".join(lines).strip()
    head, _, last = text.rpartition("\n")
    return head.strip() if last.strip() in ("---", "***", "___") else "" if text == "---" else text


def slugify(title: str) -> str:
    """An id for an entry without a number: its words, joined."""
    return "-".join(re.findall(r"\w+", title.lower()))[:48] or "entry"


@lru_cache(maxsize=256)
def _cached_sections(text: str) -> tuple[EntrySection, ...]:
    return tuple(_split_sections(text))


def _split_sections(text: str) -> Iterator[EntrySection]:
    """Split an entry at its sub-headings and at bold labels such as `**원인**:`."""
    lines = text.splitlines()
    blocks, found = parse_structure(lines)
    heads = {heading.line: heading for heading in found}
    inside = {at for block in blocks for at in range(block.start, block.stop)}
    part, title, under = SectionKind.OTHER, "", (SectionKind.OTHER, "")
    body: list[str] = []
    at = 0
    while at < len(lines):
        heading = heads.get(at)
        label = None if heading or at in inside else parse_label(lines[at])
        # Files and the commit are a few lines; what follows them belongs to what stood before.
        ended = part in (SectionKind.FILES, SectionKind.COMMIT) and not lines[at].strip() and any(map(str.strip, body))
        if heading or label or (ended and (part, title) != under):
            if said := "\n".join(body).strip():
                yield EntrySection(kind=part, title=title, text=said)
            body = []
            if heading:
                part, title = guess_section_kind(heading.title), heading.title
                under = (part, title)
            elif label:
                part, title, rest = label
                body = [rest] if rest else []
                if part not in (SectionKind.FILES, SectionKind.COMMIT):
                    under = (part, title)
            else:
                part, title = under
        else:
            body.append(lines[at])
        at = heading.next_line if heading else at + 1
    if said := "\n".join(body).strip():
        yield EntrySection(kind=part, title=title, text=said)
