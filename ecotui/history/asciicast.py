"""A session's outputs as an asciicast, version 2 (https://docs.asciinema.org/manual/asciicast/v2/)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ecotui.history.anonymize import MaskText
from ecotui.history.replay import OutputReader, Recording
from ecotui.session.log import Session

IDLE_TIME_LIMIT = 2.0
"""Seconds to which a player shortens a longer pause."""


def export_asciicast(session: Session, mask: MaskText) -> str:
    """The recording, with the times at which the output was written. Raises SessionError."""
    recording = Recording(session)
    summary = session.read_summary()
    untimed = [command.title for command in recording.commands.values() if not command.has_output_times]
    note = " (of some outputs the times are not known: spread evenly)" if untimed else ""
    header = {
        "version": 2,
        "width": 120,
        "height": 36,
        "timestamp": int(summary.started),
        "idle_time_limit": IDLE_TIME_LIMIT,
        "title": mask(f"{summary.project} {session.id}{note}"),
    }
    rows = [json.dumps(header, ensure_ascii=False)]
    for timestamp, line in timed_lines(recording, mask):
        rows.append(
            json.dumps([round(max(timestamp - summary.started, 0.0), 3), "o", f"{line}\r\n"], ensure_ascii=False)
        )
    return "\n".join(rows) + "\n"


def timed_lines(recording: Recording, mask: MaskText) -> Iterator[tuple[float, str]]:
    """Every line with its time (seconds since the epoch), and the starts and ends of commands."""
    readers = {command: OutputReader(recording, command) for command in recording.commands}
    for event in recording.events_from():
        if event.entry is None:
            for line in readers[event.command].read_until(event):
                yield event.timestamp, mask(line)
        elif event.entry.kind == "command":
            if event.entry.command in readers and event.entry.state is not None:
                for line in readers[event.entry.command].read_remaining():
                    yield event.timestamp, mask(line)
            yield event.timestamp, mask(f"--- {event.entry.text}")
