"""The log drawer: what the step's command writes, as it writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Log, Static

from checks.duration import format_stopwatch
from ecotui.session.command_text import message_text
from screens.style.icons import state_icon, state_style
from screens.widgets.endings import describe_command_end

if TYPE_CHECKING:
    from ecotui.supervisor import Command, CommandStatus

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

    def show_command(self, command: Command, status: CommandStatus | None, seconds: float) -> None:
        """Say what runs, for how long, or how it ended."""
        if status is None or status.state == "running":
            text = Content.assemble(
                Content.styled("▶ ", "$text-accent"),
                command.title,
                Content.styled(f"  {format_stopwatch(seconds)}", "$foreground 62%"),
            )
        else:
            state, word = describe_command_end(command, status)
            text = Content.assemble(
                Content.styled(f"{state_icon(state)} ", state_style(state)),
                command.title,
                Content.styled(f"  {word}", state_style(state)),
            )
        self.query_one("#log-title", Static).update(text)

    def clear_log(self) -> None:
        self.log_widget.clear()

    def write_lines(self, lines: tuple[str, ...], skipped: int = 0) -> None:
        """Add lines in one go; a line by itself is a hundred times slower."""
        if skipped:
            lines = (f"… {skipped} lines passed over; all of them are in the session folder …", *lines)
        self.log_widget.write_lines([message_text(line)[:4000] for line in lines])
