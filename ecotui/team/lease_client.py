"""The client of the lease agent, the process that holds the team's lease while anybody on this machine needs it.

One agent (`ecotui.team.lease_agent`) runs for each project on a machine, and outlives the terminal as commands do.
Clients and the agent exchange files: each client has a locked file, which its death unlocks, and the agent writes its
state into `standing.json`. Nothing here imports boto3.
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
from ecotui.team.writer_lock import HandoffRequest, WriterLock

TEAM_LOCK_FINDING = "environment.team"
"""The finding about the team's lease. Overriding it accepts that the lease could not be checked."""
AGENT_START_TIMEOUT = 30.0
"""Seconds for the agent to start; it imports boto3, which takes one on an idle machine."""

OVERRIDE_HINT = f"override {TEAM_LOCK_FINDING} with a reason"
NOT_RENEWED_MESSAGE = "it could not be renewed in time"

STATUS_FILE, AGENT_LOCK_FILE, CLIENTS_FOLDER, AGENT_LOG = "standing.json", "keeper", "seats", "keeper.log"
HANDOFF_REQUEST_FILE, HANDOFF_ANSWER_FILE = "ask.json", "answer.json"


class LeaseStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the team's lease, as the agent knows it."""

    state: Literal["asking", "held", "taken", "unreachable", "lost", "yielded"] = "asking"
    """taken: somebody else has it. lost: it was ours, and somebody else took it, or it ended while S3 was unreachable."""
    account: str = ""
    holder: str = ""
    """Who has it, in words, when it is not ours."""
    message: str = ""
    """Why it could not be checked."""
    question: str = ""
    """Who asks us to release it."""
    refused: bool = False
    """The holder refused our request."""
    claim: str = ""
    """The id of our claim."""

    @property
    def is_held(self) -> bool:
        return self.state == "held"

    def refusal_reason(self, *, overridden: bool = False) -> str:
        """Why nothing may be changed now; empty when it may. `overridden`: the operator overrode the finding."""
        match self.state:
            case "held":
                return ""
            case "asking":
                return "ecotui is asking for the team's lock; try again in a moment"
            case "unreachable" if overridden:
                return ""
            case "unreachable":
                return (
                    f"The team's lock could not be checked: {self.message.rstrip('.')}. Another machine may be at work."
                    f" To continue anyway, {OVERRIDE_HINT}"
                )
            case "lost" if not self.holder:
                return f"The team's lock of account {self.account} was lost: {self.message.rstrip('.')}"
            case _:
                return f"{self.holder} works in account {self.account}"


class LeaseStatusFile(LeaseStatus, frozen=True, kw_only=True):
    """The same in the agent's file."""

    until: float = 0.0
    """Seconds since boot until which nobody else can have taken a lease that is held. An agent that is stopped, or waits
    for S3, cannot report that it was lost."""


