"""All guides that are in force, each in its languages and with its overlay: one list of entries, each with its own id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path

import msgspec

from checks.finding import Finding, State
from config.model import SHIPPED_GUIDE, Settings
from ecotui.guide.reading.derived_signatures import derive
from ecotui.guide.reading.document import Document, Entry, fences, parse
from ecotui.guide.reading.overlay import GuideError, Overlay, Signature, laid_over, read_overlay

__all__ = ["GuideError", "Library", "Overlay", "Signature", "derive", "open_library", "shipped"]

LARGEST = 64_000_000
"""Bytes of one document that are read; a guide of people is a thousandth of that."""
BESIDE = ".guide.yaml"
"""Ending of the overlay beside a document: `runbook.guide.yaml` for `runbook.md` and `runbook.ko.md`."""
_LANGUAGE = re.compile(r"[._-](ko|kr|en)$", re.I)


@dataclass(frozen=True)
class Library:
    """Guides in the order in which the settings name them; of each, the preferred language first."""

    documents: tuple[Document, ...]
    known: Mapping[str, Overlay]
    """What overlays say of entries, by entry id."""
    language: str
    cites: str = SHIPPED_GUIDE
    """The guide whose numbers the findings of the steps name; empty where it is not in force."""
    strays: tuple[tuple[str, str], ...] = field(default=())
    """(overlay, number): what an overlay says of entries that there are none of."""

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry once, in the preferred language where there are several."""
        return tuple(self._by_id.values())

    @cached_property
    def overlays(self) -> Mapping[str, Overlay]:
        """What is known, and the signatures that are derived where a team's own entry has none; in the entries' order."""
        found = {}
        for entry in self.entries:
            had = self.known.get(entry.id, Overlay())
            if entry.guide not in ("", SHIPPED_GUIDE) and not had.signatures:
                had = msgspec.structs.replace(had, signatures=derive(entry))
            if had != Overlay():
                found[entry.id] = had
        return found

    @cached_property
    def guides(self) -> tuple[Document, ...]:
        """Every guide once, in the preferred language where there are several."""
        return tuple({document.guide: document for document in reversed(self.documents)}.values())[::-1]

    @cached_property
    def _by_id(self) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        for document in self.documents:
            for entry in document.entries:
                found.setdefault(entry.id, entry)
        return found

    @cached_property
    def _by_language(self) -> dict[tuple[str, str], Entry]:
        return {
            (entry.id, document.language): entry
            for document in reversed(self.documents)
            for entry in document.entries
        }

    def entry(self, ident: str) -> Entry | None:
        """By its id, or by guide and number: `runbook:1.1` is understood also where 1.1 alone would do."""
        if found := self._by_id.get(ident):
            return found
        guide, colon, number = ident.rpartition(":")
        return self._by_id.get(self._numbers.get((guide, number), "")) if colon else None

    def logged(self, ident: str) -> str:
        """What a session's log calls an entry: the same in every project, whatever else is in force there."""
        entry = self._by_id.get(ident)
        if entry is None:
            return ident
        return entry.number if entry.guide in ("", SHIPPED_GUIDE) else f"{entry.guide}:{entry.number}"

    def of_log(self, name: str) -> str:
        """The id of an entry that a log names; empty where no guide in force has it."""
        guide, _, number = name.rpartition(":")
        return self._numbers.get((guide or SHIPPED_GUIDE, number)) or (
            self._numbers.get(("", number), "") if not guide else ""
        )

    @cached_property
    def _numbers(self) -> dict[tuple[str, str], str]:
        return {(entry.guide, entry.number): entry.id for entry in self.entries}

    def in_language(self, ident: str, language: str) -> Entry | None:
        """The entry in a given language, for switching by a key."""
        return self._by_language.get((ident, language))

    def corrections(self, ident: str, language: str = "") -> tuple[str, ...]:
        """Where the entry's text is wrong or short, in the given language."""
        overlay = self.known.get(ident)
        return tuple(
            note.said(language or self.language) for note in (overlay.corrections if overlay else ())
        )

    def for_finding(self, finding: str) -> tuple[str, ...]:
        """Entries whose overlay names a finding, by its id or the beginning of it."""
        return tuple(
            ident
            for ident, overlay in self.known.items()
            if any(finding == known or finding.startswith(f"{known}.") for known in overlay.findings)
        )

    def explains(self, finding: Finding) -> tuple[str, ...]:
        """The entries that explain a finding: those that a team's own overlay names first, then those that the step names."""
        if finding.state is State.OK:
            return ()
        own = [
            ident
            for ident in self.for_finding(finding.id)
            if finding.state is not State.SKIPPED and self._by_id[ident].guide != self.cites
        ]
        named = [self._numbers.get((self.cites, number), "") for number in finding.guide]
        return tuple(dict.fromkeys(ident for ident in (*own, *named) if ident))

    @cached_property
    def response(self) -> str:
        """The entry with the order of response; empty where no guide has one."""
        return next((ident for ident, known in self.known.items() if known.response), "")


def language_of(settings: Settings, env: Mapping[str, str]) -> str:
    """`ko` or `en`: the setting, else the locale (LC_ALL, LC_MESSAGES, LANG), else English."""
    if settings.guide.language in ("ko", "en"):
        return settings.guide.language
    locale = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    return "ko" if locale.startswith("ko") else "en"


