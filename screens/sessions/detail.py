"""One session: its timeline from the end backwards, what is behind each line, and words found in its outputs.

However long the log is, only what is looked at is read: the newest events first, earlier ones when one goes there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from checks.steps import NUMBERS, STEPS
from ecotui.session import events
from ecotui.session.event_filter import ORDER, Narrowed
from ecotui.session.event_text import Moment
from ecotui.session.log import Session, Summary
from screens.dialogs import RawText
from screens.messages import GuideWanted
from screens.sessions import actions as sessions_actions
from screens.sessions import detail_workers
from screens.sessions.detail_workers import Checked, Explained, HitsFound, Read, Summed
from screens.sessions.event_rendering import (
    behind,
    entries,
    explained,
    head,
    hit_line,
    line,
    narrowed_line,
    output_end,
    searched_line,
)
from screens.sessions.output import OutputScreen
from screens.sessions.rendering import MUTED
from screens.sessions.session_screen import SessionScreen
from screens.widgets.footer import KeyBar
from screens.widgets.row_list import Rows

if TYPE_CHECKING:
    from ecotui.guide.matching.matcher import Match
    from ecotui.project import Desk

NEAR = 20
"""Lines from the top at which earlier events are read."""
BEAT = 1.0
"""Seconds between two looks at whether the log of a session that goes on has grown."""
LAST = 12
"""Lines of an output that are shown beside its command."""


class ReviewScreen(SessionScreen):
    CSS_PATH = "detail.tcss"
    AUTO_FOCUS = "#timeline"
    BINDINGS: ClassVar[list[BindingType]] = [
        # Enter is the list's own key, and does the same. The first ones have room in a small terminal.
        Binding("o", "open", "Open", key_display="⏎", tooltip="What is behind this line"),
        Binding("slash", "search", "Search", key_display="/", priority=True, tooltip="Search the outputs"),
        Binding("f", "only(1)", "Filter", tooltip="Only decisions, only failures, commands, guide, notes"),
        Binding("p", "play", "Replay", tooltip="Play this session again from here"),
        Binding("n", "note", "Note", tooltip="Write a note into this session"),
        Binding("c", "compare", "Compare", tooltip="Choose another session to compare this one with"),
        Binding("e", "hand_over", "Export", tooltip="Hand it over: a page, Markdown, data, a recording"),
        Binding("escape,q", "back", "Back"),
        Binding("number_sign", "tag", "Tag", key_display="#", tooltip="Words to find this session by"),
        Binding("v", "verify", "Verify", tooltip="Check the hash chain of this session's log"),
        Binding("g", "guide", "Guide", tooltip="The entry of the guide that explains this"),
        # No room below: the text beside the failure names the key, and the palette has it.
        Binding("d", "draft", "Draft an entry", show=False, tooltip="For what the guide has nothing about"),
        Binding("F", "only(-1)", "Filter, the other way round", show=False),
        Binding("0", "step('')", show=False),
        *(Binding(str(number), f"step('{step.id}')", show=False) for number, step in enumerate(STEPS, 1)),
    ]

    MORE = (
        ("↑ ↓ or k j", "move; earlier events come when you go up"),
        (f"{NUMBERS}, 0", "only one step, any step"),
    )

    def __init__(self, session: Session, desk: Desk | None = None) -> None:
        super().__init__()
        self.session = session
        self.desk = desk
        self.narrowed = Narrowed()
        self.summary: Summary | None = None
        self.told: list[tuple[Moment, events.Event | events.Unknown]] = []
        """What is shown, oldest first."""
        self.hits: list[HitsFound.Place] | None = None
        """What a search found, instead of the timeline."""
        self._place: int | None = None
        """The byte of the log before which nothing was read yet; 0: all was."""
        self._reading = False
        self._words = ""
        self._said = ""
        """What a search says of itself."""
        self._checked = Content("")
        self._explained: dict[str, tuple[Match, ...]] = {}
        self._known = detail_workers.size(session)

    def compose(self) -> ComposeResult:
        yield Static(classes="head")
        yield Static(classes="only")
        yield Input(placeholder="Words to find in what the commands of this session said", classes="search")
        with Horizontal(classes="work"):
            yield Rows(self._draw, id="timeline")
            with Vertical(classes="side"), VerticalScroll(classes="behind"):
                yield Static(classes="text")
        yield KeyBar(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one(Input).display = False
        self._fit()
        self._show_head()
        self._again()
        detail_workers.summarize(self, self.session)
        self.set_interval(BEAT, self._beat)

    def _beat(self) -> None:
        """Of a session that goes on, what is new comes into sight where one is at its end."""
        size = detail_workers.size(self.session)
        if size == self._known or self._reading or self.hits is not None or not self.is_current:
            return
        if self.query_one(Rows).cursor >= len(self.told) - 1:
            self._known = size
            detail_workers.summarize(self, self.session)
            self._again()

    def on_resize(self) -> None:
        self._fit()
        self._show_behind()

    def _fit(self) -> None:
        self.set_class(self.app.size.width < 110, "-narrow")
        self.set_class(self.app.size.height < 16, "-low")

    # -- reading -------------------------------------------------------------------------------------------------

    def _again(self) -> None:
        """From the end of the log on."""
        self.told, self._place, self._reading = [], None, True
        self.query_one(Rows).fill(0)
        self._show_only()
        detail_workers.read(self, self.session, None, self.narrowed)

    @on(Read)
    def _read(self, news: Read) -> None:
        if news.narrowed != self.narrowed:
            return
        first = not self.told
        self._place, self._reading = news.place, not news.ended
        self.told = [*news.told, *self.told]
        if self.hits is None:
            rows = self.query_one(Rows)
            rows.fill(len(self.told), len(self.told) - 1 if first else rows.cursor + len(news.told))
        self._show_only()
        if news.trouble:
            self.notify(news.trouble, severity="error", markup=False)

    @on(Rows.Moved)
    def _moved(self) -> None:
        rows = self.query_one(Rows)
        if self.hits is None and self._place and not self._reading and rows.cursor < NEAR:
            self._reading = True
            detail_workers.read(self, self.session, self._place, self.narrowed)
        self._show_behind()
        self.refresh_bindings()

    @on(Summed)
    def _summed(self, news: Summed) -> None:
        self.summary = news.summary
        self._show_head()

    # -- drawing -------------------------------------------------------------------------------------------------

    def _show_head(self) -> None:
        self.query_one(".head", Static).update(head(self.session.id, self.summary, self._checked))

    def _show_only(self) -> None:
        if self.hits is not None:
            text = searched_line(self._words, len(self.hits), self._said)
        else:
            reading = "reading…" if self._reading else "earlier ones when you go up" if self._place else ""
            text = narrowed_line(self.narrowed, reading)
        self.query_one(".only", Static).update(text)

    def _draw(self, index: int, width: int) -> Content:
        if self.hits is not None:
            hit = self.hits[index]
            return hit_line(hit.command.title, hit.line, self._words, width)
        return line(self.told[index][0], day=self._days)

    @property
    def _days(self) -> bool:
        """Whether what is shown is of more than one day."""
        return bool(self.told) and self.told[-1][0].at - self.told[0][0].at > 43_200

    @property
    def chosen(self) -> tuple[Moment, events.Event | events.Unknown] | None:
        rows = self.query_one(Rows)
        return self.told[rows.cursor] if self.hits is None and rows.cursor < len(self.told) else None

    def _show_behind(self) -> None:
        pane = self.query_one(".behind .text", Static)
        width = max(self.query_one(".behind").size.width - 3, 30)
        if self.hits is not None:
            none = "Nothing that the commands said has these words." if "searching" not in self._said else ""
            pane.update(Content.styled("Enter opens the output there." if self.hits else none, MUTED))
            return
        if (chosen := self.chosen) is None:
            said = (
                ""
                if self._reading
                else f"Nothing like that is in this log ({self.narrowed.only}). f, 0: all."
            )
            pane.update(Content.styled(said, MUTED))
            return
        moment, event = chosen
        parts = [behind(moment, event, width)]
        if moment.command and moment.kind == "command":
            parts += self._output(moment, width)
        pane.update(Content("\n").join(parts))
        self.query_one(".behind").scroll_home(animate=False)

    def _output(self, moment: Moment, width: int) -> list[Content]:
        """What a command said at its end, and what the guide says about it."""
        parts: list[Content] = []
        if moment.failed:
            matches = self._explained.get(moment.command)
            if matches is None:
                detail_workers.explain(self, self.session, moment.command, self.desk)
            parts += explained(matches, width)
        return [*parts, *output_end(*detail_workers.last_lines(self.session, moment.command, LAST))]

    @on(Explained)
    def _was_explained(self, news: Explained) -> None:
        self._explained[news.command] = news.matches
        self._show_behind()
        self.refresh_bindings()

    # -- narrowing and searching ---------------------------------------------------------------------------------

    def action_only(self, by: int) -> None:
        place = (ORDER.index(self.narrowed.only) + by) % len(ORDER)
        self._narrow(Narrowed(ORDER[place], self.narrowed.step))

    def action_step(self, step: str) -> None:
        self._narrow(Narrowed(self.narrowed.only, "" if step == self.narrowed.step else step))

    def _narrow(self, narrowed: Narrowed) -> None:
        self.narrowed = narrowed
        self.hits = None
        self._again()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "search":
            return not isinstance(self.focused, Input)
        if action == "guide":
            return self.desk is not None and bool(self._entries())
        if action == "compare":
            return self.desk is not None
        return True

    def action_search(self) -> None:
        field = self.query_one(Input)
        field.display = True
        self.set_focus(field)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self._leave_field()
        if event.value:
            self._words, self._said, self.hits = event.value, "searching…", []
            self.query_one(Rows).fill(0)
            self._show_only()
            detail_workers.search(self, self.session, event.value)

    def _leave_field(self) -> None:
        self.query_one(Input).display = False
        self.query_one(Rows).focus()

    @on(HitsFound)
    def _hits_found(self, news: HitsFound) -> None:
        if self.hits is None or news.words != self._words:
            return
        first = not self.hits
        self.hits += news.places
        self._said = news.said
        rows = self.query_one(Rows)
        rows.fill(len(self.hits), 0 if first else rows.cursor)
        self._show_only()
        self._show_behind()

    def action_back(self) -> None:
        if isinstance(self.focused, Input):
            self._leave_field()
        elif self.hits is not None:
            self.hits = None
            self.workers.cancel_group(self, "search")
            self.query_one(Rows).fill(len(self.told), len(self.told) - 1)
            self._show_only()
        elif not self.narrowed.everything:
            self._narrow(Narrowed())
        else:
            self.dismiss(None)

    # -- doing ---------------------------------------------------------------------------------------------------

    @on(Rows.Chosen)
    def action_open(self) -> None:
        if self.hits is not None:
            if self.hits:
                hit = self.hits[self.query_one(Rows).cursor]
                self.app.push_screen(OutputScreen(hit.command, at=hit.offset, words=self._words))
            return
        if (chosen := self.chosen) is None:
            return
        moment, event = chosen
        command = detail_workers.command(self.session, moment.command)
        if command is not None:
            self.app.push_screen(OutputScreen(command))
        else:
            width = min(self.app.size.width * 9 // 10, 96) - 8
            self.app.push_screen(RawText(moment.text, behind(moment, event, width).plain))

    def _entries(self) -> Sequence[str]:
        """Entries of the guide that belong to the chosen line."""
        if (chosen := self.chosen) is None:
            return ()
        moment, event = chosen
        return entries(event) or [match.entry for match in self._explained.get(moment.command, ())]

    def action_guide(self) -> None:
        if self.desk is not None and (entries := self._entries()):
            self.app.screen_stack[0].post_message(GuideWanted(entry=entries[0]))

    def action_draft(self) -> None:
        sessions_actions.draft(self, self.session, self.desk)

    def the_session(self) -> Session:
        return self.session

    def the_tags(self) -> list[str]:
        return self.summary.tags if self.summary is not None else []

    def the_moment(self) -> float | None:
        return self.chosen[0].at if self.chosen is not None and self.chosen != self.told[-1] else None

    def written(self) -> None:
        """It is shown at the end of the log."""
        detail_workers.summarize(self, self.session)
        if self.hits is None:
            self._again()

    def action_compare(self) -> None:
        from screens.sessions.against import AgainstScreen

        if self.desk is not None:
            self.app.push_screen(AgainstScreen(self.desk, self.session))

    def action_verify(self) -> None:
        self._checked = Content.styled("checking the log…", MUTED)
        self._show_head()
        detail_workers.verify(self, self.session)

    @on(Checked)
    def _was_checked(self, news: Checked) -> None:
        self._checked = Content.styled(news.short, "$text-success" if news.whole else "bold $text-error")
        self._show_head()
        self.notify(news.long, severity="information" if news.whole else "error", markup=False)
