"""Past sessions as a rebuild leaves them: commands with their output, and two sessions to look back at."""

from __future__ import annotations

import json

import msgspec

from ecotui.session import events, hash_chain
from ecotui.session.log import Session
from ecotui.supervisor.output_times import pack_record
from support.reports import STARTED

ERROR = "Error: creating EC2 Instance: VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit"


def ran(
    session: Session,
    *said: str,
    step: str = "apply",
    title: str = "terraform apply",
    argv: tuple[str, ...] = ("terraform", "apply", "-json"),
    at: float = 20.0,
    seconds: float = 10.0,
    code: int = 0,
) -> str:
    """A command as a supervisor leaves it: its folder, its output with times, its events."""
    command = f"{int(at):06}-{step}-{code:06}"
    folder = session.commands_folder / command
    folder.mkdir(parents=True, mode=0o700)
    session.commands_folder.chmod(0o700)
    begun = STARTED + at
    told = {"step": step, "title": title, "argv": list(argv), "cwd": "/", "started": begun}
    (folder / "command.json").write_text(json.dumps(told))
    place, times, lines = 0, b"", [f"{line}\n".encode() for line in said]
    for number, line in enumerate(lines):
        times += pack_record(place, begun + seconds * number / len(lines))
        place += len(line)
    (folder / "output.log").write_bytes(b"".join(lines))
    (folder / "output.times").write_bytes(times)
    outcome = "succeeded" if code == 0 else "failed"
    (folder / "exit.json").write_text(
        json.dumps({"outcome": outcome, "exit_code": code, "started": begun, "ended": begun + seconds})
    )
    log = hash_chain.HashChain(session.events_path)
    for event, when in (
        (events.CommandStarted(command=command, step=step, title=title, argv=argv, cwd="/"), begun),
        (
            events.CommandEnded(command=command, step=step, exit_code=code, seconds=seconds, outcome=outcome),
            begun + seconds,
        ),
    ):
        log.append(msgspec.json.encode(event), sync=False, timestamp=when)
    log.close()
    return command
