"""`ecotui demo --auto`: the whole rebuild, unattended, by the same looks, commands and session log that an operator uses.

Nothing here knows the world from inside: each step is looked at, what is in the way is fixed by a command under the
supervisor, and only the next look decides whether that worked.
"""

from __future__ import annotations

import json as jsonlib
import os
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec

from checks.cleanup.model import CleanupDetail
from checks.finding import Report, State
from checks.steps import BY_ID, STEPS
from config.load import load
from ecotui import check_runner, supervisor
from ecotui.demo.process import Demo, save_sessions
from ecotui.project import Desk
from ecotui.session import SessionError, events
from ecotui.session.store import Store

# Exit codes of `ecotui.exit_codes`, which is above this layer: done, and done with warnings.
_WELL = (0, 4)
EXPECTED = 13
"""Nodes of the demo's project."""
APPROVED = "cleanup.json"
_LIMIT = 900.0
"""Seconds for one command at normal speed: each has limits of its own, well below; this one ends what hangs."""
_SIGNS = {State.OK: "✓", State.WARN: "!", State.BLOCKED: "✗", State.UNKNOWN: "?", State.SKIPPED: "·"}
_PROVEN = (State.OK,)
_PASSABLE = (State.OK, State.WARN)


class Stuck(Exception):
    """The rebuild cannot go on; the message says where and why."""


@dataclass
class Ran:
    """One command of the rebuild."""

    argv: str
    exit_code: int | None
    outcome: str
    seconds: float


@dataclass
class Played:
    """One step of the rebuild."""

    id: str
    state: str
    summary: str = ""
    seconds: float = 0.0
    commands: list[Ran] = field(default_factory=list)


class Player:
    """Plays one rebuild in one session."""

    def __init__(self, demo: Demo, say: Callable[[str], None], desk: Desk | None = None) -> None:
        """`desk`: go on at that desk, with its session, from where its log says that it stands."""
        self._demo = demo
        self._say_line = say
        self._started = time.monotonic()
        self._desk = desk
        if desk is not None:
            self.session = desk.session
        else:
            settings = load(demo.project, None, env=demo.env).settings
            self.session = Store(demo.sessions).create(
                project=settings.project, folder=demo.project, settings=settings, env=demo.env
            )
        self._env = {**demo.env, "ECOTUI_SESSION": self.session.id}
        self.steps: dict[str, Played] = {step.id: Played(step.id, "not looked at") for step in STEPS}
        self.ready = 0
        if desk is not None:
            for report in desk.rebuild.reports.values():
                self._played(report)

    def play(self) -> None:
        """The whole rebuild, or what is left of it. Raises Stuck, and what looking and the session raise."""
        first = STEPS[0].id
        if self._desk is None or not self._desk.resumed:
            self._say("Looking at everything")
            self._look(*(step.id for step in STEPS))
        else:
            first = self._desk.rebuild.next_step or STEPS[-1].id
            self._say(f"Going on at {BY_ID[first].title}")
            for command in self._desk.under_way():
                self._say(f"Still running: {command.title}")
                self._wait(command, shlex.join(command.argv))
        ways = (
            ("environment", self._nothing),
            ("quota", self._quota),
            ("github", self._github),
            ("cleanup", self._cleanup),
            ("apply", self._apply),
            ("cloudfront", self._cloudfront),
            ("nodes", self._nodes),
        )
        for step, fix in ways[[step for step, _ in ways].index(first) :]:
            self._say(f"Looking at {BY_ID[step].title}")
            begun = time.monotonic()
            passable = _PROVEN if step in ("apply", "cloudfront", "nodes") else _PASSABLE
            report = self._look(step)
            if report.state not in passable:
                fix(report)
                report = self._look(step)
            self.steps[step].seconds = round(time.monotonic() - begun, 1)
            if report.state not in passable:
                raise Stuck(f"{BY_ID[step].title} is {report.state.value} still: {_worst(report)}")
        self.ready = int((report.detail or {}).get("ready", 0))
        if self.ready != EXPECTED:
            raise Stuck(f"{self.ready} of {EXPECTED} nodes are Ready")

    def _nothing(self, report: Report) -> None:
        raise Stuck(f"{BY_ID[report.step].title}: {_worst(report)}")

    def _quota(self, report: Report) -> None:
        self._run(
            "quota",
            "Ask for more vCPUs",
            "ecotui",
            "quota",
            "--request",
            "L-1216C47A",
            "--value",
            "32",
            "--yes",
        )
        self._run("quota", "Wait for the approval", "ecotui", "quota", "--wait", "L-1216C47A")

    def _github(self, report: Report) -> None:
        # The demo's GitHub approves the device code by itself; elsewhere a person does it in the browser.
        self._run(
            "github",
            "Add read:org to the login",
            *("gh", "auth", "refresh", "-h", "github.com", "-s", "read:org"),
            stdin=b"\n",
        )

    def _cleanup(self, report: Report) -> None:
        # All of them, also those that only a name speaks for; what is somebody else's is not deletable.
        detail = msgspec.convert(report.detail, type=CleanupDetail)
        keys = [leftover.key for leftover in detail.resources if leftover.deletable]
        self._run(
            "cleanup",
            "Approve what is deleted",
            "ecotui",
            "cleanup",
            "--approve-out",
            APPROVED,
            "--select",
            *keys,
        )
        self._run(
            "cleanup",
            "Delete what was approved",
            *("ecotui", "cleanup", "--delete", "--approve", APPROVED, "--pause", "1"),
        )

    def _apply(self, report: Report) -> None:
        self._run("apply", "Plan, and forecast what would go wrong", "ecotui", "plan")
        self._run("apply", "Apply the plan", "ecotui", "apply", "--yes")

    def _cloudfront(self, report: Report) -> None:
        self._run("cloudfront", "Wait for the distribution", "ecotui", "cloudfront", "--wait")

    def _nodes(self, report: Report) -> None:
        self._run("nodes", "Wait for the nodes", "ecotui", "nodes", "--wait")

    def _look(self, *steps: str) -> Report:
        """Look, log and print; returns the last report. Raises looking.LookFailed."""
        last: Report | None = None
        options = ("--project", str(self._demo.project))
        for report in check_runner.looks_now(steps, options=options, env=self._env):
            self.session.append(events.Looked(report=report))
            self._played(report)
            self._say(f"  {_SIGNS[report.state]} {BY_ID[report.step].title}: {_worst(report)}")
            last = report
        if last is None:
            raise Stuck(f"no answer from the look at {', '.join(steps)}")
        return last

    def _played(self, report: Report) -> None:
        played = self.steps[report.step]
        played.state, played.summary = report.state.value, _worst(report)

    def _run(self, step: str, title: str, *argv: str, stdin: bytes | None = None) -> None:
        """One command under the supervisor, followed to its end. Raises Stuck unless it succeeds."""
        self._say(f"{title}: {shlex.join(argv)}")
        command = supervisor.start(
            self.session,
            argv,
            step=step,
            title=title,
            cwd=self._demo.project,
            env=self._env,
            stdin=stdin,
        )
        self._wait(command, shlex.join(argv))

    def _wait(self, command: supervisor.Command, line: str) -> None:
        """Follow a command to its end. Raises Stuck unless it succeeds."""
        begun, last = time.monotonic(), ""
        tail = supervisor.Tail(command.folder)
        try:
            while (status := supervisor.status(command.folder)).state == "running":
                last = self._follow(tail) or last
                if time.monotonic() - begun > _LIMIT:
                    supervisor.interrupt(command.folder, force=True)
                time.sleep(0.1)
        except BaseException:
            supervisor.interrupt(command.folder)
            raise
        last = self._follow(tail) or last
        seconds = round(time.monotonic() - begun, 1)
        self.steps[command.step].commands.append(Ran(line, status.exit_code, status.outcome, seconds))
        if status.exit_code not in _WELL:
            raise Stuck(f"{line} {status.outcome} (exit {status.exit_code}){last and f': {last}'}")

    def _follow(self, tail: supervisor.Tail) -> str:
        last = ""
        while lines := tail.read():
            for line in lines:
                if line.strip():
                    last = line.strip()
                    self._say(f"    {line}")
        return last

    def _say(self, text: str) -> None:
        self._say_line(f"{time.monotonic() - self._started:6.1f} s  {text}")


