"""All sessions of one user: creates, opens, lists and removes them."""

from __future__ import annotations

import calendar
import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from config.folders import state_folder
from config.model import Settings
from ecotui.session import SessionError, events
from ecotui.session.lock import describe_operator
from ecotui.session.log import Session, SessionSummary, read_session_summary
from ecotui.session.private_files import (
    describe_os_error,
    make_private_folder,
    raise_session_error,
    require_private_folder,
)
from ecotui.session.provenance import collect_provenance

RESUME_WINDOW_SECONDS = 7 * 86_400
"""Seconds after which an open session is not resumed: too much has changed."""

ID_TIME_FORMAT = "%Y%m%d-%H%M%S"
"""The first part of an id, in UTC."""
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")


def is_session_id(name: str) -> bool:
    """Whether a name can be the id of a session."""
    return _ID.fullmatch(name) is not None


def open_or_create_session(settings: Settings, env: Mapping[str, str], project: Path) -> Session:
    """The session that a command belongs to: its parent's (ECOTUI_SESSION), or a new one. Raises SessionError."""
    store = SessionStore(state_folder(settings, env))
    if parent := env.get("ECOTUI_SESSION"):
        return store.open(parent)
    return store.create(project=settings.project or project.name, folder=project, settings=settings, env=env)


class SessionStore:
    """All sessions of one user."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "sessions"

    def create(
        self, *, project: str, folder: Path, settings: Settings | None = None, env: Mapping[str, str] | None = None
    ) -> Session:
        """Start a session. Raises SessionError when the state folder cannot be written to."""
        from ecotui.version import version

        env = os.environ if env is None else env
        with raise_session_error("cannot make the state folder", self.root):
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private_folder(self.folder)
        name = f"{self._new_id_time()}-{secrets.token_hex(3)}"
        path = make_private_folder(self.folder / name, exist_ok=False)
        session = Session(path, env)
        if settings is not None:
            named = [variable.name for variable in settings.environment.variables if variable.secret]
            session.add_secrets(env, named)
        session.append(
            events.SessionStarted(
                project=project,
                folder=str(folder),
                by=describe_operator(env),
                version=version(),
                **collect_provenance(folder, settings, env)._asdict(),
            )
        )
        return session

    def _new_id_time(self) -> str:
        """The time for the id of a new session: now, but later than every session, even if the clock was set back.

        Sessions are sorted by their ids: a new session must not be taken for an older one.
        """
        now = time.gmtime()
        id_time = time.strftime(ID_TIME_FORMAT, now)
        latest = next(iter(self.session_ids()), "")[: len(id_time)]
        if latest < id_time:
            return id_time
        try:
            return time.strftime(
                ID_TIME_FORMAT, time.gmtime(calendar.timegm(time.strptime(latest, ID_TIME_FORMAT)) + 1)
            )
        except (ValueError, OverflowError):  # digits that are no time
            return id_time

    def open(self, id: str) -> Session:
        """A session by its id, or by a unique prefix of it. Raises SessionError."""
        if not re.fullmatch(r"[0-9a-f-]+", id):
            raise SessionError(f"{id!r} is not the id of a session")
        matches = [name for name in self.session_ids() if name.startswith(id)]
        if not matches:
            raise SessionError(f"there is no session {id} in {self.folder}")
        if len(matches) > 1 and id not in matches:
            raise SessionError(f"{id} could be any of {', '.join(matches[:5])}")
        path = self.folder / (id if id in matches else matches[0])
        require_private_folder(path)
        return Session(path)

    def session_ids(self) -> list[str]:
        """Newest first, without links and other names. Raises SessionError."""
        try:
            with os.scandir(self.folder) as entries:
                names = [
                    entry.name for entry in entries if _ID.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
                ]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SessionError(f"cannot read {self.folder}: {describe_os_error(error)}") from error
        return sorted(names, reverse=True)

    def list_summaries(self, limit: int | None = None) -> list[SessionSummary]:
        """The sessions, newest first. One that cannot be read is listed as such. Raises SessionError."""
        summaries = []
        for name in self.session_ids()[:limit]:
            try:
                summaries.append(read_session_summary(self.folder / name))
            except SessionError:
                summaries.append(SessionSummary(id=name, outcome="unreadable"))
        return summaries

    def find_resumable(self, project: Path) -> Session | None:
        """The newest open session of this project folder that was used in the last week. Raises SessionError."""
        for name in self.session_ids():
            try:
                require_private_folder(self.folder / name)
                session = Session(self.folder / name)
                summary = session.read_summary()
                if summary.folder != str(project):
                    continue
                touched = session.events_path.lstat().st_mtime
            except (SessionError, OSError):
                continue
            if summary.ended is None and time.time() - touched < RESUME_WINDOW_SECONDS:
                return session
            return None
        return None

    def open_latest(self) -> Session:
        """The newest session. Raises SessionError when there is none."""
        names = self.session_ids()
        if not names:
            raise SessionError(f"there are no sessions in {self.folder} yet")
        return self.open(names[0])

    def remove(self, id: str) -> None:
        """Remove a session with the outputs of its commands. Raises SessionError."""
        session = self.open(id)
        with raise_session_error("cannot remove", session.folder):
            # rmtree does not follow links. Renamed first, so that a partly removed session is never listed.
            removed = session.folder.with_name(f".{session.id}.removed")
            session.folder.rename(removed)
            shutil.rmtree(removed)
