"""Overlays: the signatures, findings and corrections of a guide's entries, by the entry's number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec


class GuideError(Exception):
    """A guide document or overlay cannot be read. The message says which and why."""


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words of an error. `match` is searched with `regex`, in text that contains `anchor`."""

    anchor: str
    match: str
    kind: Literal["error", "near", "warning", "progress", "text"] = "error"
    """`error`; `near`, an error of the kind that the entry is about; `warning`; `progress`; or `text`, words of the entry
    itself."""


class Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A correction of an entry, in one or both languages."""

    ko: str = ""
    en: str = ""
    verified: str = ""
    """The proof: documentation with its address, data, a test."""

    def text_in(self, language: str) -> str:
        return (self.ko if language == "ko" else self.en) or self.en or self.ko


class Overlay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an overlay adds to one entry."""

    findings: tuple[str, ...] = ()
    """Ids of findings that it explains, or their beginnings up to a dot."""
    rules_out: tuple[str, ...] = ()
    """Ids of findings that prove the cause absent when they are well or skipped."""
    signatures: tuple[Signature, ...] = ()
    corrections: tuple[Correction, ...] = ()
    response: bool = False
    """Whether it is the order of response, for errors that no entry explains."""

    def merge_with(self, other: Overlay | None) -> Overlay:
        """This overlay and another one. Nothing is removed."""
        if other is None:
            return self
        return Overlay(
            findings=(*self.findings, *other.findings),
            rules_out=(*self.rules_out, *other.rules_out),
            signatures=(*self.signatures, *other.signatures),
            corrections=(*self.corrections, *other.corrections),
            response=self.response or other.response,
        )


def read_overlay(source: bytes, name: str) -> dict[str, Overlay]:
    """Read an overlay. Its patterns must compile. Raises GuideError."""
    import regex
    import yaml

    try:
        entries = msgspec.convert(yaml.safe_load(source) or {}, type=dict[str, Overlay])
        for overlay in entries.values():
            for signature in overlay.signatures:
                regex.compile(signature.match)
    except (yaml.YAMLError, msgspec.ValidationError, regex.error, RecursionError) as error:
        raise GuideError(f"{name}: {' '.join(str(error).split())}") from error
    return entries


def merge_overlays(lower: Mapping[str, Overlay], upper: Mapping[str, Overlay]) -> dict[str, Overlay]:
    """Two sets of overlays as one, by entry."""
    merged = {ident: overlay.merge_with(upper.get(ident)) for ident, overlay in lower.items()}
    return {ident: overlay for ident, overlay in upper.items() if ident not in lower} | merged
