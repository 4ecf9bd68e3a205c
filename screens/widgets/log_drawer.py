"""The log drawer: what the step's command writes, as it writes it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Log, Static

from ecotui.session.command_text import message_text
from screens.widgets.command_status import StepCommand

MAX_LINES = 5_000
"""Lines kept on screen; all of them are in the session folder."""


class LogDrawer(Vertical):
    """Title line, then the last lines of the output. Outside text is shown as it is, never as markup."""

    DEFAULT_CSS = """
    LogDrawer { height: 36%; min-height: 6; max-height: 12; border-top: solid $primary-muted; background: $surface; display: none; }
    LogDrawer.-open { display: block; }
    LogDrawer.-tall { height: 1fr; min-height: 60%; max-height: 100%; }
    LogDrawer > Static { height: 1; padding: 0 1; }
    LogDrawer > Log { height: 1fr; padding: 0 1; background: $surface; scrollbar-size-vertical: 1; }
    """

    def compose(self) -> ComposeResult:
        yield Static("No command has run in this step.", id="log-title")
        yield Log(max_lines=MAX_LINES, id="log-lines")

    @property
    def log_widget(self) -> Log:
        return self.query_one(Log)

    def show_command(self, step_command: StepCommand) -> None:
        self.query_one("#log-title", Static).update(step_command.render_title())

    def clear_log(self) -> None:
        self.log_widget.clear()

    def write_lines(self, lines: tuple[str, ...], skipped: int = 0) -> None:
        """Add lines in one go; a line by itself is a hundred times slower."""
        if skipped:
            lines = (f"… {skipped} lines passed over; all of them are in the session folder …", *lines)
        self.log_widget.write_lines([message_text(line)[:4000] for line in lines])
