"""Reads a guide in Markdown, as teams write it, into entries. Nothing in it is an error: the rest is text."""

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
    """The text below one heading of an entry."""

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
    """The line of its heading, from 1."""
    text: str
    """The whole entry, without its heading."""
    guide: str = ""
    """The guide that it belongs to: `eco2`, or the name of the file without its language."""
    number: str = ""
    """Its id within that guide."""

    @property
    def sections(self) -> tuple[EntrySection, ...]:
        """Its text, split at sub-headings and labels. Computed on demand: few entries of a long guide need it."""
        return _cached_sections(self.text)

    @property
    def error_texts(self) -> tuple[str, ...]:
        """The fenced error texts of its problem sections."""
        return tuple(
            body
            for section in self.sections
            if section.kind is SectionKind.PROBLEM
            for _, body in fenced_blocks(section.text)
        )

    def text_of_sections(self, kind: SectionKind) -> str:
        """The text of all sections of one kind."""
        return "\n".join(section.text for section in self.sections if section.kind is kind)


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a guide, in one language."""

    name: str
    language: str
    title: str
    entries: tuple[Entry, ...]
    introduction: str = ""
    """The text before the entries: a preface, the table of contents."""
    notes: tuple[str, ...] = ()
    """Remarks on what could not be used: duplicate numbers, an unclosed fence."""
    guide: str = ""
    """The guide that this document is one language of."""


_NUMBERED_HEADING = re.compile(r"^(\d+(?:\.\d+)*)[.)]?\s+(.*)$")
_CONTENTS_HEADING = re.compile(r"^\W*(목차|차례|(table of )?contents|toc)\W*$", re.I)
_HANGUL = re.compile("[\uac00-\ud7a3]")
_NON_ASCII = re.compile("[^\x00-\x7f]+")
_LANGUAGE_SAMPLE_LENGTH = 200_000
"""Characters from which the language of a document is detected."""


def fenced_blocks(text: str) -> Iterator[tuple[str, str]]:
    """The fenced blocks of a text as (language, body)."""
    lines = text.splitlines()
    for block in find_fences(lines):
        yield block.language, block.body(lines)


def parse_guide(source: str | bytes, name: str) -> Document:
    """Read a guide.

    Below the title, the headings of the upper level are chapters, those below them entries. A chapter without any is an
    entry itself, and so is one whose sub-headings are the sections of a problem (symptom, cause, fix); a whole document
    can be one problem. A text without headings is one entry.
    """
    text, notes = _decode(source)
    lines = sanitize(text).replace("\t", "    ").splitlines()
    fences, headings = parse_structure(lines)
    notes += [
        f"line {fence.start + 1}: a fenced block is never closed; it was taken to end "
        + (f"at line {fence.stop + 1}" if fence.stop < len(lines) else "with the document")
        for fence in fences
        if not fence.is_closed
    ]
    body_start = front_matter_length(lines)
    title, outline = _outline_document([one for one in headings if one.line >= body_start], name, lines)
    starts = [one.heading.line if one.heading else 0 for one in outline]
    empty: list[Heading] = []
    entries: list[Entry] = []
    idents: set[str] = set()
    for one, start, end in zip(outline, starts, [*starts, len(lines)][1:], strict=True):
        entry_text = _trim(lines[one.heading.next_line if one.heading else start : end])
        if not entry_text:
            empty += [one.heading] if one.heading else []
            continue
        ident = one.ident
        count = 2
        while ident in idents:
            ident, count = f"{one.ident}-{count}", count + 1
        if ident != one.ident:
            notes.append(f"line {start + 1}: {one.ident} is used twice; the second one is {ident}")
        idents.add(ident)
        entries.append(
            Entry(
                id=ident,
                number=ident,
                title=one.title,
                chapter=one.chapter,
                line=start + 1,
                text=entry_text,
            )
        )
    # A chapter often has no text of its own.
    chapters = {entry.chapter for entry in entries}
    notes += [
        f"line {heading.line + 1}: {heading.title}: has no text; it is left out"
        for heading in empty
        if heading.title not in chapters
    ]
    return Document(
        name=name,
        language=_detect_language(text),
        title=title,
        entries=tuple(entries),
        introduction="\n".join(lines[: starts[0] if starts else None]).strip(),
        notes=tuple(notes),
    )


def _detect_language(text: str) -> str:
    sample = text[:_LANGUAGE_SAMPLE_LENGTH]
    return "ko" if len(_HANGUL.findall(sample)) > len(sample) * 0.02 else "en"


def _decode(source: str | bytes) -> tuple[str, list[str]]:
    """The text of a file in any encoding, and a note if that is not UTF-8."""
    if isinstance(source, str):
        return source, []
    if source[:2] in (b"\xff\xfe", b"\xfe\xff") and len(source) % 2 == 0:
        return source.decode("utf-16", errors="replace"), ["it is saved as UTF-16; UTF-8 is read everywhere"]
    text = source.decode("utf-8-sig", errors="replace")
    lost = text.count("\ufffd")
    if lost and lost * 4 > sum(map(len, _NON_ASCII.findall(text))):
        # More than a few broken characters: the file has another encoding.
        with suppress(UnicodeDecodeError):
            return source.decode("cp949"), ["it is saved in the Korean code page 949; UTF-8 is read everywhere"]
    return text, [f"{lost} characters are not UTF-8 and are shown as \ufffd"] if lost else []


@dataclass(frozen=True)
class _EntryOutline:
    """An entry without its text. `heading` is None for a text without headings."""

    heading: Heading | None
    ident: str
    title: str
    chapter: str


def _outline_document(headings: Sequence[Heading], name: str, lines: Sequence[str]) -> tuple[str, list[_EntryOutline]]:
    """The title of a document, and the entries that its headings make."""
    highest = [heading for heading in headings if heading.level == 1]
    titled = headings[0] if len(highest) == 1 and headings[0].level == 1 else None
    rest = list(headings[1:] if titled else headings)
    title = titled.title if titled else name
    if not rest:
        has_text = any(re.search(r"\w", line) for line in lines[titled.next_line if titled else 0 :])
        return title, [_make_entry_outline(titled, title, "")] if has_text else []
    top = min(heading.level for heading in rest)
    if _are_entry_sections(rest, top):
        # The file is one problem.
        return title, [_make_entry_outline(titled, title, "")]
    return title, list(_outline_entries(rest, top))


def _outline_entries(headings: Sequence[Heading], top: int) -> Iterator[_EntryOutline]:
    indexes = [index for index, heading in enumerate(headings) if heading.level == top] + [len(headings)]
    # Headings of a lower level before the first of the upper one are entries without a chapter.
    yield from (_make_entry_outline(heading, heading.title, "") for heading in headings[: indexes[0]])
    chapter = ""
    for index, end in pairwise(indexes):
        heading, below = headings[index], headings[index + 1 : end]
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
            number, last_number = _NUMBERED_HEADING.match(one.title), _NUMBERED_HEADING.match(last)
            is_numbered_below = number and last_number and number[1].startswith(f"{last_number[1]}.")
            if one.level == second or is_numbered_below:
                if one.level == second:
                    last = one.title
                if not _CONTENTS_HEADING.match(one.title):
                    yield _make_entry_outline(one, one.title, chapter)


def _are_entry_sections(headings: Sequence[Heading], level: int) -> bool:
    """Whether at least half of the headings of this level are sections of a problem: the heading above is the entry."""
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
    """The text without the rule before the next entry."""
    text = "\n".join(lines).strip()
    rest, _, last = text.rpartition("\n")
    return rest.strip() if last.strip() in ("---", "***", "___") else "" if text == "---" else text


def slugify(title: str) -> str:
    """The id of an entry without a number: the words of its title, joined."""
    return "-".join(re.findall(r"\w+", title.lower()))[:48] or "entry"


@lru_cache(maxsize=256)
def _cached_sections(text: str) -> tuple[EntrySection, ...]:
    return tuple(_split_sections(text))


def _split_sections(text: str) -> Iterator[EntrySection]:
    """Split an entry at its sub-headings and at bold labels such as `**원인**:`."""
    lines = text.splitlines()
    fences, headings = parse_structure(lines)
    heading_by_line = {heading.line: heading for heading in headings}
    fenced_lines = {index for fence in fences for index in range(fence.start, fence.stop)}
    brief = (SectionKind.FILES, SectionKind.COMMIT)
    kind, title, previous = SectionKind.OTHER, "", (SectionKind.OTHER, "")
    body: list[str] = []
    index = 0
    while index < len(lines):
        heading = heading_by_line.get(index)
        label = None if heading or index in fenced_lines else parse_label(lines[index])
        # Files and the commit are a few lines; a blank line returns to the section before them.
        is_brief_end = kind in brief and not lines[index].strip() and any(map(str.strip, body))
        if heading or label or (is_brief_end and (kind, title) != previous):
            if section_text := "\n".join(body).strip():
                yield EntrySection(kind=kind, title=title, text=section_text)
            body = []
            if heading:
                kind, title = previous = guess_section_kind(heading.title), heading.title
            elif label:
                kind, title, rest = label
                body = [rest] if rest else []
                if kind not in brief:
                    previous = (kind, title)
            else:
                kind, title = previous
        else:
            body.append(lines[index])
        index = heading.next_line if heading else index + 1
    if section_text := "\n".join(body).strip():
        yield EntrySection(kind=kind, title=title, text=section_text)
