"""What is known of a guide's entries beyond their text: signatures, findings, corrections, by the entry's number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec


class GuideError(Exception):
    """A guide document or overlay that cannot be read; the message says which and why."""


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a tool words an error."""

    anchor: str
    match: str
    kind: Literal["error", "near", "warning", "progress", "text"] = "error"
    """`error`; `near`, an error of the kind that the entry is about; `warning`; `progress`; or `text`, as the entry
    itself has it."""


class Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an entry is wrong or short, in the languages there are."""

    ko: str = ""
    en: str = ""
    verified: str = ""
    """What proves it: documentation with its address, data, a test."""

    def text_in(self, language: str) -> str:
        return (self.ko if language == "ko" else self.en) or self.en or self.ko


class Overlay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of one entry beyond its text."""

    findings: tuple[str, ...] = ()
    """Ids of findings that it explains, or the beginnings of them up to a dot."""
    rules_out: tuple[str, ...] = ()
    """Ids of findings that say, when they are well or there is nothing to look at, that its cause is absent."""
    signatures: tuple[Signature, ...] = ()
    corrections: tuple[Correction, ...] = ()
    response: bool = False
    """It is the order of response: the way on where nothing explains an error."""

    def merge_with(self, other: Overlay | None) -> Overlay:
        """This and what another overlay adds: nothing is taken away."""
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
    """Read an overlay; its patterns must compile. Raises GuideError."""
    import regex
    import yaml

    try:
        entries = msgspec.convert(yaml.safe_load(source) or {}, type=dict[str, Overlay])
        for known in entries.values():
            for signature in known.signatures:
                regex.compile(signature.match)
    except (yaml.YAMLError, msgspec.ValidationError, regex.error, RecursionError) as error:
        raise GuideError(f"{name}: {' '.join(str(error).split())}") from error
    return entries


def merge_overlays(lower: Mapping[str, Overlay], upper: Mapping[str, Overlay]) -> dict[str, Overlay]:
    """Two overlays as one."""
    added = {ident: known.merge_with(upper.get(ident)) for ident, known in lower.items()}
    return {**{ident: known for ident, known in upper.items() if ident not in lower}, **added}
