"""An open project: its settings, session, locks, variables and running commands. The TUI and the demo share it.

No screen starts a command or writes an event itself: it asks the project.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from checks.apply.plan_store import plan_and_review_paths
from checks.finding import Finding, Fix, Report, RunCommand
from config.folders import state_folder
from config.load import LoadedSettings
from ecotui.rebuild_progress import RebuildProgress
from ecotui.session import events, store
from ecotui.session.lock import current_process_as_holder, describe_operator
from ecotui.session.log import Session
from ecotui.session.provenance import session_resumed_event
from ecotui.supervisor import (
    Command,
    CommandStatus,
    list_running_commands,
    read_command_status,
    record_lost_commands,
    send_interrupt,
    start_command,
)
from ecotui.supervisor.commands import DeploymentTarget
from ecotui.team.file_lock import FileLock, describe_requester
from ecotui.team.lease_client import TEAM_LOCK_FINDING, LeaseClient, open_lease_client
from ecotui.team.writer_lock import HandoffRequest, WriterLock

_COMMANDS_WITH_PROGRESS = frozenset({"apply"})
MAX_NEW_EVENTS = 200
"""Events that a watcher reads at once, the newest; a second brings a handful."""


@dataclass
class OpenProject:
    """One project, one session. Not shared between threads: only the event loop (or one player) uses it."""

    config: LoadedSettings
    session: Session
    lock: FileLock
    """Not ours while somebody else has it, or nobody can say who does. Then this project is read only."""
    base_env: Mapping[str, str]
    rebuild: RebuildProgress = field(default_factory=RebuildProgress)
    variables: dict[str, str] = field(default_factory=dict)
    """Values given in this session; they live here, in memory, and in the environment of what is started."""
    removed_variables: set[str] = field(default_factory=set)
    secret_names: set[str] = field(default_factory=set)
    """Names of variables whose values must not reach the disk."""
    lease: LeaseClient | None = None
    """The team's lease, where the settings name a team and we have the project."""
    is_resumed: bool = False
    _log_size: int = -1
    """Bytes of the log when `read_new_events` read it."""
    _last_event_number: int = 0
    """The number of the newest event that `read_new_events` returned."""

    @classmethod
    def open(cls, config: LoadedSettings, env: Mapping[str, str]) -> OpenProject:
        """Take the project's lock and its open session, or begin a new one. Raises SessionError."""
        root = state_folder(config.settings, env)
        sessions = store.SessionStore(root)
        lock = FileLock(root, config.project, env)
        lock.acquire()
        session = sessions.find_resumable(config.project)
        is_resumed = session is not None
        if session is None:
            if lock.unsupported_reason:  # nothing can be written there: the reports are kept for as long as we run
                sessions = store.SessionStore(Path(tempfile.mkdtemp(prefix="ecotui-unlocked-")))
            name = config.settings.project or config.project.name
            session = sessions.create(project=name, folder=config.project, settings=config.settings)
        project = cls(
            config=config,
            session=session,
            lock=lock,
            base_env=env,
            is_resumed=is_resumed,
            secret_names={variable.name for variable in config.settings.environment.variables if variable.secret},
        )
        if is_resumed:
            project.rebuild = rebuild_from_events(session.read_records())
            if lock.is_held:
                record_lost_commands(session)
                session.append(session_resumed_event(config.project, env, describe_operator(env)))
        project._last_event_number = session.read_last_records(1)[-1].number
        if lock.is_held:
            project._open_lease()
        return project

    @property
    def state_folder(self) -> Path:
        return state_folder(self.config.settings, self.base_env)

    # -- locks ---------------------------------------------------------------------------------------------------

    @property
    def is_read_only(self) -> bool:
        """Whether nothing may be changed from here: somebody else has the project, or nobody can say who does."""
        return not self.lock.is_held

    def write_refusal(self, *, read_only: bool = False) -> str:
        """Why nothing may be changed from here, for the operator; empty when it may.

        `read_only`: for a command that changes nothing, which the team's lease does not concern.
        """
        if reason := self.lock.refusal_reason():
            return f"You are watching: {reason}."
        if self.lease is None or read_only:
            return ""
        return self.lease.refusal_reason(overridden=TEAM_LOCK_FINDING in self.rebuild.overrides)

    def acquire_lock(self) -> bool:
        """Become the writer where nobody is any more, or who was agreed to it; True when we are. Raises SessionError."""
        if self.lock.is_held:
            return True
        if not self.lock.acquire():
            return False
        before = self.rebuild
        newer = store.SessionStore(self.state_folder).find_resumable(self.config.project)
        if newer is not None and newer.id != self.session.id:
            self.session = newer
        self.session.add_secrets(self.child_env(), self.secret_names)
        record_lost_commands(self.session)
        self._open_lease()  # before the event: the writer before us then closes its own
        operator = describe_operator(self.base_env)
        self.session.append(session_resumed_event(self.config.project, self.base_env, operator, skip_git_status=True))
        self.rebuild = rebuild_from_events(self.session.read_records())
        for report in before.reports.values():
            known = self.rebuild.reports.get(report.step)
            if known is None or known.started < report.started:
                self.rebuild = self.rebuild.with_report(report)
        return True

    def request_handoff(self, lock: WriterLock) -> None:
        """Ask the holder to release one of our locks. Raises SessionError."""
        lock.request_handoff(describe_requester(current_process_as_holder(self.base_env, self.config.project)))

    def incoming_request(self) -> tuple[WriterLock, HandoffRequest] | None:
        """Who asks us to release which lock; None when nobody does."""
        for lock in (self.lock, self.lease):
            if self.lock.is_held and lock is not None and (request := lock.incoming_request()) is not None:
                return lock, request
        return None

    def answer_handoff(self, lock: WriterLock, request: HandoffRequest, *, granted: bool) -> None:
        """Answer a request. Raises SessionError."""
        if lock is self.lock:
            self.session.append(events.HandoffAnswered(by=request.by, granted=granted))
            self._last_event_number = self.session.read_last_records(1)[-1].number
            # Our use of the lease stays until they have theirs: another machine must not come in between
            # (`read_new_events`).
        lock.answer_handoff(request, granted=granted)

    def _open_lease(self) -> None:
        if self.config.settings.sessions.team and self.lease is None:
            self.lease = open_lease_client(
                self.state_folder, self.config.project, self.child_options(), self.child_env(), self.session.id
            )

    def _close_lease(self) -> None:
        if self.lease is not None:
            self.lease.release()
            self.lease = None

    def _renew_lease_credentials(self) -> None:
        """The agent uses the credentials of its start: it starts again with others, unless a command runs."""
        if self.lease is not None and not self.running_commands():
            self.lease.replace_credentials(self.child_env())

    def read_new_events(self) -> list[events.EventRecord]:
        """What others wrote into the log since the last call, where somebody else writes. Raises SessionError."""
        self.lock.refresh_holder()
        size = self.session.events_path.lstat().st_size
        if size == self._log_size:
            return []
        new = [
            record
            for record in self.session.read_last_records(MAX_NEW_EVENTS)
            if record.number > self._last_event_number
        ]
        self._log_size = size
        if new:
            self._last_event_number = new[-1].number
        for record in new:
            self.rebuild = _apply_event(self.rebuild, record.event)
            if isinstance(record.event, events.SessionResumed):
                self._close_lease()
        return new

    # -- what is started -----------------------------------------------------------------------------------------

    def child_env(self) -> dict[str, str]:
        """The environment of everything that this session starts."""
        merged = {name: value for name, value in self.base_env.items() if name not in self.removed_variables}
        merged.update(self.variables)
        merged["ECOTUI_SESSION"] = self.session.id
        merged["ECOTUI_STATE_DIR"] = str(self.session.folder.parent.parent)
        # Output is read from a file: it must arrive line by line, and in one encoding.
        merged.setdefault("PYTHONUNBUFFERED", "1")
        merged.setdefault("PYTHONIOENCODING", "utf-8")
        return merged

    def child_options(self) -> list[str]:
        """The options that make a child of ours look at this same project."""
        return ["--project", str(self.config.project)]

    def record_report(self, report: Report) -> None:
        """Take a report into the rebuild and the log."""
        self.rebuild = self.rebuild.with_report(report)
        if not self.is_read_only:
            self.session.append_later(
                events.CheckReported(report=report)
            )  # 5,000 nodes are megabytes: the screen does not wait

    def set_variable(self, name: str, value: str, *, secret: bool) -> None:
        """Set a variable for what is started from now on; its value is never logged."""
        self.variables[name] = value
        self.removed_variables.discard(name)
        if secret:
            self.secret_names.add(name)
        self.session.append(events.VariableSet(name=name, secret=secret))
        if name.startswith("AWS_"):
            self._renew_lease_credentials()

    def unset_variable(self, name: str) -> None:
        self.removed_variables.add(name)
        self.variables.pop(name, None)
        self.session.append(events.VariableSet(name=name, secret=False))
        if name.startswith("AWS_"):
            self._renew_lease_credentials()

    def pick_profile(self, profile: str) -> None:
        self.variables["AWS_PROFILE"] = profile
        self.variables["ECOTUI_AWS_PROFILE"] = profile
        self.session.append(events.ProfilePicked(profile=profile))
        self._renew_lease_credentials()

    def override_finding(self, finding: Finding, reason: str) -> None:
        """Override a finding. Raises ValueError without a reason."""
        self.rebuild = self.rebuild.with_override(finding.id, reason)
        self.session.append(events.FindingOverridden(finding=finding.id, reason=reason.strip()))

    def record_fix_choice(self, finding: Finding, fix: Fix) -> None:
        self.session.append(events.FixChosen(step=finding.step, finding=finding.id, fix=fix.id, title=fix.title))

    def start_command(self, step: str, title: str, argv: tuple[str, ...], *, stdin: bytes | None = None) -> Command:
        """Start a command under the supervisor; it continues without us. Raises SessionError, OSError."""
        if argv[0] == "ecotui":
            # A screen follows the JSON lines of these.
            progress = ("--progress",) if argv[1] in _COMMANDS_WITH_PROGRESS and "--progress" not in argv else ()
            argv = (*argv, *progress, *self.child_options())
        command = start_command(
            self.session,
            argv,
            step=step,
            title=title,
            cwd=self.config.project,
            env=self.child_env(),
            secrets=self.secret_names,
            stdin=stdin,
            target=_reviewed_target(argv),
        )
        self.rebuild = self.rebuild.with_command(step, title)
        return command

    def run_fix_command(self, finding: Finding, fix: Fix) -> Command:
        """Start the command of a fix. The screen has asked for consent."""
        assert isinstance(fix.action, RunCommand)
        self.record_fix_choice(finding, fix)
        return self.start_command(finding.step, fix.title, fix.action.argv)

    def finish_command(self, command: Command) -> CommandStatus:
        """A command is over; the supervisor has logged it."""
        self.rebuild = self.rebuild.without_command(command.step)
        return read_command_status(command.folder)

    def interrupt_command(self, command: Command, *, force: bool = False) -> bool:
        """Ask a command to stop; with `force`, make it. False when it is over already."""
        return send_interrupt(command.folder, force=force)

    def running_commands(self) -> list[Command]:
        """Commands of this session that still run, also those that an earlier ecotui started."""
        return list_running_commands(self.session)

    def close(self, outcome: str) -> None:
        """End the session, unless a command still runs, and release the locks. An open session can be resumed."""
        try:
            if not self.is_read_only and not self.running_commands():
                self.session.end(outcome)
            self.session.close()
        finally:
            self._close_lease()
            self.lock.release()
            if self.lock.unsupported_reason and self.session.folder.parent.parent != self.state_folder:
                shutil.rmtree(self.session.folder.parent.parent, ignore_errors=True)


