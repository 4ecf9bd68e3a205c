"""The guide: its table of contents, the chosen entry beside it, search as you type, and what explains an error."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import Input, Markdown, OptionList, Static
from textual.widgets.option_list import Option

from ecotui.desk import Desk
from ecotui.guide.diagnosis import diagnose
from ecotui.guide.document import Entry
from ecotui.guide.library import GuideError, Library, code_of, open_library, shipped
from ecotui.guide.search import search
from ecotui.guide.steps import plain
from ecotui.guide.verdict import judge
from ecotui.guide.walking import ranked
from ecotui.session.store import Store
from ecotui.session.walked import solved
from screens.intents import LookWanted
from screens.layout import hang
from screens.walk import WalkScreen
from screens.walk_deeds import Walk
from screens.walk_lines import error_lines, verdict_line
from screens.widgets.keybar import KeyBar

if TYPE_CHECKING:
    from textual.worker import Worker

    from screens.paste import Pasted

BEAT = 0.3
"""Seconds between two looks at whether the verdict changed."""
RESPONSE = "7.3"
"""The entry with the order of response: the way on where nothing explains an error."""


class GuideScreen(Screen[None]):
    """Read, search, and go on to walk an entry; Escape goes back to where one was."""

    CSS_PATH = "guide.tcss"
    AUTO_FOCUS = "#entries"
    BINDINGS: ClassVar[list[BindingType]] = [
        # Enter is the list's own key, and does the same.
        Binding("w", "walk", "Walk its steps", key_display="⏎", tooltip="Walk this entry step by step"),
        # With priority: the keys that come in one piece with the slash go to the field as well.
        Binding("slash", "search", "Search", key_display="/", priority=True),
        Binding("p", "paste", "Paste an error", tooltip="Paste an error and see what explains it"),
        Binding("r", "check", "Check", tooltip="Look again whether the cause is present"),
        Binding("c", "copy", "Copy", tooltip="Copy the commands of this entry"),
        Binding("v", "language", "한/En", tooltip="The other language"),
        Binding("escape,q", "back", "Back"),
    ]

    def __init__(
        self, desk: Desk, *, entry: str = "", error: str = "", walk: Walk | None = None, paste: bool = False
    ) -> None:
        super().__init__()
        self.desk = desk
        self._wanted = entry
        self._error = error
        self._walk = walk
        self._paste = paste
        self._shown: tuple[Entry, ...] = ()
        self._rows: list[Entry | None] = []
        """What each option is: an entry, or None for the heading of a chapter."""
        self._reasons: dict[str, str] = {}
        self._scores: dict[str, float] = {}
        self._solved: dict[str, int] = {}
        self._seen: object = None
        self.entry: Entry | None = None
        self.library: Library = self._open()
        self.language = walk.language if walk is not None else self.library.language

    def _open(self) -> Library:
        loaded = self.desk.loaded
        try:
            return open_library(loaded.settings, loaded.project, self.desk.base_env)
        except GuideError as error:
            self._error = str(error)
            return shipped("en")

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

    def on_mount(self) -> None:
        self._fit()
        if self._error and not self._wanted:
            self.explain(self._error)
        else:
            if self._error:
                self._reasons = {match.entry: match.excerpt for match in diagnose(self.library, self._error)}
            self._list(self.library.entries)
        if self._wanted:
            self._choose(self._wanted)
        _worker: Worker[None] = self.run_worker(self._remember(), name="solved", exit_on_error=False)
        self.set_interval(BEAT, self._beat)
        if self._walk is not None:
            self.app.push_screen(self._walking(self._walk), self._walked)
        elif self._paste:
            self.action_paste()

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        narrow = self.app.size.width < 100
        self.set_class(narrow, "-narrow")
        field = self.query_one("#guide-search", Input)
        # In a small terminal the field is there while it is used.
        field.display = bool(not narrow or field.value or field.has_focus)

    def on_descendant_focus(self) -> None:
        # In a small terminal a text that is read gets all the room; Tab brings the list back.
        self.set_class(self.query_one("#guide-page").has_focus, "-reading")

    async def _remember(self) -> None:
        """Which entries solved it in earlier sessions; read beside the screen, as there may be many."""
        shelf = Store(self.desk.session.folder.parent.parent)
        self._solved = await asyncio.to_thread(solved, shelf)
        if self._solved:
            chosen = self.entry.id if self.entry is not None else ""
            self._list(self._by_experience(self._shown) if self._reasons else self._shown)
            if self._wanted and chosen:
                self._choose(chosen)

    # -- the list ------------------------------------------------------------------------------------------------

    def _by_experience(self, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        by_id = {entry.id: entry for entry in entries}
        order = ranked(list(by_id), self._scores, self._solved)
        return tuple(by_id[ident] for ident in order)

    def explain(self, error: str) -> None:
        """Show the entries that explain an error, best first; the order of response when there are none."""
        matches = diagnose(self.library, error)
        self._error = error
        self._reasons = {match.entry: match.excerpt for match in matches}
        self._scores = {match.entry: match.score for match in matches}
        found = tuple(entry for match in matches if (entry := self.library.entry(match.entry)))
        title = "What explains this error" if found else "The guide has nothing about this error"
        if not found and (response := self.library.entry(RESPONSE)):
            title += "; this is how to go on"
            found = (response,)
        self._title(title)
        self._list(self._by_experience(found) or self.library.entries)

    def _title(self, text: str) -> None:
        name = self.library.documents[0].title if self.library.documents else "Guide"
        self.query_one("#guide-title", Static).update(
            Content.assemble(Content.styled("Guide", "bold $text-accent"), "  ", Content(text or name))
        )

    def _list(self, entries: tuple[Entry, ...]) -> None:
        self._shown = entries
        options = self.query_one("#entries", OptionList)
        narrow = self.app.size.width < 100
        width = self.app.size.width - 6 if narrow else 38
        whole = entries == self.library.entries
        rows: list[Entry | None] = []
        made: list[Option] = []
        chapter = ""
        for entry in entries:
            if whole and entry.chapter != chapter and not entry.chapter.endswith(entry.title):
                rows.append(None)
                made.append(
                    Option(hang(Content(""), entry.chapter, width, "bold $text-primary"), disabled=True)
                )
            chapter = entry.chapter
            rows.append(entry)
            made.append(Option(self._row(entry, width)))
        self._rows = rows
        options.clear_options()
        options.add_options(made)
        if not self.query_one("#guide-title", Static).content:
            self._title("")
        if entries:
            options.highlighted = next(index for index, entry in enumerate(rows) if entry is not None)
        else:
            self._title("Nothing found")

    def _row(self, entry: Entry, width: int) -> Content:
        shown = self.library.in_language(entry.id, self.language) or entry
        count = self._solved.get(entry.id, 0)
        title = f"{shown.title}  ✓{count}" if count else shown.title
        ident = entry.id if len(entry.id) <= 8 else "·"
        return hang(Content.styled(f"{ident:<4}", "$text-accent"), title, width)

    def _choose(self, ident: str) -> None:
        ids = [entry.id if entry is not None else "" for entry in self._rows]
        if ident in ids:
            self.query_one("#entries", OptionList).highlighted = ids.index(ident)

    @on(OptionList.OptionHighlighted, "#entries")
    async def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index < len(self._rows) and (entry := self._rows[event.option_index]) is not None:
            await self._show(entry)

    @on(OptionList.OptionSelected, "#entries")
    def _selected(self) -> None:
        self.action_walk()

    # -- the page ------------------------------------------------------------------------------------------------

    async def _show(self, entry: Entry) -> None:
        self.entry = self.library.in_language(entry.id, self.language) or entry
        reason = self._reasons.get(entry.id, "")
        width = max(self.query_one("#guide-page").size.width - 6, 40)
        if reason:
            said = hang(Content.styled("Matched  ", "bold"), reason, width)
        else:
            said = error_lines(self._error, width, 3) if entry.id in (self._wanted, RESPONSE) else Content("")
        self.query_one("#guide-reason", Static).update(said)
        self.query_one("#guide-reason").display = bool(said.plain)
        self._show_verdict()
        corrections = self.library.corrections(entry.id, self.language)
        self.query_one("#guide-corrections", Static).update(
            Content("\n\n").join(
                [
                    Content.styled("Corrections to this entry", "bold"),
                    *(Content(plain(note)) for note in corrections),
                ]
            )
        )
        self.query_one("#guide-corrections").display = bool(corrections)
        await self.query_one("#guide-text", Markdown).update(
            f"## {self.entry.id} {self.entry.title}\n\n{self.entry.text}"
        )
        self.query_one("#guide-page").scroll_home(animate=False)

    def _show_verdict(self) -> None:
        if self.entry is None:
            return
        rebuild = self.desk.rebuild
        verdict = judge(self.library, self.entry.id, rebuild.reports, rebuild.looking)
        width = max(self.query_one("#guide-page").size.width - 6, 40)
        line = verdict_line(verdict, self.language, width, 3)
        self.query_one("#guide-verdict", Static).update(line)

    def _beat(self) -> None:
        rebuild = self.desk.rebuild
        if (rebuild.reports, rebuild.looking) != self._seen:
            self._seen = (rebuild.reports, rebuild.looking)
            try:
                self._show_verdict()
            except NoMatches:
                return

    # -- searching -----------------------------------------------------------------------------------------------

    @on(Input.Changed, "#guide-search")
    def _searched(self, event: Input.Changed) -> None:
        self._reasons = {}
        self._title(f"Searching for {event.value.strip()}" if event.value.strip() else "")
        self._list(search(self.library, event.value))

    @on(Input.Submitted, "#guide-search")
    def _search_done(self) -> None:
        self.query_one("#entries").focus()
        self.call_after_refresh(self._fit)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not (action == "search" and isinstance(self.focused, Input))

    def action_search(self) -> None:
        field = self.query_one("#guide-search", Input)
        field.display = True
        self.set_focus(field)

    def action_back(self) -> None:
        search_box = self.query_one("#guide-search", Input)
        if search_box.has_focus:
            self.query_one("#entries").focus()
            self._fit()
        elif search_box.value:
            # What was searched for goes first; the whole guide is there again.
            search_box.value = ""
            self._fit()
        else:
            self.dismiss(None)

    # -- keys ----------------------------------------------------------------------------------------------------

    def _walking(self, walk: Walk) -> WalkScreen:
        return WalkScreen(self.desk, self.library, walk, self._solved.get(walk.entry, 0))

    def action_walk(self) -> None:
        if self.entry is None:
            return
        reason = self._reasons.get(self.entry.id, "")
        error = reason or (self._error if self.entry.id in (self._wanted, RESPONSE) else "")
        walk = Walk(entry=self.entry.id, error=error, language=self.language)
        self.app.push_screen(self._walking(walk), self._walked)

    def _walked(self, answer: str | None) -> None:
        if answer == "search":
            self.action_search()

    def action_check(self) -> None:
        if self.entry is None:
            return
        rebuild = self.desk.rebuild
        steps = judge(self.library, self.entry.id, rebuild.reports).steps
        if steps:
            self.app.screen_stack[0].post_message(LookWanted(steps))
        else:
            self.notify("This entry has no live check.", markup=False)

    async def action_language(self) -> None:
        self.language = "en" if self.language == "ko" else "ko"
        if self.entry is None:
            return
        entry = self.entry
        if self.library.in_language(entry.id, self.language) is None:
            self.notify("This entry has no text in the other language.", markup=False)
        with self.prevent(OptionList.OptionHighlighted):
            self._list(self._shown)
            self._choose(entry.id)
        await self._show(entry)

    def action_copy(self) -> None:
        if self.entry is None:
            return
        commands = "\n".join(
            body for language, body in code_of(self.entry) if language in ("bash", "sh", "shell")
        )
        if commands:
            self.app.copy_to_clipboard(commands)
            self.notify("Sent to your terminal's clipboard (OSC 52).", markup=False)
        else:
            self.notify("This entry has no commands.", markup=False)

    def action_paste(self) -> None:
        from screens.paste import PasteScreen

        self.app.push_screen(PasteScreen(self.library, self._solved), self._pasted)

    def _pasted(self, pasted: Pasted | None) -> None:
        if pasted is None:
            return
        self.explain(pasted.text)
        self._choose(pasted.entry)
