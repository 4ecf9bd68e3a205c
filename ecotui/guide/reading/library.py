"""The library: all guides that the settings name, with their overlays, as one list of entries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path

import msgspec

from checks.finding import CheckState, Finding
from config.model import SHIPPED_GUIDE, Settings
from ecotui.guide.reading.derived_signatures import derive_signatures
from ecotui.guide.reading.document import Document, Entry, parse_guide
from ecotui.guide.reading.overlay import GuideError, Overlay, Signature, merge_overlays, read_overlay

__all__ = [
    "GuideError",
    "GuideLibrary",
    "Overlay",
    "Signature",
    "derive_signatures",
    "load_shipped_library",
    "open_library",
]

MAX_DOCUMENT_BYTES = 64_000_000
"""Bytes of the largest document that is read. A guide written by people is a thousandth of that."""
OVERLAY_SUFFIX = ".guide.yaml"
"""Ending of the overlay beside a document: `runbook.guide.yaml` for `runbook.md` and `runbook.ko.md`."""
_LANGUAGE_SUFFIX = re.compile(r"[._-](ko|kr|en)$", re.I)


@dataclass(frozen=True)
class GuideLibrary:
    """Guides in the order of the settings; of each, the preferred language first."""

    documents: tuple[Document, ...]
    file_overlays: Mapping[str, Overlay]
    """The overlays as their files have them, by entry id."""
    language: str
    cited_guide: str = SHIPPED_GUIDE
    """The guide whose numbers the findings of the steps cite; empty if the settings do not name it."""
    unmatched_overlays: tuple[tuple[str, str], ...] = field(default=())
    """(overlay, number) of entries that do not exist."""

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry once, in the preferred language if there are several."""
        return tuple(self._entries_by_id.values())

    @cached_property
    def overlays(self) -> Mapping[str, Overlay]:
        """The overlays with signatures derived for a team's entries without any; in the order of the entries."""
        overlays = {}
        for entry in self.entries:
            overlay = self.file_overlays.get(entry.id, Overlay())
            if entry.guide not in ("", SHIPPED_GUIDE) and not overlay.signatures:
                overlay = msgspec.structs.replace(overlay, signatures=derive_signatures(entry))
            if overlay != Overlay():
                overlays[entry.id] = overlay
        return overlays

    @cached_property
    def guides(self) -> tuple[Document, ...]:
        """Every guide once, in the preferred language if there are several."""
        return tuple({document.guide: document for document in reversed(self.documents)}.values())[::-1]

    @cached_property
    def _entries_by_id(self) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        for document in self.documents:
            for entry in document.entries:
                entries.setdefault(entry.id, entry)
        return entries

    @cached_property
    def _entries_by_language(self) -> dict[tuple[str, str], Entry]:
        return {
            (entry.id, document.language): entry for document in reversed(self.documents) for entry in document.entries
        }

    def find_entry(self, ident: str) -> Entry | None:
        """By its id, or by guide and number: `runbook:1.1` also finds an entry whose id is 1.1."""
        if entry := self._entries_by_id.get(ident):
            return entry
        guide, colon, number = ident.rpartition(":")
        return self._entries_by_id.get(self._ids_by_number.get((guide, number), "")) if colon else None

    def log_name(self, ident: str) -> str:
        """The name of an entry in a session's log: the same in every project, whatever other guides it has."""
        entry = self._entries_by_id.get(ident)
        if entry is None:
            return ident
        return entry.number if entry.guide in ("", SHIPPED_GUIDE) else f"{entry.guide}:{entry.number}"

    def id_from_log_name(self, name: str) -> str:
        """The id of the entry that a log names; empty if no guide has it."""
        guide, _, number = name.rpartition(":")
        return self._ids_by_number.get((guide or SHIPPED_GUIDE, number)) or (
            self._ids_by_number.get(("", number), "") if not guide else ""
        )

    @cached_property
    def _ids_by_number(self) -> dict[tuple[str, str], str]:
        return {(entry.guide, entry.number): entry.id for entry in self.entries}

    def entry_in_language(self, ident: str, language: str) -> Entry | None:
        """The entry in a given language, if the guide has it."""
        return self._entries_by_language.get((ident, language))

    def corrections_for(self, ident: str, language: str = "") -> tuple[str, ...]:
        """The corrections of an entry, in the given language."""
        overlay = self.file_overlays.get(ident)
        return tuple(note.text_in(language or self.language) for note in (overlay.corrections if overlay else ()))

    def entries_naming(self, finding: str) -> tuple[str, ...]:
        """Entries whose overlay names a finding, by its id or the beginning of the id."""
        return tuple(
            ident
            for ident, overlay in self.file_overlays.items()
            if any(finding == name or finding.startswith(f"{name}.") for name in overlay.findings)
        )

    def entries_explaining(self, finding: Finding) -> tuple[str, ...]:
        """The entries that explain a finding: first those of a team's own overlay, then those that the step cites."""
        if finding.state is CheckState.OK:
            return ()
        own = [
            ident
            for ident in self.entries_naming(finding.id)
            if finding.state is not CheckState.SKIPPED and self._entries_by_id[ident].guide != self.cited_guide
        ]
        cited = [self._ids_by_number.get((self.cited_guide, number), "") for number in finding.guide]
        return tuple(dict.fromkeys(ident for ident in (*own, *cited) if ident))

    @cached_property
    def response_entry(self) -> str:
        """The entry with the order of response; empty if no guide has one."""
        return next((ident for ident, overlay in self.file_overlays.items() if overlay.response), "")