def rebuild_from_events(records: Iterator[events.EventRecord]) -> RebuildProgress:
    """The progress by the events of a log."""
    rebuild = RebuildProgress()
    for record in records:
        rebuild = _apply_event(rebuild, record.event)
    return rebuild


def _apply_event(rebuild: RebuildProgress, event: events.AnyEvent | events.UnknownEvent) -> RebuildProgress:
    match event:
        case events.CheckReported(report=report):
            return rebuild.with_report(report)
        case events.FindingOverridden(finding=finding, reason=reason) if reason.strip():
            return rebuild.with_override(finding, reason)
    return rebuild


class _ReviewedTarget(msgspec.Struct):
    """The part of a review that says where its plan works."""

    account: str = ""
    region: str = ""


def _reviewed_target(argv: Sequence[str]) -> DeploymentTarget | None:
    """Where an apply of a reviewed plan works, for the log. `ecotui apply` checks it before it begins."""
    if argv[:2] != ("ecotui", "apply") or "--plan" not in argv[:-1]:
        return None
    try:
        review = plan_and_review_paths(Path(argv[argv.index("--plan") + 1]))[1]
        found = msgspec.json.decode(review.read_bytes(), type=_ReviewedTarget)
    except (OSError, msgspec.DecodeError):
        return None
    return DeploymentTarget(found.account, found.region) if found.account or found.region else None


def process_environment() -> dict[str, str]:
    """This process's environment."""
    return dict(os.environ)


def project_folder(project: str | None) -> Path:
    """The project folder that is meant: the one that was named, else the current one."""
    return Path(project or ".").resolve()
