"""What an operator has in front of them: the settings, the session, the variables, and the commands under way.

No screen knows how a command is started or an event is written; it asks the desk. The unattended demo does the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from checks.finding import Finding, Fix, Report, Run
from config.load import Loaded
from ecotui.rebuild import Rebuild
from ecotui.session import events, lock, store
from ecotui.session.log import Session
from ecotui.supervisor import Command, Status, interrupt, running, settle, start, status

_FOLLOWED = frozenset({"apply"})


@dataclass
class Desk:
    """One project, one session. Not shared between threads: only the event loop (or one player) uses it."""

    loaded: Loaded
    session: Session
    base_env: Mapping[str, str]
    rebuild: Rebuild = field(default_factory=Rebuild)
    variables: dict[str, str] = field(default_factory=dict)
    """Values given in this session; they live here, in memory, and in the environment of what is started."""
    unset: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    """Names of variables whose values must not reach the disk."""
    held: lock.Lock | None = None
    holder: lock.Holder | None = None
    """Who else writes to this project; then this desk only watches."""
    resumed: bool = False

    @classmethod
    def open(cls, loaded: Loaded, env: Mapping[str, str]) -> Desk:
        """Take the project's lock and its open session, or begin a new one. Raises SessionError."""
        root = store.root(loaded.settings, env)
        shelf = store.Store(root)
        name = loaded.settings.project or loaded.project.name
        taken = lock.take(root, loaded.project)
        held, holder = (taken, None) if isinstance(taken, lock.Lock) else (None, taken)
        session = shelf.resumable(loaded.project)
        resumed = session is not None
        if session is None:
            session = shelf.create(project=name, folder=loaded.project, settings=loaded.settings)
        desk = cls(
            loaded=loaded,
            session=session,
            base_env=env,
            held=held,
            holder=holder,
            resumed=resumed,
            secrets={variable.name for variable in loaded.settings.environment.variables if variable.secret},
        )
        if resumed:
            desk.rebuild = replay(session.records())
            if held is not None:
                settle(session)
                session.append(events.Reattached(by=lock.whoami(env)))
        return desk

    @property
    def watching(self) -> bool:
        """True while somebody else holds the project: nothing may be changed from here."""
        return self.holder is not None

    def env(self) -> dict[str, str]:
        """The environment of everything that this session starts."""
        merged = {name: value for name, value in self.base_env.items() if name not in self.unset}
        merged.update(self.variables)
        merged["ECOTUI_SESSION"] = self.session.id
        merged["ECOTUI_STATE_DIR"] = str(self.session.folder.parent.parent)
        # Output is read from a file: it must arrive line by line, and in one encoding.
        merged.setdefault("PYTHONUNBUFFERED", "1")
        merged.setdefault("PYTHONIOENCODING", "utf-8")
        return merged

    def options(self) -> list[str]:
        """The options that make a child of ours look at this same project."""
        return ["--project", str(self.loaded.project)]

    def looked(self, report: Report) -> None:
        """Take a report into the rebuild and the log."""
        self.rebuild = self.rebuild.looked(report)
        if not self.watching:
            self.session.append(events.Looked(report=report))

    def set_variable(self, name: str, value: str, *, secret: bool) -> None:
        """Set a variable for what is started from now on; its value is never logged."""
        self.variables[name] = value
        self.unset.discard(name)
        if secret:
            self.secrets.add(name)
        self.session.append(events.VariableSet(name=name, secret=secret))

    def unset_variable(self, name: str) -> None:
        self.unset.add(name)
        self.variables.pop(name, None)
        self.session.append(events.VariableSet(name=name, secret=False))

    def pick_profile(self, profile: str) -> None:
        self.variables["AWS_PROFILE"] = profile
        self.variables["ECOTUI_AWS_PROFILE"] = profile
        self.session.append(events.ProfilePicked(profile=profile))

    def override(self, finding: Finding, reason: str) -> None:
        """Let a finding pass. Raises ValueError without a reason."""
        self.rebuild = self.rebuild.overridden(finding.id, reason)
        self.session.append(events.Overridden(finding=finding.id, reason=reason.strip()))

    def chose(self, finding: Finding, fix: Fix) -> None:
        self.session.append(
            events.FixChosen(step=finding.step, finding=finding.id, fix=fix.id, title=fix.title)
        )

    def start(self, step: str, title: str, argv: tuple[str, ...], *, stdin: bytes | None = None) -> Command:
        """Start a command under the supervisor; it goes on without us. Raises SessionError, OSError."""
        if argv[0] == "ecotui":
            # Those that a screen follows report in JSON lines.
            following = ("--progress",) if argv[1] in _FOLLOWED and "--progress" not in argv else ()
            argv = (*argv, *following, *self.options())
        command = start(
            self.session,
            argv,
            step=step,
            title=title,
            cwd=self.loaded.project,
            env=self.env(),
            secrets=self.secrets,
            stdin=stdin,
        )
        self.rebuild = self.rebuild.command_started(step, title)
        return command

    def run(self, finding: Finding, fix: Fix) -> Command:
        """Carry out a fix that is a command. The operator's consent was asked by the screen."""
        assert isinstance(fix.action, Run)
        self.chose(finding, fix)
        return self.start(finding.step, fix.title, fix.action.argv)

    def ended(self, command: Command) -> Status:
        """A command is over; the supervisor has logged it."""
        self.rebuild = self.rebuild.command_ended(command.step)
        return status(command.folder)

    def interrupt(self, command: Command, *, force: bool = False) -> bool:
        """Ask a command to stop; with `force`, make it. False when it is over already."""
        return interrupt(command.folder, force=force)

    def under_way(self) -> list[Command]:
        """Commands of this session that still run, also those that an earlier ecotui started."""
        return running(self.session)

    def close(self, outcome: str) -> None:
        """End the session (unless something still runs: then it stays open, to come back to) and free the project."""
        if not self.watching and not self.under_way():
            self.session.end(outcome)
        if self.held is not None:
            self.held.release()


def replay(records: Iterator[events.Record]) -> Rebuild:
    """The rebuild as the log tells it."""
    rebuild = Rebuild()
    for record in records:
        match record.event:
            case events.Looked(report=report):
                rebuild = rebuild.looked(report)
            case events.Overridden(finding=finding, reason=reason):
                rebuild = rebuild.overridden(finding, reason)
    return rebuild


def environ() -> dict[str, str]:
    """This process's environment."""
    return dict(os.environ)


def folder(project: str | None) -> Path:
    return Path(project or ".").resolve()
