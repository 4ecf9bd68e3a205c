"""The apply that runs now, or ran last, in a project: found from outside, with the plan that it applies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from checks.apply.plan.model import Plan
from checks.apply.plan_store import REVIEW
from checks.apply.run.durations import Times
from checks.apply.run.stream import ApplyProgress, Progress
from checks.apply.run.why.model import Running
from ecotui.history.apply_streams import is_stream, usual_times
from ecotui.session import SessionError
from ecotui.session.log import Session
from ecotui.session.store import Store
from ecotui.supervisor.commands import Command, commands, status
from ecotui.supervisor.tail import Tail

SESSIONS = 10
"""Sessions that are looked through, newest first."""


@dataclass(frozen=True)
class Run:
    """An apply, as far as it got."""

    command: Command
    running: bool
    plan: Plan | None
    progress: ApplyProgress

    def about(self, address: str, now: float, times: Times | None = None) -> Running | None:
        """What there is to say about a resource that runs; None when it does not."""
        row = next((one for one in self.progress.running if one.address == address), None)
        if row is None:
            return None
        change = (
            next((one for one in self.plan.changes if one.address == address), None) if self.plan else None
        )
        from checks.apply.plan.configuration import without_keys

        known = times or Times()
        return Running(
            address=address,
            action=row.action,
            started=row.started,
            elapsed=max(now - row.started, row.elapsed),
            usual=known.usual(address, row.action),
            note=row.note,
            planned={
                one.path: value
                for one in (change.attributes if change else ())
                if (value := one.before if row.action == "delete" else one.after)
            },
            waits_for=self.plan.after.get(without_keys(address), ()) if self.plan else (),
            made={done.address: done.id for done in self.progress.finished if done.id},
        )


def find(shelf: Store, project: Path) -> Run | None:
    """The newest apply of this project; None when there is none. Raises SessionError."""
    for summary in shelf.list(SESSIONS):
        if summary.folder != str(project):
            continue
        try:
            told = [one for one in commands(Session(shelf.folder / summary.id)) if is_stream(one)]
        except SessionError:
            continue
        if told:
            return read(told[-1])
    return None


def read(command: Command) -> Run:
    """A recorded stream, from its beginning to where it is now."""
    plan = _plan(command)
    progress = Progress(plan.operations if plan else None)
    tail = Tail(command.folder, longest=1 << 20)
    while lines := tail.read(10_000):
        progress.feed(lines)
    return Run(command, status(command.folder).state == "running", plan, progress.snapshot())


def times(shelf: Store, project: Path, run: Run, address: str) -> Times:
    """What earlier runs tell about one resource."""
    return usual_times(shelf, project, [address], without=run.command.id)


def _plan(command: Command) -> Plan | None:
    """The plan that the command applies, from its review; None when it was planned anew since, or is gone."""
    import msgspec

    from checks.apply.forecast.model import Review

    try:
        return msgspec.json.decode(Path(command.argv[-1]).with_name(REVIEW).read_bytes(), type=Review).plan
    except (OSError, ValueError, IndexError, msgspec.DecodeError):
        return None
