"""What the guide says about what a command said."""

from __future__ import annotations

import io
import os

from ecotui.guide.matching.matcher import Diagnosis, EntryMatch
from ecotui.guide.reading.library import GuideLibrary
from ecotui.history import outputs
from ecotui.history.export.model import ExplainCommand
from ecotui.session.log import Session
from ecotui.session.private_files import open_private_file
from ecotui.supervisor.paths import OUTPUT_LOG

EXPLAINED_OUTPUT_BYTES = 4_000_000
"""Bytes of an output, from its end, that are looked at: errors come last, and a screen does not wait for a gigabyte."""


def find_guide_matches(session: Session, command: str, library: GuideLibrary) -> tuple[EntryMatch, ...]:
    """The entries that explain a command's output, best first. Never raises: without an output there are none."""
    there = outputs.find_command_folder(session, command)
    if there is None:
        return ()
    try:
        with os.fdopen(open_private_file(there / OUTPUT_LOG, os.O_RDONLY), "rb") as stream:
            stream.seek(max(os.fstat(stream.fileno()).st_size - EXPLAINED_OUTPUT_BYTES, 0))
            data = stream.read(EXPLAINED_OUTPUT_BYTES)
    except OSError:
        return ()
    diagnosis = Diagnosis(library)
    diagnosis.read(io.BytesIO(data))
    return tuple(match for match in diagnosis.matches if match.score >= MIN_ERROR_SCORE)


MIN_ERROR_SCORE = 0.9
"""The least score of an error, as against a warning or a line of progress (`Match.score`)."""


def command_explainer(session: Session, library: GuideLibrary) -> ExplainCommand:
    """For a handover: a line for each entry."""
    return lambda command: [
        f"Guide {match.entry}, {match.title}: {match.excerpt}"
        for match in find_guide_matches(session, command, library)
    ]
