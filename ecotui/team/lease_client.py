"""Our side of the team's lock: a seat with the keeper, a process that holds the lock for as long as anybody needs it.

The keeper (`ecotui.team.lease_agent`) is one for each project on a machine, and outlives the terminal as commands do.
Everybody speaks with it through files: a seat is a locked file, which its owner's death frees; the keeper's word is
`standing.json`. Nothing here imports boto3.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from ecotui.session import SessionError
from ecotui.session.lock import path_of, terminal
from ecotui.session.private_files import (
    explained,
    locked,
    make_folder,
    open_file,
    plainly,
    read_bytes,
    read_held,
    replace_file,
)

FINDING = "environment.team"
"""The finding that says how the team's lock stands; to let it pass lets a lock that cannot be looked at pass."""
START = 30.0
"""Seconds for the keeper to begin; it imports boto3, which takes one on an idle machine."""

LATE = "it could not be renewed in time"

STANDING, KEEPER, SEATS, COMPLAINTS = "standing.json", "keeper", "seats", "keeper.log"
ASK, ANSWER = "ask.json", "answer.json"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How the team's lock stands, as the keeper last saw it."""

    state: Literal["asking", "held", "taken", "unreachable", "lost", "yielded"] = "asking"
    """taken: another one has it; lost: it was ours, and another one took it, or it ended while S3 was away."""
    account: str = ""
    holder: str = ""
    """Who has it, in words, when it is not ours."""
    message: str = ""
    """Why it could not be looked at."""
    question: str = ""
    """Who asks us to let go."""
    refused: bool = False
    """What we asked of the holder was refused."""
    claim: str = ""
    """The id of what is held."""

    @property
    def ours(self) -> bool:
        return self.state == "held"

    def refusal(self, *, passed: bool = False) -> str:
        """Why nothing may be changed now; empty when it may. `passed`: the operator let the finding pass."""
        match self.state:
            case "held":
                return ""
            case "asking":
                return "The team's lock is being asked for; try again in a moment"
            case "unreachable" if passed:
                return ""
            case "unreachable":
                return (
                    f"The team's lock could not be looked at: {self.message.rstrip('.')}. Another machine may be at work;"
                    f" to go on all the same, let {FINDING} pass with a reason"
                )
            case "lost" if not self.holder:
                return f"The team's lock of account {self.account} was lost: {self.message.rstrip('.')}"
            case _:
                return f"{self.holder} works in account {self.account}"


class Word(Standing, frozen=True, kw_only=True):
    """The same as it lies in the file."""

    until: float = 0.0
    """Of a lock that is held: the moment (`since_boot`) until which nobody else can have taken it. A keeper that is stopped,
    or waits for S3, cannot say that it was lost."""