@dataclass(frozen=True)
class _Guide:
    """One guide in its languages; its overlay speaks of its own numbers."""

    name: str
    documents: tuple[Document, ...]
    overlay: Mapping[str, Overlay]
    source: str = ""
    """The file of the overlay."""


def shipped(language: str) -> Library:
    """The Eco² guide that comes with ecotui."""
    return _library([_shipped()], {}, language)


@lru_cache(maxsize=1)
def _shipped() -> _Guide:
    folder = resources.files("config") / "guide"
    documents = tuple(
        parse((folder / name).read_bytes(), name)
        for name in (f"{SHIPPED_GUIDE}.ko.md", f"{SHIPPED_GUIDE}.en.md")
    )
    return _Guide(SHIPPED_GUIDE, documents, _shipped_overlay(), f"{SHIPPED_GUIDE}.yaml")


def _shipped_overlay() -> dict[str, Overlay]:
    name = f"{SHIPPED_GUIDE}.yaml"
    return read_overlay((resources.files("config") / "guide" / name).read_bytes(), name)


def open_library(settings: Settings, project: Path, env: Mapping[str, str]) -> Library:
    """The guides that the settings name; the Eco² guide where they name none. Raises GuideError."""
    own = settings.guide
    guides: list[_Guide] = []
    for given in own.documents or (SHIPPED_GUIDE,):
        if given == SHIPPED_GUIDE:
            guides.append(_shipped())
        else:
            guides += _read(given, project, [guide.name for guide in guides])
    above: Mapping[str, Overlay] = {}
    if own.overlay:
        above = (
            _shipped_overlay()
            if own.overlay == SHIPPED_GUIDE
            else read_overlay(_bytes(project / own.overlay), Path(own.overlay).name)
        )
    return _library(guides, above, language_of(settings, env), own.overlay)


def _read(given: str, project: Path, taken: Iterable[str]) -> list[_Guide]:
    """The guides in a file or folder; files that differ in `.ko` and `.en` only are one guide in two languages."""
    path = (project / given).expanduser()
    files = sorted(path.rglob("*.md")) if path.is_dir() else [path]
    together: dict[Path, list[Path]] = {}
    for file in files:
        together.setdefault(file.with_name(_LANGUAGE.sub("", file.stem)), []).append(file)
    names = {SHIPPED_GUIDE, *taken}
    guides = []
    for base, versions in together.items():
        name, count = base.name, 2
        if name in names:
            name = f"{base.parent.name}/{base.name}"
        while name in names:
            name, count = f"{base.name}-{count}", count + 1
        names.add(name)
        documents = []
        for file in versions:
            shown = str(file.relative_to(project)) if file.is_relative_to(project) else file.name
            document = msgspec.structs.replace(_document(file), name=shown)
            if suffix := _LANGUAGE.search(file.stem):
                document = msgspec.structs.replace(
                    document, language="en" if suffix[1].lower() == "en" else "ko"
                )
            documents.append(document)
        beside = base.with_name(base.name + BESIDE)
        overlay = read_overlay(_bytes(beside), beside.name) if beside.is_file() else {}
        guides.append(_Guide(name, tuple(documents), overlay, beside.name))
    return guides


def _document(file: Path) -> Document:
    try:
        known = file.stat()
        if known.st_size > LARGEST:
            raise GuideError(f"{file}: larger than {LARGEST // 1_000_000} MB")
        return _parsed(file, known.st_mtime_ns, known.st_size)
    except OSError as error:
        raise GuideError(f"{file}: {error.strerror}") from error


@lru_cache(maxsize=16)
def _parsed(file: Path, changed: int, size: int) -> Document:
    """A document that did not change is read once: a guide of 20 MB takes a second."""
    return parse(file.read_bytes(), file.name)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise GuideError(f"{file}: {error.strerror}") from error


def _library(
    guides: Iterable[_Guide], above: Mapping[str, Overlay], language: str, source: str = ""
) -> Library:
    """Guides as one list. A number that an earlier guide has is told apart by the guide's name."""
    documents: list[Document] = []
    overlays: dict[str, Overlay] = {}
    strays: list[tuple[str, str]] = []
    taken: set[str] = set()
    cites = ""
    for guide in guides:
        numbers = dict.fromkeys(entry.number for document in guide.documents for entry in document.entries)
        ids = {number: f"{guide.name}:{number}" if number in taken else number for number in numbers}
        taken |= set(ids.values())
        for document in sorted(guide.documents, key=lambda one: one.language != language):
            entries = tuple(
                msgspec.structs.replace(entry, id=ids[entry.number], guide=guide.name)
                for entry in document.entries
            )
            documents.append(msgspec.structs.replace(document, entries=entries, guide=guide.name))
        strays += [(guide.source, number) for number in guide.overlay if number not in ids]
        overlays |= {ids[number]: known for number, known in guide.overlay.items() if number in ids}
        if guide.name == SHIPPED_GUIDE or (source == SHIPPED_GUIDE and not cites):
            cites = guide.name
    known = {}
    bare = Library(tuple(documents), {}, language) if above else None
    for given, overlay in above.items():
        if bare and (entry := bare.entry(given)):
            known[entry.id] = overlay
        elif source != SHIPPED_GUIDE:
            strays.append((source, given))
    overlays = laid_over(overlays, known)
    return Library(tuple(documents), overlays, language, cites, tuple(strays))


def code_of(entry: Entry) -> tuple[tuple[str, str], ...]:
    """All fenced blocks of an entry, as (language, body)."""
    return tuple(fences(entry.text))
