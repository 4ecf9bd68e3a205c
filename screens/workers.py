"""The background work of the frame: looks and commands, followed by named workers that only post messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from textual.screen import Screen
from textual.worker import Worker

from ecotui.session import SessionError
from screens.frame import Frame
from screens.messages import CommandEnded, CommandOutput, Looked, LookSaid, LooksEnded
from screens.widgets.command_status import RECENT, Following

if TYPE_CHECKING:
    from ecotui.project import Desk
    from ecotui.supervisor import Command
    from ecotui.team.lease_client import Standing

Outcome = TypeVar("Outcome")

BEAT = 0.1
"""Seconds between two reads of a running command's output: what a person perceives as at once."""

BATCH = 2_000
"""Lines taken in one beat. A faster command is skipped forward, and the skip is said: the file has everything."""


def look(screen: Screen[Any], desk: Desk, steps: tuple[str, ...]) -> None:
    """Look at steps in a child process, so that no import and no answer ever holds up the screen."""

    from ecotui.check_runner import LookFailed, Saying, looks

    def hear(said: Saying) -> None:
        screen.post_message(LookSaid(said.step, said.saying))

    async def work() -> None:
        trouble, raw = "", ""
        try:
            async for report in looks(steps, options=desk.options(), env=desk.env(), hear=hear):
                screen.post_message(Looked(report))
        except LookFailed as error:
            trouble, raw = error.message, error.raw
        screen.post_message(LooksEnded(steps, trouble, raw))

    # One worker for each set of steps: looking again at one step must not break off the others.
    name = f"look:{','.join(steps)}"
    _worker: Worker[None] = screen.run_worker(
        work, name=name, group=name, exclusive=True, exit_on_error=False
    )


def follow(screen: Screen[Any], command: Command) -> Following:
    """Follow a command's output file until its exit record is there."""
    from ecotui.supervisor import Tail, status

    following = Following(command)

    async def work() -> None:
        tail = Tail(command.folder)
        tail.seek_end(RECENT)
        while True:
            # Asked before the output is read: what was written before the end is then read in any case.
            now = status(command.folder)
            lines = tail.read(BATCH)
            skipped = tail.skip_to_end(BATCH) if len(lines) == BATCH else 0
            if lines:
                following.recent.extend(lines)
            if lines or now.state == "running":
                screen.post_message(CommandOutput(command, tuple(lines), skipped))
            if now.state != "running" and not lines:
                screen.post_message(CommandEnded(command, now))
                return
            await asyncio.sleep(BEAT)

    _worker: Worker[None] = screen.run_worker(
        work, name=f"follow:{command.id}", group=f"follow:{command.step}", exclusive=True, exit_on_error=False
    )
    return following


def guarded(frame: Frame, act: Callable[[Desk], Outcome]) -> Outcome | None:
    """Do something at the desk; what goes wrong (a full disk, a read-only folder) is said, not raised."""
    if frame.desk is None:
        return None
    try:
        return act(frame.desk)
    except (SessionError, OSError) as error:
        frame.notify(
            str(error),
            title="The session log could not be written",
            severity="error",
            markup=False,
            timeout=20,
        )
        return None


def place(desk: Desk) -> tuple[str, ...]:
    """What stands in the top line: project, account, region, profile; from the last look at the environment."""
    settings = desk.loaded.settings
    facts: dict[str, str] = {}
    if report := desk.rebuild.reports.get("environment"):
        for finding in report.findings:
            if finding.id in ("environment.identity", "environment.account", "environment.region"):
                facts.update({fact.label.lower(): fact.value for fact in finding.facts})
    account = " ".join(part for part in (facts.get("account"), facts.get("alias")) if part)
    profile = desk.variables.get("AWS_PROFILE") or settings.aws.profile
    parts = (settings.project, account, settings.aws.region, profile and f"profile {profile}")
    return tuple(part for part in parts if part)


def notice(desk: Desk, *, short: bool = False) -> str:
    """What stands at the right of the top line."""
    if desk.watching:
        asked = " (asked)" if desk.asking is not None else ""
        return f"watching: {held_by(desk)}{asked}" if not desk.unlocked else "watching: no locks here"
    if (question := desk.asked()) is not None:
        return f"{question.by.partition(' ')[0]} asks to take over: T"
    if desk.seat is not None and (told := team_notice(desk.team)):
        return told
    if demo := desk.base_env.get("ECOTUI_DEMO"):
        return "DEMO" if short else f"DEMO {demo}"
    return ""


def team_notice(team: Standing) -> str:
    """What stands there of the team's lock: nothing while it is ours."""
    match team.state:
        case "held" if team.question:
            return f"{team.question.partition(' ')[0]} asks to take over: T"
        case "held":
            return ""
        case "asking":
            return "asking for the team's lock"
        case "unreachable":
            return "team's lock: could not look"
        case "lost":
            return "team's lock lost"
        case _:
            return f"watching: {team.holder.partition(',')[0]}"


def held_by(desk: Desk) -> str:
    """Who works on the project, in words."""
    holder = desk.holder
    return (
        "nobody"
        if holder is None
        else f"{holder.user} on {holder.terminal or holder.host}, since {holder.since}"
    )
