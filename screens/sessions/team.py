"""The sessions of all machines of a team, newest first; read in a child process, as boto3 is not in this one."""

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
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from checks.sanitize import one_line
from ecotui.project import Desk
from ecotui.session.log import Summary
from screens.sessions.base import PastScreen
from screens.sessions.rendering import Columns, steps_told
from screens.widgets.footer import KeyBar
from screens.widgets.row_list import Rows

PATIENCE = 60.0
"""Seconds for the child to read the newest two hundred."""


@dataclass(frozen=True)
class Theirs:
    """A session of some machine."""

    host: str
    here: bool
    summary: Summary


class TeamSessionsScreen(PastScreen):
    CSS_PATH = "team.tcss"
    AUTO_FOCUS = "Rows"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "reload", "Read again"),
        Binding("escape,q", "dismiss(None)", "Back"),
    ]

    class Listed(Message):
        """What the child read; `trouble` says why it could not."""

        def __init__(self, found: Sequence[Theirs], trouble: str = "") -> None:
            super().__init__()
            self.found = found
            self.trouble = trouble

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._found: Sequence[Theirs] = ()

    def compose(self) -> ComposeResult:
        yield Static(classes="head")
        yield Static(classes="columns")
        yield Rows(self._draw, id="team-sessions")
        yield Static(classes="empty")
        yield Static(classes="chosen")
        yield KeyBar(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.action_reload()

    def action_reload(self) -> None:
        self._say("reading…")
        self._read()

    @work(exclusive=True, group="team", name="read the team's sessions", exit_on_error=False)
    async def _read(self) -> None:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "ecotui", *self.desk.options()),
            *("sessions", "list", "--team", "--json"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.desk.env(),
            start_new_session=True,
        )
        try:
            out, err = await asyncio.wait_for(child.communicate(), PATIENCE)
        except TimeoutError:
            self.post_message(self.Listed((), f"S3 did not answer within {PATIENCE:.0f} s"))
            return
        finally:
            if child.returncode is None:
                child.kill()
        if child.returncode != 0:
            self.post_message(self.Listed((), one_line(err).removeprefix("ecotui sessions: ")))
            return
        self.post_message(self.Listed(tuple(map(_theirs, json.loads(out)["sessions"]))))

    @on(Listed)
    def _listed(self, news: Listed) -> None:
        self._found = news.found
        empty = self.query_one(".empty", Static)
        empty.display = not news.found
        self.query_one(Rows).display = bool(news.found)
        empty.update(
            Content(news.trouble or "Nobody shared a session yet: each ecotui of the team does by itself.")
        )
        columns = Columns.fit([one.summary for one in news.found], self.app.size.width)
        self.query_one(".columns", Static).update(columns.head())
        self.query_one(Rows).fill(len(news.found))
        others = sum(not one.here for one in news.found)
        self._say(f"{len(news.found)} newest first, {others} of other machines (↗)" if news.found else "")
        self.query_one(Rows).focus()

    def _say(self, what: str) -> None:
        place = self.desk.loaded.settings.sessions.team
        parts = (Content.styled("Sessions of the team", "bold $text-accent"), f"  {place}  {what}")
        self.query_one(".head", Static).update(Content.assemble(*parts))

    def _draw(self, index: int, width: int) -> Content:
        one = self._found[index]
        columns = Columns.fit([each.summary for each in self._found], self.app.size.width)
        return columns.row(one.summary, one.summary.outcome or "open", " " if one.here else "↗")

    @on(Rows.Moved)
    def _moved(self) -> None:
        chosen = self.query_one(".chosen", Static)
        if not self._found:
            chosen.update("")
            return
        one = self._found[self.query_one(Rows).cursor]
        where = "on this machine: s opens it" if one.here else f"on {one.host}, where its log is"
        chosen.update(
            Content.assemble(
                Content.styled(one.summary.id, "bold"),
                f"  {one.summary.by}, {where}\n",
                steps_told(one.summary, max(self.app.size.width - 6, 20)),
            )
        )


def _theirs(plain: dict[str, Any]) -> Theirs:
    summary = Summary(
        id=plain["id"],
        project=plain["project"],
        by=plain["by"],
        started=_moment(plain["started"]) or 0.0,
        ended=_moment(plain["ended"]),
        outcome="" if plain["outcome"] == "open" else plain["outcome"],
        steps=plain["steps"],
    )
    return Theirs(plain["host"], plain["here"], summary)


def _moment(text: str | None) -> float | None:
    return None if text is None else float(calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")))
