"""The guide: entries at the side, the chosen one beside them, search as you type, and what explains an error."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, Markdown, OptionList, Static
from textual.widgets.option_list import Option

from ecotui.desk import Desk
from ecotui.guide.diagnosis import diagnose
from ecotui.guide.document import Entry
from ecotui.guide.library import GuideError, Library, open_library, shipped


class GuideScreen(Screen[None]):
    """Read and search; Escape goes back to where one was."""

    CSS_PATH = "guide.tcss"
    AUTO_FOCUS = "#entries"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", "Back"),
        Binding("slash", "search", "Search", key_display="/"),
        Binding("p", "paste", "Paste an error", tooltip="Paste an error and see what explains it"),
        Binding("v", "language", "한국어 / English", tooltip="The other language"),
        Binding("c", "copy", "Copy commands", tooltip="Copy the commands of this entry"),
    ]

    def __init__(self, desk: Desk, *, entry: str = "", error: str = "") -> None:
        super().__init__()
        self.desk = desk
        self._wanted = entry
        self._error = error
        self._shown: tuple[Entry, ...] = ()
        self._reasons: dict[str, str] = {}
        self.entry: Entry | None = None
        self.library: Library = self._open()
        self.language = self.library.language

    def _open(self) -> Library:
        loaded = self.desk.loaded
        try:
            return open_library(loaded.settings, loaded.project, self.desk.base_env)
        except GuideError as error:
            self._error = str(error)
            return shipped("en")

    def compose(self) -> ComposeResult:
        yield Static(id="guide-title")
        yield Input(placeholder="Search the guide", id="guide-search")
        with Horizontal(id="guide-work"):
            yield OptionList(id="entries", markup=False)
            with VerticalScroll(id="guide-page"):
                yield Static(id="guide-reason")
                yield Static(id="guide-corrections")
                yield Markdown(id="guide-text", open_links=False)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.set_class(self.app.size.width < 100, "-narrow")
        if self._error and not self._wanted:
            self.explain(self._error)
        else:
            self._list(self.library.entries)
        if self._wanted:
            self._choose(self._wanted)

    def explain(self, error: str) -> None:
        """Show the entries that explain an error, best first."""
        matches = diagnose(self.library, error)
        self._reasons = {match.entry: match.excerpt for match in matches}
        found = [entry for match in matches if (entry := self.library.entry(match.entry))]
        title = "What explains this error" if found else "The guide has nothing about this error"
        self._title(title)
        if not found and (response := self.library.entry("7.3")):
            found = [response]
        self._list(tuple(found) or self.library.entries)

    def _title(self, text: str) -> None:
        name = self.library.documents[0].title if self.library.documents else "Guide"
        self.query_one("#guide-title", Static).update(
            Content.assemble(Content.styled("Guide", "bold $text-accent"), "  ", Content(text or name))
        )

    def _list(self, entries: tuple[Entry, ...]) -> None:
        self._shown = entries
        options = self.query_one("#entries", OptionList)
        options.clear_options()
        options.add_options(
            [
                Option(
                    Content.assemble(Content.styled(f"{entry.id:<5}", "$text-accent"), Content(entry.title))
                )
                for entry in entries
            ]
        )
        if not self.query_one("#guide-title", Static).content:
            self._title("")
        if entries:
            options.highlighted = 0
        else:
            self._title("Nothing found")

    def _choose(self, ident: str) -> None:
        ids = [entry.id for entry in self._shown]
        if ident in ids:
            self.query_one("#entries", OptionList).highlighted = ids.index(ident)

    @on(OptionList.OptionHighlighted, "#entries")
    async def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index < len(self._shown):
            await self._show(self._shown[event.option_index])

    async def _show(self, entry: Entry) -> None:
        self.entry = self.library.in_language(entry.id, self.language) or entry
        reason = self._reasons.get(entry.id, "")
        self.query_one("#guide-reason", Static).update(
            Content.assemble(Content.styled("Matched  ", "bold"), Content(reason)) if reason else Content("")
        )
        self.query_one("#guide-reason").display = bool(reason)
        corrections = self.library.corrections(entry.id, self.language)
        self.query_one("#guide-corrections", Static).update(
            Content("\n\n").join(
                [
                    Content.styled("Corrections to this entry", "bold"),
                    *(Content(note) for note in corrections),
                ]
            )
        )
        self.query_one("#guide-corrections").display = bool(corrections)
        await self.query_one("#guide-text", Markdown).update(
            f"## {self.entry.id} {self.entry.title}\n\n{self.entry.text}"
        )
        self.query_one("#guide-page").scroll_home(animate=False)

    @on(Input.Changed, "#guide-search")
    def _searched(self, event: Input.Changed) -> None:
        self._reasons = {}
        self._list(self.library.search(event.value))

    @on(Input.Submitted, "#guide-search")
    def _search_done(self) -> None:
        self.query_one("#entries").focus()

    def action_search(self) -> None:
        self.query_one("#guide-search", Input).focus()

    def action_back(self) -> None:
        search = self.query_one("#guide-search", Input)
        if search.has_focus:
            self.query_one("#entries").focus()
        else:
            self.dismiss(None)

    async def action_language(self) -> None:
        self.language = "en" if self.language == "ko" else "ko"
        if self.entry is not None:
            if self.library.in_language(self.entry.id, self.language) is None:
                self.notify("This entry has no text in the other language.", markup=False)
            await self._show(self.entry)

    def action_copy(self) -> None:
        from ecotui.guide.library import code_of

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
        self.app.push_screen(PasteError(), self._pasted)

    def _pasted(self, text: str | None) -> None:
        if text:
            self.explain(text)


class PasteError(Screen[str | None]):
    """A box to paste an error into."""

    AUTO_FOCUS = "TextArea"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("ctrl+d,f2", "done", "Find it"),
    ]
    DEFAULT_CSS = """
    PasteError Vertical { padding: 1 2; }
    PasteError TextArea { height: 1fr; }
    """

    def compose(self) -> ComposeResult:
        from textual.widgets import TextArea

        with Vertical():
            yield Static(
                Content("Paste the error, then press Ctrl-D. Colours, boxes and time stamps do not matter.")
            )
            yield TextArea()
        yield Footer(compact=True, show_command_palette=False)

    def action_done(self) -> None:
        from textual.widgets import TextArea

        from checks.sanitize import sanitize

        self.dismiss(sanitize(self.query_one(TextArea).text))
