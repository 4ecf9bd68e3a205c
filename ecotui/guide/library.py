"""All guide documents that are in force, with the overlay: what entry, in which language, with which corrections."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Literal

import msgspec

from config.model import Settings
from ecotui.guide.document import Document, Entry, fences, parse

LARGEST = 20_000_000
"""Bytes of one document that are read; a guide of people is a thousandth of that."""


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a tool words an error."""

    anchor: str
    match: str
    kind: Literal["error", "near", "warning", "progress"] = "error"
    """`error`; `near`, an error of the kind that the entry is about; `warning`; or `progress`."""


class Correction(msgspec.Struct, frozen=True):
    ko: str = ""
    en: str = ""


class Overlay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of one entry beyond its text."""

    findings: tuple[str, ...] = ()
    signatures: tuple[Signature, ...] = ()
    corrections: tuple[Correction, ...] = ()


class GuideError(Exception):
    """A guide document or overlay that cannot be read; the message says which and why."""


@dataclass(frozen=True)
class Library:
    """Documents in the order of preference; entries are found by id."""

    documents: tuple[Document, ...]
    overlays: Mapping[str, Overlay]
    language: str

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry once, in the preferred language where there are several."""
        seen: dict[str, Entry] = {}
        for document in self.documents:
            for entry in document.entries:
                seen.setdefault(entry.id, entry)
        return tuple(seen.values())

    def entry(self, ident: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.id == ident), None)

    def in_language(self, ident: str, language: str) -> Entry | None:
        """The entry in a given language, for switching by a key."""
        for document in self.documents:
            if document.language == language:
                for entry in document.entries:
                    if entry.id == ident:
                        return entry
        return None

    def corrections(self, ident: str, language: str = "") -> tuple[str, ...]:
        """Where the entry's text is wrong or short, in the given language."""
        overlay = self.overlays.get(ident)
        if overlay is None:
            return ()
        korean = (language or self.language) == "ko"
        return tuple((note.ko if korean else note.en) or note.en or note.ko for note in overlay.corrections)

    def for_finding(self, finding: str) -> tuple[str, ...]:
        """Entries that explain a finding, by its id or the beginning of it."""
        return tuple(
            ident
            for ident, overlay in self.overlays.items()
            if any(finding == known or finding.startswith(f"{known}.") for known in overlay.findings)
        )

    def search(self, words: str) -> tuple[Entry, ...]:
        """Entries that have every word, in any language, best first. Particles do not matter: parts of words match."""
        wanted = [fold(word) for word in words.split()]
        if not wanted:
            return self.entries
        scores: dict[str, float] = {}
        for document in self.documents:
            for entry in document.entries:
                title, text = fold(entry.title), fold(entry.text)
                if all(word in title or word in text or entry.id.startswith(word) for word in wanted):
                    score = sum(
                        10.0 * (entry.id == word) + 3.0 * (word in title) + min(text.count(word), 5) * 0.2
                        for word in wanted
                    )
                    scores[entry.id] = max(scores.get(entry.id, 0.0), score)
        found = (self.entry(ident) for ident in sorted(scores, key=lambda ident: -scores[ident]))
        return tuple(entry for entry in found if entry is not None)


def fold(text: str) -> str:
    """Text for comparing: composed, lower case. A word of Korean is found with any particle behind it."""
    return unicodedata.normalize("NFC", text).casefold()


def language_of(settings: Settings, env: Mapping[str, str]) -> str:
    """`ko` or `en`: the setting, else the locale (LC_ALL, LC_MESSAGES, LANG), else English."""
    if settings.guide.language in ("ko", "en"):
        return settings.guide.language
    locale = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    return "ko" if locale.startswith("ko") else "en"


def shipped(language: str) -> Library:
    """The Eco² guide that comes with ecotui."""
    folder = resources.files("config") / "guide"
    documents = []
    for name in ("eco2.ko.md", "eco2.en.md"):
        file = folder / name
        if file.is_file():
            documents.append(parse(file.read_bytes(), name))
    documents.sort(key=lambda document: document.language != language)
    return Library(tuple(documents), overlay((folder / "eco2.yaml").read_bytes(), "eco2.yaml"), language)


def overlay(source: bytes, name: str) -> dict[str, Overlay]:
    """Read an overlay; its patterns must compile. Raises GuideError."""
    import yaml

    try:
        entries = msgspec.convert(yaml.safe_load(source) or {}, type=dict[str, Overlay])
        for known in entries.values():
            for signature in known.signatures:
                re.compile(signature.match)
    except (yaml.YAMLError, msgspec.ValidationError, re.error) as error:
        raise GuideError(f"{name}: {' '.join(str(error).split())}") from error
    return entries


def open_library(settings: Settings, project: Path, env: Mapping[str, str]) -> Library:
    """The project's own documents where it names some, the Eco² guide otherwise. Raises GuideError."""
    language = language_of(settings, env)
    if not settings.guide.documents:
        return shipped(language)
    documents: list[Document] = []
    for given in settings.guide.documents:
        path = (project / given).expanduser()
        files = sorted(path.rglob("*.md")) if path.is_dir() else [path]
        for file in files:
            try:
                if file.stat().st_size > LARGEST:
                    raise GuideError(f"{file}: larger than {LARGEST // 1_000_000} MB")
                documents.append(parse(file.read_bytes(), file.name))
            except OSError as error:
                raise GuideError(f"{file}: {error.strerror}") from error
    overlays = {}
    if settings.guide.overlay:
        file = project / settings.guide.overlay
        try:
            overlays = overlay(file.read_bytes(), file.name)
        except OSError as error:
            raise GuideError(f"{file}: {error.strerror}") from error
    documents.sort(key=lambda document: document.language != language)
    derived = {
        entry.id: Overlay(signatures=derive(entry))
        for document in documents
        for entry in document.entries
        if entry.id not in overlays
    }
    return Library(tuple(documents), {**derived, **overlays}, language)


_CHANGING = re.compile(r"\([^)]*\)|\"[^\"]*\"|'[^']*'|`[^`]*`|<[^>]*>|\b(?:arn|i-|vpc-|sg-)\S*|\b\d[\w.:/-]*")
LEAST = 12
"""Letters of a fixed text below which a derived signature would match everything."""


def derive(entry: Entry) -> tuple[Signature, ...]:
    """Signatures from an entry's fenced error texts: what is fixed in them, with what changes left open."""
    signatures = []
    for body in entry.errors:
        for line in body.splitlines():
            words = " ".join(line.split()).removeprefix("Error:").removeprefix("Warning:").strip()
            pieces = [piece.strip() for piece in _CHANGING.split(words)]
            anchor = max(pieces, key=len, default="").strip(" :,.-")
            if len(anchor) < LEAST or (" " not in anchor and not re.search(r"[a-z][A-Z]", anchor)):
                continue
            pattern = r".{0,120}?".join(
                r"\s+".join(map(re.escape, piece.split())) for piece in pieces if piece
            )
            signatures.append(Signature(anchor=anchor, match=pattern))
    return tuple(signatures)


def code_of(entry: Entry) -> tuple[tuple[str, str], ...]:
    """All fenced blocks of an entry, as (language, body)."""
    return tuple(fences(entry.text))
