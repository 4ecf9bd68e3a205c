"""The apply that runs now, or ran last, in a project: found from outside, with the plan that it applies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from checks.apply.durations import DurationStats
from checks.apply.plan.model import Plan
from checks.apply.plan_store import plan_and_review_paths
from checks.apply.run.stream import ApplyProgress, ApplyStreamReader
from checks.apply.run.why.model import RunningResource
from ecotui.history.apply_streams import is_apply_stream, iterate_commands, read_duration_stats
from ecotui.session.store import SessionStore
from ecotui.supervisor.commands import Command, read_command_status
from ecotui.supervisor.tail import Tail

MAX_SESSIONS_FOR_CURRENT_APPLY = 10
"""The newest sessions, of which the last apply is taken."""


@dataclass(frozen=True)
class CurrentApply:
    """An apply that runs or ran, with its plan and its progress."""

    command: Command
    is_running: bool
    plan: Plan | None
    progress: ApplyProgress

    def describe_running_resource(
        self, address: str, now: float, durations: DurationStats | None = None
    ) -> RunningResource | None:
        """What is known about a resource in progress; None when it is not in progress."""
        row = next((item for item in self.progress.running_operations if item.address == address), None)
        if row is None:
            return None
        change = next((item for item in self.plan.changes if item.address == address), None) if self.plan else None
        from checks.apply.plan.configuration import strip_instance_keys

        stats = durations or DurationStats()
        return RunningResource(
            address=address,
            action=row.action,
            started_at=row.started_at,
            elapsed=max(now - row.started_at, row.elapsed),
            typical=stats.typical_duration(address, row.action),
            note=row.note,
            planned_attributes={
                item.path: value
                for item in (change.attributes if change else ())
                if (value := item.before if row.action == "delete" else item.after)
            },
            dependencies=self.plan.dependencies.get(strip_instance_keys(address), ()) if self.plan else (),
            created_ids={
                operation.address: operation.id for operation in self.progress.finished_operations if operation.id
            },
        )


def find_current_apply(store: SessionStore, project: Path) -> CurrentApply | None:
    """The newest apply of this project; None when there is none. Raises SessionError."""
    commands = iterate_commands(store, MAX_SESSIONS_FOR_CURRENT_APPLY, project)
    newest = next((command for _, command in commands if is_apply_stream(command)), None)
    return None if newest is None else read_apply(newest)


def read_apply(command: Command) -> CurrentApply:
    """The apply as far as its output goes."""
    plan = _read_plan(command)
    progress = ApplyStreamReader(plan.operations if plan else None)
    tail = Tail(command.folder, max_line_bytes=1 << 20)
    while lines := tail.read(10_000):
        progress.feed(lines)
    return CurrentApply(command, read_command_status(command.folder).state == "running", plan, progress.snapshot())


def read_resource_duration_stats(
    store: SessionStore, project: Path, apply: CurrentApply, address: str
) -> DurationStats:
    """How long earlier applies took for one resource."""
    return read_duration_stats(store, project, [address], excluded_command=apply.command.id)


def _read_plan(command: Command) -> Plan | None:
    """The plan that the command applies, from its review; None when there is another plan or none."""
    import msgspec

    from checks.apply.forecast.model import SavedReview

    argv = command.argv
    try:
        named = argv[argv.index("--plan") + 1] if "--plan" in argv else argv[-1]
        # The plan itself is removed when it was applied.
        review = plan_and_review_paths(Path(command.cwd) / named)[1]
        return msgspec.json.decode(review.read_bytes(), type=SavedReview).plan
    except (OSError, ValueError, IndexError, msgspec.DecodeError):
        return None
