"""One session: its timeline from the end backwards, details of each line, and words found in its outputs.

However long the log is, only what is shown is read: the newest events first, earlier ones when the cursor goes up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from ecotui.history import outputs
from ecotui.history.text_search import search_forward
from ecotui.session import SessionError, events
from ecotui.session.command_text import message_text
from ecotui.session.event_filter import EVENT_CATEGORIES, EventFilter
from ecotui.session.event_text import EventFormatter, TimelineEntry
from ecotui.session.log import Session, SessionSummary
from ecotui.supervisor import commands
from ecotui.supervisor.commands import Command
from ecotui.supervisor.paths import OUTPUT_LOG
from ecotui.supervisor.tail import Tail
from screens.actions import bindings
from screens.dialogs import RawTextDialog
from screens.messages import GuideRequested
from screens.project_screen import main_screen
from screens.sessions.base import SessionActionsScreen
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
from screens.style.themes import MUTED
from screens.widgets.footer import KeyFooter
from screens.widgets.row_list import RowList

if TYPE_CHECKING:
    from ecotui.guide.matching.matcher import EntryMatch
    from ecotui.project import OpenProject

LOAD_AHEAD_ROWS = 20
"""Rows from the top at which earlier events are read."""
LOG_POLL_SECONDS = 1.0
"""Seconds between two checks whether the log of an open session has grown."""
OUTPUT_TAIL_LINES = 12
"""Lines of an output that are shown beside its command."""
PAGE_SIZE = 400
"""Events read at once without a filter: some screens full."""
FILTERED_PAGE_SIZE = 20_000
"""Events read at once with a filter; the screen is updated after each."""
FILTERED_MATCH_LIMIT = 200
"""Matching events after which reading waits until the cursor goes further up."""
MAX_HITS = 2_000
"""Lines that a search shows of all outputs together."""
HIT_BATCH_SIZE = 200
"""Hits that are shown at once."""
MAX_HIT_LINE_BYTES = 1 << 14
"""Bytes around a hit that are read: most lines of JSON are shorter, and their message is shown."""
MAX_LINE_CHARS = 4_000
"""Characters of a line of output that are shown beside its command."""


class EventRow(NamedTuple):
    """A row of the timeline."""

    entry: TimelineEntry
    event: events.AnyEvent | events.UnknownEvent


class OutputHit(NamedTuple):
    """A line of an output in which the words stand."""

    command: Command
    offset: int
    line: str


@dataclass(eq=False)
class TimelineLoaded(Message):
    """Earlier events were read, down to a byte of the log (`Session.read_records_before`)."""

    event_filter: EventFilter
    rows: list[EventRow]
    log_offset: int
    is_done: bool
    """Reading waits, or has come to the beginning."""
    error: str = ""


@dataclass(eq=False)
class SummaryLoaded(Message):
    summary: SessionSummary


@dataclass(eq=False)
class OutputExplained(Message):
    """The entries of the guide that explain a command's output, best first."""

    command: str
    matches: tuple[EntryMatch, ...]


@dataclass(eq=False)
class LogVerified(Message):
    """The hash chain was checked."""

    is_valid: bool
    label: str
    message: str


@dataclass(eq=False)
class HitsFound(Message):
    """Some of the lines that have the words, in the order of the commands."""

    words: str
    hits: list[OutputHit]
    status: str


