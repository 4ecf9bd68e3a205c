"""Reads a troubleshooting guide in Markdown as teams write it. Nothing in it is an error: the rest is text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from checks.sanitize import sanitize


class Part(StrEnum):
    """What a passage of an entry is about."""

    PROBLEM = "problem"
    CAUSE = "cause"
    CHECK = "check"
    FIX = "fix"
    OTHER = "other"


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """The text under one heading of an entry."""

    part: Part
    title: str
    text: str
    """Markdown, as written."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One numbered (or named) problem of the guide."""

    id: str
    title: str
    chapter: str
    line: int
    """Where its heading stands, from 1."""
    passages: tuple[Passage, ...]
    text: str
    """The whole entry, without its heading."""

    @property
    def errors(self) -> tuple[str, ...]:
        """The fenced error texts of its problem passages."""
        return tuple(
            body
            for passage in self.passages
            if passage.part is Part.PROBLEM
            for _, body in fences(passage.text)
        )


class Document(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    language: str
    title: str
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()
    """What could not be used, and why: duplicate numbers, an unclosed fence."""


_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*\s*$")
_NUMBER = re.compile(r"^(\d+(?:\.\d+)*)\.?\s+(.*)$")
_FENCE = re.compile(r"^\s{0,3}(`{3,}|~{3,})\s*([\w+-]*)")
_PARTS = (
    (Part.PROBLEM, re.compile(r"문제|현상|증상|problem|symptom|error|what happens|observed", re.I)),
    (Part.CAUSE, re.compile(r"원인|cause|reason|why", re.I)),
    (Part.CHECK, re.compile(r"확인|check|verify|diagnos", re.I)),
    (Part.FIX, re.compile(r"해결|조치|fix|solution|resol|method|remedy|workaround", re.I)),
)
_CONTENTS = re.compile(r"^\W*(목차|차례|(table of )?contents|toc)\W*$", re.I)
_HANGUL = re.compile("[\uac00-\ud7a3]")


def fences(text: str) -> Iterator[tuple[str, str]]:
    """The fenced blocks of a text as (language, body). An unclosed fence ends with the text."""
    language, mark = "", ""
    body: list[str] = []
    for line in text.splitlines():
        opened = _FENCE.match(line)
        if mark:
            if opened and opened[1].startswith(mark) and not opened[2]:
                yield language, "\n".join(body)
                mark = ""
            else:
                body.append(line)
        elif opened:
            mark, language, body = opened[1][:3], opened[2], []
    if mark:
        yield language, "\n".join(body)


def part_of(title: str) -> Part:
    """What a heading announces, by the words that teams use for it in Korean and English."""
    return next((part for part, words in _PARTS if words.search(title)), Part.OTHER)


def parse(source: str | bytes, name: str) -> Document:
    """Read a guide. Chapters are second-level headings, entries third-level ones; a chapter without any is an entry."""
    text = sanitize(source).replace("\t", "    ")
    lines = text.splitlines()
    title, notes = name, []
    chapter = ""
    found: list[tuple[str, str, str, int, list[str]]] = []
    """(id, title, chapter, line, body)"""
    inside_fence, opened = "", 0
    for number, line in enumerate(lines, start=1):
        if fence := _FENCE.match(line):
            if not inside_fence:
                inside_fence, opened = fence[1][:3], number
            elif fence[1].startswith(inside_fence) and not fence[2]:
                inside_fence = ""
        heading = None if inside_fence or fence else _HEADING.match(line)
        level = len(heading[1]) if heading else 0
        if heading and level == 1 and title == name:
            title = heading[2]
        elif heading and level in (2, 3):
            numbered = _NUMBER.match(heading[2])
            ident = numbered[1] if numbered else slug(heading[2])
            words = numbered[2] if numbered else heading[2]
            if level == 2:
                chapter = heading[2]
            found.append((ident, words, chapter, number, []))
        elif found:
            found[-1][4].append(line)
    if inside_fence:
        notes.append(
            f"line {opened}: a fenced block is never closed; the rest of the document was read as part of it"
        )
    entries: list[Entry] = []
    seen: set[str] = set()
    for ident, words, in_chapter, number, body in found:
        whole = "\n".join(body).strip().removesuffix("---").strip()
        if not whole or _CONTENTS.match(words):
            continue
        unique, count = ident, 2
        while unique in seen:
            unique, count = f"{ident}-{count}", count + 1
        if unique != ident:
            notes.append(f"line {number}: {ident} is used twice; the second one is {unique}")
        seen.add(unique)
        entries.append(
            Entry(
                id=unique,
                title=words,
                chapter=in_chapter,
                line=number,
                passages=tuple(_passages(whole)),
                text=whole,
            )
        )
    language = "ko" if len(_HANGUL.findall(text)) > len(text) * 0.02 else "en"
    return Document(name=name, language=language, title=title, entries=tuple(entries), notes=tuple(notes))


def slug(title: str) -> str:
    """An id for an entry without a number: its words, joined."""
    return "-".join(re.findall(r"\w+", title.lower()))[:48] or "entry"


_BOLD_LABEL = re.compile(r"^\*\*([^*]{1,40})\*\*\s*:?\s*(.*)$")


def _passages(text: str) -> Iterator[Passage]:
    """Split an entry at its sub-headings and at bold labels such as `**원인**:`."""
    part, title = Part.OTHER, ""
    body: list[str] = []
    inside = ""
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if fence:
            if not inside:
                inside = fence[1][:3]
            elif fence[1].startswith(inside) and not fence[2]:
                inside = ""
        heading = None if inside or fence else _HEADING.match(line)
        label = None if inside or fence or heading else _BOLD_LABEL.match(line)
        if heading or (label and part_of(label[1]) in (Part.CAUSE, Part.CHECK)):
            if "\n".join(body).strip():
                yield Passage(part=part, title=title, text="\n".join(body).strip())
            title = heading[2] if heading else label[1]  # type: ignore[index]
            part = part_of(title)
            body = [label[2]] if label and label[2] else []
        else:
            body.append(line)
    if "\n".join(body).strip():
        yield Passage(part=part, title=title, text="\n".join(body).strip())