def play(demo: Demo, *, json: bool = False, keep: Path | None = None, desk: Desk | None = None) -> int:
    """Play it, print it, keep the session's log; exit code 0 only with every node Ready.

    `desk`: as for `Player`.
    """
    out = sys.stderr if json else sys.stdout
    begun = time.monotonic()

    def say(text: str) -> None:
        print(text, file=out, flush=True)

    player = Player(demo, say, desk)
    trouble = ""
    try:
        player.play()
    except (Stuck, check_runner.LookFailed, SessionError) as error:
        trouble = str(error)
        say(f"Stuck: {trouble}")
    except BaseException:
        player.session.end("interrupted")
        raise
    return _conclude(demo, player, say, json=json, keep=keep, trouble=trouble, begun=begun)


def _conclude(
    demo: Demo,
    player: Player,
    say: Callable[[str], None],
    *,
    json: bool,
    keep: Path | None,
    trouble: str,
    begun: float,
) -> int:
    player.session.end("failed" if trouble else "done")
    kept = demo.sessions if keep is not None else save_sessions(demo)
    state = kept or demo.sessions
    folder = state / "sessions" / player.session.id
    seconds = round(time.monotonic() - begun, 1)
    if not trouble:
        say(f"Done in {seconds:.0f} s: {player.ready} of {EXPECTED} nodes are Ready.")
    say(f"The session log: {folder}")
    say(f"To review it: ECOTUI_STATE_DIR={shlex.quote(str(state))} ecotui sessions show {player.session.id}")
    if json:
        body = {
            "schema": "ecotui.demo/1",
            "ok": not trouble,
            "trouble": trouble,
            "seconds": seconds,
            "nodes": {"ready": player.ready, "expected": EXPECTED},
            "tools": demo.tools,
            "steps": [asdict(step) for step in player.steps.values()],
            "session": {"id": player.session.id, "folder": str(folder)},
        }
        jsonlib.dump(body, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write(os.linesep)
    return 1 if trouble else 0


def _worst(report: Report) -> str:
    """The one finding that says most: what stands in the way, or how many looked well."""
    for state in (State.BLOCKED, State.UNKNOWN, State.WARN):
        for finding in report.findings:
            if finding.state is state:
                return finding.summary
    return f"{len(report.findings)} of {len(report.findings)} in order"
