"""What the guide says about a session's failures, and a draft of an entry for one that it has nothing about."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass

from ecotui.guide.draft import detect_entry_format, draft_from_session, is_recognisable, next_entry_number, render_entry
from ecotui.guide.matching.matcher import Diagnosis, EntryMatch
from ecotui.guide.reading.library import GuideLibrary
from ecotui.history.outputs import find_command_folder
from ecotui.session.log import Session
from ecotui.session.private_files import open_private_file
from ecotui.supervisor.paths import OUTPUT_LOG

EXPLAINED_OUTPUT_BYTES = 4_000_000
"""Bytes of an output, from its end, that the guide is asked about: errors come last, and a screen does not wait for a
gigabyte."""
DRAFT_OUTPUT_BYTES = 200_000
"""Bytes of an output, from its end, in which a draft looks for the error."""
MIN_ERROR_SCORE = 0.9
"""The least score of an error, as against a warning or a line of progress (`Match.score`)."""


def find_guide_matches(session: Session, command: str, library: GuideLibrary) -> tuple[EntryMatch, ...]:
    """The entries that explain a command's output, best first; none where there is no output. Never raises."""
    if not (output := _read_output_end(session, command, EXPLAINED_OUTPUT_BYTES)):
        return ()
    diagnosis = Diagnosis(library)
    diagnosis.read(io.BytesIO(output))
    return tuple(match for match in diagnosis.matches if match.score >= MIN_ERROR_SCORE)


def _read_output_end(session: Session, command: str, max_bytes: int) -> bytes:
    if (folder := find_command_folder(session, command)) is None:
        return b""
    try:
        with os.fdopen(open_private_file(folder / OUTPUT_LOG, os.O_RDONLY), "rb") as stream:
            stream.seek(max(os.fstat(stream.fileno()).st_size - max_bytes, 0))
            return stream.read(max_bytes)
    except OSError:
        return b""


@dataclass(frozen=True)
class GuideEntryDraft:
    """The entry in Markdown, for the team to review."""

    text: str
    is_recognised: bool
    """The guide finds the entry by its error text; otherwise the overlay must say how."""


def draft_entry_for_session(session: Session, library: GuideLibrary) -> GuideEntryDraft | None:
    """None where the guide explains every failure of the session. Raises SessionError."""

    def read_output(command: str) -> str:
        return _read_output_end(session, command, DRAFT_OUTPUT_BYTES).decode("utf-8", errors="replace")

    draft = draft_from_session(session.read_records(), read_output, library)
    if draft is None:
        return None
    text = render_entry(draft, next_entry_number(library, draft.failed_command), detect_entry_format(library))
    return GuideEntryDraft(text, is_recognisable(text))
