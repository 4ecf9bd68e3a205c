"""The guide: its table of contents, the chosen entry beside it, search as you type, and what explains an error."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.widgets import Input, OptionList
from textual.worker import Worker

from ecotui.guide.cause import check_cause
from ecotui.guide.matching.matcher import EntryMatch, diagnose
from ecotui.guide.reading.library import GuideError, code_blocks, guide_language, load_shipped_library, open_library
from ecotui.guide.runbook.runbook import rank_entries
from ecotui.guide.search import EntryHit, EntryIndex
from ecotui.guide.usage import count_solved_sessions
from ecotui.project import OpenProject
from ecotui.session.store import SessionStore
from screens import failures
from screens.frame import MainScreenProtocol, main_screen
from screens.guide.guide_view import GuideScreenBase
from screens.guide.location import GuideLocation, RunbookPosition
from screens.guide.runbook import RunbookScreen
from screens.messages import CheckRequested

if TYPE_CHECKING:
    from screens.guide.paste import PasteResult

VERDICT_POLL_SECONDS = 0.3
"""Seconds between two looks at whether the verdict changed."""
SEARCH_DEBOUNCE_SECONDS = 0.03
"""Seconds without a key before a search begins: of keys that come together only the last one searches."""


class GuideScreen(GuideScreenBase):
    """Read, search, and go on to walk an entry; Escape goes back to where one was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Enter is the list's own key, and does the same.
        Binding("w", "open_runbook", "Walk it", key_display="⏎", tooltip="Walk this entry step by step"),
        # With priority: the keys that come in one piece with the slash go to the field as well.
        Binding("slash", "search", "Search", key_display="/", priority=True),
        Binding("p", "paste", "Paste", tooltip="Paste an error and see what explains it"),
        Binding("r", "check", "Check", tooltip="Look again whether the cause is present"),
        Binding("b", "go_to_step", "Step", tooltip="Go to the step of the rebuild; b there comes back"),
        Binding("c", "copy", "Copy", tooltip="Copy the commands of this entry"),
        Binding("v", "language", "한/En", tooltip="The other language"),
        Binding("escape,q", "back", "Back"),
    ]

    def __init__(
        self, project: OpenProject, location: GuideLocation | None = None, *, open_paste: bool = False
    ) -> None:
        super().__init__(project, location or GuideLocation())
        self._open_paste = open_paste
        self._match_scores: dict[str, float] = {}
        self._finding_entries: tuple[str, ...] = ()
        """Entries that explain the finding that led here."""
        self._search_index: EntryIndex | None = None
        self._shown_state: object = None

    # -- opening -------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._set_size_classes()
        self._show_title("Opening the guide…")
        self.run_worker(self._load_guide(), name="the guide", group="open", exclusive=True, exit_on_error=False)

    async def _load_guide(self) -> None:
        """Read the documents beside the screen: a guide of 20 MB takes a second or two."""
        loaded = self.project.config
        try:
            library = await asyncio.to_thread(open_library, loaded.settings, loaded.project, self.project.base_env)
        except GuideError as error:
            self.notify(
                f"{error}\nThe guide that ships with ecotui stands in for it.",
                title="The guide cannot be read",
                severity="error",
                markup=False,
                timeout=30,
            )
            library = load_shipped_library(guide_language(loaded.settings, self.project.base_env))
        self.library = library
        self.language = self._initial_location.language or library.language
        await self._show_initial_location()
        self.set_interval(VERDICT_POLL_SECONDS, self._poll_verdict)
        await self._load_solved_counts()

    async def _load_solved_counts(self) -> None:
        """Which entries solved it in earlier sessions, and in this one."""
        shelf = SessionStore(self.project.session.folder.parent.parent)
        counts = await asyncio.to_thread(count_solved_sessions, shelf)
        known = {self.library.id_from_log_name(name): count for name, count in counts.items()}
        known.pop("", None)
        if known != self._solved_counts:
            self._solved_counts = known
            self._rank_by_solved_counts()

    async def _show_initial_location(self) -> None:
        """Show what one came for."""
        came = self._initial_location
        field = self.query_one("#guide-search", Input)
        self._search_index = None
        if came.entry and (entry := self.library.find_entry(came.entry)):
            self._preselected_entry = entry.id
        if words := came.search_query or field.value:
            with self.prevent(Input.Changed):
                field.value = words
            self._set_size_classes()
            await self._search(words)
        elif came.finding is not None:
            self._list_finding_entries()
        elif came.error and not came.entry:
            self.explain_error(came.error)
        else:
            if self._error:
                self._set_matches(diagnose(self.library, self._error))
            self._show_hits(self._all_entries(), selected=self._preselected_entry)
        if came.runbook is not None:
            self.app.push_screen(self._runbook_screen(came.runbook), self._handle_runbook_closed)
        elif self._open_paste:
            self.action_paste()

    @on(Worker.StateChanged)
    def _handle_worker_error(self, event: Worker.StateChanged) -> None:
        failures.notify_worker_error(self, event)

    def _rank_by_solved_counts(self) -> None:
        """Which entries solved it in earlier sessions is known now."""
        chosen = self.entry.id if self.entry is not None else ""
        if self._match_excerpts and self._listing.hits and not self._listing.is_contents:
            first = not self._preselected_entry or chosen == self._listing.hits[0].entry.id
            by_id = {hit.entry.id: hit for hit in self._listing.hits}
            order = rank_entries(list(by_id), self._match_scores, self._solved_counts)
            self._show_hits(tuple(by_id[ident] for ident in order), selected="" if first else chosen)
        else:
            on_top = rank_entries(self._listing.pinned, {}, self._solved_counts)
            moved = chosen == (self._listing.pinned or ("",))[0]
            self._show_hits(self._listing.hits, on_top, on_top[0] if moved and on_top else chosen)

    # -- the list ------------------------------------------------------------------------------------------------

    def _all_entries(self) -> tuple[EntryHit, ...]:
        return tuple(EntryHit(entry) for entry in self.library.entries)

    def _list_finding_entries(self) -> None:
        """The entries that explain the finding that led here, above the table of contents."""
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

    def explain_error(self, error: str, matches: tuple[EntryMatch, ...] | None = None, chosen: str = "") -> None:
        """Show the entries that explain an error, best first; the order of response when there are none."""
        self._error = error
        self._set_matches(diagnose(self.library, error) if matches is None else matches)
        order = rank_entries(list(self._match_excerpts), self._match_scores, self._solved_counts)
        found = tuple(EntryHit(entry) for ident in order if (entry := self.library.find_entry(ident)))
        title = "What explains this error" if found else "The guide has nothing about this error"
        if not found and (response := self.library.find_entry(self.library.response_entry)):
            title += "; this is how to go on"
            found = (EntryHit(response),)
        self._show_title(title)
        self._show_hits(found or self._all_entries(), selected=chosen)

    @on(OptionList.OptionHighlighted, "#entries")
    async def _show_highlighted_entry(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index < len(self._row_entries) and (entry := self._row_entries[event.option_index]) is not None:
            await self._show_entry(entry)

    @on(OptionList.OptionSelected, "#entries")
    def _open_selected_entry(self) -> None:
        self.action_open_runbook()

    def _poll_verdict(self) -> None:
        rebuild = self.project.rebuild
        if (rebuild.reports, rebuild.active_checks) != self._shown_state:
            self._shown_state = (rebuild.reports, rebuild.active_checks)
            try:
                self._show_verdict()
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

    async def _search(self, words: str, pause: float = 0.0) -> None:
        await asyncio.sleep(pause)
        if not words.strip():
            # The whole guide is there again, and the entry that was found stays open.
            chosen = self.entry.id if self.entry is not None else ""
            self._show_hits(self._all_entries(), self._finding_entries, chosen)
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
            # What was searched for goes first; the whole guide is there again.
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
        led = (self._preselected_entry, self.library.response_entry, *self._listing.pinned)
        walk = RunbookPosition(
            entry=self.entry.id,
            error=reason or (self._error if self.entry.id in led else ""),
            language=self.language,
        )
        self.app.push_screen(self._runbook_screen(walk), self._handle_runbook_closed)

    def _handle_runbook_closed(self, answer: str | None) -> None:
        if answer == "search":
            self.action_search()
        self.run_worker(
            self._load_solved_counts(), name="what solved it", group="open", exclusive=True, exit_on_error=False
        )

    def current_location(self, runbook: RunbookPosition | None = None) -> GuideLocation:
        """Where one is, to come back to."""
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
        """The steps of the rebuild that look at this entry's cause."""
        assert self.entry is not None
        return check_cause(self.library, self.entry.id, self.project.rebuild.reports).steps

    @property
    def main_screen(self) -> MainScreenProtocol:
        return main_screen(self)

    def action_go_to_step(self) -> None:
        if self.entry is not None and (steps := self._steps_checking_entry()):
            self.main_screen.show_step_from_guide(self.current_location(), steps[0])

    def action_check(self) -> None:
        if self.entry is None:
            return
        if steps := self._steps_checking_entry():
            self.main_screen.post_message(CheckRequested(steps))
        else:
            self.notify("This entry has no live check.", markup=False)

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
        commands = "\n".join(body for language, body in code_blocks(self.entry) if language in ("bash", "sh", "shell"))
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

    def _show_paste_result(self, pasted: PasteResult | None) -> None:
        if pasted is None:
            return
        self.explain_error(pasted.text, pasted.matches, pasted.entry)
