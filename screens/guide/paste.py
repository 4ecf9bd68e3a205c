"""A box to paste an error into; what explains it stands below while one looks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import OptionList, Static, TextArea
from textual.widgets.option_list import Option
from textual.worker import Worker

from checks.sanitize import sanitize
from ecotui.guide.matching.matcher import Diagnosis, Match
from ecotui.guide.reading.library import Library
from ecotui.guide.runbook.runbook import ranked, rule_of
from screens import failures
from screens.style.columns import hang, wrapped
from screens.widgets.footer import KeyBar

LARGEST = 8_000_000
"""Characters of a paste that are looked at; of a longer one the end, where errors stand."""
SHOWN = 200
"""Lines of a paste that the box shows; a text area of a million lines holds up the screen."""
PAUSE = 0.2
"""Seconds without a key before what is typed is looked at."""


@dataclass(frozen=True)
class Pasted:
    """What was pasted, what explains it, and the entry that was chosen."""

    text: str
    entry: str
    matches: tuple[Match, ...] = ()


def explained(library: Library, text: str) -> tuple[Match, ...]:
    """What explains a text of any size; as a stream, so that most of it is passed over quickly."""
    diagnosis = Diagnosis(library)
    diagnosis.read(BytesIO(text.encode()))
    return diagnosis.matches


class PasteBox(TextArea):
    """A text area that takes a paste of any size, without its control sequences."""

    class Pasted(Message):
        """Something was pasted, not typed."""

    @dataclass
    class Large(Message):
        """More was pasted than the box shows."""

        text: str

    async def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        # Terminals send the end of a line as the key Enter does; left alone, each line would overwrite the one before.
        text = sanitize(event.text[-LARGEST:].replace("\r\n", "\n").replace("\r", "\n"))
        self.post_message(self.Pasted())
        if text.count("\n") > SHOWN or len(text) > 200 * SHOWN:
            self.post_message(self.Large(text))
        elif result := self._replace_via_keyboard(text, *self.selection):
            self.move_cursor(result.end_location)


class PasteScreen(Screen[Pasted | None]):
    """Paste, see the entries that explain it, Enter opens one."""

    CSS_PATH = "paste.tcss"
    AUTO_FOCUS = "#paste-box"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+d,f2", "done", "To the entries", priority=True),
        Binding("ctrl+l", "clear", "Clear", priority=True),
        Binding("f", "open", "Open the entry", key_display="⏎"),
        Binding("escape", "leave", "Back", priority=True),
    ]

    def __init__(self, library: Library, solved: dict[str, int] | None = None) -> None:
        super().__init__()
        self.library = library
        self._solved = solved or {}
        self._whole = ""
        """A paste larger than the box shows."""
        self._part = ""
        """What the box shows of it."""
        self._looked_at = ""
        self._ids: list[str] = []
        self._matches: tuple[Match, ...] = ()
        self._go = False
        """Go to the entries as soon as they are there."""
        self._waiting: Timer | None = None
        """For a pause between two keys."""

    def compose(self) -> ComposeResult:
        yield Static(id="paste-title")
        yield PasteBox(id="paste-box", soft_wrap=True)
        yield Static(id="paste-said")
        yield OptionList(id="paste-found", markup=False)
        yield KeyBar(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#paste-title", Static).update(
            Content.assemble(
                Content.styled("Paste an error", "bold $text-accent"),
                "  Colours, boxes, time stamps and JSON do not matter.",
            )
        )
        self._say("Paste it here; what explains it appears below.")

    @property
    def text(self) -> str:
        """What is looked at: the whole paste, also where the box shows a part of it."""
        return self._whole or sanitize(self.query_one("#paste-box", PasteBox).text)

    def _say(self, text: str, style: str = "$foreground 62%") -> None:
        self.query_one("#paste-said", Static).update(Content.styled(text, style))

    @on(PasteBox.Large)
    def _large(self, event: PasteBox.Large) -> None:
        lines = event.text.splitlines()
        self._whole = event.text
        box = self.query_one("#paste-box", PasteBox)
        with self.prevent(TextArea.Changed):
            shown = "\n".join(line[:400] for line in lines[-SHOWN:])
            self._part = box.text = (
                f"… {len(lines):,} lines pasted, the last {min(SHOWN, len(lines))} shown, all looked at …\n{shown}"
            )
            box.move_cursor(box.document.end)
        self._go = True
        self._look()

    @on(TextArea.Changed, "#paste-box")
    def _changed(self) -> None:
        text = self.query_one("#paste-box", PasteBox).text
        if self._whole and text == self._part:
            return
        self._whole = ""
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(PAUSE, self._look)

    @on(PasteBox.Pasted)
    def _pasted(self) -> None:
        # A paste arrives whole; then Enter should open what explains it. Who types stays in the box.
        self._go = True

    def _look(self) -> None:
        text = self.text
        if text == self._looked_at:
            return
        self._looked_at = text
        self.run_worker(
            self._explain(text), name="diagnose", group="diagnose", exclusive=True, exit_on_error=False
        )

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        failures.tell(self, event)

    async def _explain(self, text: str) -> None:
        if not text.strip():
            self._ids = []
            self.query_one("#paste-found", OptionList).clear_options()
            self._say("Paste it here; what explains it appears below.")
            return
        if len(text) > 200_000:
            self._say(f"Looking at {text.count(chr(10)) + 1:,} lines…", "$text-accent")
        matches = await asyncio.to_thread(explained, self.library, text)
        self._show(matches)

    def _show(self, matches: tuple[Match, ...]) -> None:
        self._matches = matches
        by_id = {match.entry: match for match in matches}
        scores = {match.entry: match.score for match in matches}
        self._ids = list(ranked(list(by_id), scores, self._solved))
        width = max(self.app.size.width - 6, 30)
        options = self.query_one("#paste-found", OptionList)
        options.clear_options()
        if not matches:
            way_on = " This is how to go on:" if self.library.response else ""
            self._say(f"The guide has nothing about this.{way_on}", "$text-warning")
            if response := self.library.entry(self.library.response):
                self._ids = [response.id]
                head = Content.styled(f"{response.id:<5}", "$text-accent")
                options.add_option(Option(hang(head, response.title, width)))
        else:
            count = len(matches)
            self._say(f"{count} {'entry explains' if count == 1 else 'entries explain'} it, best first:")
            options.add_options([Option(self._row(by_id[ident], width)) for ident in self._ids])
        if self._ids:
            options.highlighted = 0
        if self._go and self._ids:
            self._go = False
            options.focus()

    def _row(self, match: Match, width: int) -> Content:
        solved = self._solved.get(match.entry, 0)
        before = f"  ✓ solved it {solved}×" if solved else ""
        head = Content.assemble(
            Content.styled(f"{match.entry:<5}", "bold $text-accent"),
            Content.styled(match.title, "bold"),
            Content.styled(before, "$text-success"),
        )
        rule = rule_of(self.library, match)
        why = f"line {match.line}" + (f", by “{rule}”" if rule else "")
        # Two lines say where it is; all of it stands above.
        excerpt = wrapped(match.excerpt, width - 5)
        shown = [*excerpt[:1], f"{excerpt[1]}{'…' if len(excerpt) > 2 else ''}"] if excerpt[1:] else excerpt
        return Content("\n").join(
            [
                head,
                Content.styled(f"     {why}", "$foreground 62%"),
                *(Content.styled(f"     {line}", "$foreground 80%") for line in shown),
            ]
        )

    @on(OptionList.OptionSelected, "#paste-found")
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self._leave_for(self._ids[event.option_index])

    def action_open(self) -> None:
        index = self.query_one("#paste-found", OptionList).highlighted
        if index is not None and index < len(self._ids):
            self._leave_for(self._ids[index])

    def _leave_for(self, entry: str) -> None:
        self.dismiss(Pasted(self._looked_at, entry, self._matches))

    def action_done(self) -> None:
        self._go = True
        if self.text == self._looked_at and self._ids:
            self.query_one("#paste-found", OptionList).focus()
        else:
            self._look()

    def action_clear(self) -> None:
        self._whole = ""
        box = self.query_one("#paste-box", PasteBox)
        box.text = ""
        box.focus()

    def action_leave(self) -> None:
        self.dismiss(None)
