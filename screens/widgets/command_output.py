"""The output of a command that the frame follows, shown on another screen."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Log, Static

from ecotui.session.command_text import message_text
from screens.widgets.command_status import StepCommand

MAX_LINES = 500
"""Lines kept here, as many as the frame remembers; all of them are in the session folder."""
MAX_LINE_CHARS = 4_000
"""Characters of one line that are shown."""


def shorten_line(line: str) -> str:
    """A line for people; of a long id at its front only the end: `prod-policy  gone`."""
    text = message_text(line)
    if text is line or "  " not in text:
        return text
    item, gap, said = text.partition("  ")
    return f"{item.rpartition('/')[2] or item}{gap}{said}"


class CommandOutputView(Vertical):
    """Title line, then the last lines. Outside text is shown as it is, never as markup."""

    DEFAULT_CSS = """
    CommandOutputView { height: 12; border-top: solid $primary-muted; background: $surface; }
    CommandOutputView > Static { height: 1; padding: 0 1; }
    CommandOutputView > Log { height: 1fr; padding: 0 1; background: $surface; scrollbar-size-vertical: 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown_lines: list[str] = []

    def compose(self) -> ComposeResult:
        yield Static()
        yield Log(max_lines=MAX_LINES)

    def show_command(self, step_command: StepCommand) -> None:
        """Bring it up to date; cheap when nothing was written since."""
        lines = list(step_command.recent_lines)
        if lines != self._shown_lines:
            log = self.query_one(Log)
            known = len(self._shown_lines)
            if not known or lines[:known] != self._shown_lines:
                log.clear()
                known = 0
            log.write_lines([shorten_line(line)[:MAX_LINE_CHARS] for line in lines[known:]])
            self._shown_lines = lines
        self.query_one(Static).update(step_command.render_title())
