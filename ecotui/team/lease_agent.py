"""The keeper: a process that holds the team's lock for a project while somebody here needs it, and shares summaries.

Needed is it by whoever has a seat (a TUI, a headless command), and by every command that still runs in their sessions:
so the lock outlives the terminal as the work does. When nobody is left it is let go; when this machine dies, the lease
ends by itself. It never kills anything: a lost lock is told and logged.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from checks.aws import lease
from checks.aws.lease import Claim, Held, Lost, Seen
from checks.aws.object_store import ObjectStore, StoreError
from checks.sanitize import one_line
from ecotui.session import SessionError, events
from ecotui.session.private_files import locked, open_file, read_bytes, replace_held
from ecotui.session.store import Store
from ecotui.supervisor.commands import running
from ecotui.team.lease_client import ANSWER, ASK, KEEPER, LATE, SEATS, STANDING, Standing, Word, since_boot

if TYPE_CHECKING:
    from checks.context import World

TICK = 0.2
"""Seconds between two looks at the files: what a person perceives as soon."""
RENEWALS = 4
"""Renewals in the length of a lease: three may fail, and it still holds."""
QUICK = 5.0
"""Seconds between two looks at a lock that another one has, at most."""
PATIENCE = 2.0
"""Seconds to wait for another keeper that is just leaving."""
CATCH_UP = 30
"""Sessions, newest first, that are compared with what is shared: those of a time when S3 was away."""


class Keeper:
    """One project's. `run` returns when nobody needs it any more."""

    def __init__(
        self,
        place: Path,
        world: World,
        claim: Claim,
        *,
        clock: Callable[[], float] = since_boot,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`claim` says who we are. `clock`: as `since_boot`; after a machine's sleep the lock is looked at first."""
        self._place = place
        self._world = world
        self._wanted = claim
        self._clock = clock
        self._sleep = sleep
        self._shelf = Store(place.parent.parent)
        self._store: ObjectStore | None = None
        self._account = ""
        self._held: Held | None = None
        self._sure_until = 0.0
        """Until then the lease holds whatever happens to the network."""
        self._due = 0.0
        self._yielded = ""
        """The claim that was let go for another: it is not taken back before another one had it,"""
        self._waits_until = 0.0
        """or did not come for the length of a lease."""
        self._standing = Standing()
        self._word = -1
        """The descriptor that holds what we said last."""
        self._sessions: set[str] = set()
        self._terminal = ""
        """Of whoever sits here."""
        self._shared: dict[str, tuple[int, int]] = {}
        self._caught_up = False
        self._asked_as = ""
        """In whose name we asked the holder to let go."""
        self.ending = False

    def run(self) -> None:
        """Raises SessionError when the folder cannot be used."""
        fd = self._alone()
        if fd < 0:
            return
        try:
            self._tell(self._standing)
            while not self.ending and not self._over():
                self._heed()
                if self._clock() >= self._due:
                    self._beat()
                self._sleep(TICK)
            self._end()
        finally:
            os.close(fd)
            if self._word >= 0:
                os.close(self._word)
                self._word = -1

    def end(self, number: int, frame: object) -> None:
        """A signal: let go, and end."""
        self.ending = True

    def _alone(self) -> int:
        """The lock that says that a keeper is at work; -1 when another one is."""
        path = self._place / KEEPER
        fd = open_file(path, os.O_RDWR | os.O_CREAT)
        until = self._clock() + PATIENCE
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if self._clock() > until:
                    os.close(fd)
                    return -1
                self._sleep(TICK)
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps({"pid": os.getpid()}).encode(), 0)
        for name in (STANDING, ASK, ANSWER):
            (self._place / name).unlink(missing_ok=True)
        return fd

    # -- who needs it --------------------------------------------------------------------------------------------

    def _over(self) -> bool:
        """Whether nobody needs it, and nobody who comes now can still read that the lock is held.

        Whoever comes takes a seat first and reads the standing then. So the standing goes first here, and the seats are
        looked at again: either we see them, or they see nothing and wait for the next keeper.
        """
        if self._needed():
            return False
        (self._place / STANDING).unlink(missing_ok=True)
        if not self._needed():
            return True
        self._put()
        return False

    def _needed(self) -> bool:
        """Whether somebody has a seat, or a command of theirs runs."""
        seated = False
        for path in (self._place / SEATS).iterdir():
            if not locked(path):
                path.unlink(missing_ok=True)  # its owner died
                continue
            seated = True
            if (told := self._plain(path)) is not None:
                self._terminal = str(told.get("terminal", ""))
                if session := str(told.get("session", "")):
                    self._sessions.add(session)
        return seated or self._at_work()

    @property
    def _working(self) -> str:
        """The ids of the sessions that this is for, the newest two: a claim is small."""
        return " ".join(sorted(self._sessions)[-2:])

    def _at_work(self) -> bool:
        for id in self._sessions:
            with suppress(SessionError, OSError):
                if running(self._shelf.open(id)):
                    return True
        return False

    # -- the lock ------------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        """Renew it, or try to get it."""
        begun = self._clock()
        try:
            store = self._reached()
            if self._held is not None:
                claim = msgspec.structs.replace(
                    self._held.claim, session=self._working, terminal=self._terminal
                )
                self._held = lease.renew(store, self._account, Held(claim, self._held.etag))
                self._got(self._held, begun)
                asked = lease.question(store, self._account, self._held.claim)
                by = asked.by if asked and not asked.refused else ""
                self._tell(msgspec.structs.replace(self._standing, question=by))
            else:
                self._try(store, begun)
            self._share(store)
        except Lost as lost:
            self._held = None
            self._due = self._clock() + QUICK
            self._tell(Standing(state="lost", account=self._account, holder=lost.holder.who))
        except StoreError as error:
            self._away(str(error))

    def _try(self, store: ObjectStore, begun: float) -> None:
        waits = self._yielded and begun < self._waits_until
        seen = lease.look(store, self._account) if waits else None
        if seen is not None and seen.claim.id == self._yielded:  # whoever asked for it has not come yet
            self._due = self._clock() + QUICK
            return
        wanted = msgspec.structs.replace(self._wanted, session=self._working, terminal=self._terminal)
        taken = lease.take(store, self._account, wanted)
        if isinstance(taken, Held):
            self._held, self._yielded = taken, ""
            self._got(taken, begun)
            return
        asked = lease.question(store, self._account, taken.claim)
        self._other(taken, refused=asked is not None and asked.refused and asked.by == self._asked_as)

    def _got(self, held: Held, begun: float) -> None:
        """It is ours, by what S3 was asked at a moment of our clock: not earlier than that its lease began."""
        seconds = held.claim.seconds
        self._sure_until = begun + seconds
        self._due = begun + seconds / RENEWALS
        if self._standing.state == "held" and self._standing.claim == held.claim.id:
            self._tell(self._standing)
        else:
            self._tell(Standing(state="held", account=self._account, claim=held.claim.id))

    def _other(self, seen: Seen, *, refused: bool) -> None:
        self._yielded = "" if seen.claim.id != self._yielded else self._yielded
        self._due = self._clock() + min(QUICK, seen.claim.seconds / RENEWALS)
        state: Literal["lost", "taken"] = "lost" if self._standing.state == "lost" else "taken"
        self._tell(Standing(state=state, account=self._account, holder=seen.claim.who, refused=refused))

    def _away(self, why: str) -> None:
        """S3 cannot be reached. What is held still holds until its lease is over; then nobody can say."""
        self._due = self._clock() + min(QUICK, self._world.settings.sessions.lease / RENEWALS)
        if self._held is None:
            self._tell(Standing(state="unreachable", account=self._account, message=why))
        elif self._clock() >= self._sure_until:
            self._tell(Standing(state="lost", account=self._account, message=f"{LATE}: {why}"))

    def _reached(self) -> ObjectStore:
        """The store, and whose account we are in. Raises StoreError."""
        from checks.aws.session import errors

        if self._store is None:
            store = ObjectStore(self._world.aws, self._world.settings.sessions.team)
            try:
                self._account = self._world.aws.identity_now().account
            except errors() as error:
                raise StoreError(self._world.aws.explain(error, "sts:GetCallerIdentity").summary) from error
            self._store = store
        return self._store

    # -- questions -----------------------------------------------------------------------------------------------

    def _heed(self) -> None:
        """What those with a seat want to be said."""
        if (ask := self._told(ASK)) is not None and self._store is not None and self._held is None:
            (self._place / ASK).unlink(missing_ok=True)
            with suppress(StoreError):
                seen = lease.look(self._store, self._account)
                if seen is not None and not seen.over:
                    self._asked_as = one_line(str(ask.get("by", "")))
                    lease.ask(self._store, self._account, seen.claim, self._asked_as)
            self._due = 0.0
        if (answer := self._told(ANSWER)) is not None:
            (self._place / ANSWER).unlink(missing_ok=True)
            if self._held is not None and answer.get("of") == self._held.claim.id:
                self._answer(yielding=bool(answer.get("yield")) and not self._at_work())

    def _answer(self, *, yielding: bool) -> None:
        assert self._held is not None and self._store is not None
        claim = self._held.claim
        try:
            if not yielding:
                if asked := lease.question(self._store, self._account, claim):
                    lease.refuse(self._store, self._account, asked)
                self._tell(msgspec.structs.replace(self._standing, question=""))
                return
            lease.release(self._store, self._account, self._held)
        except StoreError as error:
            self._away(str(error))
            return
        holder = self._standing.question or "somebody else"
        self._held, self._yielded = None, claim.id
        self._waits_until = self._clock() + claim.seconds
        self._due = self._clock() + QUICK
        self._tell(Standing(state="yielded", account=self._account, holder=holder))

    def _told(self, name: str) -> dict[str, Any] | None:
        return self._plain(self._place / name)

    @staticmethod
    def _plain(path: Path) -> dict[str, Any] | None:
        try:
            plain = json.loads(read_bytes(path, limit=10_000))
        except (OSError, ValueError):
            return None
        return plain if isinstance(plain, dict) else None

    # -- telling -------------------------------------------------------------------------------------------------

    def _tell(self, now: Standing) -> None:
        before, self._standing = self._standing, now
        with suppress(OSError):
            self._put()
        if now.state != before.state and now.state != "asking":
            self._log(events.TeamLock(state=now.state, account=now.account, holder=now.holder or now.message))

    def _put(self) -> None:
        """Raises OSError."""
        word = Word(**msgspec.structs.asdict(self._standing), until=self._sure_until)
        before, self._word = self._word, replace_held(self._place / STANDING, msgspec.json.encode(word))
        if before >= 0:
            os.close(before)

    def _log(self, event: events.TeamLock) -> None:
        """In every session that is open here: who reads it later must know under which lock it worked."""
        for id in self._sessions:
            with suppress(SessionError, OSError):
                session = self._shelf.open(id)
                if session.summary().ended is None:
                    session.append(event)
                session.close()

    def _share(self, store: ObjectStore) -> None:
        """Write the summaries that changed to where other machines list them. Raises StoreError."""
        from ecotui.team import summaries

        if not self._caught_up:
            self._caught_up = True
            summaries.catch_up(store, self._shelf, self._world.project, CATCH_UP)
        for id in self._sessions:
            mark = summaries.mark(self._shelf, id)
            if mark is not None and self._shared.get(id) != mark:
                summaries.write(store, self._shelf, id)
                self._shared[id] = mark

    def _end(self) -> None:
        # Before the lock goes: nobody may work on an old word.
        (self._place / STANDING).unlink(missing_ok=True)
        with suppress(StoreError):
            if self._store is not None:
                self._share(self._store)
                if self._held is not None:
                    lease.release(self._store, self._account, self._held)


def keep(place: Path, world: World, env: Mapping[str, str]) -> None:
    """Be the keeper of this place until nobody needs it. Raises OSError."""
    from ecotui.session.lock import myself

    me = myself(env, world.project)
    claim = Claim(
        user=me.user,
        host=me.host,
        since=f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC",
        project=world.settings.project or world.project.name,
        seconds=world.settings.sessions.lease,
    )
    keeper = Keeper(place, world, claim)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, keeper.end)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    keeper.run()