class Seat:
    """Held until `leave`, or until this process dies: so long the keeper keeps the lock."""

    def __init__(
        self, place: Path, options: Sequence[str], env: Mapping[str, str], session: str = ""
    ) -> None:
        self.place = place
        self._options = tuple(options)
        self._env = dict(env)
        self._keeper: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._path = place / SEATS / f"{os.getpid()}-{secrets.token_hex(4)}"
        with explained("cannot write to", self._path):
            self._fd = _sat(self._path)
        self.about(session)

    def about(self, session: str) -> None:
        """The session that this is for: its summary is shared, and its commands are waited for."""
        with explained("cannot write to", self._path):
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, json.dumps({"session": session, "terminal": terminal(self._env)}).encode(), 0)

    def standing(self) -> Standing:
        """How the lock stands; starts the keeper where there is none."""
        now = standing(self.place)
        if now is not None:
            return now
        if self._keeper is None or self._keeper.poll() is not None:
            if self._keeper is not None and time.monotonic() - self._started < START:
                return Standing(state="unreachable", message=self._complaint())
            self._begin()
        elif time.monotonic() - self._started > START:
            return Standing(state="unreachable", message=f"its keeper did not begin within {START:.0f} s")
        return Standing()

    def wait(self, seconds: float) -> Standing:
        """How it stands once that is known, or after so many seconds."""
        deadline = time.monotonic() + seconds
        while (now := self.standing()).state == "asking" and time.monotonic() < deadline:
            time.sleep(0.05)
        if now.state == "asking":
            return Standing(state="unreachable", message=f"S3 did not answer within {seconds:.0f} s")
        return now

    def ask(self, by: str) -> None:
        """Ask the holder on another machine to let go. Raises SessionError."""
        self._say(ASK, {"by": by})

    def answer(self, now: Standing, *, yielding: bool) -> None:
        """Answer who asks us. Raises SessionError."""
        self._say(ANSWER, {"of": now.claim, "yield": yielding})

    def renewed(self, env: Mapping[str, str]) -> None:
        """Other credentials from now on: the keeper begins anew with them."""
        self._env = dict(env)
        self.dismiss()

    def dismiss(self) -> None:
        """End the keeper; it lets go of the lock."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            os.kill(int(json.loads(read_bytes(self.place / KEEPER, limit=100))["pid"]), 15)
        if self._keeper is not None:
            with suppress(subprocess.TimeoutExpired):
                self._keeper.wait(10)
        self._keeper = None

    def leave(self) -> None:
        """We need the lock no longer. More than once is no error."""
        if self._fd >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = -1

    def _begin(self) -> None:
        with explained("cannot write to", self.place / COMPLAINTS):
            complaints = open_file(self.place / COMPLAINTS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            # -P: the project's own folders (config/, checks/) must not be taken for ours.
            self._keeper = subprocess.Popen(
                [sys.executable, "-P", "-m", "ecotui", "team", "--keep", str(self.place), *self._options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                cwd="/",
                env={name: value for name, value in self._env.items() if name != "ECOTUI_SESSION"},
                start_new_session=True,
            )
        except OSError as error:
            raise SessionError(f"cannot start the keeper of the team's lock: {plainly(error)}") from error
        finally:
            os.close(complaints)
        self._started = time.monotonic()

    def _complaint(self) -> str:
        try:
            said = read_bytes(self.place / COMPLAINTS, limit=4_000).decode("utf-8", "replace").split("\n")
        except OSError:
            said = []
        return next((line.removeprefix("ecotui: ") for line in said if line.strip()), "its keeper ended")

    def _say(self, name: str, what: Mapping[str, object]) -> None:
        with explained("cannot write to", self.place / name):
            replace_file(self.place / name, json.dumps(what).encode())


def _sat(path: Path) -> int:
    """The locked file that says that we are here. Raises OSError."""
    while True:
        fd = open_file(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A keeper that looked before it was locked took it for that of somebody who died, and removed it.
        if path.exists():
            return fd
        os.close(fd)


def take_seat(
    root: Path, project: Path, options: Sequence[str], env: Mapping[str, str], session: str = ""
) -> Seat:
    """A seat for this project. `options` make a command of ours look at it. Raises SessionError."""
    place = path_of(root, project).with_suffix(".team")
    for folder in (root / "locks", place, place / SEATS):
        make_folder(folder)
    return Seat(place, options, env, session)


def standing(place: Path) -> Standing | None:
    """The keeper's word, for as long as it can be true; None when no keeper is at work."""
    if not locked(place / KEEPER):
        return None
    try:
        # Held by the keeper that wrote it: that of one who was killed says nothing, although another one began.
        if (found := read_held(place / STANDING, limit=100_000)) is None:
            return Standing()
        word = msgspec.json.decode(found, type=Word)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return Standing()
    if word.ours and since_boot() >= word.until:
        return Standing(state="lost", account=word.account, message=LATE)
    return Standing(**{name: getattr(word, name) for name in Standing.__struct_fields__})


def since_boot() -> float:
    """Seconds on a clock that all processes of this machine share; it goes on while the machine sleeps."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)  # Linux alone has it
    return time.monotonic() if clock is None else time.clock_gettime(clock)
