"""All guides that are in force, each in its languages and with its overlay: one list of entries, each with its own id."""

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
from ecotui.guide.reading.document import Document, Entry, fenced_blocks, parse_guide
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
"""Bytes of one document that are read; a guide of people is a thousandth of that."""
OVERLAY_SUFFIX = ".guide.yaml"
"""Ending of the overlay beside a document: `runbook.guide.yaml` for `runbook.md` and `runbook.ko.md`."""
_LANGUAGE_SUFFIX = re.compile(r"[._-](ko|kr|en)$", re.I)


@dataclass(frozen=True)
class GuideLibrary:
    """Guides in the order in which the settings name them; of each, the preferred language first."""

    documents: tuple[Document, ...]
    file_overlays: Mapping[str, Overlay]
    """What overlays say of entries, by entry id."""
    language: str
    cited_guide: str = SHIPPED_GUIDE
    """The guide whose numbers the findings of the steps name; empty where it is not in force."""
    unmatched_overlays: tuple[tuple[str, str], ...] = field(default=())
    """(overlay, number): what an overlay says of entries that there are none of."""

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry once, in the preferred language where there are several."""
        return tuple(self._entries_by_id.values())

    @cached_property
    def overlays(self) -> Mapping[str, Overlay]:
        """What is known, and the signatures that are derived where a team's own entry has none; in the entries' order."""
        found = {}
        for entry in self.entries:
            had = self.file_overlays.get(entry.id, Overlay())
            if entry.guide not in ("", SHIPPED_GUIDE) and not had.signatures:
                had = msgspec.structs.replace(had, signatures=derive_signatures(entry))
            if had != Overlay():
                found[entry.id] = had
        return found

    @cached_property
    def guides(self) -> tuple[Document, ...]:
        """Every guide once, in the preferred language where there are several."""
        return tuple({document.guide: document for document in reversed(self.documents)}.values())[::-1]

    @cached_property
    def _entries_by_id(self) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        for document in self.documents:
            for entry in document.entries:
                found.setdefault(entry.id, entry)
        return found

    @cached_property
    def _entries_by_language(self) -> dict[tuple[str, str], Entry]:
        return {
            (entry.id, document.language): entry for document in reversed(self.documents) for entry in document.entries
        }

    def find_entry(self, ident: str) -> Entry | None:
        """By its id, or by guide and number: `runbook:1.1` is understood also where 1.1 alone would do."""
        if found := self._entries_by_id.get(ident):
            return found
        guide, colon, number = ident.rpartition(":")
        return self._entries_by_id.get(self._ids_by_number.get((guide, number), "")) if colon else None

    def log_name(self, ident: str) -> str:
        """What a session's log calls an entry: the same in every project, whatever else is in force there."""
        entry = self._entries_by_id.get(ident)
        if entry is None:
            return ident
        return entry.number if entry.guide in ("", SHIPPED_GUIDE) else f"{entry.guide}:{entry.number}"

    def id_from_log_name(self, name: str) -> str:
        """The id of an entry that a log names; empty where no guide in force has it."""
        guide, _, number = name.rpartition(":")
        return self._ids_by_number.get((guide or SHIPPED_GUIDE, number)) or (
            self._ids_by_number.get(("", number), "") if not guide else ""
        )

    @cached_property
    def _ids_by_number(self) -> dict[tuple[str, str], str]:
        return {(entry.guide, entry.number): entry.id for entry in self.entries}

    def entry_in_language(self, ident: str, language: str) -> Entry | None:
        """The entry in a given language, for switching by a key."""
        return self._entries_by_language.get((ident, language))

    def corrections_for(self, ident: str, language: str = "") -> tuple[str, ...]:
        """Where the entry's text is wrong or short, in the given language."""
        overlay = self.file_overlays.get(ident)
        return tuple(note.text_in(language or self.language) for note in (overlay.corrections if overlay else ()))

    def entries_naming(self, finding: str) -> tuple[str, ...]:
        """Entries whose overlay names a finding, by its id or the beginning of it."""
        return tuple(
            ident
            for ident, overlay in self.file_overlays.items()
            if any(finding == known or finding.startswith(f"{known}.") for known in overlay.findings)
        )

    def entries_explaining(self, finding: Finding) -> tuple[str, ...]:
        """The entries that explain a finding: those that a team's own overlay names first, then those that the step names."""
        if finding.state is CheckState.OK:
            return ()
        own = [
            ident
            for ident in self.entries_naming(finding.id)
            if finding.state is not CheckState.SKIPPED and self._entries_by_id[ident].guide != self.cited_guide
        ]
        named = [self._ids_by_number.get((self.cited_guide, number), "") for number in finding.guide]
        return tuple(dict.fromkeys(ident for ident in (*own, *named) if ident))

    @cached_property
    def response_entry(self) -> str:
        """The entry with the order of response; empty where no guide has one."""
        return next((ident for ident, known in self.file_overlays.items() if known.response), "")


