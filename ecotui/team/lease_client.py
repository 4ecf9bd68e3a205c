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
from ecotui.session.lock import project_lock_path, terminal_name
from ecotui.session.private_files import (
    describe_os_error,
    is_locked,
    make_private_folder,
    open_private_file,
    raise_session_error,
    read_bytes,
    read_if_locked,
    replace_atomically,
)

TEAM_LOCK_FINDING = "environment.team"
"""The finding that says how the team's lock stands; to let it pass lets a lock that cannot be looked at pass."""
AGENT_START_TIMEOUT = 30.0
"""Seconds for the keeper to begin; it imports boto3, which takes one on an idle machine."""

NOT_RENEWED_MESSAGE = "it could not be renewed in time"

STATUS_FILE, AGENT_LOCK_FILE, CLIENTS_FOLDER, AGENT_LOG = "standing.json", "keeper", "seats", "keeper.log"
HANDOFF_REQUEST_FILE, HANDOFF_ANSWER_FILE = "ask.json", "answer.json"


class LeaseStatus(msgspec.Struct, frozen=True, kw_only=True):
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
    def is_held(self) -> bool:
        return self.state == "held"

    def refusal_reason(self, *, overridden: bool = False) -> str:
        """Why nothing may be changed now; empty when it may. `passed`: the operator let the finding pass."""
        match self.state:
            case "held":
                return ""
            case "asking":
                return "The team's lock is being asked for; try again in a moment"
            case "unreachable" if overridden:
                return ""
            case "unreachable":
                return (
                    f"The team's lock could not be looked at: {self.message.rstrip('.')}. Another machine may be at work;"
                    f" to go on all the same, let {TEAM_LOCK_FINDING} pass with a reason"
                )
            case "lost" if not self.holder:
                return f"The team's lock of account {self.account} was lost: {self.message.rstrip('.')}"
            case _:
                return f"{self.holder} works in account {self.account}"


class LeaseStatusFile(LeaseStatus, frozen=True, kw_only=True):
    """The same as it lies in the file."""

    until: float = 0.0
    """Of a lock that is held: the moment (`since_boot`) until which nobody else can have taken it. A keeper that is stopped,
    or waits for S3, cannot say that it was lost."""


