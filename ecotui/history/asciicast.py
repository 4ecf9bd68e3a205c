"""A session's outputs as an asciicast, version 2 (https://docs.asciinema.org/manual/asciicast/v2/)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from ecotui.history.anonymize import Clean
from ecotui.history.replay import Beat, Tape
from ecotui.session.log import Session
from ecotui.session.private_files import open_file

LONGEST = 2_000_000
"""Bytes of one command's output that are recorded, from its end."""
IDLE = 2.0
"""Seconds that a player is asked to make of any longer silence."""


def cast(session: Session, clean: Clean) -> str:
    """The recording, at the times at which things were said. Raises SessionError."""
    tape = Tape(session)
    summary = session.summary()
    guessed = [one.title for one in tape.spoken.values() if not one.timed]
    note = " (of some outputs the times are not known: spread evenly)" if guessed else ""
    header = {
        "version": 2,
        "width": 120,
        "height": 36,
        "timestamp": int(summary.started),
        "idle_time_limit": IDLE,
        "title": clean(f"{summary.project} {session.id}{note}"),
    }
    rows = [json.dumps(header, ensure_ascii=False)]
    for at, line in lines(tape, clean):
        rows.append(
            json.dumps([round(max(at - summary.started, 0.0), 3), "o", f"{line}\r\n"], ensure_ascii=False)
        )
    return "\n".join(rows) + "\n"


def lines(tape: Tape, clean: Clean) -> Iterator[tuple[float, str]]:
    """Every line with the second of its being said (since the epoch), titles and ends of commands between them."""
    speech = {command: Speech(tape, command) for command in tape.spoken}
    for beat in tape.beats():
        if beat.moment is None:
            for line in speech[beat.command].until(beat):
                yield beat.at, clean(line)
        elif beat.moment.kind == "command":
            if beat.moment.command in speech and beat.moment.state is not None:
                for line in speech[beat.moment.command].rest():
                    yield beat.at, clean(line)
            yield beat.at, clean(f"--- {beat.moment.text}")


class Speech:
    """One output, read on from beat to beat; whole lines only."""

    def __init__(self, tape: Tape, command: str, *, since: int = 0) -> None:
        """`since`: the byte where it is begun; a long output is begun at its last part."""
        self._path = tape.output(command)
        self._place = max(tape.spoken[command].written.size - LONGEST, since)
        self._rest = b""

    def until(self, beat: Beat) -> list[str]:
        if beat.end <= self._place:
            return []
        try:
            fd = open_file(self._path, os.O_RDONLY)
        except OSError:
            return []
        try:
            data = self._rest + os.pread(fd, beat.end - self._place, self._place)
        finally:
            os.close(fd)
        self._place = beat.end
        *whole, self._rest = data.split(b"\n")
        return [line.decode("utf-8", "replace") for line in whole]

    def rest(self) -> list[str]:
        """What is left of a last line without an end."""
        left, self._rest = self._rest, b""
        return [left.decode("utf-8", "replace")] if left else []