class LeaseClient(WriterLock):
    """Our use of the team's lease: while it is open, and this process lives, the agent keeps the lease."""

    def __init__(self, folder: Path, options: Sequence[str], env: Mapping[str, str], session: str = "") -> None:
        self.folder = folder
        self.last_status = LeaseStatus()
        """What `status` returned last."""
        self._options = tuple(options)
        self._env = dict(env)
        self._agent: subprocess.Popen[bytes] | None = None
        self._agent_started_at = 0.0
        self._client_file = folder / CLIENTS_FOLDER / f"{os.getpid()}-{secrets.token_hex(4)}"
        with raise_session_error("cannot write to", self._client_file):
            self._fd = _lock_client_file(self._client_file)
        self.set_session(session)

    def set_session(self, session: str) -> None:
        """The session that this is for: its summary is shared, and the agent waits for its commands."""
        with raise_session_error("cannot write to", self._client_file):
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, json.dumps({"session": session, "terminal": terminal_name(self._env)}).encode(), 0)

    @property
    def is_held(self) -> bool:
        return self.last_status.is_held

    @property
    def holder_text(self) -> str:
        return "" if self.is_held else self.last_status.holder

    def acquire(self) -> bool:
        """Whether the agent has it; it takes a lease that is free by itself."""
        return self.status().is_held

    def refusal_reason(self, *, overridden: bool = False) -> str:
        return self.status().refusal_reason(overridden=overridden)

    def status(self) -> LeaseStatus:
        """The state of the lease; starts the agent where none runs. Raises SessionError."""
        self.last_status = self._read_status()
        return self.last_status

    def wait_for_status(self, timeout: float) -> LeaseStatus:
        """The state once it is known, or after so many seconds."""
        deadline = time.monotonic() + timeout
        while self.status().state == "asking" and time.monotonic() < deadline:
            time.sleep(0.05)
        if self.last_status.state == "asking":
            self.last_status = LeaseStatus(state="unreachable", message=f"S3 did not answer within {timeout:.0f} s")
        return self.last_status

    def request_handoff(self, requester: str) -> None:
        self._write_request(HANDOFF_REQUEST_FILE, {"by": requester})

    def read_answer(self) -> bool | None:
        return False if self.last_status.refused else True if self.is_held else None

    def incoming_request(self) -> HandoffRequest | None:
        status = self.last_status
        return HandoffRequest(status.claim, status.question) if status.is_held and status.question else None

    def answer_handoff(self, request: HandoffRequest, *, granted: bool) -> None:
        self._write_request(HANDOFF_ANSWER_FILE, {"of": request.id, "yield": granted})

    def replace_credentials(self, env: Mapping[str, str]) -> None:
        """Use other credentials: the agent is started again with them."""
        self._env = dict(env)
        self.stop_agent()

    def stop_agent(self) -> None:
        """End the agent; it releases the lease."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            os.kill(int(json.loads(read_bytes(self.folder / AGENT_LOCK_FILE, limit=100))["pid"]), 15)
        if self._agent is not None:
            with suppress(subprocess.TimeoutExpired):
                self._agent.wait(10)
        self._agent = None

    def release(self) -> None:
        if self._fd >= 0:
            self._client_file.unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = -1

    def _read_status(self) -> LeaseStatus:
        if (now := read_lease_status(self.folder)) is not None:
            return now
        age = time.monotonic() - self._agent_started_at
        if self._agent is None or self._agent.poll() is not None:
            if self._agent is not None and age < AGENT_START_TIMEOUT:
                return LeaseStatus(state="unreachable", message=self._agent_error())
            self._start_agent()
        elif age > AGENT_START_TIMEOUT:
            return LeaseStatus(
                state="unreachable", message=f"its agent did not start within {AGENT_START_TIMEOUT:.0f} s"
            )
        return LeaseStatus()

    def _start_agent(self) -> None:
        with raise_session_error("cannot write to", self.folder / AGENT_LOG):
            log_fd = open_private_file(self.folder / AGENT_LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            # -P: the project's own folders (config/, checks/) must not be taken for ours.
            self._agent = subprocess.Popen(
                [sys.executable, "-P", "-m", "ecotui", "team", "--keep", str(self.folder), *self._options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log_fd,
                cwd="/",
                env={name: value for name, value in self._env.items() if name != "ECOTUI_SESSION"},
                start_new_session=True,
            )
        except OSError as error:
            raise SessionError(f"cannot start the agent of the team's lock: {describe_os_error(error)}") from error
        finally:
            os.close(log_fd)
        self._agent_started_at = time.monotonic()

    def _agent_error(self) -> str:
        try:
            lines = read_bytes(self.folder / AGENT_LOG, limit=4_000).decode("utf-8", "replace").split("\n")
        except OSError:
            lines = []
        return next((line.removeprefix("ecotui: ") for line in lines if line.strip()), "its agent ended")

    def _write_request(self, name: str, request: Mapping[str, object]) -> None:
        with raise_session_error("cannot write to", self.folder / name):
            replace_atomically(self.folder / name, json.dumps(request).encode())


def _lock_client_file(path: Path) -> int:
    """A new locked file, which counts us as a client. Raises OSError."""
    while True:
        fd = open_private_file(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # An agent that read it before it was locked took its owner for dead, and removed it.
        if path.exists():
            return fd
        os.close(fd)


def open_lease_client(
    root: Path, project: Path, options: Sequence[str], env: Mapping[str, str], session: str = ""
) -> LeaseClient:
    """A client for this project. `options` name the project to a command of ours. Raises SessionError."""
    folder = project_lock_path(root, project).with_suffix(".team")
    for one in (root / "locks", folder, folder / CLIENTS_FOLDER):
        make_private_folder(one)
    return LeaseClient(folder, options, env, session)


def read_lease_status(folder: Path) -> LeaseStatus | None:
    """The agent's status, for as long as it can be true; None when no agent runs."""
    if not is_locked(folder / AGENT_LOCK_FILE):
        return None
    try:
        # Locked by the agent that wrote it: that of a killed one means nothing, although another one was started.
        if (found := read_if_locked(folder / STATUS_FILE, limit=100_000)) is None:
            return LeaseStatus()
        status = msgspec.json.decode(found, type=LeaseStatusFile)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return LeaseStatus()
    if status.is_held and seconds_since_boot() >= status.until:
        return LeaseStatus(state="lost", account=status.account, message=NOT_RENEWED_MESSAGE)
    return LeaseStatus(**{name: getattr(status, name) for name in LeaseStatus.__struct_fields__})


def seconds_since_boot() -> float:
    """Seconds on a clock that all processes of this machine share; it goes on while the machine sleeps."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)  # Linux alone has it
    return time.monotonic() if clock is None else time.clock_gettime(clock)
