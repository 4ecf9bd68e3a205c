"""What the guide looks like: the list of entries, and beside it the chosen one with the verdict of its live check."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Markdown, OptionList, Static

from ecotui.guide.cause import judge
from ecotui.guide.reading.document import Entry
from ecotui.guide.reading.library import Library
from ecotui.guide.runbook.step import plain
from ecotui.guide.search import Hit
from ecotui.project import Desk
from screens.guide.entry_list import Listing, rows
from screens.guide.location import Place
from screens.guide.runbook_rendering import correction_lines, error_lines, verdict_line
from screens.style.columns import hang
from screens.widgets.footer import KeyBar

WIDE = 100
"""Columns from which list and entry stand side by side."""


class GuideView(Screen[None]):
    """Draws the guide; what the keys do is the subclass's."""

    CSS_PATH = "guide.tcss"
    AUTO_FOCUS = "#entries"

    def __init__(self, desk: Desk, came: Place) -> None:
        super().__init__()
        self.desk = desk
        self._came = came
        """What led here, and where one was the last time."""
        self._listing = Listing(())
        self._drawn = 0
        """Columns that the rows were made for."""
        self._rows: list[Entry | None] = []
        """What each option is: an entry, or None for the heading of a chapter."""
        self._wanted = ""
        self._scroll = came.scroll
        """To be scrolled to as soon as the entry stands there."""
        self._error = came.error
        self._reasons: dict[str, str] = {}
        self._solved: dict[str, int] = {}
        self.entry: Entry | None = None
        self.library = Library((), {}, "en")
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
        yield KeyBar(compact=True, show_command_palette=False)

    def on_resize(self) -> None:
        self._fit()
        if self.entry is not None and self._list_width() != self._drawn:
            with self.prevent(OptionList.OptionHighlighted):
                self._draw_list(self.entry.id)

    def _fit(self) -> None:
        narrow = self.app.size.width < WIDE
        self.set_class(narrow, "-narrow")
        field = self.query_one("#guide-search", Input)
        # In a small terminal the field is there while it is used.
        field.display = bool(not narrow or field.value or field.has_focus)

    def on_descendant_focus(self) -> None:
        # In a small terminal a text that is read gets all the room; Tab brings the list back.
        self.set_class(self.query_one("#guide-page").has_focus, "-reading")

    def _title(self, text: str = "") -> None:
        name = self.library.documents[0].title if self.library.documents else "Guide"
        if len(self.library.guides) > 1:
            name = ", ".join(one.guide for one in self.library.guides)
        self.query_one("#guide-title", Static).update(
            Content.assemble(Content.styled("Guide", "bold $text-accent"), "  ", Content(text or name))
        )

    def _list(self, hits: tuple[Hit, ...], first: tuple[str, ...] = (), chosen: str = "") -> None:
        """Fill the list, with the cursor on the chosen entry, or on the first."""
        whole = len(hits) == len(self.library.entries) and not any(hit.line for hit in hits)
        self._listing = Listing(hits, first, whole, self._solved)
        self._draw_list(chosen)
        if not hits:
            self._title("Nothing found")
        elif whole:
            self._title()

    def _list_width(self) -> int:
        return self.app.size.width - 6 if self.app.size.width < WIDE else 38

    def _draw_list(self, chosen: str = "") -> None:
        options = self.query_one("#entries", OptionList)
        self._drawn = width = self._list_width()
        self._rows, made = rows(self._listing, self.library, self.language, width, chosen)
        ids = [entry.id if entry is not None else "" for entry in self._rows]
        options.clear_options()
        options.add_options(made)
        # Only one entry is drawn: making its Markdown costs more than all the rest.
        at = next((place for place, ident in enumerate(ids) if ident and ident == chosen), None)
        first = next((place for place, ident in enumerate(ids) if ident), None)
        options.highlighted = first if at is None else at

    async def _show(self, entry: Entry) -> None:
        same = self.entry is not None and self.entry.id == entry.id
        self.entry = self.library.in_language(entry.id, self.language) or entry
        width = max(self.query_one("#guide-page").size.width - 6, 40)
        said = self._why_here(entry, width)
        self.query_one("#guide-reason", Static).update(said)
        self.query_one("#guide-reason").display = bool(said.plain)
        self._show_verdict()
        corrections = self.library.known[entry.id].corrections if entry.id in self.library.known else ()
        self.query_one("#guide-corrections", Static).update(
            correction_lines(corrections, self.language, width)
        )
        self.query_one("#guide-corrections").display = bool(corrections)
        await self.query_one("#guide-text", Markdown).update(
            f"## {self.entry.number} {self.entry.title}\n\n{self.entry.text}"
        )
        page = self.query_one("#guide-page", VerticalScroll)
        if self._scroll and entry.id == (self._wanted or entry.id):
            to, self._scroll = self._scroll, 0.0
            self.call_after_refresh(page.scroll_to, y=to, animate=False)
        elif not same:
            page.scroll_home(animate=False)
        self.refresh_bindings()

    def _why_here(self, entry: Entry, width: int) -> Content:
        """The line of the error, or of the search, that led to this entry."""
        if reason := self._reasons.get(entry.id, ""):
            return hang(Content.styled("Matched  ", "bold"), reason, width)
        hit = next((one for one in self._listing.hits if one.entry.id == entry.id and one.line), None)
        if hit is not None:
            return hang(Content.styled(f"Line {hit.line}  ", "bold"), plain(hit.excerpt), width)
        if entry.id in (self._wanted, self.library.response, *self._listing.first):
            return error_lines(self._error, width, 3)
        return Content("")

    def _show_verdict(self) -> None:
        if self.entry is None:
            return
        rebuild = self.desk.rebuild
        verdict = judge(self.library, self.entry.id, rebuild.reports, rebuild.looking)
        width = max(self.query_one("#guide-page").size.width - 6, 40)
        line = verdict_line(verdict, self.language, width, 3)
        self.query_one("#guide-verdict", Static).update(line)
