"""What an operator has in front of them: the settings, the session, the variables, and the commands under way.

No screen knows how a command is started or an event is written; it asks the desk. The unattended demo does the same.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from checks.apply.plan_store import plan_and_review_paths
from checks.finding import Finding, Fix, Report, RunCommand
from config.folders import state_folder
from config.load import LoadedSettings
from ecotui.rebuild_progress import RebuildProgress
from ecotui.session import SessionError, events, lock, store
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
from ecotui.team import file_lock as handoff
from ecotui.team.lease_client import TEAM_LOCK_FINDING, LeaseClient, LeaseStatus, open_lease_client

_COMMANDS_WITH_PROGRESS = frozenset({"apply"})
MAX_NEW_EVENTS = 200
"""Events that a watcher takes in at once, the newest; a second brings a handful."""


@dataclass
class OpenProject:
    """One project, one session. Not shared between threads: only the event loop (or one player) uses it."""

    config: LoadedSettings
    session: Session
    base_env: Mapping[str, str]
    rebuild: RebuildProgress = field(default_factory=RebuildProgress)
    variables: dict[str, str] = field(default_factory=dict)
    """Values given in this session; they live here, in memory, and in the environment of what is started."""
    removed_variables: set[str] = field(default_factory=set)
    secret_names: set[str] = field(default_factory=set)
    """Names of variables whose values must not reach the disk."""
    project_lock: lock.ProjectLock | None = None
    lock_holder: lock.LockHolder | None = None
    """Who else writes to this project; then this desk only watches."""
    no_locks_reason: str = ""
    """Why nobody can say who else writes: the state folder has no locks. Then this desk only watches, too."""
    lease_client: LeaseClient | None = None
    """Our place with the keeper of the team's lock, where the settings name a team."""
    lease_status: LeaseStatus = field(default_factory=LeaseStatus)
    """How the team's lock stood when it was last asked for (`look_at_team`)."""
    pending_request: handoff.HandoffRequest | None = None
    """What we asked of the holder, and was not answered yet."""
    is_resumed: bool = False
    _log_size: int = -1
    """Bytes of the log when `news` read it."""
    _last_event_number: int = 0
    """The number of the newest event that `news` gave."""

    @classmethod
    def open(cls, config: LoadedSettings, env: Mapping[str, str]) -> OpenProject:
        """Take the project's lock and its open session, or begin a new one. Raises SessionError."""
        root = state_folder(config.settings, env)
        shelf = store.SessionStore(root)
        name = config.settings.project or config.project.name
        held, holder, unlocked = None, None, ""
        try:
            taken = lock.acquire_project_lock(root, config.project)
            held, holder = (taken, None) if isinstance(taken, lock.ProjectLock) else (None, taken)
        except lock.LocksUnsupported as error:
            unlocked = str(error)
        session = shelf.find_resumable(config.project)
        resumed = session is not None
        if session is None:
            if unlocked:  # nothing can be written there: what is looked at now is kept for as long as we are here
                shelf = store.SessionStore(Path(tempfile.mkdtemp(prefix="ecotui-unlocked-")))
            session = shelf.create(project=name, folder=config.project, settings=config.settings)
        desk = cls(
            config=config,
            session=session,
            base_env=env,
            project_lock=held,
            lock_holder=holder,
            no_locks_reason=unlocked,
            is_resumed=resumed,
            secret_names={variable.name for variable in config.settings.environment.variables if variable.secret},
        )
        if resumed:
            desk.rebuild = rebuild_from_events(session.read_records())
            if held is not None:
                record_lost_commands(session)
                session.append(session_resumed_event(config.project, env, lock.describe_operator(env)))
        desk._last_event_number = session.read_last_records(1)[-1].number
        if held is not None:
            desk._join_team_lease()
        return desk

    @property
    def state_folder(self) -> Path:
        """The state folder."""
        return state_folder(self.config.settings, self.base_env)

    @property
    def is_read_only(self) -> bool:
        """True while somebody else holds the project, or nobody can say who does: nothing may be changed from here."""
        return self.project_lock is None

    def write_refusal(self, *, read_only: bool = False) -> str:
        """Why nothing may be changed from here, for the operator; empty when it may. `reads`: it changes nothing."""
        if self.no_locks_reason:
            return f"You are watching: {self.no_locks_reason}."
        if self.is_read_only:
            who = self.lock_holder.description if self.lock_holder is not None else "somebody"
            return f"You are watching: {who} works on this project."
        if self.lease_client is None or read_only:
            return ""
        return self.check_team_lease().refusal_reason(overridden=TEAM_LOCK_FINDING in self.rebuild.overrides)

    # -- the team's lock -----------------------------------------------------------------------------------------

    def _join_team_lease(self) -> None:
        if self.config.settings.sessions.team and self.lease_client is None:
            self.lease_client = open_lease_client(
                self.state_folder, self.config.project, self.child_options(), self.child_env(), self.session.id
            )

    def check_team_lease(self) -> LeaseStatus:
        """How the team's lock stands now; without a team as it always did. Raises SessionError."""
        if self.lease_client is not None:
            self.lease_status = self.lease_client.status()
        return self.lease_status

    def request_team_handoff(self) -> None:
        """Ask the holder on another machine to let go. Raises SessionError."""
        if self.lease_client is not None:
            self.lease_client.request_handoff(
                handoff.describe_requester(lock.current_process_as_holder(self.base_env, self.config.project))
            )

    def answer_team_handoff(self, *, granted: bool) -> None:
        """Answer who asks from another machine. Raises SessionError."""
        if self.lease_client is not None:
            self.lease_client.answer_handoff(self.lease_status, release=granted)

    def _renew_lease_credentials(self) -> None:
        """The keeper works with the credentials of its start: with others it begins anew, unless work goes on."""
        if self.lease_client is not None and not self.running_commands():
            self.lease_client.replace_credentials(self.child_env())

    # -- taking over, and being asked to hand over ---------------------------------------------------------------

    def acquire_lock(self) -> bool:
        """Become the writer where nobody is any more, or was told to be; True when we are. Raises SessionError."""
        if self.project_lock is not None:
            return True
        taken = lock.acquire_project_lock(self.state_folder, self.config.project)
        if isinstance(taken, lock.LockHolder):
            self.lock_holder = taken
            return False
        self.project_lock, self.lock_holder, before = taken, None, self.rebuild
        if self.pending_request is not None:
            handoff.withdraw_handoff_request(self.state_folder, self.config.project, self.pending_request)
            self.pending_request = None
        newer = store.SessionStore(self.state_folder).find_resumable(self.config.project)
        if newer is not None and newer.id != self.session.id:
            self.session = newer
        self.session.add_secrets(self.child_env(), self.secret_names)
        record_lost_commands(self.session)
        self._join_team_lease()  # before it is said that we are here: then the one before us gets up
        me = lock.describe_operator(self.base_env)
        self.session.append(session_resumed_event(self.config.project, self.base_env, me, skip_git_status=True))
        self.rebuild = rebuild_from_events(self.session.read_records())
        for report in before.reports.values():
            known = self.rebuild.reports.get(report.step)
            if known is None or known.started < report.started:
                self.rebuild = self.rebuild.with_report(report)
        return True

    def request_handoff(self) -> None:
        """Ask the holder for the project. Raises SessionError."""
        me = handoff.describe_requester(lock.current_process_as_holder(self.base_env, self.config.project))
        self.pending_request = handoff.request_handoff(self.state_folder, self.config.project, me)

    def poll_handoff_answer(self) -> bool | None:
        """What the holder said to our question; None while nothing was said. A question is answered once."""
        given = handoff.read_handoff_answer(self.state_folder, self.config.project)
        if self.pending_request is None or given is None or given.id != self.pending_request.id:
            return None
        self.pending_request = None
        return given.granted

    def incoming_handoff_request(self) -> handoff.HandoffRequest | None:
        """Who asks us to hand the project over; None when nobody does."""
        return (
            handoff.read_handoff_request(self.state_folder, self.config.project)
            if self.project_lock is not None
            else None
        )

    def answer_handoff(self, request: handoff.HandoffRequest, *, granted: bool) -> None:
        """Answer; when it is granted, this desk only watches from now on. Raises SessionError."""
        self.session.append(events.HandoffAnswered(by=request.by, granted=granted))
        handoff.answer_handoff(self.state_folder, self.config.project, request, granted=granted)
        if granted and self.project_lock is not None:
            self._last_event_number = self.session.read_last_records(1)[-1].number
            # Our seat stays until they have theirs: another machine must not come in between (see `news`).
            self.project_lock.release()
            self.project_lock, self.lock_holder = None, lock.LockHolder(user=request.by)

    def _leave_team_lease(self) -> None:
        if self.lease_client is not None:
            self.lease_client.close()
            self.lease_client = None

    def read_new_events(self) -> list[events.EventRecord]:
        """What others wrote into the log since we last asked; for who watches. Raises SessionError."""
        if (
            self.lock_holder is not None
            and (now := lock.read_lock_holder(self.state_folder, self.config.project)) is not None
        ):
            self.lock_holder = now
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
                self._leave_team_lease()
        return new

    @property
    def is_lock_free(self) -> bool:
        """Whether who held the project let it go, or died: it can be taken at once."""
        return self.lock_holder is not None and lock.read_lock_holder(self.state_folder, self.config.project) is None

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
        """Let a finding pass. Raises ValueError without a reason."""
        self.rebuild = self.rebuild.with_override(finding.id, reason)
        self.session.append(events.FindingOverridden(finding=finding.id, reason=reason.strip()))

    def record_fix_choice(self, finding: Finding, fix: Fix) -> None:
        self.session.append(events.FixChosen(step=finding.step, finding=finding.id, fix=fix.id, title=fix.title))

    def start_command(self, step: str, title: str, argv: tuple[str, ...], *, stdin: bytes | None = None) -> Command:
        """Start a command under the supervisor; it goes on without us. Raises SessionError, OSError."""
        if argv[0] == "ecotui":
            # Those that a screen follows report in JSON lines.
            following = ("--progress",) if argv[1] in _COMMANDS_WITH_PROGRESS and "--progress" not in argv else ()
            argv = (*argv, *following, *self.child_options())
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
        """Carry out a fix that is a command. The operator's consent was asked by the screen."""
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
        """End the session (unless something still runs: then it stays open, to come back to) and free the project."""
        try:
            if not self.is_read_only and not self.running_commands():
                self.session.end(outcome)
            self.session.close()
        finally:
            if self.pending_request is not None:
                with suppress(SessionError):
                    handoff.withdraw_handoff_request(self.state_folder, self.config.project, self.pending_request)
            self._leave_team_lease()
            if self.project_lock is not None:
                self.project_lock.release()
            if self.no_locks_reason and self.session.folder.parent.parent != self.state_folder:
                shutil.rmtree(self.session.folder.parent.parent, ignore_errors=True)


def rebuild_from_events(records: Iterator[events.EventRecord]) -> RebuildProgress:
    """The rebuild as the log tells it."""
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