class LeaseClient:
    """Held until `leave`, or until this process dies: so long the keeper keeps the lock."""

    def __init__(self, folder: Path, options: Sequence[str], env: Mapping[str, str], session: str = "") -> None:
        self.folder = folder
        self._options = tuple(options)
        self._env = dict(env)
        self._agent: subprocess.Popen[bytes] | None = None
        self._agent_started_at = 0.0
        self._client_file = folder / CLIENTS_FOLDER / f"{os.getpid()}-{secrets.token_hex(4)}"
        with raise_session_error("cannot write to", self._client_file):
            self._fd = _lock_client_file(self._client_file)
        self.set_session(session)

    def set_session(self, session: str) -> None:
        """The session that this is for: its summary is shared, and its commands are waited for."""
        with raise_session_error("cannot write to", self._client_file):
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, json.dumps({"session": session, "terminal": terminal_name(self._env)}).encode(), 0)

    def status(self) -> LeaseStatus:
        """How the lock stands; starts the keeper where there is none."""
        now = read_lease_status(self.folder)
        if now is not None:
            return now
        if self._agent is None or self._agent.poll() is not None:
            if self._agent is not None and time.monotonic() - self._agent_started_at < AGENT_START_TIMEOUT:
                return LeaseStatus(state="unreachable", message=self._agent_error())
            self._start_agent()
        elif time.monotonic() - self._agent_started_at > AGENT_START_TIMEOUT:
            return LeaseStatus(
                state="unreachable", message=f"its keeper did not begin within {AGENT_START_TIMEOUT:.0f} s"
            )
        return LeaseStatus()

    def wait_for_status(self, timeout: float) -> LeaseStatus:
        """How it stands once that is known, or after so many seconds."""
        deadline = time.monotonic() + timeout
        while (now := self.status()).state == "asking" and time.monotonic() < deadline:
            time.sleep(0.05)
        if now.state == "asking":
            return LeaseStatus(state="unreachable", message=f"S3 did not answer within {timeout:.0f} s")
        return now

    def request_handoff(self, requester: str) -> None:
        """Ask the holder on another machine to let go. Raises SessionError."""
        self._write_request(HANDOFF_REQUEST_FILE, {"by": requester})

    def answer_handoff(self, status: LeaseStatus, *, release: bool) -> None:
        """Answer who asks us. Raises SessionError."""
        self._write_request(HANDOFF_ANSWER_FILE, {"of": status.claim, "yield": release})

    def replace_credentials(self, env: Mapping[str, str]) -> None:
        """Other credentials from now on: the keeper begins anew with them."""
        self._env = dict(env)
        self.stop_agent()

    def stop_agent(self) -> None:
        """End the keeper; it lets go of the lock."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            os.kill(int(json.loads(read_bytes(self.folder / AGENT_LOCK_FILE, limit=100))["pid"]), 15)
        if self._agent is not None:
            with suppress(subprocess.TimeoutExpired):
                self._agent.wait(10)
        self._agent = None

    def close(self) -> None:
        """We need the lock no longer. More than once is no error."""
        if self._fd >= 0:
            self._client_file.unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = -1

    def _start_agent(self) -> None:
        with raise_session_error("cannot write to", self.folder / AGENT_LOG):
            complaints = open_private_file(self.folder / AGENT_LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            # -P: the project's own folders (config/, checks/) must not be taken for ours.
            self._agent = subprocess.Popen(
                [sys.executable, "-P", "-m", "ecotui", "team", "--keep", str(self.folder), *self._options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                cwd="/",
                env={name: value for name, value in self._env.items() if name != "ECOTUI_SESSION"},
                start_new_session=True,
            )
        except OSError as error:
            raise SessionError(f"cannot start the keeper of the team's lock: {describe_os_error(error)}") from error
        finally:
            os.close(complaints)
        self._agent_started_at = time.monotonic()

    def _agent_error(self) -> str:
        try:
            said = read_bytes(self.folder / AGENT_LOG, limit=4_000).decode("utf-8", "replace").split("\n")
        except OSError:
            said = []
        return next((line.removeprefix("ecotui: ") for line in said if line.strip()), "its keeper ended")

    def _write_request(self, name: str, request: Mapping[str, object]) -> None:
        with raise_session_error("cannot write to", self.folder / name):
            replace_atomically(self.folder / name, json.dumps(request).encode())


def _lock_client_file(path: Path) -> int:
    """The locked file that says that we are here. Raises OSError."""
    while True:
        fd = open_private_file(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A keeper that looked before it was locked took it for that of somebody who died, and removed it.
        if path.exists():
            return fd
        os.close(fd)


def open_lease_client(
    root: Path, project: Path, options: Sequence[str], env: Mapping[str, str], session: str = ""
) -> LeaseClient:
    """A seat for this project. `options` make a command of ours look at it. Raises SessionError."""
    place = project_lock_path(root, project).with_suffix(".team")
    for folder in (root / "locks", place, place / CLIENTS_FOLDER):
        make_private_folder(folder)
    return LeaseClient(place, options, env, session)


def read_lease_status(folder: Path) -> LeaseStatus | None:
    """The keeper's word, for as long as it can be true; None when no keeper is at work."""
    if not is_locked(folder / AGENT_LOCK_FILE):
        return None
    try:
        # Held by the keeper that wrote it: that of one who was killed says nothing, although another one began.
        if (found := read_if_locked(folder / STATUS_FILE, limit=100_000)) is None:
            return LeaseStatus()
        word = msgspec.json.decode(found, type=LeaseStatusFile)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return LeaseStatus()
    if word.is_held and seconds_since_boot() >= word.until:
        return LeaseStatus(state="lost", account=word.account, message=NOT_RENEWED_MESSAGE)
    return LeaseStatus(**{name: getattr(word, name) for name in LeaseStatus.__struct_fields__})


def seconds_since_boot() -> float:
    """Seconds on a clock that all processes of this machine share; it goes on while the machine sleeps."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)  # Linux alone has it
    return time.monotonic() if clock is None else time.clock_gettime(clock)
