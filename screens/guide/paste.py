"""The paste screen: a box for an error, and below it the entries that explain it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import OptionList, Static, TextArea
from textual.widgets.option_list import Option
from textual.worker import Worker

from checks.sanitize import sanitize
from ecotui.guide.matching.matcher import Diagnosis, EntryMatch
from ecotui.guide.reading.library import GuideLibrary
from ecotui.guide.runbook.runbook import rank_entries
from screens import workers
from screens.actions import bindings
from screens.style.columns import hanging_indent, wrap_text
from screens.style.themes import MUTED
from screens.widgets.footer import KeyFooter

MAX_PASTE_CHARS = 8_000_000
"""Characters of a paste that are read. Of a longer one the end is, where errors are."""
MAX_SHOWN_LINES = 200
"""Lines of a paste that the box shows. A text area with a million lines blocks the screen."""
TYPING_DEBOUNCE_SECONDS = 0.2
"""Seconds without a key before typed text is diagnosed."""


@dataclass(frozen=True)
class PasteResult:
    """The pasted text, the entries that explain it, and the selected one."""

    text: str
    entry: str
    matches: tuple[EntryMatch, ...] = ()


def explain_text(library: GuideLibrary, text: str) -> tuple[EntryMatch, ...]:
    """The entries that explain a text of any size. As a stream, so that most of it is skipped quickly."""
    diagnosis = Diagnosis(library)
    diagnosis.read(BytesIO(text.encode()))
    return diagnosis.matches


class PasteBox(TextArea):
    """A text area for pastes of any size. Removes control sequences."""

    class TextPasted(Message):
        """Text was pasted, not typed."""

    @dataclass
    class LargeTextPasted(Message):
        """The pasted text is larger than the box shows."""

        text: str

    async def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        # Terminals send line ends as carriage returns; unchanged, each line would overwrite the one before.
        text = sanitize(event.text[-MAX_PASTE_CHARS:].replace("\r\n", "\n").replace("\r", "\n"))
        self.post_message(self.TextPasted())
        if text.count("\n") > MAX_SHOWN_LINES or len(text) > 200 * MAX_SHOWN_LINES:
            self.post_message(self.LargeTextPasted(text))
        elif result := self._replace_via_keyboard(text, *self.selection):
            self.move_cursor(result.end_location)


class PasteScreen(Screen[PasteResult | None]):
    """Paste an error, see the entries that explain it, open one with Enter."""

    CSS_PATH = "paste.tcss"
    AUTO_FOCUS = "#paste-box"
    BINDINGS: ClassVar[list[BindingType]] = bindings("paste")

    def __init__(self, library: GuideLibrary, solved: dict[str, int] | None = None) -> None:
        super().__init__()
        self.library = library
        self._solved_counts = solved or {}
        self._full_text = ""
        """The whole paste, if it is larger than the box shows."""
        self._shown_text = ""
        """The part of it in the box."""
        self._diagnosed_text = ""
        self._entry_ids: list[str] = []
        self._matches: tuple[EntryMatch, ...] = ()
        self._focus_matches_when_ready = False
        """Focus the entries once they are there."""
        self._debounce_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="paste-title")
        yield PasteBox(id="paste-box", soft_wrap=True)
        yield Static(id="paste-message")
        yield OptionList(id="paste-matches", markup=False)
        yield KeyFooter(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#paste-title", Static).update(
            Content.assemble(
                Content.styled("Paste an error", "bold $text-accent"),
                "  Colours, boxes, time stamps and JSON are ignored.",
            )
        )
        self._show_message("Paste it here; the entries that explain it appear below.")

    @property
    def pasted_text(self) -> str:
        """The whole text, also if the box shows only a part of it."""
        return self._full_text or sanitize(self.query_one("#paste-box", PasteBox).text)

    def _show_message(self, text: str, style: str = MUTED) -> None:
        self.query_one("#paste-message", Static).update(Content.styled(text, style))

    @on(PasteBox.LargeTextPasted)
    def _show_large_paste(self, event: PasteBox.LargeTextPasted) -> None:
        lines = event.text.splitlines()
        self._full_text = event.text
        box = self.query_one("#paste-box", PasteBox)
        with self.prevent(TextArea.Changed):
            shown = "\n".join(line[:400] for line in lines[-MAX_SHOWN_LINES:])
            self._shown_text = box.text = (
                f"… {len(lines):,} lines pasted, the last {min(MAX_SHOWN_LINES, len(lines))} shown, all of them read …\n{shown}"
            )
            box.move_cursor(box.document.end)
        self._focus_matches_when_ready = True
        self._start_diagnosis()

    @on(TextArea.Changed, "#paste-box")
    def _schedule_diagnosis(self) -> None:
        text = self.query_one("#paste-box", PasteBox).text
        if self._full_text and text == self._shown_text:
            return
        self._full_text = ""
        if self._debounce_timer is not None:
            self._debounce_timer.stop()
        self._debounce_timer = self.set_timer(TYPING_DEBOUNCE_SECONDS, self._start_diagnosis)

    @on(PasteBox.TextPasted)
    def _note_paste(self) -> None:
        # A paste arrives as a whole, so Enter should open an entry. Whoever types stays in the box.
        self._focus_matches_when_ready = True

    def _start_diagnosis(self) -> None:
        text = self.pasted_text
        if text == self._diagnosed_text:
            return
        self._diagnosed_text = text
        self.run_worker(self._diagnose(text), name="diagnose", group="diagnose", exclusive=True, exit_on_error=False)

    @on(Worker.StateChanged)
    def _handle_worker_error(self, event: Worker.StateChanged) -> None:
        workers.notify_worker_error(self, event)

    async def _diagnose(self, text: str) -> None:
        if not text.strip():
            self._entry_ids = []
            self.query_one("#paste-matches", OptionList).clear_options()
            self._show_message("Paste it here; the entries that explain it appear below.")
            return
        if len(text) > 200_000:
            self._show_message(f"Reading {text.count(chr(10)) + 1:,} lines…", "$text-accent")
        matches = await asyncio.to_thread(explain_text, self.library, text)
        self._show_matches(matches)

    def _show_matches(self, matches: tuple[EntryMatch, ...]) -> None:
        self._matches = matches
        by_id = {match.entry: match for match in matches}
        scores = {match.entry: match.score for match in matches}
        self._entry_ids = list(rank_entries(list(by_id), scores, self._solved_counts))
        width = max(self.app.size.width - 6, 30)
        options = self.query_one("#paste-matches", OptionList)
        options.clear_options()
        if not matches:
            hint = " Go on with:" if self.library.response_entry else ""
            self._show_message(f"The guide has nothing about this.{hint}", "$text-warning")
            if response := self.library.find_entry(self.library.response_entry):
                self._entry_ids = [response.id]
                head = Content.styled(f"{response.id:<5}", "$text-accent")
                options.add_option(Option(hanging_indent(head, response.title, width)))
        else:
            count = len(matches)
            self._show_message(f"{count} {'entry explains' if count == 1 else 'entries explain'} it, best first:")
            options.add_options([Option(self._render_match(by_id[ident], width)) for ident in self._entry_ids])
        if self._entry_ids:
            options.highlighted = 0
        if self._focus_matches_when_ready and self._entry_ids:
            self._focus_matches_when_ready = False
            options.focus()

    def _render_match(self, match: EntryMatch, width: int) -> Content:
        solved = self._solved_counts.get(match.entry, 0)
        solved_text = f"  ✓ solved it {solved}×" if solved else ""
        head = Content.assemble(
            Content.styled(f"{match.entry:<5}", "bold $text-accent"),
            Content.styled(match.title, "bold"),
            Content.styled(solved_text, "$text-success"),
        )
        rule = f", by “{match.rule}”" if match.rule else ""
        # Two lines are enough: the whole text is above.
        lines = wrap_text(match.excerpt, width - 5)
        excerpt = [*lines[:1], f"{lines[1]}{'…' if len(lines) > 2 else ''}"] if lines[1:] else lines
        return Content("\n").join(
            [
                head,
                Content.styled(f"     line {match.line}{rule}", MUTED),
                *(Content.styled(f"     {line}", "$foreground 80%") for line in excerpt),
            ]
        )

    @on(OptionList.OptionSelected, "#paste-matches")
    def _open_selected_entry(self, event: OptionList.OptionSelected) -> None:
        self._open_entry(self._entry_ids[event.option_index])

    def action_open(self) -> None:
        index = self.query_one("#paste-matches", OptionList).highlighted
        if index is not None and index < len(self._entry_ids):
            self._open_entry(self._entry_ids[index])

    def _open_entry(self, entry: str) -> None:
        self.dismiss(PasteResult(self._diagnosed_text, entry, self._matches))

    def action_finish_paste(self) -> None:
        self._focus_matches_when_ready = True
        if self.pasted_text == self._diagnosed_text and self._entry_ids:
            self.query_one("#paste-matches", OptionList).focus()
        else:
            self._start_diagnosis()

    def action_clear(self) -> None:
        self._full_text = ""
        box = self.query_one("#paste-box", PasteBox)
        box.text = ""
        box.focus()

    def action_leave(self) -> None:
        self.dismiss(None)
