"""`ecotui demo --auto`: the whole rebuild, unattended, by the same checks, commands and session log that an operator uses.

Nothing here knows the demo from inside: each step is checked, a command under the supervisor fixes what blocks it, and only the
next check decides whether that worked.
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
from checks.finding import STATE_ICONS, CheckState, Report
from checks.steps import STEPS, STEPS_BY_ID
from config.load import load_settings
from ecotui import check_runner, supervisor
from ecotui.demo.process import Demo, save_sessions
from ecotui.project import OpenProject
from ecotui.session import SessionError, events
from ecotui.session.store import SessionStore

# Exit codes of `ecotui.exit_codes`, which is above this layer: done, and done with warnings.
_SUCCESS_EXIT_CODES = (0, 4)
EXPECTED_NODES = 13
"""Nodes of the demo's project."""
APPROVAL_FILE = "cleanup.json"
_COMMAND_TIMEOUT_SECONDS = 900.0
"""Seconds for one command at normal speed: each has limits of its own, well below; this one ends what hangs."""
_OK_ONLY = (CheckState.OK,)
_OK_OR_WARN = (CheckState.OK, CheckState.WARN)


class RebuildStuck(Exception):
    """The rebuild cannot go on; the message says where and why."""


@dataclass
class DemoCommandResult:
    """One command of the rebuild."""

    argv: str
    exit_code: int | None
    outcome: str
    seconds: float


@dataclass
class DemoStepResult:
    """One step of the rebuild."""

    id: str
    state: str
    summary: str = ""
    seconds: float = 0.0
    commands: list[DemoCommandResult] = field(default_factory=list)


