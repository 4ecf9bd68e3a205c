"""`ecotui sessions replay`: a session played again in the terminal."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from checks.duration import format_duration
from checks.finding import STATE_ICONS
from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.cli.sessions.arguments import add_id_argument, open_session
from ecotui.history.replay import SHORTENED_PAUSE_SECONDS, OutputReader, Recording, ReplayEvent
from ecotui.session import SessionError, event_text
from ecotui.session.store import SessionStore

MAX_SLEEP_SECONDS = 0.2
"""Seconds slept at once: Ctrl-C takes effect within this."""


def configure(parser: argparse.ArgumentParser) -> None:
    add_id_argument(parser)
    parser.add_argument(
        "--speed", type=_parse_speed, default=1.0, metavar="N", help="1 to 64 times as fast (default: 1)"
    )
    parser.add_argument(
        "--at", default="", metavar="MOMENT", help="begin there: a step, 14:03, 5m from the beginning, or 50%%"
    )


def _parse_speed(text: str) -> float:
    number = float(text)
    if not 1 <= number <= 64:
        raise ValueError(text)
    return number


def run(args: argparse.Namespace, store: SessionStore) -> int:
    """Exit 130 when it is interrupted. Raises SessionError."""
    session = open_session(args, store)
    recording = Recording(session)
    try:
        start = recording.parse_position(args.at) if args.at else 0.0
    except ValueError as error:
        raise SessionError(str(error)) from error
    if args.json:
        print_document("sessions.replay", _replay_document(recording, start))
        return exit_codes.OK
    pauses = (
        f"{format_duration(recording.skipped_seconds, tenths=True)} of pauses left out"
        if recording.pauses
        else "no long pause"
    )
    print(f"{session.id}  {format_duration(recording.duration, tenths=True)} at 1x, {pauses}")
    try:
        _play_recording(recording, start, args.speed)
    except KeyboardInterrupt:
        print()
        return exit_codes.INTERRUPTED
    return exit_codes.OK


def _play_recording(recording: Recording, start: float, speed: float) -> None:
    started = time.monotonic()
    readers: dict[str, OutputReader] = {}
    pauses = iter([pause for pause in recording.pauses if pause.position >= start])
    pause = next(pauses, None)
    for event in recording.events_from(start):
        while pause is not None and pause.position < event.position - SHORTENED_PAUSE_SECONDS / 2:
            _print_line(f"          … {format_duration(pause.seconds, tenths=True)} pause …")
            pause = next(pauses, None)
        while (seconds := (event.position - start) / speed - (time.monotonic() - started)) > 0:
            time.sleep(min(seconds, MAX_SLEEP_SECONDS))
        for line in _event_lines(recording, event, readers, start):
            _print_line(line)


def _event_lines(recording: Recording, event: ReplayEvent, readers: dict[str, OutputReader], start: float) -> list[str]:
    clock = event_text.format_local_time(event.timestamp)[11:]
    if event.entry is None:
        if event.command not in readers:
            # When the replay starts in the middle, so does the output.
            readers[event.command] = OutputReader(recording, event.command, start_byte=event.begin_byte if start else 0)
        return [f"{clock}  │ {line}" for line in readers[event.command].read_until(event)]
    icon = f"{STATE_ICONS[event.entry.state]} " if event.entry.state is not None else ""
    remaining = readers[event.entry.command].read_remaining() if event.entry.command in readers and icon else []
    return [
        *(f"{clock}  │ {line}" for line in remaining),
        f"{clock}  {icon}{event.entry.text}",
        *(f"          {line}" for line in event.entry.details),
    ]


def _print_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _replay_document(recording: Recording, start: float) -> dict[str, Any]:
    """All events, each with the second at which it is played."""
    return {
        "id": recording.session.id,
        "seconds": round(recording.duration, 3),
        "shortened": [
            {"at_s": round(pause.position, 3), "seconds": round(pause.seconds, 3)} for pause in recording.pauses
        ],
        "left_out": 0,  # of the first version of this document, which left out what was long ago
        "moments": [
            {
                "at_s": round(event.position, 3),
                "at": event_text.format_utc_time(event.timestamp),
                "text": event.entry.text if event.entry else "",
                "command": event.entry.command if event.entry else event.command,
                "bytes": None if event.entry else [event.begin_byte, event.end_byte],
            }
            for event in recording.events_from(start)
        ],
    }
