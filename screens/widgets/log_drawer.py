"""The log drawer: what the step's command writes, as it writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Log, Static

from checks.duration import stopwatch
from ecotui.session.readable import readable
from screens.style.icons import sign, style
from screens.widgets.endings import ending

if TYPE_CHECKING:
    from ecotui.supervisor import Command, Status

KEPT_LINES = 5_000
"""Lines kept on screen; all of them are in the session folder."""


class Drawer(Vertical):
    """Title line, then the last lines of the output. Outside text is shown as it is, never as markup."""

    DEFAULT_CSS = """
    Drawer { height: 36%; min-height: 6; max-height: 12; border-top: solid $primary-muted; background: $surface; display: none; }
    Drawer.-open { display: block; }
    Drawer.-tall { height: 1fr; min-height: 60%; max-height: 100%; }
    Drawer > Static { height: 1; padding: 0 1; }
    Drawer > Log { height: 1fr; padding: 0 1; background: $surface; scrollbar-size-vertical: 1; }
    """

    def compose(self) -> ComposeResult:
        yield Static("No command has run in this step.", id="drawer-title")
        yield Log(max_lines=KEPT_LINES, id="drawer-log")

    @property
    def log_widget(self) -> Log:
        return self.query_one(Log)

    def title(self, command: Command, status: Status | None, seconds: float) -> None:
        """Say what runs, for how long, or how it ended."""
        if status is None or status.state == "running":
            text = Content.assemble(
                Content.styled("▶ ", "$text-accent"),
                command.title,
                Content.styled(f"  {stopwatch(seconds)}", "$foreground 62%"),
            )
        else:
            state, word = ending(command, status)
            text = Content.assemble(
                Content.styled(f"{sign(state)} ", style(state)),
                command.title,
                Content.styled(f"  {word}", style(state)),
            )
        self.query_one("#drawer-title", Static).update(text)

    def begin(self) -> None:
        self.log_widget.clear()

    def write(self, lines: tuple[str, ...], skipped: int = 0) -> None:
        """Add lines in one go; a line by itself is a hundred times slower."""
        if skipped:
            lines = (f"… {skipped} lines passed over; all of them are in the session folder …", *lines)
        self.log_widget.write_lines([readable(line)[:4000] for line in lines])
