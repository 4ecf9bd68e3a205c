"""What the guide looks like: the list of entries, and beside it the chosen one with the verdict of its live check."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Markdown, OptionList, Static

from ecotui.guide.cause import check_cause
from ecotui.guide.reading.document import Entry
from ecotui.guide.reading.library import GuideLibrary
from ecotui.guide.runbook.step import strip_emphasis
from ecotui.guide.search import EntryHit
from ecotui.project import OpenProject
from screens.guide.entry_list import EntryListing, entry_options
from screens.guide.location import GuideLocation
from screens.guide.runbook_rendering import render_cause_check, render_corrections, render_error
from screens.style.columns import hanging_indent
from screens.widgets.footer import KeyFooter

WIDE_WIDTH = 100
"""Columns from which list and entry stand side by side."""


class GuideScreenBase(Screen[None]):
    """Draws the guide; what the keys do is the subclass's."""

    CSS_PATH = "guide.tcss"
    AUTO_FOCUS = "#entries"

    def __init__(self, project: OpenProject, location: GuideLocation) -> None:
        super().__init__()
        self.project = project
        self._initial_location = location
        """What led here, and where one was the last time."""
        self._listing = EntryListing(())
        self._list_drawn_width = 0
        """Columns that the rows were made for."""
        self._row_entries: list[Entry | None] = []
        """What each option is: an entry, or None for the heading of a chapter."""
        self._preselected_entry = ""
        self._pending_scroll_y = location.scroll_y
        """To be scrolled to as soon as the entry stands there."""
        self._error = location.error
        self._match_excerpts: dict[str, str] = {}
        self._solved_counts: dict[str, int] = {}
        self.entry: Entry | None = None
        self.library = GuideLibrary((), {}, "en")
        self.language = "en"

    def compose(self) -> ComposeResult:
        yield Static(id="guide-title")
        yield Input(placeholder="Search the guide: 한도, ㅎㄷ, bucket, 3.1", id="guide-search")
        with Horizontal(id="guide-work"):
            yield OptionList(id="entries", markup=False)
            with VerticalScroll(id="guide-page"):
                yield Static(id="guide-reason")
                yield Static(id="guide-verdict")
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
        # In a small terminal the field is there while it is used.
        field.display = bool(not narrow or field.value or field.has_focus)

    def on_descendant_focus(self) -> None:
        # In a small terminal a text that is read gets all the room; Tab brings the list back.
        self.set_class(self.query_one("#guide-page").has_focus, "-reading")

    def _show_title(self, text: str = "") -> None:
        name = self.library.documents[0].title if self.library.documents else "Guide"
        if len(self.library.guides) > 1:
            name = ", ".join(one.guide for one in self.library.guides)
        self.query_one("#guide-title", Static).update(
            Content.assemble(Content.styled("Guide", "bold $text-accent"), "  ", Content(text or name))
        )

    def _show_hits(self, hits: tuple[EntryHit, ...], pinned: tuple[str, ...] = (), selected: str = "") -> None:
        """Fill the list, with the cursor on the chosen entry, or on the first."""
        whole = len(hits) == len(self.library.entries) and not any(hit.line for hit in hits)
        self._listing = EntryListing(hits, pinned, whole, self._solved_counts)
        self._draw_list(selected)
        if not hits:
            self._show_title("Nothing found")
        elif whole:
            self._show_title()

    def _list_width(self) -> int:
        return self.app.size.width - 6 if self.app.size.width < WIDE_WIDTH else 38

    def _draw_list(self, selected: str = "") -> None:
        options = self.query_one("#entries", OptionList)
        self._list_drawn_width = width = self._list_width()
        self._row_entries, made = entry_options(self._listing, self.library, self.language, width, selected)
        ids = [entry.id if entry is not None else "" for entry in self._row_entries]
        options.clear_options()
        options.add_options(made)
        # Only one entry is drawn: making its Markdown costs more than all the rest.
        at = next((place for place, ident in enumerate(ids) if ident and ident == selected), None)
        first = next((place for place, ident in enumerate(ids) if ident), None)
        options.highlighted = first if at is None else at

    async def _show_entry(self, entry: Entry) -> None:
        same = self.entry is not None and self.entry.id == entry.id
        self.entry = self.library.entry_in_language(entry.id, self.language) or entry
        width = max(self.query_one("#guide-page").size.width - 6, 40)
        said = self._render_match_reason(entry, width)
        self.query_one("#guide-reason", Static).update(said)
        self.query_one("#guide-reason").display = bool(said.plain)
        self._show_verdict()
        corrections = self.library.file_overlays[entry.id].corrections if entry.id in self.library.file_overlays else ()
        self.query_one("#guide-corrections", Static).update(render_corrections(corrections, self.language, width))
        self.query_one("#guide-corrections").display = bool(corrections)
        await self.query_one("#guide-text", Markdown).update(
            f"## {self.entry.number} {self.entry.title}\n\n{self.entry.text}"
        )
        page = self.query_one("#guide-page", VerticalScroll)
        if self._pending_scroll_y and entry.id == (self._preselected_entry or entry.id):
            to, self._pending_scroll_y = self._pending_scroll_y, 0.0
            self.call_after_refresh(page.scroll_to, y=to, animate=False)
        elif not same:
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

    def _show_verdict(self) -> None:
        if self.entry is None:
            return
        rebuild = self.project.rebuild
        verdict = check_cause(self.library, self.entry.id, rebuild.reports, rebuild.active_checks)
        width = max(self.query_one("#guide-page").size.width - 6, 40)
        line = render_cause_check(verdict, self.language, width, 3)
        self.query_one("#guide-verdict", Static).update(line)
