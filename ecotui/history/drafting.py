"""A draft of a guide's entry from a session: its last failure that the guide has nothing about."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ecotui.guide.draft import draft, form_of, next_number, recognised, written
from ecotui.guide.reading.library import Library
from ecotui.session.log import Session
from ecotui.supervisor.paths import OUTPUT

TAIL = 200_000
"""Bytes of an output, from its end, in which the error is looked for."""


@dataclass(frozen=True)
class Drafted:
    """The entry in Markdown, for the team to review."""

    text: str
    recognised: bool
    """Its error text is one by which it is found again; otherwise the overlay must say how."""


def drafted(session: Session, library: Library) -> Drafted | None:
    """None where the guide explains every failure of the session. Raises SessionError."""

    def output(command: str) -> str:
        try:
            with (session.commands / command / OUTPUT).open("rb") as stream:
                stream.seek(max(os.fstat(stream.fileno()).st_size - TAIL, 0))
                return stream.read().decode("utf-8", errors="replace")
        except OSError:
            return ""

    known = draft(session.records(), output, library)
    if known is None:
        return None
    text = written(known, next_number(library, known.failed), form_of(library))
    return Drafted(text, recognised(text))
