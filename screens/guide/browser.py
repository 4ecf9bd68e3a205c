"""The guide browser: the table of contents beside an entry, search as you type, and the entries that explain an error."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import Input, Markdown, OptionList, Static
from textual.worker import Worker

from ecotui.guide.cause import check_cause
from ecotui.guide.matching.matcher import EntryMatch, diagnose
from ecotui.guide.reading.document import Entry, fenced_blocks
from ecotui.guide.reading.library import (
    GuideError,
    GuideLibrary,
    guide_language,
    load_shipped_library,
    open_library,
)
from ecotui.guide.runbook.runbook import rank_entries
from ecotui.guide.runbook.step import strip_emphasis
from ecotui.guide.search import EntryHit, EntryIndex
from ecotui.guide.usage import count_solved_sessions
from ecotui.project import OpenProject
from ecotui.session.store import SessionStore
from screens import workers
from screens.actions import bindings
from screens.guide.entry_list import EntryListing, entry_options
from screens.guide.location import GuideLocation, LeaveGuideRequested, RunbookPosition
from screens.guide.runbook import RunbookScreen
from screens.guide.runbook_rendering import render_cause_check, render_corrections, render_error
from screens.messages import CheckRequested
from screens.project_screen import main_screen
from screens.style.columns import hanging_indent
from screens.widgets.footer import KeyFooter

if TYPE_CHECKING:
    from screens.guide.paste import PasteResult

CAUSE_POLL_SECONDS = 0.3
"""Seconds between two polls of the checks behind the state of the cause."""
SEARCH_DEBOUNCE_SECONDS = 0.03
"""Seconds without a key before a search begins: of keys in one burst only the last one searches."""
WIDE_WIDTH = 100
"""Columns from which list and entry are side by side."""


class GuideScreen(Screen[None]):
    """Reads and searches the guide, and opens runbooks. Escape goes back."""

    CSS_PATH = "guide.tcss"
    AUTO_FOCUS = "#entries"
    BINDINGS: ClassVar[list[BindingType]] = bindings("guide")

    def __init__(
        self, project: OpenProject, location: GuideLocation | None = None, *, open_paste: bool = False
    ) -> None:
        super().__init__()
        self.project = project
        self._initial_location = location = location or GuideLocation()
        """The reason for opening the guide, and the reader's last position."""
        self._listing = EntryListing(())
        self._list_drawn_width = 0
        """Columns that the rows were drawn for."""
        self._row_entries: list[Entry | None] = []
        """The entry of each option; None for a heading."""
        self._preselected_entry = ""
        self._pending_scroll_y = location.scroll_y
        """Scrolled to once the entry is drawn."""
        self._error = location.error
        self._match_excerpts: dict[str, str] = {}
        self._solved_counts: dict[str, int] = {}
        self.entry: Entry | None = None
        self.library = GuideLibrary((), {}, "en")
        self.language = "en"
        self._open_paste = open_paste
        self._match_scores: dict[str, float] = {}
        self._finding_entries: tuple[str, ...] = ()
        """The entries that explain the finding that led here."""
        self._search_index: EntryIndex | None = None
        self._shown_state: object = None

    def compose(self) -> ComposeResult:
        yield Static(id="guide-title")
        yield Input(placeholder="Search the guide: 한도, ㅎㄷ, bucket, 3.1", id="guide-search")
        with Horizontal(id="guide-work"):
            yield OptionList(id="entries", markup=False)
            with VerticalScroll(id="guide-page"):
                yield Static(id="guide-reason")
                yield Static(id="guide-cause")
                yield Static(id="guide-corrections")
                yield Markdown(id="guide-text", open_links=False)
        yield KeyFooter(compact=True, show_command_palette=False)

    def on_resize(self) -> None:
        self._set_size_classes()
        if self.entry is not None and self._list_width() != self._list_drawn_width:
            with self.prevent(OptionList.OptionHighlighted):
                self._draw_list(self.entry.id)

    def _set_size_classes(self) -> None:
        narrow = self.app.size.width < WIDE_WIDTH
        self.set_class(narrow, "-narrow")
        field = self.query_one("#guide-search", Input)
        # In a small terminal the field is visible only while it is used.
        field.display = bool(not narrow or field.value or field.has_focus)

    def on_descendant_focus(self) -> None:
        # In a small terminal the focused text gets all the space; Tab brings the list back.
        self.set_class(self.query_one("#guide-page").has_focus, "-reading")

    def _show_title(self, text: str = "") -> None:
        name = self.library.documents[0].title if self.library.documents else "Guide"
        if len(self.library.guides) > 1:
            name = ", ".join(one.guide for one in self.library.guides)
        self.query_one("#guide-title", Static).update(
            Content.assemble(Content.styled("Guide", "bold $text-accent"), "  ", Content(text or name))
        )

    def _show_hits(self, hits: tuple[EntryHit, ...], pinned: tuple[str, ...] = (), selected: str = "") -> None:
        """Fill the list, with the cursor on the selected entry, or on the first."""
        is_contents = len(hits) == len(self.library.entries) and not any(hit.line for hit in hits)
        self._listing = EntryListing(hits, pinned, is_contents, self._solved_counts)
        self._draw_list(selected)
        if not hits:
            self._show_title("Nothing found")
        elif is_contents:
            self._show_title()

    def _list_width(self) -> int:
        return self.app.size.width - 6 if self.app.size.width < WIDE_WIDTH else 38

    def _draw_list(self, selected: str = "") -> None:
        option_list = self.query_one("#entries", OptionList)
        self._list_drawn_width = width = self._list_width()
        self._row_entries, options = entry_options(self._listing, self.library, self.language, width, selected)
        option_list.clear_options()
        option_list.add_options(options)
        # Only the highlighted entry is drawn: its Markdown costs more than all the rest.
        indexes = {
            entry.id: index for index, entry in reversed(list(enumerate(self._row_entries))) if entry is not None
        }
        option_list.highlighted = indexes.get(selected, min(indexes.values(), default=None))

    async def _show_entry(self, entry: Entry) -> None:
        is_same = self.entry is not None and self.entry.id == entry.id
        self.entry = self.library.entry_in_language(entry.id, self.language) or entry
        width = max(self.query_one("#guide-page").size.width - 6, 40)
        reason = self._render_match_reason(entry, width)
        self.query_one("#guide-reason", Static).update(reason)
        self.query_one("#guide-reason").display = bool(reason.plain)
        self._show_cause()
        corrections = self.library.file_overlays[entry.id].corrections if entry.id in self.library.file_overlays else ()
        self.query_one("#guide-corrections", Static).update(render_corrections(corrections, self.language, width))
        self.query_one("#guide-corrections").display = bool(corrections)
        await self.query_one("#guide-text", Markdown).update(
            f"## {self.entry.number} {self.entry.title}\n\n{self.entry.text}"
        )
        page = self.query_one("#guide-page", VerticalScroll)
        if self._pending_scroll_y and entry.id == (self._preselected_entry or entry.id):
            scroll_y, self._pending_scroll_y = self._pending_scroll_y, 0.0
            self.call_after_refresh(page.scroll_to, y=scroll_y, animate=False)
        elif not is_same:
            page.scroll_home(animate=False)
        self.refresh_bindings()

    def _render_match_reason(self, entry: Entry, width: int) -> Content:
        """The line of the error, or of the search, that led to this entry."""
        if reason := self._match_excerpts.get(entry.id, ""):
            return hanging_indent(Content.styled("Matched  ", "bold"), reason, width)
        hit = next((one for one in self._listing.hits if one.entry.id == entry.id and one.line), None)
        if hit is not None:
            return hanging_indent(Content.styled(f"Line {hit.line}  ", "bold"), strip_emphasis(hit.excerpt), width)
        if entry.id in (self._preselected_entry, self.library.response_entry, *self._listing.pinned):
            return render_error(self._error, width, 3)
        return Content("")

    def _show_cause(self) -> None:
        if self.entry is None:
            return
        rebuild = self.project.rebuild
        cause_check = check_cause(self.library, self.entry.id, rebuild.reports, rebuild.active_checks)
        width = max(self.query_one("#guide-page").size.width - 6, 40)
        self.query_one("#guide-cause", Static).update(render_cause_check(cause_check, self.language, width, 3))

    # -- opening -------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._set_size_classes()
        self._show_title("Opening the guide…")
        self.run_worker(self._load_guide(), name="the guide", group="open", exclusive=True, exit_on_error=False)

    async def _load_guide(self) -> None:
        """Read the documents in a thread: a guide of 20 MB takes a second or two."""
        loaded = self.project.config
        try:
            library = await asyncio.to_thread(open_library, loaded.settings, loaded.project, self.project.base_env)
        except GuideError as error:
            self.notify(
                f"{error}\nThe guide of ecotui is shown instead.",
                title="The guide cannot be read",
                severity="error",
                markup=False,
                timeout=30,
            )
            library = load_shipped_library(guide_language(loaded.settings, self.project.base_env))
        self.library = library
        self.language = self._initial_location.language or library.language
        await self._show_initial_location()
        self.set_interval(CAUSE_POLL_SECONDS, self._poll_cause)
        await self._load_solved_counts()

    async def _load_solved_counts(self) -> None:
        """Read which entries solved the problem in earlier sessions, and in this one."""
        store = SessionStore(self.project.session.folder.parent.parent)
        counts = await asyncio.to_thread(count_solved_sessions, store)
        solved_counts = {self.library.id_from_log_name(name): count for name, count in counts.items()}
        solved_counts.pop("", None)
        if solved_counts != self._solved_counts:
            self._solved_counts = solved_counts
            self._rank_by_solved_counts()

    async def _show_initial_location(self) -> None:
        """Show what led here: an entry, a search, a finding, an error or a runbook."""
        location = self._initial_location
        field = self.query_one("#guide-search", Input)
        self._search_index = None
        if location.entry and (entry := self.library.find_entry(location.entry)):
            self._preselected_entry = entry.id
        if words := location.search_query or field.value:
            with self.prevent(Input.Changed):
                field.value = words
            self._set_size_classes()
            await self._search(words)
        elif location.finding is not None:
            self._list_finding_entries()
        elif location.error and not location.entry:
            self.explain_error(location.error)
        else:
            if self._error:
                self._set_matches(diagnose(self.library, self._error))
            self._show_hits(self._all_entries(), selected=self._preselected_entry)
        if location.runbook is not None:
            self.app.push_screen(self._runbook_screen(location.runbook), self._handle_runbook_closed)
        elif self._open_paste:
            self.action_paste()

    @on(Worker.StateChanged)
    def _handle_worker_error(self, event: Worker.StateChanged) -> None:
        workers.notify_worker_error(self, event)

    def _rank_by_solved_counts(self) -> None:
        """Order the list again, by the entries that solved the problem in earlier sessions."""
        current = self.entry.id if self.entry is not None else ""
        if self._match_excerpts and self._listing.hits and not self._listing.is_contents:
            is_first = not self._preselected_entry or current == self._listing.hits[0].entry.id
            by_id = {hit.entry.id: hit for hit in self._listing.hits}
            order = rank_entries(list(by_id), self._match_scores, self._solved_counts)
            self._show_hits(tuple(by_id[ident] for ident in order), selected="" if is_first else current)
        else:
            pinned = rank_entries(self._listing.pinned, {}, self._solved_counts)
            is_first = current == (self._listing.pinned or ("",))[0]
            self._show_hits(self._listing.hits, pinned, pinned[0] if is_first and pinned else current)

    # -- the list ------------------------------------------------------------------------------------------------

    def _all_entries(self) -> tuple[EntryHit, ...]:
        return tuple(EntryHit(entry) for entry in self.library.entries)

    def _list_finding_entries(self) -> None:
        """List the entries that explain the finding that led here, above the table of contents."""
        finding = self._initial_location.finding
        assert finding is not None
        self._error = finding.raw
        explained = self.library.entries_explaining(finding)
        if not explained:
            self.explain_error(finding.raw or finding.summary)
            return
        if self._error:
            self._set_matches(diagnose(self.library, self._error))
        order = self._finding_entries = rank_entries(explained, {}, self._solved_counts)
        self._preselected_entry = self._preselected_entry or order[0]
        self._show_hits(self._all_entries(), order, self._preselected_entry)

    def _set_matches(self, matches: tuple[EntryMatch, ...]) -> None:
        self._match_excerpts = {match.entry: match.excerpt for match in matches}
        self._match_scores = {match.entry: match.score for match in matches}

    def explain_error(self, error: str, matches: tuple[EntryMatch, ...] | None = None, selected: str = "") -> None:
        """Show the entries that explain an error, best first; without any, the order of response."""
        self._error = error
        self._set_matches(diagnose(self.library, error) if matches is None else matches)
        order = rank_entries(list(self._match_excerpts), self._match_scores, self._solved_counts)
        hits = tuple(EntryHit(entry) for ident in order if (entry := self.library.find_entry(ident)))
        title = "Entries that explain this error" if hits else "The guide has nothing about this error"
        if not hits and (response := self.library.find_entry(self.library.response_entry)):
            title += "; go on with this entry"
            hits = (EntryHit(response),)
        self._show_title(title)
        self._show_hits(hits or self._all_entries(), selected=selected)

    @on(OptionList.OptionHighlighted, "#entries")
    async def _show_highlighted_entry(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index < len(self._row_entries) and (entry := self._row_entries[event.option_index]) is not None:
            await self._show_entry(entry)

    @on(OptionList.OptionSelected, "#entries")
    def _open_selected_entry(self) -> None:
        self.action_open_runbook()

    def _poll_cause(self) -> None:
        rebuild = self.project.rebuild
        if (rebuild.reports, rebuild.active_checks) != self._shown_state:
            self._shown_state = (rebuild.reports, rebuild.active_checks)
            try:
                self._show_cause()
            except NoMatches:
                return

    # -- searching -----------------------------------------------------------------------------------------------

    @on(Input.Changed, "#guide-search")
    def _start_search(self, event: Input.Changed) -> None:
        self.run_worker(
            self._search(event.value, SEARCH_DEBOUNCE_SECONDS),
            name="the search",
            group="search",
            exclusive=True,
            exit_on_error=False,
        )

    async def _search(self, words: str, delay: float = 0.0) -> None:
        await asyncio.sleep(delay)
        if not words.strip():
            # Back to the whole guide, with the current entry open.
            current = self.entry.id if self.entry is not None else ""
            self._show_hits(self._all_entries(), self._finding_entries, current)
            return
        hits = await asyncio.to_thread(self._search_guide, words)
        self._set_matches(())
        self._show_title(f"{len(hits):,} for {words.strip()}")
        self._show_hits(hits, selected=self._preselected_entry if self._pending_scroll_y else "")

    def _search_guide(self, words: str) -> tuple[EntryHit, ...]:
        if self._search_index is None:
            self._search_index = EntryIndex(self.library)
        return self._search_index.search(words)

    @on(Input.Submitted, "#guide-search")
    def _leave_search(self) -> None:
        self.query_one("#entries").focus()
        self.call_after_refresh(self._set_size_classes)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "go_to_step":
            return self.entry is not None and bool(self._steps_checking_entry())
        return not (action == "search" and isinstance(self.focused, Input))

    def action_search(self) -> None:
        field = self.query_one("#guide-search", Input)
        field.display = True
        self.set_focus(field)

    def action_back(self) -> None:
        search_box = self.query_one("#guide-search", Input)
        if search_box.has_focus:
            self.query_one("#entries").focus()
            self._set_size_classes()
        elif search_box.value:
            # The first Escape clears the search.
            search_box.value = ""
            self._set_size_classes()
        else:
            self.dismiss(None)

    # -- keys ----------------------------------------------------------------------------------------------------

    def _runbook_screen(self, position: RunbookPosition) -> RunbookScreen:
        return RunbookScreen(
            self.project,
            self.library,
            position,
            self._solved_counts.get(position.entry, 0),
            guide_location=self.current_location,
        )

    def action_open_runbook(self) -> None:
        if self.entry is None:
            return
        reason = self._match_excerpts.get(self.entry.id, "")
        error_entries = (self._preselected_entry, self.library.response_entry, *self._listing.pinned)
        position = RunbookPosition(
            entry=self.entry.id,
            error=reason or (self._error if self.entry.id in error_entries else ""),
            language=self.language,
        )
        self.app.push_screen(self._runbook_screen(position), self._handle_runbook_closed)

    def _handle_runbook_closed(self, answer: str | None) -> None:
        if answer == "search":
            self.action_search()
        self.run_worker(
            self._load_solved_counts(),
            name="the entries that solved it",
            group="open",
            exclusive=True,
            exit_on_error=False,
        )

    def current_location(self, runbook: RunbookPosition | None = None) -> GuideLocation:
        """The reader's position, to come back to."""
        return GuideLocation(
            entry=self.entry.id if self.entry is not None else "",
            error=self._error,
            finding=self._initial_location.finding if self._listing.pinned else None,
            language=self.language,
            search_query=self.query_one("#guide-search", Input).value,
            scroll_y=self.query_one("#guide-page").scroll_y,
            runbook=runbook,
        )

    def _steps_checking_entry(self) -> tuple[str, ...]:
        """The steps of the rebuild that check this entry's cause."""
        assert self.entry is not None
        return check_cause(self.library, self.entry.id, self.project.rebuild.reports).steps

    def action_go_to_step(self) -> None:
        if self.entry is not None and (steps := self._steps_checking_entry()):
            main_screen(self).post_message(LeaveGuideRequested(self.current_location(), steps[0]))

    def action_check(self) -> None:
        if self.entry is None:
            return
        if steps := self._steps_checking_entry():
            main_screen(self).post_message(CheckRequested(steps))
        else:
            self.notify("No step checks the cause of this entry.", markup=False)

    async def action_language(self) -> None:
        self.language = "en" if self.language == "ko" else "ko"
        if self.entry is None:
            return
        entry = self.entry
        if self.library.entry_in_language(entry.id, self.language) is None:
            self.notify("This entry has no text in the other language.", markup=False)
        with self.prevent(OptionList.OptionHighlighted):
            self._draw_list(entry.id)
        await self._show_entry(entry)

    def action_copy(self) -> None:
        if self.entry is None:
            return
        commands = "\n".join(
            body for language, body in fenced_blocks(self.entry.text) if language in ("bash", "sh", "shell")
        )
        if commands:
            self.app.copy_to_clipboard(commands)
            self.notify("Sent to your terminal's clipboard (OSC 52).", markup=False)
        else:
            self.notify("This entry has no commands.", markup=False)

    def action_paste(self) -> None:
        from screens.guide.paste import PasteScreen

        if not self.library.documents:
            self._open_paste = True  # as soon as the guide is open
            return
        self.app.push_screen(PasteScreen(self.library, self._solved_counts), self._show_paste_result)

    def _show_paste_result(self, result: PasteResult | None) -> None:
        if result is not None:
            self.explain_error(result.text, result.matches, result.entry)
