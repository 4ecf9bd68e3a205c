"""A draft of a guide's entry from a session: its last failure that the guide has nothing about."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ecotui.guide.draft import detect_entry_format, draft_from_session, is_recognisable, next_entry_number, render_entry
from ecotui.guide.reading.library import GuideLibrary
from ecotui.session.log import Session
from ecotui.supervisor.paths import OUTPUT_LOG

DRAFT_OUTPUT_BYTES = 200_000
"""Bytes of an output, from its end, in which the error is looked for."""


@dataclass(frozen=True)
class GuideEntryDraft:
    """The entry in Markdown, for the team to review."""

    text: str
    is_recognised: bool
    """Its error text is one by which it is found again; otherwise the overlay must say how."""


def draft_entry_for_session(session: Session, library: GuideLibrary) -> GuideEntryDraft | None:
    """None where the guide explains every failure of the session. Raises SessionError."""

    def output(command: str) -> str:
        try:
            with (session.commands_folder / command / OUTPUT_LOG).open("rb") as stream:
                stream.seek(max(os.fstat(stream.fileno()).st_size - DRAFT_OUTPUT_BYTES, 0))
                return stream.read().decode("utf-8", errors="replace")
        except OSError:
            return ""

    known = draft_from_session(session.read_records(), output, library)
    if known is None:
        return None
    text = render_entry(known, next_entry_number(library, known.failed_command), detect_entry_format(library))
    return GuideEntryDraft(text, is_recognisable(text))