def guide_language(settings: Settings, env: Mapping[str, str]) -> str:
    """`ko` or `en`: the setting, else the locale (LC_ALL, LC_MESSAGES, LANG), else English."""
    if settings.guide.language in ("ko", "en"):
        return settings.guide.language
    locale = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    return "ko" if locale.startswith("ko") else "en"


@dataclass(frozen=True)
class _Guide:
    """One guide in its languages. Its overlay uses its own numbers."""

    name: str
    documents: tuple[Document, ...]
    overlay: Mapping[str, Overlay]
    source: str = ""
    """The file of its overlay."""


def load_shipped_library(language: str) -> GuideLibrary:
    """The library with only the Eco² guide that comes with ecotui."""
    return _build_library([_load_shipped_guide()], {}, language)


@lru_cache(maxsize=1)
def _load_shipped_guide() -> _Guide:
    folder = resources.files("config") / "guide"
    documents = tuple(
        parse_guide((folder / name).read_bytes(), name) for name in (f"{SHIPPED_GUIDE}.ko.md", f"{SHIPPED_GUIDE}.en.md")
    )
    return _Guide(SHIPPED_GUIDE, documents, _read_shipped_overlay(), f"{SHIPPED_GUIDE}.yaml")


def _read_shipped_overlay() -> dict[str, Overlay]:
    name = f"{SHIPPED_GUIDE}.yaml"
    return read_overlay((resources.files("config") / "guide" / name).read_bytes(), name)


def open_library(settings: Settings, project: Path, env: Mapping[str, str]) -> GuideLibrary:
    """The library that the settings name; with the Eco² guide if they name none. Raises GuideError."""
    guides: list[_Guide] = []
    for name in settings.guide.documents or (SHIPPED_GUIDE,):
        if name == SHIPPED_GUIDE:
            guides.append(_load_shipped_guide())
        else:
            guides += _read_guides(name, project, [guide.name for guide in guides])
    source = settings.guide.overlay
    overlays: Mapping[str, Overlay] = {}
    if source == SHIPPED_GUIDE:
        overlays = _read_shipped_overlay()
    elif source:
        overlays = read_overlay(_read_bytes(project / source), Path(source).name)
    return _build_library(guides, overlays, guide_language(settings, env), source)