class SessionDetailScreen(SessionActionsScreen):
    CSS_PATH = "detail.tcss"
    AUTO_FOCUS = "#timeline"
    BINDINGS: ClassVar[list[BindingType]] = bindings("session")
    KEY_PLACES = ("session", "rows")

    def __init__(self, session: Session, project: OpenProject | None = None) -> None:
        super().__init__()
        self.session = session
        self.project = project
        self.event_filter = EventFilter()
        self.summary: SessionSummary | None = None
        self.timeline: list[EventRow] = []
        """The events that are shown, oldest first."""
        self.hits: list[OutputHit] | None = None
        """What a search found; shown instead of the timeline."""
        self._log_offset: int | None = None
        """The byte of the log before which nothing was read yet; 0: all was."""
        self._is_loading = False
        self._search_words = ""
        self._search_status = ""
        self._verify_result = Content("")
        self._guide_matches: dict[str, tuple[EntryMatch, ...]] = {}
        self._known_log_size = _file_size(session.events_path)

    def compose(self) -> ComposeResult:
        yield Static(classes="header")
        yield Static(classes="filter")
        yield Input(placeholder="Words to find in the outputs of this session's commands", classes="search")
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
        self._load_summary()
        self.set_interval(LOG_POLL_SECONDS, self._poll_log)

    def _poll_log(self) -> None:
        """Show new events of an open session while the cursor is at its end."""
        size = _file_size(self.session.events_path)
        if size == self._known_log_size or self._is_loading or self.hits is not None or not self.is_current:
            return
        if self.query_one(RowList).cursor >= len(self.timeline) - 1:
            self._known_log_size = size
            self._load_summary()
            self._reload_timeline()

    def on_resize(self) -> None:
        self._set_size_classes()
        self._show_event_details()

    def _set_size_classes(self) -> None:
        self.set_class(self.app.size.width < 110, "-narrow")
        self.set_class(self.app.size.height < 16, "-low")

    # -- reading -------------------------------------------------------------------------------------------------

    def _reload_timeline(self) -> None:
        """Read from the end of the log."""
        self.timeline, self._log_offset, self._is_loading = [], None, True
        self.query_one(RowList).set_rows(0)
        self._show_filter()
        self._load_timeline(None, self.event_filter)

    @work(thread=True, name="read events", group="read", exclusive=True, exit_on_error=False)
    def _load_timeline(self, log_offset: int | None, event_filter: EventFilter) -> None:
        """Read events before a byte of the log, until enough match the filter."""
        worker = get_current_worker()
        formatter = EventFormatter(outputs.command_request_reader(self.session))
        page_size = PAGE_SIZE if event_filter.matches_all else FILTERED_PAGE_SIZE
        end, count = log_offset, 0
        while not worker.is_cancelled:
            try:
                records, end = self.session.read_records_before(end, page_size, event_filter.raw_substrings())
            except SessionError as error:
                self.post_message(TimelineLoaded(event_filter, [], 0, True, str(error)))
                return
            rows = [EventRow(formatter.format_record(record), record.event) for record in records]
            rows = [row for row in rows if event_filter.matches(row.entry)]
            count += len(rows)
            is_done = end == 0 or event_filter.matches_all or count >= FILTERED_MATCH_LIMIT
            if not worker.is_cancelled:
                self.post_message(TimelineLoaded(event_filter, rows, end, is_done))
            if is_done:
                return

    @on(TimelineLoaded)
    def _add_timeline_rows(self, message: TimelineLoaded) -> None:
        if message.event_filter != self.event_filter:
            return
        first = not self.timeline
        self._log_offset, self._is_loading = message.log_offset, not message.is_done
        self.timeline = [*message.rows, *self.timeline]
        if self.hits is None:
            rows = self.query_one(RowList)
            rows.set_rows(len(self.timeline), len(self.timeline) - 1 if first else rows.cursor + len(message.rows))
        self._show_filter()
        if message.error:
            self.notify(message.error, severity="error", markup=False)

    @on(RowList.RowHighlighted)
    def _load_near_top(self) -> None:
        rows = self.query_one(RowList)
        if self.hits is None and self._log_offset and not self._is_loading and rows.cursor < LOAD_AHEAD_ROWS:
            self._is_loading = True
            self._load_timeline(self._log_offset, self.event_filter)
        self._show_event_details()
        self.refresh_bindings()

    @work(thread=True, name="summary", group="summary", exclusive=True, exit_on_error=False)
    def _load_summary(self) -> None:
        """In a thread: the summary may have to be counted from the whole log."""
        try:
            self.post_message(SummaryLoaded(self.session.read_summary()))
        except SessionError as error:
            self.app.call_from_thread(self.notify, str(error), severity="error", markup=False)

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
            progress = "reading…" if self._is_loading else "earlier ones when you go up" if self._log_offset else ""
            text = render_filter(self.event_filter, progress)
        self.query_one(".filter", Static).update(text)

    def _render_row(self, index: int, width: int) -> Content:
        if self.hits is not None:
            hit = self.hits[index]
            return render_hit(hit.command.title, hit.line, self._search_words, width)
        return render_event(self.timeline[index].entry, show_date=self._spans_days)

    @property
    def _spans_days(self) -> bool:
        """Whether the events that are shown are of more than one day."""
        return bool(self.timeline) and self.timeline[-1].entry.timestamp - self.timeline[0].entry.timestamp > 43_200

    @property
    def selected_row(self) -> EventRow | None:
        rows = self.query_one(RowList)
        return self.timeline[rows.cursor] if self.hits is None and rows.cursor < len(self.timeline) else None

    def _show_event_details(self) -> None:
        pane = self.query_one(".event-details .text", Static)
        width = max(self.query_one(".event-details").size.width - 3, 30)
        if self.hits is not None:
            empty = "No output has these words." if "searching" not in self._search_status else ""
            pane.update(Content.styled("Enter opens the output there." if self.hits else empty, MUTED))
            return
        if (row := self.selected_row) is None:
            empty = f"No events match ({self.event_filter.category}). f, 0: all."
            pane.update(Content.styled("" if self._is_loading else empty, MUTED))
            return
        parts = [render_event_details(row.entry, row.event, width)]
        if row.entry.command and row.entry.kind == "command":
            parts += self._render_output_tail(row.entry, width)
        pane.update(Content("\n").join(parts))
        self.query_one(".event-details").scroll_home(animate=False)

    def _render_output_tail(self, entry: TimelineEntry, width: int) -> list[Content]:
        """The end of a command's output, and what the guide says about a failure."""
        parts: list[Content] = []
        if entry.is_failure:
            matches = self._guide_matches.get(entry.command)
            if matches is None:
                self._explain_output(entry.command)
            parts += render_guide_matches(matches, width)
        size, lines = _read_output_tail(self.session, entry.command, OUTPUT_TAIL_LINES)
        return [*parts, *render_output_tail(size, lines)]

    @work(thread=True, name="explain", group="explain", exclusive=True, exit_on_error=False)
    def _explain_output(self, command: str) -> None:
        """Ask the guide about the end of an output."""
        from ecotui.guide.reading.library import load_shipped_library
        from ecotui.history.diagnose import find_guide_matches
        from ecotui.history.export.write import open_library_or_none

        project = self.project
        library = open_library_or_none(project.config, project.base_env) if project is not None else None
        matches = find_guide_matches(self.session, command, library or load_shipped_library("en"))
        self.post_message(OutputExplained(command, matches))

    @on(OutputExplained)
    def _set_guide_matches(self, message: OutputExplained) -> None:
        self._guide_matches[message.command] = message.matches
        self._show_event_details()
        self.refresh_bindings()

    # -- filtering and searching ---------------------------------------------------------------------------------

    def action_filter(self, by: int) -> None:
        index = (EVENT_CATEGORIES.index(self.event_filter.category) + by) % len(EVENT_CATEGORIES)
        self._set_filter(EventFilter(EVENT_CATEGORIES[index], self.event_filter.step))

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
            self._search_outputs(event.value)

    def _leave_search(self) -> None:
        self.query_one(Input).display = False
        self.query_one(RowList).focus()

    @work(thread=True, name="search", group="search", exclusive=True, exit_on_error=False)
    def _search_outputs(self, words: str) -> None:
        """Search all outputs, one after the other, and show hits and progress meanwhile."""
        worker = get_current_worker()
        sizes = [(command, _file_size(command.folder / OUTPUT_LOG)) for command in commands.list_commands(self.session)]
        total, done, count = sum(size for _, size in sizes), 0, 0
        hits: list[OutputHit] = []

        def post_hits(offset: int = 0, *, status: str = "") -> None:
            nonlocal hits
            percent = 100 * (done + offset) // total if total else 100
            self.post_message(HitsFound(words, hits, status or f"searching, {percent}%"))
            hits = []

        def should_stop(offset: int) -> bool:
            if offset % (64 << 20) == 0:
                post_hits(offset)
            return worker.is_cancelled

        for command, size in sizes:
            try:
                for hit in search_forward(
                    command.folder / OUTPUT_LOG, words, should_stop=should_stop, max_line_bytes=MAX_HIT_LINE_BYTES
                ):
                    hits.append(OutputHit(command, hit.offset, message_text(hit.text)))
                    count += 1
                    if count >= MAX_HITS:
                        post_hits(status=f"the first {MAX_HITS:,} are shown")
                        return
                    if len(hits) >= HIT_BATCH_SIZE:
                        post_hits(hit.offset)
            except SessionError:
                pass  # a command without an output, or with one that cannot be read
            if worker.is_cancelled:
                return
            done += size
        post_hits(status="that is all")

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

    # -- actions -------------------------------------------------------------------------------------------------

    @on(RowList.RowSelected)
    def action_open(self) -> None:
        if self.hits is not None:
            if self.hits:
                hit = self.hits[self.query_one(RowList).cursor]
                self.app.push_screen(OutputScreen(hit.command, offset=hit.offset, words=self._search_words))
            return
        if (row := self.selected_row) is None:
            return
        folder = outputs.find_command_folder(self.session, row.entry.command)
        command = commands.read_command(folder) if folder is not None else None
        if command is not None:
            self.app.push_screen(OutputScreen(command))
        else:
            width = min(self.app.size.width * 9 // 10, 96) - 8
            self.app.push_screen(RawTextDialog(row.entry.text, render_event_details(row.entry, row.event, width).plain))

    def _guide_entry_ids(self) -> Sequence[str]:
        """Entries of the guide that belong to the selected row."""
        if (row := self.selected_row) is None:
            return ()
        return guide_entries_for(row.event) or [match.entry for match in self._guide_matches.get(row.entry.command, ())]

    def action_guide(self) -> None:
        if self.project is not None and (entries := self._guide_entry_ids()):
            main_screen(self).post_message(GuideRequested(entry=entries[0]))

    def action_draft_entry(self) -> None:
        if self.project is not None:
            self._draft_guide_entry(self.project)

    @work(thread=True, name="draft", group="draft", exclusive=True, exit_on_error=False)
    def _draft_guide_entry(self, project: OpenProject) -> None:
        """Draft a guide entry from the last failure that the guide does not explain, into a new file."""
        from ecotui.guide.reading.library import GuideError, open_library
        from ecotui.history.diagnose import draft_entry_for_session

        path = project.config.project / f"guide-draft-{self.session.id}.md"
        try:
            library = open_library(project.config.settings, project.config.project, project.base_env)
            draft = draft_entry_for_session(self.session, library)
            if draft is None:
                self.notify_from_thread(
                    "The guide explains every failure of this session; there is nothing to draft.", "warning"
                )
                return
            # Never over a file that exists.
            with path.open("x", encoding="utf-8") as file:
                file.write(draft.text)
        except FileExistsError:
            self.notify_from_thread(f"{path.name} exists already; nothing was written.", "error")
        except (GuideError, SessionError, OSError) as error:
            self.notify_from_thread(f"Cannot draft an entry: {error}", "error")
        else:
            general = "" if draft.is_recognised else " Its error text is too general to be found by."
            self.notify_from_thread(f"Drafted {path.name}, for the team to review.{general}", "information")

    def selected_session(self) -> Session:
        return self.session

    def selected_tags(self) -> list[str]:
        return self.summary.tags if self.summary is not None else []

    def refresh_after_write(self) -> None:
        """Notes and tags are shown at the end of the log."""
        self._load_summary()
        if self.hits is None:
            self._reload_timeline()

    def action_replay(self) -> None:
        """From the selected event; from the beginning at the last one."""
        from screens.sessions.replay import ReplayScreen

        row = self.selected_row
        start = row.entry.timestamp if row is not None and row != self.timeline[-1] else None
        self.app.push_screen(ReplayScreen(self.session, start_at=start))

    def action_compare(self) -> None:
        from screens.sessions.picker import ComparePicker

        if self.project is not None:
            self.app.push_screen(ComparePicker(self.project, self.session))

    def action_verify(self) -> None:
        self._verify_result = Content.styled("checking the log…", MUTED)
        self._show_header()
        self._verify_log()

    @work(thread=True, name="verify", group="verify", exclusive=True, exit_on_error=False)
    def _verify_log(self) -> None:
        try:
            result = self.session.verify()
        except SessionError as error:
            self.post_message(LogVerified(False, "✗ cannot be checked", str(error)))
            return
        if result.is_intact:
            torn = f", {result.torn_lines} torn by a crash" if result.torn_lines else ""
            message = f"The log is whole: {result.event_count} events{torn}."
            self.post_message(LogVerified(True, "✓ log whole", message))
        else:
            message = f"The log was changed at line {result.broken_line}: {result.reason}."
            self.post_message(LogVerified(False, f"✗ log broken at line {result.broken_line}", message))

    @on(LogVerified)
    def _show_verify_result(self, message: LogVerified) -> None:
        self._verify_result = Content.styled(message.label, "$text-success" if message.is_valid else "bold $text-error")
        self._show_header()
        self.notify(message.message, severity="information" if message.is_valid else "error", markup=False)


def _file_size(path: Path) -> int:
    """Bytes; 0 where the file cannot be read."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _read_output_tail(session: Session, command_id: str, count: int) -> tuple[int, list[str]]:
    """The size of an output in bytes, and its last lines, for people."""
    folder = outputs.find_command_folder(session, command_id)
    if folder is None:
        return 0, []
    tail = Tail(folder)
    tail.seek_end(count)
    lines = [message_text(line)[:MAX_LINE_CHARS] for line in tail.read(count)]
    return _file_size(folder / OUTPUT_LOG), lines
