"""The output of a command that the frame follows, shown on another screen."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Log, Static

from checks.duration import stopwatch
from ecotui.session.readable import readable
from screens.style.icons import sign, style
from screens.widgets.command_status import Following
from screens.widgets.endings import ending

KEPT_LINES = 500
"""Lines kept here, as many as the frame remembers; all of them are in the session folder."""
LONGEST = 4_000
"""Characters of one line that are shown."""


def brief(line: str) -> str:
    """A line for people; of a long id at its front only the end: `prod-policy  gone`."""
    text = readable(line)
    if text is line or "  " not in text:
        return text
    item, gap, said = text.partition("  ")
    return f"{item.rpartition('/')[2] or item}{gap}{said}"


class Output(Vertical):
    """Title line, then the last lines. Outside text is shown as it is, never as markup."""

    DEFAULT_CSS = """
    Output { height: 12; border-top: solid $primary-muted; background: $surface; }
    Output > Static { height: 1; padding: 0 1; }
    Output > Log { height: 1fr; padding: 0 1; background: $surface; scrollbar-size-vertical: 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._written: list[str] = []

    def compose(self) -> ComposeResult:
        yield Static()
        yield Log(max_lines=KEPT_LINES)

    def show(self, following: Following) -> None:
        """Bring it up to date; cheap when nothing was written since."""
        lines = list(following.recent)
        if lines != self._written:
            log = self.query_one(Log)
            known = len(self._written)
            if not known or lines[:known] != self._written:
                log.clear()
                known = 0
            log.write_lines([brief(line)[:LONGEST] for line in lines[known:]])
            self._written = lines
        self.query_one(Static).update(self._title(following))

    def _title(self, following: Following) -> Content:
        title = following.command.title
        if following.running or following.status is None:
            return Content.assemble(
                Content.styled("▶ ", "$text-accent"),
                title,
                Content.styled(f"  {stopwatch(following.seconds)}", "$foreground 62%"),
            )
        state, word = ending(following.command, following.status)
        return Content.assemble(
            Content.styled(f"{sign(state)} ", style(state)), title, Content.styled(f"  {word}", style(state))
        )