class UnattendedRebuild:
    """One rebuild in one session."""

    def __init__(self, demo: Demo, print_line: Callable[[str], None], open_project: OpenProject | None = None) -> None:
        """`open_project`: go on in its session, from where its log says that the rebuild stands."""
        self._demo = demo
        self._print_line = print_line
        self._started_at = time.monotonic()
        self._open_project = open_project
        if open_project is not None:
            self.session = open_project.session
        else:
            settings = load_settings(demo.project, None, env=demo.env).settings
            self.session = SessionStore(demo.sessions).create(
                project=settings.project, folder=demo.project, settings=settings, env=demo.env
            )
        self._env = {**demo.env, "ECOTUI_SESSION": self.session.id}
        self.steps: dict[str, DemoStepResult] = {step.id: DemoStepResult(step.id, "not looked at") for step in STEPS}
        self.ready_nodes = 0
        if open_project is not None:
            for report in open_project.rebuild.reports.values():
                self._record_result(report)

    def run(self) -> None:
        """The whole rebuild, or what is left of it. Raises RebuildStuck, CheckFailed and SessionError."""
        first = STEPS[0].id
        if self._open_project is None or not self._open_project.is_resumed:
            self._print_with_time("Checking everything")
            self._check_steps(*(step.id for step in STEPS))
        else:
            first = self._open_project.rebuild.next_step or STEPS[-1].id
            self._print_with_time(f"Going on at {STEPS_BY_ID[first].title}")
            for command in self._open_project.running_commands():
                self._print_with_time(f"Still running: {command.title}")
                self._wait_for_command(command, shlex.join(command.argv))
        ways = (
            ("environment", self._fail_without_fix),
            ("quota", self._request_quota),
            ("github", self._refresh_github_login),
            ("cleanup", self._delete_leftovers),
            ("apply", self._plan_and_apply),
            ("cloudfront", self._wait_for_distribution),
            ("nodes", self._wait_for_nodes),
        )
        for step, fix in ways[[step for step, _ in ways].index(first) :]:
            self._print_with_time(f"Checking {STEPS_BY_ID[step].title}")
            begun = time.monotonic()
            passable = _OK_ONLY if step in ("apply", "cloudfront", "nodes") else _OK_OR_WARN
            report = self._check_steps(step)
            if report.state not in passable:
                fix(report)
                report = self._check_steps(step)
            self.steps[step].seconds = round(time.monotonic() - begun, 1)
            if report.state not in passable:
                raise RebuildStuck(f"{STEPS_BY_ID[step].title} is {report.state.value} still: {_worst_summary(report)}")
        self.ready_nodes = int((report.detail or {}).get("ready", 0))
        if self.ready_nodes != EXPECTED_NODES:
            raise RebuildStuck(f"{self.ready_nodes} of {EXPECTED_NODES} nodes are Ready")

    def _fail_without_fix(self, report: Report) -> None:
        raise RebuildStuck(f"{STEPS_BY_ID[report.step].title}: {_worst_summary(report)}")

    def _request_quota(self, report: Report) -> None:
        self._run_command(
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
        self._run_command("quota", "Wait for the approval", "ecotui", "quota", "--wait", "L-1216C47A")

    def _refresh_github_login(self, report: Report) -> None:
        # The demo's GitHub approves the device code by itself; elsewhere a person does it in the browser.
        self._run_command(
            "github",
            "Add read:org to the login",
            *("gh", "auth", "refresh", "-h", "github.com", "-s", "read:org"),
            stdin=b"\n",
        )

    def _delete_leftovers(self, report: Report) -> None:
        # All of them, also those that only a name speaks for; what is somebody else's is not deletable.
        detail = msgspec.convert(report.detail, type=CleanupDetail)
        keys = [leftover.key for leftover in detail.resources if leftover.deletable]
        self._run_command(
            "cleanup",
            "Approve what is deleted",
            "ecotui",
            "cleanup",
            "--approve-out",
            APPROVAL_FILE,
            "--select",
            *keys,
        )
        self._run_command(
            "cleanup",
            "Delete what was approved",
            *("ecotui", "cleanup", "--delete", "--approve", APPROVAL_FILE, "--pause", "1"),
        )

    def _plan_and_apply(self, report: Report) -> None:
        self._run_command("apply", "Plan, and forecast what would go wrong", "ecotui", "plan")
        self._run_command("apply", "Apply the plan", "ecotui", "apply", "--yes")

    def _wait_for_distribution(self, report: Report) -> None:
        self._run_command("cloudfront", "Wait for the distribution", "ecotui", "cloudfront", "--wait")

    def _wait_for_nodes(self, report: Report) -> None:
        self._run_command("nodes", "Wait for the nodes", "ecotui", "nodes", "--wait")

    def _check_steps(self, *steps: str) -> Report:
        """Check, log and print; returns the last report. Raises CheckFailed."""
        last: Report | None = None
        options = ("--project", str(self._demo.project))
        for report in check_runner.run_checks_sync(steps, options=options, env=self._env):
            self.session.append(events.CheckReported(report=report))
            self._record_result(report)
            self._print_with_time(
                f"  {STATE_ICONS[report.state]} {STEPS_BY_ID[report.step].title}: {_worst_summary(report)}"
            )
            last = report
        if last is None:
            raise RebuildStuck(f"no answer from the check of {', '.join(steps)}")
        return last

    def _record_result(self, report: Report) -> None:
        played = self.steps[report.step]
        played.state, played.summary = report.state.value, _worst_summary(report)

    def _run_command(self, step: str, title: str, *argv: str, stdin: bytes | None = None) -> None:
        """One command under the supervisor, followed to its end. Raises RebuildStuck unless it succeeds."""
        self._print_with_time(f"{title}: {shlex.join(argv)}")
        command = supervisor.start_command(
            self.session,
            argv,
            step=step,
            title=title,
            cwd=self._demo.project,
            env=self._env,
            stdin=stdin,
        )
        self._wait_for_command(command, shlex.join(argv))

    def _wait_for_command(self, command: supervisor.Command, line: str) -> None:
        """Follow a command to its end. Raises RebuildStuck unless it succeeds."""
        begun, last = time.monotonic(), ""
        tail = supervisor.Tail(command.folder)
        try:
            while (status := supervisor.read_command_status(command.folder)).state == "running":
                last = self._print_new_lines(tail) or last
                if time.monotonic() - begun > _COMMAND_TIMEOUT_SECONDS:
                    supervisor.send_interrupt(command.folder, force=True)
                time.sleep(0.1)
        except BaseException:
            supervisor.send_interrupt(command.folder)
            raise
        last = self._print_new_lines(tail) or last
        seconds = round(time.monotonic() - begun, 1)
        self.steps[command.step].commands.append(DemoCommandResult(line, status.exit_code, status.outcome, seconds))
        if status.exit_code not in _SUCCESS_EXIT_CODES:
            raise RebuildStuck(f"{line} {status.outcome} (exit {status.exit_code}){last and f': {last}'}")

    def _print_new_lines(self, tail: supervisor.Tail) -> str:
        last = ""
        while lines := tail.read():
            for line in lines:
                if line.strip():
                    last = line.strip()
                    self._print_with_time(f"    {line}")
        return last

    def _print_with_time(self, text: str) -> None:
        self._print_line(f"{time.monotonic() - self._started_at:6.1f} s  {text}")


def run_unattended(
    demo: Demo, *, json: bool = False, keep: Path | None = None, open_project: OpenProject | None = None
) -> int:
    """Run it, print it, keep the session's log; exit code 0 only with every node Ready."""
    out = sys.stderr if json else sys.stdout
    begun = time.monotonic()

    def say(text: str) -> None:
        print(text, file=out, flush=True)

    player = UnattendedRebuild(demo, say, open_project)
    trouble = ""
    try:
        player.run()
    except (RebuildStuck, check_runner.CheckFailed, SessionError) as error:
        trouble = str(error)
        say(f"Stuck: {trouble}")
    except BaseException:
        player.session.end("interrupted")
        raise
    return _report_outcome(demo, player, say, json=json, keep=keep, trouble=trouble, started_at=begun)


def _report_outcome(
    demo: Demo,
    rebuild: UnattendedRebuild,
    print_line: Callable[[str], None],
    *,
    json: bool,
    keep: Path | None,
    trouble: str,
    started_at: float,
) -> int:
    rebuild.session.end("failed" if trouble else "done")
    kept = demo.sessions if keep is not None else save_sessions(demo)
    state = kept or demo.sessions
    folder = state / "sessions" / rebuild.session.id
    seconds = round(time.monotonic() - started_at, 1)
    if not trouble:
        print_line(f"Done in {seconds:.0f} s: {rebuild.ready_nodes} of {EXPECTED_NODES} nodes are Ready.")
    print_line(f"The session log: {folder}")
    print_line(f"To review it: ECOTUI_STATE_DIR={shlex.quote(str(state))} ecotui sessions show {rebuild.session.id}")
    if json:
        body = {
            "schema": "ecotui.demo/1",
            "ok": not trouble,
            "trouble": trouble,
            "seconds": seconds,
            "nodes": {"ready": rebuild.ready_nodes, "expected": EXPECTED_NODES},
            "tools": demo.tools,
            "steps": [asdict(step) for step in rebuild.steps.values()],
            "session": {"id": rebuild.session.id, "folder": str(folder)},
        }
        jsonlib.dump(body, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write(os.linesep)
    return 1 if trouble else 0


def _worst_summary(report: Report) -> str:
    """The one finding that says most: what blocks the step, or how many are in order."""
    for state in (CheckState.BLOCKED, CheckState.UNKNOWN, CheckState.WARN):
        for finding in report.findings:
            if finding.state is state:
                return finding.summary
    return f"{len(report.findings)} of {len(report.findings)} in order"
