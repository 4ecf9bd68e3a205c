"""What the guide says about what a command said."""

from __future__ import annotations

import io
import os

from ecotui.guide.matching.matcher import Diagnosis, Match
from ecotui.guide.reading.library import Library
from ecotui.history import outputs
from ecotui.history.export.model import Explain
from ecotui.session.log import Session
from ecotui.session.private_files import open_file
from ecotui.supervisor.paths import OUTPUT

TAIL = 4_000_000
"""Bytes of an output, from its end, that are looked at: errors come last, and a screen does not wait for a gigabyte."""


def matches(session: Session, command: str, library: Library) -> tuple[Match, ...]:
    """The entries that explain a command's output, best first. Never raises: without an output there are none."""
    there = outputs.folder(session, command)
    if there is None:
        return ()
    try:
        with os.fdopen(open_file(there / OUTPUT, os.O_RDONLY), "rb") as stream:
            stream.seek(max(os.fstat(stream.fileno()).st_size - TAIL, 0))
            data = stream.read(TAIL)
    except OSError:
        return ()
    diagnosis = Diagnosis(library)
    diagnosis.read(io.BytesIO(data))
    return tuple(match for match in diagnosis.matches if match.score >= ERRORS)


ERRORS = 0.9
"""The least score of an error, as against a warning or a line of progress (`Match.score`)."""


def explain(session: Session, library: Library) -> Explain:
    """For a handover: a line for each entry."""
    return lambda command: [
        f"Guide {match.entry}, {match.title}: {match.excerpt}" for match in matches(session, command, library)
    ]
