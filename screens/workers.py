"""The background work of the frame: looks and commands, followed by named workers that only post messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from textual.screen import Screen
from textual.worker import Worker

from ecotui.session import SessionError
from screens.frame import MainScreenProtocol
from screens.messages import CheckProgressed, ChecksFinished, CommandExited, CommandOutputReceived, StepChecked
from screens.widgets.command_status import RECENT_LINES, StepCommand

if TYPE_CHECKING:
    from ecotui.project import OpenProject
    from ecotui.supervisor import Command
    from ecotui.team.lease_client import LeaseStatus

Result = TypeVar("Result")

OUTPUT_POLL_SECONDS = 0.1
"""Seconds between two reads of a running command's output: what a person perceives as at once."""

MAX_LINES_PER_POLL = 2_000
"""Lines taken in one beat. A faster command is skipped forward, and the skip is said: the file has everything."""


def start_checks(screen: Screen[Any], project: OpenProject, steps: tuple[str, ...]) -> None:
    """Look at steps in a child process, so that no import and no answer ever holds up the screen."""

    from ecotui.check_runner import CheckFailed, CheckProgress, run_checks

    def hear(said: CheckProgress) -> None:
        screen.post_message(CheckProgressed(said.step, said.saying))

    async def work() -> None:
        trouble, raw = "", ""
        try:
            async for report in run_checks(
                steps, options=project.child_options(), env=project.child_env(), on_progress=hear
            ):
                screen.post_message(StepChecked(report))
        except CheckFailed as error:
            trouble, raw = error.message, error.raw_output
        screen.post_message(ChecksFinished(steps, trouble, raw))

    # One worker for each set of steps: looking again at one step must not break off the others.
    name = f"look:{','.join(steps)}"
    _worker: Worker[None] = screen.run_worker(work, name=name, group=name, exclusive=True, exit_on_error=False)


def follow_command(screen: Screen[Any], command: Command) -> StepCommand:
    """Follow a command's output file until its exit record is there."""
    from ecotui.supervisor import Tail, read_command_status

    following = StepCommand(command)

    async def work() -> None:
        tail = Tail(command.folder)
        tail.seek_end(RECENT_LINES)
        while True:
            # Asked before the output is read: what was written before the end is then read in any case.
            now = read_command_status(command.folder)
            lines = tail.read(MAX_LINES_PER_POLL)
            skipped = tail.skip_to_end(MAX_LINES_PER_POLL) if len(lines) == MAX_LINES_PER_POLL else 0
            if lines:
                following.recent_lines.extend(lines)
            if lines or now.state == "running":
                screen.post_message(CommandOutputReceived(command, tuple(lines), skipped))
            if now.state != "running" and not lines:
                screen.post_message(CommandExited(command, now))
                return
            await asyncio.sleep(OUTPUT_POLL_SECONDS)

    _worker: Worker[None] = screen.run_worker(
        work, name=f"follow:{command.id}", group=f"follow:{command.step}", exclusive=True, exit_on_error=False
    )
    return following


def report_errors(screen: MainScreenProtocol, action: Callable[[OpenProject], Result]) -> Result | None:
    """Do something at the desk; what goes wrong (a full disk, a read-only folder) is said, not raised."""
    if screen.project is None:
        return None
    try:
        return action(screen.project)
    except (SessionError, OSError) as error:
        screen.notify(
            str(error),
            title="The session log could not be written",
            severity="error",
            markup=False,
            timeout=20,
        )
        return None


def project_summary(project: OpenProject) -> tuple[str, ...]:
    """What stands in the top line: project, account, region, profile; from the last look at the environment."""
    settings = project.config.settings
    facts: dict[str, str] = {}
    if report := project.rebuild.reports.get("environment"):
        for finding in report.findings:
            if finding.id in ("environment.identity", "environment.account", "environment.region"):
                facts.update({fact.label.lower(): fact.value for fact in finding.facts})
    account = " ".join(part for part in (facts.get("account"), facts.get("alias")) if part)
    profile = project.variables.get("AWS_PROFILE") or settings.aws.profile
    parts = (settings.project, account, settings.aws.region, profile and f"profile {profile}")
    return tuple(part for part in parts if part)


def lock_notice(project: OpenProject, *, short: bool = False) -> str:
    """What stands at the right of the top line."""
    if project.is_read_only:
        asked = " (asked)" if project.pending_request is not None else ""
        return (
            f"watching: {describe_lock_holder(project)}{asked}"
            if not project.no_locks_reason
            else "watching: no locks here"
        )
    if (question := project.incoming_handoff_request()) is not None:
        return f"{question.by.partition(' ')[0]} asks to take over: T"
    if project.lease_client is not None and (told := lease_notice(project.lease_status)):
        return told
    if demo := project.base_env.get("ECOTUI_DEMO"):
        return "DEMO" if short else f"DEMO {demo}"
    return ""


def lease_notice(lease: LeaseStatus) -> str:
    """What stands there of the team's lock: nothing while it is ours."""
    match lease.state:
        case "held" if lease.question:
            return f"{lease.question.partition(' ')[0]} asks to take over: T"
        case "held":
            return ""
        case "asking":
            return "asking for the team's lock"
        case "unreachable":
            return "team's lock: could not look"
        case "lost":
            return "team's lock lost"
        case _:
            return f"watching: {lease.holder.partition(',')[0]}"


def describe_lock_holder(project: OpenProject) -> str:
    """Who works on the project, in words."""
    holder = project.lock_holder
    return "nobody" if holder is None else f"{holder.user} on {holder.terminal or holder.host}, since {holder.since}"