def guide_language(settings: Settings, env: Mapping[str, str]) -> str:
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


def load_shipped_library(language: str) -> GuideLibrary:
    """The Eco² guide that comes with ecotui."""
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
    """The guides that the settings name; the Eco² guide where they name none. Raises GuideError."""
    own = settings.guide
    guides: list[_Guide] = []
    for given in own.documents or (SHIPPED_GUIDE,):
        if given == SHIPPED_GUIDE:
            guides.append(_load_shipped_guide())
        else:
            guides += _read_guides(given, project, [guide.name for guide in guides])
    above: Mapping[str, Overlay] = {}
    if own.overlay:
        above = (
            _read_shipped_overlay()
            if own.overlay == SHIPPED_GUIDE
            else read_overlay(_read_bytes(project / own.overlay), Path(own.overlay).name)
        )
    return _build_library(guides, above, guide_language(settings, env), own.overlay)


def _read_guides(document_path: str, project: Path, used_names: Iterable[str]) -> list[_Guide]:
    """The guides in a file or folder; files that differ in `.ko` and `.en` only are one guide in two languages."""
    path = (project / document_path).expanduser()
    files = sorted(path.rglob("*.md")) if path.is_dir() else [path]
    together: dict[Path, list[Path]] = {}
    for file in files:
        together.setdefault(file.with_name(_LANGUAGE_SUFFIX.sub("", file.stem)), []).append(file)
    names = {SHIPPED_GUIDE, *used_names}
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
            document = msgspec.structs.replace(_read_document(file), name=shown)
            if suffix := _LANGUAGE_SUFFIX.search(file.stem):
                document = msgspec.structs.replace(document, language="en" if suffix[1].lower() == "en" else "ko")
            documents.append(document)
        beside = base.with_name(base.name + OVERLAY_SUFFIX)
        overlay = read_overlay(_read_bytes(beside), beside.name) if beside.is_file() else {}
        guides.append(_Guide(name, tuple(documents), overlay, beside.name))
    return guides


def _read_document(file: Path) -> Document:
    try:
        known = file.stat()
        if known.st_size > MAX_DOCUMENT_BYTES:
            raise GuideError(f"{file}: larger than {MAX_DOCUMENT_BYTES // 1_000_000} MB")
        return _parse_cached(file, known.st_mtime_ns, known.st_size)
    except OSError as error:
        raise GuideError(f"{file}: {error.strerror}") from error


@lru_cache(maxsize=16)
def _parse_cached(file: Path, modified_ns: int, size: int) -> Document:
    """A document that did not change is read once: a guide of 20 MB takes a second."""
    return parse_guide(file.read_bytes(), file.name)


def _read_bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise GuideError(f"{file}: {error.strerror}") from error


def _build_library(
    guides: Iterable[_Guide], team_overlays: Mapping[str, Overlay], language: str, source: str = ""
) -> GuideLibrary:
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
                msgspec.structs.replace(entry, id=ids[entry.number], guide=guide.name) for entry in document.entries
            )
            documents.append(msgspec.structs.replace(document, entries=entries, guide=guide.name))
        strays += [(guide.source, number) for number in guide.overlay if number not in ids]
        overlays |= {ids[number]: known for number, known in guide.overlay.items() if number in ids}
        if guide.name == SHIPPED_GUIDE or (source == SHIPPED_GUIDE and not cites):
            cites = guide.name
    known = {}
    bare = GuideLibrary(tuple(documents), {}, language) if team_overlays else None
    for given, overlay in team_overlays.items():
        if bare and (entry := bare.find_entry(given)):
            known[entry.id] = overlay
        elif source != SHIPPED_GUIDE:
            strays.append((source, given))
    overlays = merge_overlays(overlays, known)
    return GuideLibrary(tuple(documents), overlays, language, cites, tuple(strays))


def code_blocks(entry: Entry) -> tuple[tuple[str, str], ...]:
    """All fenced blocks of an entry, as (language, body)."""
    return tuple(fenced_blocks(entry.text))