def _read_guides(document_path: str, project: Path, used_names: Iterable[str]) -> list[_Guide]:
    """The guides in a file or folder. Files that differ only in `.ko` and `.en` are one guide in two languages."""
    path = (project / document_path).expanduser()
    files = sorted(path.rglob("*.md")) if path.is_dir() else [path]
    versions_by_base: dict[Path, list[Path]] = {}
    for file in files:
        versions_by_base.setdefault(file.with_name(_LANGUAGE_SUFFIX.sub("", file.stem)), []).append(file)
    names = {SHIPPED_GUIDE, *used_names}
    guides = []
    for base, versions in versions_by_base.items():
        name, count = base.name, 2
        if name in names:
            name = f"{base.parent.name}/{base.name}"
        while name in names:
            name, count = f"{base.name}-{count}", count + 1
        names.add(name)
        documents = []
        for file in versions:
            file_name = str(file.relative_to(project)) if file.is_relative_to(project) else file.name
            document = msgspec.structs.replace(_read_document(file), name=file_name)
            if suffix := _LANGUAGE_SUFFIX.search(file.stem):
                document = msgspec.structs.replace(document, language="en" if suffix[1].lower() == "en" else "ko")
            documents.append(document)
        overlay_file = base.with_name(base.name + OVERLAY_SUFFIX)
        overlay = read_overlay(_read_bytes(overlay_file), overlay_file.name) if overlay_file.is_file() else {}
        guides.append(_Guide(name, tuple(documents), overlay, overlay_file.name))
    return guides


def _read_document(file: Path) -> Document:
    try:
        status = file.stat()
        if status.st_size > MAX_DOCUMENT_BYTES:
            raise GuideError(f"{file}: larger than {MAX_DOCUMENT_BYTES // 1_000_000} MB")
        return _parse_cached(file, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise GuideError(f"{file}: {error.strerror}") from error


@lru_cache(maxsize=16)
def _parse_cached(file: Path, modified_ns: int, size: int) -> Document:
    """Caches a document until its file changes: a guide of 20 MB takes a second."""
    return parse_guide(file.read_bytes(), file.name)


def _read_bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise GuideError(f"{file}: {error.strerror}") from error


def _build_library(
    guides: Iterable[_Guide], team_overlays: Mapping[str, Overlay], language: str, source: str = ""
) -> GuideLibrary:
    """Guides as one list. A number that an earlier guide has gets the name of its guide."""
    documents: list[Document] = []
    overlays: dict[str, Overlay] = {}
    unmatched: list[tuple[str, str]] = []
    ids_in_use: set[str] = set()
    cited_guide = ""
    for guide in guides:
        numbers = dict.fromkeys(entry.number for document in guide.documents for entry in document.entries)
        ids = {number: f"{guide.name}:{number}" if number in ids_in_use else number for number in numbers}
        ids_in_use |= set(ids.values())
        for document in sorted(guide.documents, key=lambda one: one.language != language):
            entries = tuple(
                msgspec.structs.replace(entry, id=ids[entry.number], guide=guide.name) for entry in document.entries
            )
            documents.append(msgspec.structs.replace(document, entries=entries, guide=guide.name))
        unmatched += [(guide.source, number) for number in guide.overlay if number not in ids]
        overlays |= {ids[number]: overlay for number, overlay in guide.overlay.items() if number in ids}
        if guide.name == SHIPPED_GUIDE or (source == SHIPPED_GUIDE and not cited_guide):
            cited_guide = guide.name
    team_overlays_by_id = {}
    library = GuideLibrary(tuple(documents), {}, language)
    for name, overlay in team_overlays.items():
        if entry := library.find_entry(name):
            team_overlays_by_id[entry.id] = overlay
        elif source != SHIPPED_GUIDE:
            unmatched.append((source, name))
    overlays = merge_overlays(overlays, team_overlays_by_id)
    return GuideLibrary(tuple(documents), overlays, language, cited_guide, tuple(unmatched))
