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

from checks.steps import STEP_KEYS, STEPS
from ecotui.session import events
from ecotui.session.event_filter import EVENT_CATEGORIES, EventFilter
from ecotui.session.event_text import TimelineEntry
from ecotui.session.log import Session, SessionSummary
from screens.dialogs import RawTextDialog
from screens.messages import GuideRequested
from screens.project_screen import main_screen
from screens.sessions import actions as sessions_actions
from screens.sessions import detail_workers
from screens.sessions.detail_workers import HitsFound, LogVerified, OutputExplained, SummaryLoaded, TimelineLoaded
from screens.sessions.event_rendering import (
    guide_entries_for,
    render_event,
    render_event_details,
    render_filter,
    render_guide_matches,
    render_hit,
    render_output_tail,
    render_search_summary,
    render_session_header,
)
from screens.sessions.output import OutputScreen
from screens.sessions.rendering import MUTED_STYLE
from screens.sessions.session_screen import SessionActionsScreen
from screens.widgets.footer import KeyFooter
from screens.widgets.row_list import RowList

if TYPE_CHECKING:
    from ecotui.guide.matching.matcher import EntryMatch
    from ecotui.project import OpenProject

LOAD_AHEAD_ROWS = 20
"""Lines from the top at which earlier events are read."""
LOG_POLL_SECONDS = 1.0
"""Seconds between two looks at whether the log of a session that goes on has grown."""
OUTPUT_TAIL_LINES = 12
"""Lines of an output that are shown beside its command."""


