"""The sessions of all machines of a team, newest first. A child process reads them, as boto3 is not imported here."""

from __future__ import annotations

import asyncio
import calendar
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from checks.sanitize import one_line
from ecotui.project import OpenProject
from ecotui.session.log import SessionSummary
from screens.actions import bindings
from screens.sessions.base import SessionScreenBase
from screens.sessions.rendering import SessionColumns, render_step_states
from screens.widgets.footer import KeyFooter
from screens.widgets.row_list import RowList

TIMEOUT_SECONDS = 60.0
"""Seconds in which the child has to read the newest two hundred."""


@dataclass(frozen=True)
class TeamSession:
    """A session of a machine of the team."""

    host: str
    is_local: bool
    summary: SessionSummary


class TeamSessionsScreen(SessionScreenBase):
    CSS_PATH = "team.tcss"
    AUTO_FOCUS = "RowList"
    BINDINGS: ClassVar[list[BindingType]] = bindings("team")
    KEY_PLACES = ("team", "rows")

    class TeamSessionsLoaded(Message):
        """The sessions that the child read; `error` says why it could not."""

        def __init__(self, sessions: Sequence[TeamSession], error: str = "") -> None:
            super().__init__()
            self.sessions = sessions
            self.error = error

    def __init__(self, project: OpenProject) -> None:
        super().__init__()
        self.project = project
        self._sessions: Sequence[TeamSession] = ()

    def compose(self) -> ComposeResult:
        yield Static(classes="header")
        yield Static(classes="columns")
        yield RowList(self._render_row, id="team-sessions")
        yield Static(classes="empty")
        yield Static(classes="selection")
        yield KeyFooter(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.action_reload()

    def action_reload(self) -> None:
        self._show_header("reading…")
        self._load_sessions()

    @work(exclusive=True, group="team", name="read the team's sessions", exit_on_error=False)
    async def _load_sessions(self) -> None:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "ecotui", *self.project.child_options()),
            *("sessions", "list", "--team", "--json"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.project.child_env(),
            start_new_session=True,
        )
        try:
            out, err = await asyncio.wait_for(child.communicate(), TIMEOUT_SECONDS)
        except TimeoutError:
            self.post_message(self.TeamSessionsLoaded((), f"S3 did not answer within {TIMEOUT_SECONDS:.0f} s"))
            return
        finally:
            if child.returncode is None:
                child.kill()
        if child.returncode != 0:
            self.post_message(self.TeamSessionsLoaded((), one_line(err).removeprefix("ecotui sessions: ")))
            return
        self.post_message(self.TeamSessionsLoaded(tuple(map(_parse_team_session, json.loads(out)["sessions"]))))

    @on(TeamSessionsLoaded)
    def _show_sessions(self, message: TeamSessionsLoaded) -> None:
        self._sessions = message.sessions
        empty = self.query_one(".empty", Static)
        empty.display = not message.sessions
        self.query_one(RowList).display = bool(message.sessions)
        empty.update(Content(message.error or "No shared sessions yet. Each ecotui of the team shares its own."))
        columns = SessionColumns.fit([session.summary for session in message.sessions], self.app.size.width)
        self.query_one(".columns", Static).update(columns.render_header())
        self.query_one(RowList).set_rows(len(message.sessions))
        others = sum(not session.is_local for session in message.sessions)
        self._show_header(
            f"{len(message.sessions)} newest first, {others} of other machines (↗)" if message.sessions else ""
        )
        self.query_one(RowList).focus()

    def _show_header(self, what: str) -> None:
        location = self.project.config.settings.sessions.team
        parts = (Content.styled("Sessions of the team", "bold $text-accent"), f"  {location}  {what}")
        self.query_one(".header", Static).update(Content.assemble(*parts))

    def _render_row(self, index: int, width: int) -> Content:
        session = self._sessions[index]
        columns = SessionColumns.fit([other.summary for other in self._sessions], self.app.size.width)
        return columns.render_row(session.summary, session.summary.outcome or "open", " " if session.is_local else "↗")

    @on(RowList.RowHighlighted)
    def _show_selection(self) -> None:
        chosen = self.query_one(".selection", Static)
        if not self._sessions:
            chosen.update("")
            return
        session = self._sessions[self.query_one(RowList).cursor]
        location = "on this machine: s opens it" if session.is_local else f"on {session.host}, where its log is"
        chosen.update(
            Content.assemble(
                Content.styled(session.summary.id, "bold"),
                f"  {session.summary.by}, {location}\n",
                render_step_states(session.summary, max(self.app.size.width - 6, 20)),
            )
        )


def _parse_team_session(document: dict[str, Any]) -> TeamSession:
    summary = SessionSummary(
        id=document["id"],
        project=document["project"],
        by=document["by"],
        started=_parse_timestamp(document["started"]) or 0.0,
        ended=_parse_timestamp(document["ended"]),
        outcome="" if document["outcome"] == "open" else document["outcome"],
        steps=document["steps"],
    )
    return TeamSession(document["host"], document["here"], summary)


def _parse_timestamp(text: str | None) -> float | None:
    return None if text is None else float(calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")))
