"""What an operator has in front of them: the settings, the session, the variables, and the commands under way.

No screen knows how a command is started or an event is written; it asks the desk. The unattended demo does the same.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from checks.finding import Finding, Fix, Report, Run
from config.load import Loaded
from ecotui.rebuild_progress import Rebuild
from ecotui.session import SessionError, events, lock, store
from ecotui.session.log import Session
from ecotui.session.provenance import reattached
from ecotui.supervisor import Command, Status, interrupt, running, settle, start, status
from ecotui.team import handoff
from ecotui.team.lease_client import FINDING, Seat, Standing, take_seat

_FOLLOWED = frozenset({"apply"})
NEWS = 200
"""Events that a watcher takes in at once, the newest; a second brings a handful."""


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
    unlocked: str = ""
    """Why nobody can say who else writes: the state folder has no locks. Then this desk only watches, too."""
    seat: Seat | None = None
    """Our place with the keeper of the team's lock, where the settings name a team."""
    team: Standing = field(default_factory=Standing)
    """How the team's lock stood when it was last asked for (`look_at_team`)."""
    asking: handoff.Question | None = None
    """What we asked of the holder, and was not answered yet."""
    resumed: bool = False
    _size: int = -1
    """Bytes of the log when `news` read it."""
    _seen: int = 0
    """The number of the newest event that `news` gave."""

    @classmethod
    def open(cls, loaded: Loaded, env: Mapping[str, str]) -> Desk:
        """Take the project's lock and its open session, or begin a new one. Raises SessionError."""
        root = store.root(loaded.settings, env)
        shelf = store.Store(root)
        name = loaded.settings.project or loaded.project.name
        held, holder, unlocked = None, None, ""
        try:
            taken = lock.take(root, loaded.project)
            held, holder = (taken, None) if isinstance(taken, lock.Lock) else (None, taken)
        except lock.NoLocks as error:
            unlocked = str(error)
        session = shelf.resumable(loaded.project)
        resumed = session is not None
        if session is None:
            if (
                unlocked
            ):  # nothing can be written there: what is looked at now is kept for as long as we are here
                shelf = store.Store(Path(tempfile.mkdtemp(prefix="ecotui-unlocked-")))
            session = shelf.create(project=name, folder=loaded.project, settings=loaded.settings)
        desk = cls(
            loaded=loaded,
            session=session,
            base_env=env,
            held=held,
            holder=holder,
            unlocked=unlocked,
            resumed=resumed,
            secrets={variable.name for variable in loaded.settings.environment.variables if variable.secret},
        )
        if resumed:
            desk.rebuild = replay(session.records())
            if held is not None:
                settle(session)
                session.append(reattached(loaded.project, env, lock.whoami(env)))
        desk._seen = session.newest(1)[-1].n
        if held is not None:
            desk._sit_down()
        return desk

    @property
    def root(self) -> Path:
        """The state folder."""
        return store.root(self.loaded.settings, self.base_env)

    @property
    def watching(self) -> bool:
        """True while somebody else holds the project, or nobody can say who does: nothing may be changed from here."""
        return self.held is None

    def refusal(self, *, reads: bool = False) -> str:
        """Why nothing may be changed from here, for the operator; empty when it may. `reads`: it changes nothing."""
        if self.unlocked:
            return f"You are watching: {self.unlocked}."
        if self.watching:
            who = self.holder.who if self.holder is not None else "somebody"
            return f"You are watching: {who} works on this project."
        if self.seat is None or reads:
            return ""
        return self.look_at_team().refusal(passed=FINDING in self.rebuild.overrides)

    # -- the team's lock -----------------------------------------------------------------------------------------

    def _sit_down(self) -> None:
        if self.loaded.settings.sessions.team and self.seat is None:
            self.seat = take_seat(self.root, self.loaded.project, self.options(), self.env(), self.session.id)

    def look_at_team(self) -> Standing:
        """How the team's lock stands now; without a team as it always did. Raises SessionError."""
        if self.seat is not None:
            self.team = self.seat.standing()
        return self.team

    def ask_team(self) -> None:
        """Ask the holder on another machine to let go. Raises SessionError."""
        if self.seat is not None:
            self.seat.ask(handoff.described(lock.myself(self.base_env, self.loaded.project)))

    def answer_team(self, *, yielding: bool) -> None:
        """Answer who asks from another machine. Raises SessionError."""
        if self.seat is not None:
            self.seat.answer(self.team, yielding=yielding)

    def _credentials_changed(self) -> None:
        """The keeper works with the credentials of its start: with others it begins anew, unless work goes on."""
        if self.seat is not None and not self.under_way():
            self.seat.renewed(self.env())

    # -- taking over, and being asked to hand over ---------------------------------------------------------------

    def take_over(self) -> bool:
        """Become the writer where nobody is any more, or was told to be; True when we are. Raises SessionError."""
        if self.held is not None:
            return True
        taken = lock.take(self.root, self.loaded.project)
        if isinstance(taken, lock.Holder):
            self.holder = taken
            return False
        self.held, self.holder, before = taken, None, self.rebuild
        if self.asking is not None:
            handoff.withdraw(self.root, self.loaded.project, self.asking)
            self.asking = None
        newer = store.Store(self.root).resumable(self.loaded.project)
        if newer is not None and newer.id != self.session.id:
            self.session = newer
        self.session.learn(self.env(), self.secrets)
        settle(self.session)
        self._sit_down()  # before it is said that we are here: then the one before us gets up
        me = lock.whoami(self.base_env)
        self.session.append(reattached(self.loaded.project, self.base_env, me, quickly=True))
        self.rebuild = replay(self.session.records())
        for report in before.reports.values():
            known = self.rebuild.reports.get(report.step)
            if known is None or known.started < report.started:
                self.rebuild = self.rebuild.looked(report)
        return True

    def ask_to_take_over(self) -> None:
        """Ask the holder for the project. Raises SessionError."""
        me = handoff.described(lock.myself(self.base_env, self.loaded.project))
        self.asking = handoff.ask(self.root, self.loaded.project, me)

    def answered(self) -> bool | None:
        """What the holder said to our question; None while nothing was said. A question is answered once."""
        given = handoff.answered(self.root, self.loaded.project)
        if self.asking is None or given is None or given.id != self.asking.id:
            return None
        self.asking = None
        return given.granted

    def asked(self) -> handoff.Question | None:
        """Who asks us to hand the project over; None when nobody does."""
        return handoff.asked(self.root, self.loaded.project) if self.held is not None else None

    def hand_over(self, question: handoff.Question, *, granted: bool) -> None:
        """Answer; when it is granted, this desk only watches from now on. Raises SessionError."""
        self.session.append(events.TakeoverAnswered(by=question.by, granted=granted))
        handoff.answer(self.root, self.loaded.project, question, granted=granted)
        if granted and self.held is not None:
            self._seen = self.session.newest(1)[-1].n
            # Our seat stays until they have theirs: another machine must not come in between (see `news`).
            self.held.release()
            self.held, self.holder = None, lock.Holder(user=question.by)

    def _get_up(self) -> None:
        if self.seat is not None:
            self.seat.leave()
            self.seat = None

    def news(self) -> list[events.Record]:
        """What others wrote into the log since we last asked; for who watches. Raises SessionError."""
        if self.holder is not None and (now := lock.held_by(self.root, self.loaded.project)) is not None:
            self.holder = now
        size = self.session.events_file.lstat().st_size
        if size == self._size:
            return []
        new = [record for record in self.session.newest(NEWS) if record.n > self._seen]
        self._size = size
        if new:
            self._seen = new[-1].n
        for record in new:
            self.rebuild = _replayed(self.rebuild, record.event)
            if isinstance(record.event, events.Reattached):
                self._get_up()
        return new

    @property
    def free(self) -> bool:
        """Whether who held the project let it go, or died: it can be taken at once."""
        return self.holder is not None and lock.held_by(self.root, self.loaded.project) is None

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
            self.session.put(
                events.Looked(report=report)
            )  # 5,000 nodes are megabytes: the screen does not wait

    def set_variable(self, name: str, value: str, *, secret: bool) -> None:
        """Set a variable for what is started from now on; its value is never logged."""
        self.variables[name] = value
        self.unset.discard(name)
        if secret:
            self.secrets.add(name)
        self.session.append(events.VariableSet(name=name, secret=secret))
        if name.startswith("AWS_"):
            self._credentials_changed()

    def unset_variable(self, name: str) -> None:
        self.unset.add(name)
        self.variables.pop(name, None)
        self.session.append(events.VariableSet(name=name, secret=False))
        if name.startswith("AWS_"):
            self._credentials_changed()

    def pick_profile(self, profile: str) -> None:
        self.variables["AWS_PROFILE"] = profile
        self.variables["ECOTUI_AWS_PROFILE"] = profile
        self.session.append(events.ProfilePicked(profile=profile))
        self._credentials_changed()

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
        try:
            if not self.watching and not self.under_way():
                self.session.end(outcome)
            self.session.close()
        finally:
            if self.asking is not None:
                with suppress(SessionError):
                    handoff.withdraw(self.root, self.loaded.project, self.asking)
            self._get_up()
            if self.held is not None:
                self.held.release()
            if self.unlocked and self.session.folder.parent.parent != self.root:
                shutil.rmtree(self.session.folder.parent.parent, ignore_errors=True)


def replay(records: Iterator[events.Record]) -> Rebuild:
    """The rebuild as the log tells it."""
    rebuild = Rebuild()
    for record in records:
        rebuild = _replayed(rebuild, record.event)
    return rebuild


def _replayed(rebuild: Rebuild, event: events.Event | events.Unknown) -> Rebuild:
    match event:
        case events.Looked(report=report):
            return rebuild.looked(report)
        case events.Overridden(finding=finding, reason=reason) if reason.strip():
            return rebuild.overridden(finding, reason)
    return rebuild


def environ() -> dict[str, str]:
    """This process's environment."""
    return dict(os.environ)


def folder(project: str | None) -> Path:
    """The project folder that is meant: the one that was named, else the current one."""
    return Path(project or ".").resolve()