class SessionDetailScreen(SessionActionsScreen):
    CSS_PATH = "detail.tcss"
    AUTO_FOCUS = "#timeline"
    BINDINGS: ClassVar[list[BindingType]] = [
        # Enter is the list's own key, and does the same. The first ones have room in a small terminal.
        Binding("o", "open", "Open", key_display="⏎", tooltip="What is behind this line"),
        Binding("slash", "search", "Search", key_display="/", priority=True, tooltip="Search the outputs"),
        Binding("f", "filter(1)", "Filter", tooltip="Only decisions, only failures, commands, guide, notes"),
        Binding("p", "replay", "Replay", tooltip="Play this session again from here"),
        Binding("n", "note", "Note", tooltip="Write a note into this session"),
        Binding("c", "compare", "Compare", tooltip="Choose another session to compare this one with"),
        Binding("e", "export", "Export", tooltip="Hand it over: a page, Markdown, data, a recording"),
        Binding("escape,q", "back", "Back"),
        Binding("number_sign", "tag", "Tag", key_display="#", tooltip="Words to find this session by"),
        Binding("v", "verify", "Verify", tooltip="Check the hash chain of this session's log"),
        Binding("g", "guide", "Guide", tooltip="The entry of the guide that explains this"),
        # No room below: the text beside the failure names the key, and the palette has it.
        Binding("d", "draft_entry", "Draft an entry", show=False, tooltip="For what the guide has nothing about"),
        Binding("F", "filter(-1)", "Filter, the other way round", show=False),
        Binding("0", "filter_step('')", show=False),
        *(Binding(str(number), f"filter_step('{step.id}')", show=False) for number, step in enumerate(STEPS, 1)),
    ]

    EXTRA_KEYS = (
        ("↑ ↓ or k j", "move; earlier events come when you go up"),
        (f"{STEP_KEYS}, 0", "only one step, any step"),
    )

    def __init__(self, session: Session, project: OpenProject | None = None) -> None:
        super().__init__()
        self.session = session
        self.project = project
        self.event_filter = EventFilter()
        self.summary: SessionSummary | None = None
        self.timeline: list[tuple[TimelineEntry, events.AnyEvent | events.UnknownEvent]] = []
        """What is shown, oldest first."""
        self.hits: list[HitsFound.OutputHit] | None = None
        """What a search found, instead of the timeline."""
        self._log_offset: int | None = None
        """The byte of the log before which nothing was read yet; 0: all was."""
        self._is_loading = False
        self._search_words = ""
        self._search_status = ""
        """What a search says of itself."""
        self._verify_result = Content("")
        self._guide_matches: dict[str, tuple[EntryMatch, ...]] = {}
        self._known_log_size = detail_workers.log_size(session)

    def compose(self) -> ComposeResult:
        yield Static(classes="header")
        yield Static(classes="filter")
        yield Input(placeholder="Words to find in what the commands of this session said", classes="search")
        with Horizontal(classes="work"):
            yield RowList(self._render_row, id="timeline")
            with Vertical(classes="side"), VerticalScroll(classes="event-details"):
                yield Static(classes="text")
        yield KeyFooter(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one(Input).display = False
        self._set_size_classes()
        self._show_header()
        self._reload_timeline()
        detail_workers.load_summary(self, self.session)
        self.set_interval(LOG_POLL_SECONDS, self._poll_log)

    def _poll_log(self) -> None:
        """Of a session that goes on, what is new comes into sight where one is at its end."""
        size = detail_workers.log_size(self.session)
        if size == self._known_log_size or self._is_loading or self.hits is not None or not self.is_current:
            return
        if self.query_one(RowList).cursor >= len(self.timeline) - 1:
            self._known_log_size = size
            detail_workers.load_summary(self, self.session)
            self._reload_timeline()

    def on_resize(self) -> None:
        self._set_size_classes()
        self._show_event_details()

    def _set_size_classes(self) -> None:
        self.set_class(self.app.size.width < 110, "-narrow")
        self.set_class(self.app.size.height < 16, "-low")

    # -- reading -------------------------------------------------------------------------------------------------

    def _reload_timeline(self) -> None:
        """From the end of the log on."""
        self.timeline, self._log_offset, self._is_loading = [], None, True
        self.query_one(RowList).set_rows(0)
        self._show_filter()
        detail_workers.load_timeline(self, self.session, None, self.event_filter)

    @on(TimelineLoaded)
    def _add_timeline_entries(self, message: TimelineLoaded) -> None:
        if message.event_filter != self.event_filter:
            return
        first = not self.timeline
        self._log_offset, self._is_loading = message.log_offset, not message.is_done
        self.timeline = [*message.entries, *self.timeline]
        if self.hits is None:
            rows = self.query_one(RowList)
            rows.set_rows(len(self.timeline), len(self.timeline) - 1 if first else rows.cursor + len(message.entries))
        self._show_filter()
        if message.error:
            self.notify(message.error, severity="error", markup=False)

    @on(RowList.RowHighlighted)
    def _load_near_top(self) -> None:
        rows = self.query_one(RowList)
        if self.hits is None and self._log_offset and not self._is_loading and rows.cursor < LOAD_AHEAD_ROWS:
            self._is_loading = True
            detail_workers.load_timeline(self, self.session, self._log_offset, self.event_filter)
        self._show_event_details()
        self.refresh_bindings()

    @on(SummaryLoaded)
    def _set_summary(self, message: SummaryLoaded) -> None:
        self.summary = message.summary
        self._show_header()

    # -- drawing -------------------------------------------------------------------------------------------------

    def _show_header(self) -> None:
        self.query_one(".header", Static).update(
            render_session_header(self.session.id, self.summary, self._verify_result)
        )

    def _show_filter(self) -> None:
        if self.hits is not None:
            text = render_search_summary(self._search_words, len(self.hits), self._search_status)
        else:
            reading = "reading…" if self._is_loading else "earlier ones when you go up" if self._log_offset else ""
            text = render_filter(self.event_filter, reading)
        self.query_one(".filter", Static).update(text)

    def _render_row(self, index: int, width: int) -> Content:
        if self.hits is not None:
            hit = self.hits[index]
            return render_hit(hit.command.title, hit.line, self._search_words, width)
        return render_event(self.timeline[index][0], show_date=self._spans_days)

    @property
    def _spans_days(self) -> bool:
        """Whether what is shown is of more than one day."""
        return bool(self.timeline) and self.timeline[-1][0].timestamp - self.timeline[0][0].timestamp > 43_200

    @property
    def selected_event(self) -> tuple[TimelineEntry, events.AnyEvent | events.UnknownEvent] | None:
        rows = self.query_one(RowList)
        return self.timeline[rows.cursor] if self.hits is None and rows.cursor < len(self.timeline) else None

    def _show_event_details(self) -> None:
        pane = self.query_one(".event-details .text", Static)
        width = max(self.query_one(".event-details").size.width - 3, 30)
        if self.hits is not None:
            none = "Nothing that the commands said has these words." if "searching" not in self._search_status else ""
            pane.update(Content.styled("Enter opens the output there." if self.hits else none, MUTED_STYLE))
            return
        if (chosen := self.selected_event) is None:
            said = (
                ""
                if self._is_loading
                else f"Nothing like that is in this log ({self.event_filter.category}). f, 0: all."
            )
            pane.update(Content.styled(said, MUTED_STYLE))
            return
        moment, event = chosen
        parts = [render_event_details(moment, event, width)]
        if moment.command and moment.kind == "command":
            parts += self._render_output_tail(moment, width)
        pane.update(Content("\n").join(parts))
        self.query_one(".event-details").scroll_home(animate=False)

    def _render_output_tail(self, entry: TimelineEntry, width: int) -> list[Content]:
        """What a command said at its end, and what the guide says about it."""
        parts: list[Content] = []
        if entry.is_failure:
            matches = self._guide_matches.get(entry.command)
            if matches is None:
                detail_workers.explain_output(self, self.session, entry.command, self.project)
            parts += render_guide_matches(matches, width)
        return [
            *parts,
            *render_output_tail(*detail_workers.read_output_tail(self.session, entry.command, OUTPUT_TAIL_LINES)),
        ]

    @on(OutputExplained)
    def _set_guide_matches(self, message: OutputExplained) -> None:
        self._guide_matches[message.command] = message.matches
        self._show_event_details()
        self.refresh_bindings()

    # -- narrowing and searching ---------------------------------------------------------------------------------

    def action_filter(self, by: int) -> None:
        place = (EVENT_CATEGORIES.index(self.event_filter.category) + by) % len(EVENT_CATEGORIES)
        self._set_filter(EventFilter(EVENT_CATEGORIES[place], self.event_filter.step))

    def action_filter_step(self, step: str) -> None:
        self._set_filter(EventFilter(self.event_filter.category, "" if step == self.event_filter.step else step))

    def _set_filter(self, event_filter: EventFilter) -> None:
        self.event_filter = event_filter
        self.hits = None
        self._reload_timeline()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "search":
            return not isinstance(self.focused, Input)
        if action == "guide":
            return self.project is not None and bool(self._guide_entry_ids())
        if action == "compare":
            return self.project is not None
        return True

    def action_search(self) -> None:
        field = self.query_one(Input)
        field.display = True
        self.set_focus(field)

    @on(Input.Submitted)
    def _start_search(self, event: Input.Submitted) -> None:
        self._leave_search()
        if event.value:
            self._search_words, self._search_status, self.hits = event.value, "searching…", []
            self.query_one(RowList).set_rows(0)
            self._show_filter()
            detail_workers.search_outputs(self, self.session, event.value)

    def _leave_search(self) -> None:
        self.query_one(Input).display = False
        self.query_one(RowList).focus()

    @on(HitsFound)
    def _add_hits(self, message: HitsFound) -> None:
        if self.hits is None or message.words != self._search_words:
            return
        first = not self.hits
        self.hits += message.hits
        self._search_status = message.status
        rows = self.query_one(RowList)
        rows.set_rows(len(self.hits), 0 if first else rows.cursor)
        self._show_filter()
        self._show_event_details()

    def action_back(self) -> None:
        if isinstance(self.focused, Input):
            self._leave_search()
        elif self.hits is not None:
            self.hits = None
            self.workers.cancel_group(self, "search")
            self.query_one(RowList).set_rows(len(self.timeline), len(self.timeline) - 1)
            self._show_filter()
        elif not self.event_filter.matches_all:
            self._set_filter(EventFilter())
        else:
            self.dismiss(None)

    # -- doing ---------------------------------------------------------------------------------------------------

    @on(RowList.RowSelected)
    def action_open(self) -> None:
        if self.hits is not None:
            if self.hits:
                hit = self.hits[self.query_one(RowList).cursor]
                self.app.push_screen(OutputScreen(hit.command, offset=hit.offset, words=self._search_words))
            return
        if (chosen := self.selected_event) is None:
            return
        moment, event = chosen
        command = detail_workers.load_command(self.session, moment.command)
        if command is not None:
            self.app.push_screen(OutputScreen(command))
        else:
            width = min(self.app.size.width * 9 // 10, 96) - 8
            self.app.push_screen(RawTextDialog(moment.text, render_event_details(moment, event, width).plain))

    def _guide_entry_ids(self) -> Sequence[str]:
        """Entries of the guide that belong to the chosen line."""
        if (chosen := self.selected_event) is None:
            return ()
        moment, event = chosen
        return guide_entries_for(event) or [match.entry for match in self._guide_matches.get(moment.command, ())]

    def action_guide(self) -> None:
        if self.project is not None and (entries := self._guide_entry_ids()):
            main_screen(self).post_message(GuideRequested(entry=entries[0]))

    def action_draft_entry(self) -> None:
        sessions_actions.draft_guide_entry(self, self.session, self.project)

    def selected_session(self) -> Session:
        return self.session

    def selected_tags(self) -> list[str]:
        return self.summary.tags if self.summary is not None else []

    def replay_start(self) -> float | None:
        return (
            self.selected_event[0].timestamp
            if self.selected_event is not None and self.selected_event != self.timeline[-1]
            else None
        )

    def refresh_after_write(self) -> None:
        """It is shown at the end of the log."""
        detail_workers.load_summary(self, self.session)
        if self.hits is None:
            self._reload_timeline()

    def action_compare(self) -> None:
        from screens.sessions.against import ComparePicker

        if self.project is not None:
            self.app.push_screen(ComparePicker(self.project, self.session))

    def action_verify(self) -> None:
        self._verify_result = Content.styled("checking the log…", MUTED_STYLE)
        self._show_header()
        detail_workers.verify_log(self, self.session)

    @on(LogVerified)
    def _show_verify_result(self, message: LogVerified) -> None:
        self._verify_result = Content.styled(message.label, "$text-success" if message.is_valid else "bold $text-error")
        self._show_header()
        self.notify(message.message, severity="information" if message.is_valid else "error", markup=False)
