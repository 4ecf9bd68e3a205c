"""`ecotui sessions replay`: a session played again in the terminal, at a pace."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from checks.duration import span
from ecotui import exit_codes
from ecotui.cli.printing import SIGNS, document
from ecotui.history.asciicast import Speech
from ecotui.history.replay import SHORTENED, Beat, Tape
from ecotui.session import SessionError, event_text
from ecotui.session.log import Session

PATIENCE = 0.2
"""Seconds that are slept at once: Ctrl-C is answered within this."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--speed", type=_speed, default=1.0, metavar="N", help="1 to 64 times as fast (default: 1)"
    )
    parser.add_argument(
        "--at",
        default="",
        metavar="MOMENT",
        help="begin there: a step, 14:03, 5m from the beginning, or 50%%",
    )


def _speed(text: str) -> float:
    number = float(text)
    if not 1 <= number <= 64:
        raise ValueError(text)
    return number


def run(args: argparse.Namespace, session: Session) -> int:
    """Exit 130 when it is interrupted. Raises SessionError."""
    tape = Tape(session)
    try:
        begin = tape.find(args.at) if args.at else 0.0
    except ValueError as error:
        raise SessionError(str(error)) from error
    if args.json:
        document("sessions.replay", _facts(tape, begin))
        return exit_codes.OK
    kept = f"{span(tape.shortened, tenths=True)} of silence left out" if tape.cuts else "no long silence"
    print(f"{session.id}  {span(tape.length, tenths=True)} at 1x, {kept}")
    try:
        _play(tape, begin, args.speed)
    except KeyboardInterrupt:
        print()
        return exit_codes.INTERRUPTED
    return exit_codes.OK


def _play(tape: Tape, begin: float, speed: float) -> None:
    started = time.monotonic()
    speech: dict[str, Speech] = {}
    cuts = iter([cut for cut in tape.cuts if cut.played >= begin])
    cut = next(cuts, None)
    for beat in tape.beats(begin):
        while cut is not None and cut.played < beat.played - SHORTENED / 2:
            _say(f"          … {span(cut.seconds, tenths=True)} of silence …")
            cut = next(cuts, None)
        while (left := (beat.played - begin) / speed - (time.monotonic() - started)) > 0:
            time.sleep(min(left, PATIENCE))
        for line in _told(tape, beat, speech, begin):
            _say(line)


def _told(tape: Tape, beat: Beat, speech: dict[str, Speech], begin: float) -> list[str]:
    clock = event_text.clock(beat.at)[11:]
    if beat.moment is None:
        if beat.command not in speech:
            # Begun in the middle, an output is told from there on.
            speech[beat.command] = Speech(tape, beat.command, since=beat.begin if begin else 0)
        return [f"{clock}  │ {line}" for line in speech[beat.command].until(beat)]
    sign = f"{SIGNS[beat.moment.state]} " if beat.moment.state is not None else ""
    rest = speech[beat.moment.command].rest() if beat.moment.command in speech and sign else []
    return [
        *(f"{clock}  │ {line}" for line in rest),
        f"{clock}  {sign}{beat.moment.text}",
        *(f"          {line}" for line in beat.moment.detail),
    ]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _facts(tape: Tape, begin: float) -> dict[str, Any]:
    """Everything at once, with the second at which it is played."""
    return {
        "id": tape.session.id,
        "seconds": round(tape.length, 3),
        "shortened": [{"at_s": round(cut.played, 3), "seconds": round(cut.seconds, 3)} for cut in tape.cuts],
        "left_out": 0,  # of the first version of this document, which left out what was long ago
        "moments": [
            {
                "at_s": round(beat.played, 3),
                "at": event_text.iso(beat.at),
                "text": beat.moment.text if beat.moment else "",
                "command": beat.moment.command if beat.moment else beat.command,
                "bytes": None if beat.moment else [beat.begin, beat.end],
            }
            for beat in tape.beats(begin)
        ],
    }
